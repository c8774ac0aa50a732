"""How a column was read when a learner was taught with it: files to predict are read alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from streamml.types.values import is_missing
from streamml_connectors.files.column_kinds import all_numbers
from streamml_connectors.files.described import Column

__all__ = ["as_learned", "nominal_in"]

_NOTE: Final = "as it was learned"
_JUDGED: Final = ("number", "boolean", "nominal", "left out")


def nominal_in(features: Collection[str]) -> set[str]:
    """Columns that make features ``column=value``.

    Examples
    --------
    >>> sorted(nominal_in(["age", "city=Rome", "a=b=c"]))
    ['a', 'a=b', 'city']
    """
    return {name[:k] for name in features for k, char in enumerate(name) if char == "="}


def as_learned(
    found: Sequence[Column], columns: Sequence[Sequence[object]], features: Collection[str]
) -> list[Column]:
    """Columns with the kinds that made features which a learner knows.

    What a column is, its values show; a few rows may show something else than the many that
    were learned: three cities that differ look like identifiers, codes ``98e4`` like numbers.

    Parameters
    ----------
    found
        By their values in this file.
    columns
        The first values of each, where they are texts.
    features
        Those that the learner knows.

    Examples
    --------
    >>> looks = [Column("city", "left out", "an identifier"), Column("age", "number")]
    >>> as_learned(looks, [["Rome"], ["5"]], ["age", "city=Rome", "city=Bern"])[0]
    Column(name='city', kind='nominal', note='as it was learned')
    """
    known, nominal = set(features), nominal_in(features)
    return [
        _one(column, values, column.name in known, column.name in nominal)
        for column, values in zip(found, columns, strict=True)
    ]


def _one(column: Column, values: Sequence[object], plain: bool, nominal: bool) -> Column:
    """``plain``: a feature has the column's name; ``nominal``: one is ``name=value``."""
    if column.kind not in _JUDGED and column.note != "by its name":
        return column  # it is told, or no feature anyhow
    if column.note == "as told" or not (plain or nominal):
        return column
    if nominal and (not plain or column.kind != "number"):
        return column if column.kind == "nominal" else replace(column, kind="nominal", note=_NOTE)
    if column.kind in ("number", "boolean"):
        return column
    told = [str(value) for value in values if not is_missing(value)]
    return replace(column, kind="number" if told and all_numbers(told) else "boolean", note=_NOTE)
