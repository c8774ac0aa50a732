"""One change of one line each: what ``python -m experiments.mutants`` tries on a source file.

A mutant is a piece of text put in the place of another, so that all other lines stay as they
are written. Not changed: docstrings, annotations, ``__all__``, what is raised and its message,
texts put together from values, asserts, ``TYPE_CHECKING`` blocks, and kernels that numba compiles.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

__all__ = ["Mutant", "mutants_of"]

_KERNELS = frozenset({"njit", "kernel", "part", "entry_point", "summing_kernel", "_scalar_kernel",
                      "intrinsic", "_intrinsic", "overload"})  # fmt: skip
_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
_TYPES_AS_ARGUMENT = frozenset({"isinstance", "issubclass", "cast", "TypeVar", "NewType"})

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """One change of a file.

    Parameters
    ----------
    file
        The source, relative to the root of the checkout.
    operator
        Kind of the change.
    line
        Where it is, from 1.
    start, end, text
        Bytes of the source that are replaced, and what comes there.
    lines
        First and last line whose run shows that the change was run.
    function
        Qualified name and first line of the outermost function around it; ``None`` where it
        is run by importing the file.
    before, after
        Its lines as one, without and with the change.
    """

    file: str
    operator: str
    line: int
    start: int
    end: int
    text: str
    lines: tuple[int, int]
    function: tuple[str, int] | None
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same while lines above it come and go."""
        return self.file, self.before, self.after

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.before}  ->  {self.after}"


def mutants_of(file: str, source: bytes) -> list[Mutant]:
    r"""Every mutant of a source, in the order of its lines.

    Examples
    --------
    >>> for mutant in mutants_of("a.py", b"def f(x):\n    return x < 1\n"):
    ...     print(mutant.operator, mutant.after, sep=": ")
    return: return None
    comparison: return (x <= 1)
    number: return x < 2
    """
    walker = _Walker(file, source)
    walker.body(ast.parse(source).body)
    found = {(m.start, m.end, m.text): m for m in walker.found}
    return sorted(found.values(), key=lambda m: (m.start, -m.end))


