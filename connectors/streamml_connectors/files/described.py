"""What a reader makes of each column of its file, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["FEATURES", "Column", "Kind", "left_out_notes"]

Kind = Literal[
    "number", "boolean", "nominal", "numbers", "label", "labels", "id", "timestamp", "text",
    "left out",
]  # fmt: skip
FEATURES: Final[frozenset[str]] = frozenset({"number", "boolean", "nominal", "numbers"})
"""The kinds that become features."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, attribute or field of a file, and how it is read.

    Parameters
    ----------
    name
        As the file writes it.
    kind
        Features: ``"number"``, ``"boolean"`` (1 and 0), ``"nominal"`` (``name=value``),
        ``"numbers"`` (a list, ``name.0``, ...). Labels: ``"label"``, or a list of ``"labels"``.
        Else ``"id"``, ``"timestamp"``, ``"text"`` for an embedding stage, ``"left out"``.
    note
        Why it is left out, or what else there is to say; may be empty.

    Examples
    --------
    >>> Column("key", "left out", "nearly every value is another one")
    Column(name='key', kind='left out', note='nearly every value is another one')
    """

    name: str
    kind: Kind
    note: str = ""


def left_out_notes(columns: Sequence[Column]) -> list[str]:
    """One sentence that names the columns that a reader leaves out by itself, if there are any.

    Examples
    --------
    >>> left_out_notes([Column("key", "left out", "an identifier"), Column("f", "number")])
    ["Column 'key' is left out: an identifier."]
    """
    out = [c for c in columns if c.kind == "left out" and c.note not in ("", "as told")]
    if not out:
        return []
    if len(out) == 1:
        return [f"Column {out[0].name!r} is left out: {out[0].note}."]
    shown = "; ".join(f"{c.name!r} ({c.note})" for c in out[:5])
    return [f"{len(out)} columns are left out: {shown}{'; ...' if len(out) > 5 else ''}."]
