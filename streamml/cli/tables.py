"""Options out of dataclasses: each field that is an option is one of a command, and nowhere else.

A command is a dataclass, too: its fields made by :func:`table` hold the options of one kind, under
their title in the help; its other fields are the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, field, fields
from types import NoneType
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import click

from streamml_connectors.options import Option, option_of

__all__ = [
    "Command",
    "Given",
    "TableOption",
    "add_options",
    "files_read",
    "given_in",
    "table",
    "taken",
]

_TITLE: Final = "title"
_T = TypeVar("_T")
_Callback = TypeVar("_Callback", bound=Callable[..., Any])


def table(title: str | None = None) -> Any:
    """A field that holds options; without a title each of its own tables has one."""
    return field(metadata={_TITLE: title})


class Given(Generic[_T]):
    """What was given for a dataclass that cannot be made yet: it needs more, or may not be needed.

    Parameters
    ----------
    kind
        The dataclass.
    values
        Name of a field -> the value as given.

    Examples
    --------
    >>> from streamml_connectors.health import HealthBounds
    >>> given = Given(HealthBounds, {"lag": 5})
    >>> given["lag"], given.make(start=1.0)
    (5, HealthBounds(stall=60.0, lag=5, snapshot_age=1800.0, start=1.0))
    """

    def __init__(self, kind: Callable[..., _T], values: Mapping[str, Any]) -> None:
        self.kind, self._values = kind, values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __repr__(self) -> str:  # values may be secret
        return f"Given({getattr(self.kind, '__name__', self.kind)})"

    def make(self, *args: Any, **more: Any) -> _T:
        """The dataclass, with what it needs besides.

        Raises
        ------
        ConfigError
            A value cannot be used.
        """
        values: dict[str, Any] = dict(self._values)
        for one in _options(self.kind):
            value = values.get(one.name)
            if one.about.parse is not None and value is not None:
                values[one.name] = one.about.parse(value)
        return self.kind(*args, **values, **more)


class _Declared(NamedTuple):
    """One option of a table."""

    name: str  # of the field
    parameter: str  # of click
    about: Option
    default: Any
    hint: Any

    @property
    def flag(self) -> str:
        return "--" + self.parameter.replace("_", "-")


class TableOption(click.Option):
    """An option that knows its field and the title it stands under."""

    def __init__(self, one: _Declared, title: str) -> None:
        self.about, self.title = one.about, title
        super().__init__([one.flag, one.parameter], help=one.about.help, **_click(one))


class Command(click.Command):
    """A command whose help has a section for each title, in the order of the tables."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None or isinstance(parameter, click.Argument):
                continue  # what is hidden, and what the usage says
            under = parameter.title if isinstance(parameter, TableOption) else "Other"
            sections.setdefault(under, []).append(record)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def add_options(command: type[Any]) -> Callable[[_Callback], _Callback]:
    """Add all options of a command's dataclass to its function."""
    found = [TableOption(one, title) for title, kind in _tables(command) for one in _options(kind)]

    def add(callback: _Callback) -> _Callback:
        params: list[click.Parameter] = callback.__dict__.setdefault("__click_params__", [])
        params.extend(reversed(found))  # click reverses what decorators leave
        return callback

    return add


def taken(command: type[_T], values: Mapping[str, Any]) -> _T:
    """The dataclass of a command with what click found for its parameters."""
    made = {}
    for one, hint in _fields(command):
        if _TITLE not in one.metadata:
            made[one.name] = values[one.name]
        elif one.metadata[_TITLE] is None:
            made[one.name] = taken(hint, values)
        else:
            kind = _kind(hint)
            given = {option.name: values[option.parameter] for option in _options(kind)}
            found = Given(kind, given)
            made[one.name] = found if get_origin(hint) is Given else found.make()
    return command(**made)


def files_read(options: Any) -> Iterator[tuple[str, Any]]:
    """Flag and path of every file that the options of a command have read."""
    for one, hint in _fields(type(options)):
        value = getattr(options, one.name)
        if one.metadata.get(_TITLE, "") is None:
            yield from files_read(value)
        elif _TITLE in one.metadata:
            for option in _options(_kind(hint)):
                if option.about.reads:
                    yield option.flag, _value(value, option.name)


def given_in(options: Any) -> Iterator[tuple[str, Any]]:
    """Flag and value of every option of a table that is not as it is by default."""
    for one in _options(type(options)):
        value = getattr(options, one.name)
        if value != one.default:
            yield one.flag, value


def _fields(kind: Any) -> Iterator[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    yield from ((one, hints[one.name]) for one in fields(kind))


def _kind(hint: Any) -> Any:
    """The dataclass that a table is of."""
    return get_args(hint)[0] if get_origin(hint) is Given else hint


def _value(options: Any, name: str) -> Any:
    return options[name] if isinstance(options, Given) else getattr(options, name)


def _tables(command: Any) -> Iterator[tuple[str, Any]]:
    for one, hint in _fields(command):
        if _TITLE in one.metadata:
            title = one.metadata[_TITLE]
            yield from _tables(hint) if title is None else [(title, _kind(hint))]


def _options(kind: Any) -> Iterator[_Declared]:
    for one, hint in _fields(kind):
        if (about := option_of(one)) is not None:
            parameter = one.name if about.flag is None else about.flag.replace("-", "_")
            yield _Declared(one.name, parameter, about, one.default, hint)


def _click(one: _Declared) -> dict[str, Any]:
    """The arguments of click's option."""
    about, kind = one.about, one.hint
    if type(None) in get_args(kind):
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    if kind is bool:
        return {"is_flag": True}
    given: dict[str, Any] = {"metavar": about.metavar, "type": _type(about, kind)}
    if get_origin(kind) is tuple and about.parse is None:
        return given | {"multiple": True}
    if about.bare is not None:
        given |= {"is_flag": False, "flag_value": about.bare}
    if one.default is not None:
        given |= {"default": one.default, "show_default": True}
    return given


def _type(about: Option, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return click.Choice(list(get_args(kind)))
    if about.parse is not None or kind not in (int, float):
        return str
    least = about.above if about.least is None else about.least
    if least is None and about.most is None:
        return kind
    ranged: Any = click.IntRange if kind is int else click.FloatRange
    return ranged(least, about.most, min_open=about.above is not None)