class _Walker:
    def __init__(self, file: str, source: bytes) -> None:
        self.file = file
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.found: list[Mutant] = []
        self.names: list[str] = []
        self.function: tuple[str, int] | None = None

    # -- statements ---------------------------------------------------------------------

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.Global | ast.Nonlocal):
            return
        for operator, text in _instead(node):
            self.add(operator, node, node, text)
        if isinstance(node, Definition):
            self.definition(node)
        elif isinstance(node, ast.ClassDef):
            self.inside(node.name, node.body)
        elif isinstance(node, ast.If | ast.While) and not _only_for_tools(node):
            self.condition(node.test, node, forced=("True", "False")[isinstance(node, ast.While) :])
            self.body(node.body)
            self.body(node.orelse)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.expression(node.iter, node)
            self.body(node.body)
            self.body(node.orelse)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.expression(item.context_expr, node)
            self.body(node.body)
        elif isinstance(node, ast.Try | ast.TryStar):
            self.body(node.body)
            for handler in node.handlers:
                self.body(handler.body)
            self.body(node.orelse)
            self.body(node.finalbody)
        elif isinstance(node, ast.Match):
            self.expression(node.subject, node)
            for case in node.cases:
                self.body(case.body)
        else:
            self.simple(node)

    def definition(self, node: Definition) -> None:
        if _decorators(node) & _KERNELS or _is_stub(node.body):
            return
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.default(default, node)
        outer = self.function
        if outer is None:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            self.function = (".".join([*self.names, node.name]), first)
        self.inside(node.name, node.body)
        self.function = outer

    def inside(self, name: str, body: list[ast.stmt]) -> None:
        self.names.append(name)
        self.body(body)
        self.names.pop()

    def simple(self, node: ast.stmt) -> None:
        """A statement without others in it."""
        if isinstance(node, ast.Raise):
            return
        if isinstance(node, ast.AnnAssign):
            if node.value is not None and not _names_tools(node.target):
                self.default(node.value, node)
            return
        if isinstance(node, ast.Assign):
            if not any(map(_names_tools, node.targets)):
                self.expression(node.value, node)
                for target in node.targets:
                    self.expression(target, node)
            return
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.expression(part, node)

    # -- expressions --------------------------------------------------------------------

    def condition(self, test: ast.expr, within: ast.stmt, forced: tuple[str, ...]) -> None:
        for text in forced:
            self.add("condition", test, within, text)
        self.expression(test, within)

    def default(self, node: ast.expr, within: ast.stmt) -> None:
        """A value that is used where none is given."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str | float):
            other = node.value + ("x" if isinstance(node.value, str) else 1)  # type: ignore
            self.add("default", node, within, repr(other))
        else:
            self.expression(node, within)

    def expression(self, node: ast.expr, within: ast.stmt) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        for operator, other in _other_expressions(node):
            if isinstance(other, ast.BinOp) and self.function is None and _joins_types(node):
                continue
            self.add(operator, node, within, _text(other))
        if isinstance(node, ast.IfExp):
            self.condition(node.test, within, ("True", "False"))
            self.expression(node.body, within)
            self.expression(node.orelse, within)
            return
        names_types = isinstance(node, ast.Call) and _name(node.func) in _TYPES_AS_ARGUMENT
        for part in ast.iter_child_nodes(node):
            if names_types and isinstance(part, ast.BinOp):
                continue
            if isinstance(part, ast.expr):
                self.expression(part, within)
            elif isinstance(part, ast.keyword):
                self.expression(part.value, within)
            elif isinstance(part, ast.comprehension):
                self.expression(part.iter, within)
                for test in part.ifs:
                    self.condition(test, within, ("True",))

    # -- what is found ------------------------------------------------------------------

    def add(self, operator: str, node: ast.stmt | ast.expr, within: ast.stmt, text: str) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[node.end_lineno - 1] + node.end_col_offset
        first, last = self.starts[node.lineno - 1], self.starts[node.end_lineno]
        whole = self.source[first:last]
        changed = self.source[first:start] + text.encode() + self.source[end:last]
        if whole.split() == changed.split():
            return
        self.found.append(
            Mutant(self.file, operator, node.lineno, start, end, text,
                   (within.lineno, node.end_lineno), self.function, _line(whole), _line(changed))
        )  # fmt: skip


def _instead(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Other statements in the place of a whole one."""
    if isinstance(node, ast.Return):
        if node.value is not None and not _is_none(node.value):
            yield "return", "return None"
    elif isinstance(node, ast.Break):
        yield "loop", "continue"
    elif isinstance(node, ast.Continue):
        yield "loop", "break"
    elif isinstance(node, ast.Raise | ast.Delete | ast.AugAssign) or _acts(node):
        yield "deleted", "pass"


def _acts(node: ast.stmt) -> bool:
    """Whether something stays behind that was there before; a new name would only be missed."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await | ast.YieldFrom)
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Attribute | ast.Subscript) for t in node.targets)
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Subscript)


def _other_expressions(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Compare):
        for k in range(len(node.ops)):
            yield "comparison", _with(node, partial(_set, k=k))
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield "logic", _with(node, lambda n: setattr(n, "op", other()))
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            yield "not", node.operand
        elif isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            yield "sign", node.operand
    elif isinstance(node, ast.BinOp):
        swapped = _ARITHMETIC.get(type(node.op))
        if swapped is not None:
            yield "arithmetic", _with(node, lambda n: setattr(n, "op", swapped()))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "boolean", ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield "number", ast.Constant(node.value + 1)


def _with(node: ast.expr, change: Callable[..., object]) -> ast.expr:
    other = copy.copy(node)  # its parts stay as they are
    change(other)
    return other


def _set(node: ast.Compare, k: int) -> None:
    node.ops = list(node.ops)
    node.ops[k] = _COMPARE[type(node.ops[k])]()


def _text(node: ast.expr) -> str:
    """On one line, and one operand wherever it is put."""
    text = ast.unparse(node)
    return text if isinstance(node, ast.Constant | ast.Name | ast.Attribute) else f"({text})"


def _line(text: bytes) -> str:
    return " ".join(text.decode().split())


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _decorators(node: Definition) -> set[str]:
    return {_name(decorator) for decorator in node.decorator_list}


def _is_stub(body: list[ast.stmt]) -> bool:
    """A docstring or an ellipsis alone."""
    return all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for s in body)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _joins_types(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)


def _names_tools(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id in ("__all__", "__slots__", "__version__")


def _only_for_tools(node: ast.If | ast.While) -> bool:
    text = ast.unparse(node.test)
    return text.endswith("TYPE_CHECKING") or text.startswith("__name__ ==")
