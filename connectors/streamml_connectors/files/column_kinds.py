"""What a column of texts is, judged by its first values: one rule for every reader."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from streamml.errors import SchemaError
from streamml.types.truth import words_of_pair
from streamml.types.values import is_missing, shown
from streamml_connectors.files.dates import unclear_date
from streamml_connectors.files.described import FEATURES, Column, Kind
from streamml_connectors.files.times import are_times

__all__ = [
    "FIRST_ROWS",
    "all_numbers",
    "column_kind",
    "decimal_comma",
    "is_identifier",
    "is_text_column",
    "is_time_column",
    "marked_notes",
    "one_kept",
    "text_kind",
]

FIRST_ROWS: Final = 1000
"""So many rows show what a column is."""
_MOST_VALUES: Final = 64
_MANY: Final = 20  # values of which none comes twice are no attribute
_FEW: Final = 3  # or so many that have digits in them, as keys have
# Possessive, here and in the other grammars: what is matched once is never tried in another way,
# or time grows exponentially with the values of a column.
_NUMBERS: Final = re.compile(
    r"(?:[+-]?(?:(?:(?!0\d)\d++(?:\.\d*+)?+|\.\d++)(?:e[+-]?\d++)?+|inf(?:inity)?+)\n)*+",
    re.ASCII | re.IGNORECASE,
)
_CODE: Final = re.compile(r"0\d+", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?(?:\d{1,3}(?:[. ']\d{3})++|\d++),\d++", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})++", re.ASCII)
_GROUP: Final = re.compile(r"(?<=\d)[,_' \u2019\u00a0\u202f](?=\d{3}(?!\d))", re.ASCII)
_AFFIX: Final = re.compile(r"[$\u20ac\u00a3\u00a5]\s?|\s?[%\u2030$\u20ac\u00a3\u00a5]")
_HEX: Final = re.compile(r"[+-]?0x[0-9a-f]++", re.ASCII | re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-?\d\d-?\d\d")


def all_numbers(values: Collection[str]) -> bool:
    """Whether all are numbers by their looks (see ``plain_number``), fast.

    Examples
    --------
    >>> all_numbers(["1", "-0.5", "1e3"]), all_numbers(["1", "04107"]), all_numbers([])
    (True, False, True)
    """
    return _NUMBERS.fullmatch("".join([value + "\n" for value in values])) is not None


def decimal_comma(values: Sequence[str]) -> bool:
    """Whether these values, which are no numbers, are numbers with a decimal comma.

    Examples
    --------
    >>> decimal_comma(["7,49", "-1.234,5"]), decimal_comma(["7,49", "red"]), decimal_comma([])
    (True, False, False)
    """
    return bool(values) and all(_COMMA.fullmatch(value) for value in values)


def is_text_column(values: Sequence[str], texts: Sequence[str]) -> bool:
    """Whether a column is one of texts although some of its values look like numbers.

    Most of them are none, or there are codes with leading zeros (``04107``).

    Parameters
    ----------
    values
        Those that are not missing.
    texts
        The ones among them that are no numbers by their looks.

    Examples
    --------
    >>> is_text_column(["98e4", "12ab", "77ff"], ["12ab", "77ff"])
    True
    >>> is_text_column(["5", "7", "many"], ["many"])
    False
    """
    return 2 * len(texts) > len(values) or any(_CODE.fullmatch(text) for text in texts)


def text_kind(values: Sequence[str]) -> tuple[Kind, str]:
    """What a column of texts is, and why it is left out if it is.

    Of two words such as yes and no it is boolean. Times are left out, and identifiers: more than
    64 different values, or none of many that comes twice (of few: where most hold digits, too).

    Parameters
    ----------
    values
        Those of the first rows that are not missing.

    Examples
    --------
    >>> text_kind(["red", "blue", "red"])[0], text_kind(["yes", "No"])[0]
    ('nominal', 'boolean')
    >>> text_kind(["a1", "a2", "a3"])
    ('left out', 'an identifier: no value comes twice')
    >>> text_kind(["2021-01-01T00:00:00", "2021-01-02"])
    ('left out', 'times: name it as the timestamp to use it')
    """
    different = set(values)
    if words_of_pair(different) or {value.lower() for value in different} in ({"true"}, {"false"}):
        return "boolean", "yes and no, or the like, as 1 and 0"
    if different and all(map(_is_time, different)):
        return "left out", "times: name it as the timestamp to use it"
    if len(different) > _MOST_VALUES:
        return "left out", f"an identifier or free text: more than {_MOST_VALUES} different values"
    if len(different) == len(values) >= _FEW:
        digits = sum(any(c.isdigit() for c in value) for value in values)
        if len(values) >= _MANY or 2 * digits > len(values):
            return "left out", "an identifier: no value comes twice"
    return "nominal", ""


def _is_time(value: str) -> bool:
    if not _DATE.match(value):
        return False
    try:
        datetime.fromisoformat(value.strip())
    except ValueError:
        return False
    return True


def column_kind(name: str, values: Sequence[str]) -> tuple[Kind, str]:
    """What a column of values written as text is, and why it is left out if it is.

    Parameters
    ----------
    values
        Those of the first rows.

    Raises
    ------
    SchemaError
        Its numbers have a comma (the end of a sentence that begins with the file).

    Examples
    --------
    >>> column_kind("f", ["1", "?", "2.5"])[0], column_kind("zip", ["04107", "10115", "04107"])[0]
    ('number', 'nominal')
    """
    if all_numbers(set(values)):
        return "number", ""
    known = [value for value in values if not is_missing(value)]
    texts = [value for value in known if not all_numbers([value])]
    if decimal_comma(texts):
        if all(map(_THOUSANDS.fullmatch, texts)):
            raise SchemaError(
                f"writes numbers with a comma in column {name!r} ({shown(texts[0])}), be it between"
                " thousands or a decimal one: write them without commas, or leave the column out."
            )
        raise SchemaError(
            f"writes numbers with a decimal comma in column {name!r} ({shown(texts[0])}): write "
            "them with a point, or leave the column out."
        )
    unclear = unclear_date(known) if name.lower() == "timestamp" else None
    if unclear is not None:
        return "left out", f"dates such as {unclear!r} do not show whether the day comes first"
    marked = _first_marked(texts)
    if is_text_column(known, texts):
        kind, note = text_kind(known)
    else:
        many = marked and len(set(texts)) > _MOST_VALUES
        kind, note = ("left out" if many else "number"), ""
    if marked and kind == "left out":
        note = f"an identifier, or numbers with marks such as {shown(marked)}: write them plain"
    return kind, note


def _first_marked(texts: Sequence[str]) -> str | None:
    """The first of these texts that is a number but for how it is written, if most are."""
    marked = [text for text in texts if _is_marked(text)]
    return marked[0] if 2 * len(marked) > len(texts) else None


def _is_marked(text: str) -> bool:
    bare = _AFFIX.sub("", _GROUP.sub("", text.strip().replace("\u2212", "-"))).strip()
    if _HEX.fullmatch(bare):
        return True
    return bare != text and (all_numbers([bare]) or decimal_comma([bare]))


def marked_notes(columns: Sequence[Column], values: Sequence[Sequence[str]]) -> list[str]:
    """One sentence where features are numbers with marks, which the grammar takes for texts.

    Those are ``1,234.50``, ``$1.50``, ``10%``, ``1_000``, ``0x1F``, a minus that is no hyphen,
    blanks that are none of ASCII.

    Parameters
    ----------
    values
        Those of each column in the first rows.

    Examples
    --------
    >>> marked_notes([Column("f", "nominal")], [["$1.50", "$2"]])
    ["Column 'f' writes numbers with marks, such as '$1.50', each of which is a feature of its \
own: write them plain, or leave the column out."]
    >>> marked_notes([Column("f", "number")], [["1.50", "2", "?"]])
    []
    """
    found = []
    for column, held in zip(columns, values, strict=True):
        if column.kind in ("number", "nominal") and not all_numbers(set(held)):
            known = [value for value in held if not is_missing(value)]
            texts = [value for value in known if not all_numbers([value])]
            if (example := _first_marked(texts)) is not None:
                found.append((column.name, example))
    if not found:
        return []
    name, example = found[0]
    who = f"{name!r} writes" if len(found) == 1 else f"{name!r} and {len(found) - 1} more write"
    return [
        f"Column {who} numbers with marks, such as {shown(example)}, each of which is a feature of "
        "its own: write them plain, or leave the column out."
    ]


def is_identifier(name: str, values: Sequence[object]) -> bool:
    """Whether a column is the identifier by its name, and no value comes twice.

    Examples
    --------
    >>> is_identifier("id", ["a", "b"]), is_identifier("id", ["a", "a"]), is_identifier("f", ["a"])
    (True, False, False)
    """
    return name.lower() == "id" and len(set(values)) == len(values) > 0


def is_time_column(name: str, values: Collection[str]) -> bool:
    """Whether a column is the time by its name, and all values are times or missing.

    Examples
    --------
    >>> is_time_column("timestamp", ["2021-01-01", ""]), is_time_column("timestamp", ["soon"])
    (True, False)
    """
    return name.lower() == "timestamp" and are_times(values)


def one_kept(found: Sequence[Column], told: Collection[str]) -> list[Column]:
    """The columns, those that are left out by themselves kept where nothing else is a feature.

    Parameters
    ----------
    told
        Names of those that the user says something of.

    Examples
    --------
    >>> one_kept([Column("key", "left out", "an identifier")], [])[0].kind
    'nominal'
    """
    if any(column.kind in FEATURES or column.kind == "text" for column in found):
        return list(found)
    return [
        replace(column, kind="nominal", note="kept, as there is no other feature")
        if column.kind == "left out" and column.note.startswith("an identifier")
        and column.name not in told
        else column
        for column in found
    ]  # fmt: skip
