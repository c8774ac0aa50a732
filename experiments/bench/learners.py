"""The learners of the benchmark: ``learners.toml``, a table of yours, and entry points.

``STREAMML_LEARNERS`` may name another table of the same form; its rows are added.
"""

from __future__ import annotations

import importlib
import inspect
import os
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.common.tables import rows_of
from streamml.base import Learner
from streamml.baselines import as_learner
from streamml.errors import ConfigError, MissingDependencyError, install_hint

__all__ = ["LearnerRow", "build", "choose", "learners"]

TABLE = Path(__file__).with_name("learners.toml")
ENTRY_POINTS = "streamml.learners"


@dataclass(frozen=True)
class LearnerRow:
    """One learner: where its class is, and its parameters."""

    name: str
    where: str
    group: str = "yours"
    published: str = ""
    needs: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """The package that is not installed, or nothing."""
        return self.needs if self.needs and find_spec(self.needs) is None else ""


_KEYS = ({f.name for f in fields(LearnerRow)} - {"where"}) | {"class"}


@cache
def learners() -> dict[str, LearnerRow]:
    """Name -> learner, in the order of the table, then entry points."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["learner"]
    yours = os.environ.get("STREAMML_LEARNERS")
    if yours:
        rows += rows_of(Path(yours), "learner", ("name", "class"), _KEYS)
    found = {row["name"]: LearnerRow(where=row.pop("class"), **row) for row in map(dict, rows)}
    for point in entry_points(group=ENTRY_POINTS):
        if point.module.partition(".")[0] != "streamml":  # these are in the table
            found.setdefault(point.name, LearnerRow(point.name, point.value))
    return found


def build(name: str, seed: int = 1) -> Learner:
    """A new learner called ``name``; ``seed`` goes to its parameter of that name.

    Raises
    ------
    ConfigError
        There is none of that name.
    MissingDependencyError
        It needs a package that is not installed.
    """
    if name not in learners():
        raise ConfigError(f"There is no learner {name!r}: use one of {', '.join(learners())}.")
    row = learners()[name]
    if row.missing:
        raise MissingDependencyError(f"{name} needs {row.missing}: {install_hint('bench')}.")
    made = _build({"class": row.where, **row.parameters}, seed)
    try:
        return as_learner(made)
    except ConfigError as error:
        raise ConfigError(f"{row.where} made what is {error}") from error


def _build(described: dict[str, Any], seed: int | None = None) -> Any:
    module, _, attribute = described["class"].partition(":")
    kind = getattr(importlib.import_module(module), attribute)
    values = {
        key: _build(value) if isinstance(value, dict) and "class" in value else value
        for key, value in described.items()
        if key != "class"
    }
    if seed is not None and "seed" in inspect.signature(kind).parameters:
        values["seed"] = seed
    return kind(**values)


def choose(text: str) -> list[str]:
    """Names out of ``all``, groups and single names; what is not installed is left out of groups.

    A name with a comma in it is found as well.
    """
    rest, found = text, dict[str, None]()
    names = sorted(learners(), key=len, reverse=True)
    groups = {row.group for row in learners().values()} | {"all"}
    while rest := rest.strip().lstrip(",").strip():
        whole = next((n for n in names if rest == n or rest.startswith(f"{n},")), None)
        word = whole or rest.partition(",")[0].strip()
        if whole is not None:
            found[whole] = None
        elif word in groups:
            rows = [row for row in learners().values() if word in ("all", row.group)]
            found.update(dict.fromkeys(row.name for row in rows if not row.missing))
        else:
            raise ConfigError(
                f"There is no learner or group {word!r}: use one of "
                f"{', '.join([*sorted(groups), *learners()])}."
            )
        rest = rest[len(word) :]
    return list(found)
