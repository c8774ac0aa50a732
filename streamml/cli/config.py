"""Options from a TOML file and the environment, and ``streamml config``, which shows them.

Every option of a command has a key: its name without the dashes in front. The command line
goes before the environment (``STREAMML_LABELS_TOPIC``), that before the file.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from streamml.cli.tables import Command, TableOption
from streamml.errors import ConfigError
from streamml.types.printable import CONTROLS as _CONTROLS

__all__ = [
    "config_file",
    "config_option",
    "make_config_command",
    "read_config",
    "read_toml",
    "with_environment",
]

_HIDDEN: Final = frozenset({"config", "help"})
_FILE: Final = "streamml.config"


def config_option() -> Any:
    """``--config FILE``."""
    return click.option(
        "--config",
        metavar="FILE.toml",
        is_eager=True,
        expose_value=False,
        callback=_load,
        help="Take options from a file: every option has its key (labels-topic = ...).",
    )


def _load(context: click.Context, _: click.Parameter, path: str | None) -> None:
    if path is not None:
        context.meta[_FILE] = path
        context.default_map = read_config(Path(path), context.command.params)


def config_file() -> str | None:
    """The file of ``--config``, where the command that runs was given one."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_FILE)


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises
    ------
    ConfigError
        It cannot be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}.") from error


def read_config(path: Path, parameters: Iterable[click.Parameter]) -> dict[str, Any]:
    """Parameter name -> value, of a file whose keys are option names.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key is no option.
    """
    found = read_toml(path)
    keys = {key: parameter for parameter in parameters if (key := key_of(parameter)) is not None}
    values: dict[str, Any] = {}
    for key, value in found.items():
        parameter = keys.get(key.replace("_", "-"))
        if parameter is None:
            near = difflib.get_close_matches(key, keys, 1)
            hint = f"did you mean {near[0]}?" if near else "see streamml run --help."
            raise ConfigError(f"{path} has the key {key!r}, which is no option: {hint}")
        values[parameter.name or ""] = _value(path, key, value, parameter)
    return values


def _value(path: Path, key: str, value: Any, parameter: click.Parameter) -> Any:
    """A value as click takes it; tables and lists become what repeated options give."""
    if isinstance(value, Mapping) and parameter.multiple:
        return [f"{name}={_word(one)}" for name, one in value.items()]
    if isinstance(value, list):
        return [str(one) for one in value] if parameter.multiple else _listed(value)
    if isinstance(value, Mapping):
        raise ConfigError(f"{path}: {key} is a table, but takes one value.")
    if isinstance(value, bool) != bool(getattr(parameter, "is_flag", False)):
        wanted = "true or false" if getattr(parameter, "is_flag", False) else "a value"
        raise ConfigError(f"{path}: {key} is {_word(value)}, but takes {wanted}.")
    return value


def _listed(values: Iterable[Any]) -> str:
    """Values with commas between them; one that holds a comma or a quote stands in quotes."""
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow([str(one) for one in values])
    return row.getvalue()


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def key_of(parameter: click.Parameter) -> str | None:
    """The key of a parameter in the file; ``None`` where it has none."""
    if parameter.name is None or parameter.name in _HIDDEN:
        return None
    if isinstance(parameter, click.Argument):
        return parameter.name
    return max(parameter.opts, key=len).lstrip("-")


def with_environment(command: click.Command) -> click.Command:
    """Let every option be given as ``STREAMML_`` and its key in capitals."""
    for parameter in command.params:
        key = "config" if parameter.name == "config" else key_of(parameter)
        if key is not None and not isinstance(parameter, click.Argument):
            parameter.envvar = "STREAMML_" + key.upper().replace("-", "_")
    return command


def make_config_command(run: click.Command) -> click.Command:
    """``streamml config``: takes the options of ``run`` and shows what they come to.

    Its output is itself a file for ``--config``; secrets are masked.
    """

    def show(**values: Any) -> None:
        for parameter in run.params:
            key = key_of(parameter)
            if key is not None:
                click.echo(_line(key, parameter, values.get(parameter.name or "")))

    return Command(
        "config",
        params=list(run.params),
        callback=show,
        help="Show the effective options of `streamml run`, secrets masked; runs nothing.",
        short_help="Show the effective options of a run.",
    )


def _line(key: str, parameter: click.Parameter, value: Any) -> str:
    if value is None or (parameter.multiple and not value):
        return f"# {key} ="
    if isinstance(parameter, TableOption) and parameter.about.secret:
        return f'{key} = "***"'
    if isinstance(value, tuple | list):
        return f"{key} = [{', '.join(_toml(str(v)) for v in value)}]"
    return f"{key} = {_toml(value)}"


def _toml(value: str | float) -> str:
    """A value as TOML has it: as JSON, but for what JSON cannot write, or a terminal obeys."""
    if isinstance(value, float) and math.isinf(value):
        return "inf"
    return _CONTROLS.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False)
    )
