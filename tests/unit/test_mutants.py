"""The command that breaks lines: what it changes, what it leaves, and what it says."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments import mutants
from experiments.mutations import mutants_of

SOURCE = '''\
"""What it is."""

LIMIT = 3


def guarded(x):
    return x < LIMIT


def unguarded(x):
    x.append(1)


def first(items):
    while items:
        if items.pop() > 1:
            break
    return items
'''
TEST = """\
import pytest
from shop.parts import first, guarded, unguarded


@pytest.mark.parametrize("x", [2, 3])
def test_guarded(x):
    assert guarded(x) == (x == 2)


def test_unguarded():
    unguarded([])


def test_first():
    assert first([0, 1, 2, 1]) == [0, 1]
    assert first([1]) == []
"""
MODULE = '[[module]]\nname = "shop"\nfiles = ["shop/*.py"]\ntests = ["tests/test_parts.py"]\n'
SURVIVOR = '[[survivor]]\nfile = "shop/parts.py"\nbefore = "{}"\nafter = "{}"\nreason = "none"\n'


@pytest.fixture
def root(tmp_path) -> Path:
    for name, text in {"shop/__init__.py": "", "shop/parts.py": SOURCE,
                       "tests/test_parts.py": TEST, "mutants.toml": MODULE}.items():  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(root: Path, *options: str):
    table = str(root / "mutants.toml")
    return CliRunner().invoke(mutants.main, ["--root", str(root), "--table", table, *options])


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in root.rglob("*") if path.is_file()}  # fmt: skip


def survivors(output: str) -> set[str]:
    lines = [" ".join(line.split()) for line in output.splitlines() if "->" in line]
    return {line for line in lines if not line.startswith("survived: ")}


def test_a_line_that_no_test_notices_is_named_and_the_tree_stays(root, monkeypatch):
    monkeypatch.setattr(mutants, "PATIENCE", 3.0)
    before = tree(root)
    done = run(root, "--budget", "2m")
    assert survivors(done.output) == {
        "shop/parts.py:11 x.append(1) -> pass",
        "shop/parts.py:11 x.append(1) -> x.append(2)",
    }
    assert tree(root) == before
    row = next(line for line in done.output.splitlines() if line.startswith("│ shop"))
    whole = len(mutants_of("shop/parts.py", SOURCE.encode()))
    late = row.split("│")[5].strip()
    assert row.split() == ["│", "shop", "│", str(whole), "│", str(whole), "│", str(whole - 2),
                           "│", late, "│", "2", "│", "0", "│",
                           f"{100 * (whole - 2) / whole:.1f}", "│"]  # fmt: skip
    assert int(late) >= 1  # a loop without its end
    assert done.exit_code == int(2 / whole > 0.1) == 1


def test_known_survivors_are_neither_run_nor_counted(root):
    known = [("x.append(1)", "pass"), ("x.append(1)", "x.append(2)"), ("gone", "lost")]
    text = MODULE.replace("*", "parts") + "".join(SURVIVOR.format(*pair) for pair in known)
    (root / "mutants.toml").write_text(text)
    (root / "shop/parts.py").write_text(SOURCE[: SOURCE.index("\n\ndef first")])
    test = TEST.replace("import first, ", "import ")
    (root / "tests/test_parts.py").write_text(test[: test.index("\n\ndef test_first")])
    done = run(root)
    assert survivors(done.output) == {
        f"No mutant of shop/parts.py is 'gone' -> 'lost': take it off {root / 'mutants.toml'}."
    }
    assert done.exit_code == 0


def test_tests_that_fail_anyway_kill_nothing(root):
    (root / "tests/test_parts.py").write_text(TEST + "    assert first([1]) == [7]\n")
    done = run(root, "--budget", "1m")
    assert "left out, it does not pass without a change: tests/test_parts.py" in done.output
    assert "shop/parts.py:18 return items -> return None (no test runs it)" in survivors(
        done.output
    )


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (MODULE, ["--paths", "other"], "lies under other"),
        (MODULE.replace("shop/", "none/"), [], "has no file"),
        (MODULE, ["--budget", "soon"], "is no time"),
        (MODULE.replace("test_parts", "test_none"), [], "cannot be collected"),
        (MODULE + "[[survivor]]\nfile = 'a'\n", [], "has no 'before'"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(root, table, options, said):
    (root / "mutants.toml").write_text(table)
    done = run(root, *options)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_seed_gives_one_order_and_each_file_its_turn():
    def order(seed):
        (found,) = mutants.modules_of(mutants.TABLE, mutants.ROOT, ["streamml/state/objects"], seed)
        return [mutant.key for mutant in found.mutants]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))
    assert len({file for file, _, _ in order(1)[:6]}) == 6


def test_every_mutant_of_the_core_is_a_program():
    modules = mutants.modules_of(mutants.TABLE, mutants.ROOT, [], 1)
    sources = {m.file: (mutants.ROOT / m.file).read_bytes() for p in modules for m in p.mutants}
    assert len(sources) > 40
    for module in modules:
        for mutant in module.mutants[:25]:
            source = sources[mutant.file]
            changed = source[: mutant.start] + mutant.text.encode() + source[mutant.end :]
            assert changed != source
            ast.parse(changed)


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("x = a < b", {"x = (a <= b)"}),
        ("x = a is not None", {"x = (a is None)"}),
        ("x = a in b", {"x = (a not in b)"}),
        ("x = a and b", {"x = (a or b)"}),
        ("x = not a", {"x = a"}),
        ("x = a + b", {"x = (a - b)"}),
        ("x = a[0]", {"x = a[1]"}),
        ("x = f(a, copy=True)", {"x = f(a, copy=False)"}),
        ("x = a if b else c", {"x = a if True else c", "x = a if False else c"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
        ("del a[b]", {"pass"}),
        ("a.b = c", {"pass"}),
        ("a += b", {"pass"}),
        ("f(a)", {"pass"}),
        ("return a", {"return None"}),
        ("raise Fault(f'{a + 1}')", {"pass"}),
        ("def g(a=1.5, *, b='c'): f", {"def g(a=2.5, *, b='c'): f", "def g(a=1.5, *, b='cx'): f"}),
        # what is left alone
        ("assert a < 1", set()),
        ("x: int | None = None", set()),
        ("x = f'{a + 1}'", set()),
        ("return None", set()),
        ("x = isinstance(a, int | str)", set()),
        ("def g(a: int | None) -> int | None: ...", set()),
        ("if TYPE_CHECKING: a = 1", set()),
    ],
)
def test_what_is_changed(line, changes):
    found = mutants_of("a.py", f"def h():\n    {line}\n".encode())
    assert {mutant.after for mutant in found} == changes


@pytest.mark.parametrize("name", ["kernel", "numba.njit", "njit(cache=True)", "entry_point"])
def test_kernels_are_left_alone(name):
    assert not mutants_of("a.py", f"@{name}\ndef f(x):\n    return x + 1\n".encode())


def test_a_long_or_foreign_text_is_replaced_where_it_stands():
    source = 'def f(a):\n    ü = "é", a < 1, "é"\n    return (\n        a\n        + 1\n    )\n'
    found = {m.operator: m for m in mutants_of("a.py", source.encode())}
    assert found["comparison"].after == 'ü = "é", (a <= 1), "é"'
    assert found["arithmetic"].before == "a + 1"
    assert found["arithmetic"].after == "(a - 1)"
    assert found["arithmetic"].function == ("f", 1)
