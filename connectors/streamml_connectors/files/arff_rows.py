"""Rows of ARFF taken apart by plain Python: dense or sparse, with or without a weight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from streamml_connectors.files.arff_header import unescape
from streamml_connectors.files.columns import BadRow

__all__ = ["Fields", "read_fields"]

_FIELD: Final = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,'"{}%]+))"""
_DENSE: Final = re.compile(rf"{_FIELD}(\s*)", re.ASCII)
_SPARSE: Final = re.compile(rf"\s*(\d+)\s+{_FIELD}\s*", re.ASCII)
_BLANK: Final = re.compile(r"\s*", re.ASCII)
_END: Final = re.compile(r"\s*(?:%.*)?", re.ASCII)
_WEIGHT: Final = re.compile(r"\s*+,?+\s*+\{\s*[^\s{}]+\s*\}\s*,?", re.ASCII)


@dataclass(slots=True)
class Fields:
    """The fields of one row, each as attribute, text, and whether the text was quoted."""

    found: list[tuple[int, str, bool]]
    sparse: bool
    weighted: bool


def read_fields(text: str, n: int) -> Fields:
    """Take one row of ``n`` attributes apart.

    A dense row may end with a comma (MOA writes one), an empty field is one without text. A
    weight may stand in braces behind any row (``1,2,{0.5}``).

    Raises
    ------
    BadRow
        It cannot be read, or does not have as many fields as there are attributes.

    Examples
    --------
    >>> read_fields("1,'a b',{5}", 2)
    Fields(found=[(0, '1', False), (1, 'a b', True)], sparse=False, weighted=True)
    >>> read_fields("{1 x}", 2).found
    [(1, 'x', False)]
    """
    if text.lstrip().startswith("{"):
        return _sparse(text, n)
    fields, end = _dense(text)
    if len(fields) > n and "'" not in text and '"' not in text:
        fields = _between_commas(text[:end], n) or fields
    if len(fields) == n + 1 and fields[-1] == ("", False):
        del fields[-1]
    if len(fields) != n:
        raise BadRow("malformed", f"It has {len(fields)} fields, not {n} as declared.")
    found = [(j, value, quoted) for j, (value, quoted) in enumerate(fields)]
    return Fields(found, False, text[end : end + 1] == "{")


def _dense(text: str) -> tuple[list[tuple[str, bool]], int]:
    """Fields between commas or white space, and where a weight, a comment or the end follows."""
    fields: list[tuple[str, bool]] = []
    position, after_comma = _past(_BLANK, text, 0), True
    while position < len(text) and text[position] not in "%{":
        found = _DENSE.match(text, position)
        if found is not None:
            fields.append(_unquoted(found, 1))
            position = found.end()
        elif text[position] != ",":
            raise _broken(text, position)
        else:
            fields.append(("", False))
        after_comma = text[position : position + 1] == ","
        if after_comma:
            position = _past(_BLANK, text, position + 1)
        elif found is not None and not found[4] and text[position : position + 1] not in "%":
            raise _broken(text, position)
    if position < len(text) and text[position] == "{":
        _need_end(text, _past(_WEIGHT, text, position))
    elif after_comma:
        fields.append(("", False))
    return fields, position


def _between_commas(text: str, n: int) -> list[tuple[str, bool]] | None:
    """The same where values hold blanks (MOA does not quote them), if their number fits then."""
    parts = text.split(",")
    if len(parts) == n + 1 and not parts[-1].strip():
        parts.pop()
    return [(part.strip(), False) for part in parts] if len(parts) == n else None


def _sparse(text: str, n: int) -> Fields:
    """Index and value pairs between braces."""
    found: list[tuple[int, str, bool]] = []
    position = text.index("{") + 1
    while (pair := _SPARSE.match(text, position)) is not None:
        digits = pair[1]
        if len(digits) > 10 or int(digits) >= n:
            raise BadRow("malformed", f"Index {digits[:20]} is beyond the {n} attributes.")
        found.append((int(digits), *_unquoted(pair, 2)))
        position = pair.end()
        if text[position : position + 1] != ",":
            break
        position += 1
    position = _past(_BLANK, text, position)
    if text[position : position + 1] != "}":
        raise _broken(text, position)
    behind = _WEIGHT.match(text, position + 1)
    _need_end(text, behind.end() if behind else position + 1)
    if len({j for j, _, _ in found}) < len(found):
        raise BadRow("malformed", "It gives a value to the same attribute twice.")
    return Fields(found, True, behind is not None)


def _past(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _need_end(text: str, position: int) -> None:
    """Raise unless nothing but a comment is left."""
    if _past(_END, text, position) != len(text):
        raise _broken(text, position)


def _unquoted(found: re.Match[str], first: int) -> tuple[str, bool]:
    """Text of a field and whether it was quoted."""
    single, double, bare = found[first], found[first + 1], found[first + 2]
    if bare is not None:
        return bare, False
    return unescape(single if single is not None else double), True


def _broken(text: str, position: int) -> BadRow:
    return BadRow(
        "malformed",
        f"It cannot be read from character {position + 1} on ({text[position : position + 20]!r}): "
        "a quote, a value or a comma is missing there.",
    )
