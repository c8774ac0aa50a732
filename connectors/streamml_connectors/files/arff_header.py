r"""The header of an ARFF file: names and kinds of its attributes, and where labels are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streamml.errors import DataError, SchemaError
from streamml_connectors.files.text import Block, LineReader

__all__ = ["Attribute", "Header", "read_header", "unescape"]

_QUOTED: Final = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
_DECLARED: Final = rf"@attribute\s+(?:{_QUOTED}|([^\s{{'\"][^\s{{]*))\s*(.*)"
# WEKA's blanks are those of ASCII: others belong to a name, unless nothing else makes sense.
_ATTRIBUTE: Final = [re.compile(_DECLARED, re.IGNORECASE | flag) for flag in (re.ASCII, re.UNICODE)]
_KEYWORD: Final = re.compile(r"@\w*", re.ASCII)
_TYPE: Final = re.compile(r"[a-z]+", re.ASCII | re.IGNORECASE)
_VALUE: Final = re.compile(rf"""\s*+(?:{_QUOTED}|([^,'"{{}}]*[^\s,'"{{}}]))\s*""")
_FIRST_MISSING: Final = re.compile(r"\{\s*\?\s*,")
_HISTORY: Final = re.compile(r"-(?:weka|meka|mulan|moa)\.")  # filters that a data set went through
_MEKA: Final = re.compile(r"(?:^|\s)-C\s+([+-]?\d+)", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_CONTROL: Final = {"n": "\n", "r": "\r", "t": "\t"}
_NUMERIC: Final = ("numeric", "real", "integer")
_TEXT: Final = ("string", "date")


def unescape(text: str) -> str:
    r"""Text without the backslashes that ARFF puts before special characters.

    Examples
    --------
    >>> unescape(r"it\'s"), unescape(r"TAG_dise\~no")
    ("it's", 'TAG_dise~no')
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _CONTROL.get(match[1], match[1]), text)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its unescaped name; its values if nominal; else numeric or text.

    ``first_is_missing``: whether the mark of what is missing was declared before all values,
    so that a sparse row leaves the attribute out where it is not known.
    """

    name: str
    values: tuple[str, ...] | None = None
    is_text: bool = False
    first_is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before ``@data``; ``outputs``: what KEEL's line of that name lists."""

    relation: str
    attributes: tuple[Attribute, ...]
    outputs: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of the attributes, in file order."""
        return [attribute.name for attribute in self.attributes]

    def own_labels(self) -> list[str] | None:
        """Labels that the header names: by MEKA's ``-C n``, or by KEEL's ``@outputs``."""
        return self._meka_labels() or list(self.outputs) or None

    def _meka_labels(self) -> list[str] | None:
        """The first n attributes, or the last where n < 0; MEKA's options follow a colon.

        What WEKA's filters leave in the name may hold a ``-C`` of their own.
        """
        name, colon, options = self.relation.partition(":")
        found = _MEKA.search(_HISTORY.split(options if colon else name, maxsplit=1)[0])
        if found is None or int(found[1]) == 0:
            return None
        n, names = int(found[1]), self.names
        if abs(n) > len(names):
            raise SchemaError(
                f"The relation says '-C {n}', but there are {len(names)} attributes: correct it."
            )
        return names[:n] if n > 0 else names[n:]


def read_header(reader: LineReader) -> Header:
    """Read up to and with ``@data``; a row on the same line is still to be read.

    Raises
    ------
    DataError
        There is no ``@data``, or the header is no text.
    SchemaError
        An attribute is declared in a way that cannot be read, or twice.
    """
    relation, attributes = "", []
    outputs: tuple[str, ...] = ()
    kinds: dict[str, Attribute] = {}  # of the same declaration
    while isinstance(block := reader.take(1), Block):
        text = _text(block, reader.path)
        found = _KEYWORD.match(text)
        keyword = found[0].lower() if found else ""
        if keyword == "@attribute":
            attributes.append(_attribute(text, kinds, reader.path, block.line))
        elif keyword == "@data":
            _check(attributes, reader.path)
            _leave_row(reader, block)
            return Header(relation, tuple(attributes), outputs)
        elif keyword == "@relation":
            relation = _relation(text[len(keyword) :])
        elif keyword in ("@outputs", "@output"):
            outputs = _values(text[len(keyword) :], reader.path, block.line)
        elif text and not text.startswith("%") and keyword not in ("@inputs", "@input"):
            raise DataError(
                f"Line {block.line} of {reader.path} is no ARFF header: "
                "begin it with @relation, @attribute, @data or %."
            )
    raise DataError(f"{reader.path} has no @data line: write one before the rows.")


def _text(block: Block, path: Path) -> str:
    try:
        return block.data.decode().strip()
    except UnicodeDecodeError as error:
        raise DataError(
            f"Line {block.line} of {path} is not UTF-8: save it as UTF-8, or use "
            "'iconv -f latin1 -t utf-8'."
        ) from error


def _leave_row(reader: LineReader, block: Block) -> None:
    """Give back what stands behind ``@data``, unless it is a comment."""
    head, _, _ = block.data.lower().partition(b"@data")
    rest = block.data[len(head) + len("@data") :].strip()
    if rest and not rest.startswith(b"%"):
        reader.give_back(block, len(head) + len("@data"))


def _relation(text: str) -> str:
    return unescape(text.strip().strip("'\""))


def _attribute(text: str, kinds: dict[str, Attribute], path: Path, line: int) -> Attribute:
    for pattern in _ATTRIBUTE:
        found = pattern.match(text)
        if found is not None and found[4]:
            break
    else:
        raise SchemaError(
            f"Line {line} of {path} declares no attribute: write '@attribute NAME TYPE'."
        )
    name = unescape(found[3].strip()) if found[3] is not None else _value(found)
    declared = found[4]
    if declared not in kinds:
        kinds[declared] = _kind(declared, path, line)
    kind = kinds[declared]
    return Attribute(name, kind.values, kind.is_text, kind.first_is_missing)


def _kind(declared: str, path: Path, line: int) -> Attribute:
    """The type part of a declaration, as an attribute without a name.

    A range (``real [0, 10]``), a date's format, a weight and a comment may follow it.
    """
    if declared.startswith("{"):
        first_is_missing = _FIRST_MISSING.match(declared) is not None
        return Attribute("", _values(declared[1:], path, line, end="}"), False, first_is_missing)
    found = _TYPE.match(declared)
    word = found[0].lower() if found else ""
    if word in _NUMERIC:
        return Attribute("")
    if word in _TEXT:
        return Attribute("", is_text=True)
    raise SchemaError(
        f"Line {line} of {path} has the type {declared.split()[0]!r}: use numeric, string, date or "
        "{value, value}."
    )


def _values(text: str, path: Path, line: int, end: str = "") -> tuple[str, ...]:
    """Values between commas, up to ``end``: those of a nominal attribute, or names."""
    values, position = [], 0
    while (found := _VALUE.match(text, position)) is not None:
        if not end or found[3] != "?":  # the mark of what is missing is no value
            values.append(_value(found))
        position = found.end()
        if text[position : position + 1] != ",":
            break
        position += 1
    if len(values) == 1 and found is not None and found[3]:
        values = values[0].split()  # blanks separate as commas do
    ended = text[position:].lstrip()[:1] == end
    if not ended or not values or len(set(values)) < len(values):
        raise SchemaError(
            f"Line {line} of {path} lists nominal values badly: write {{value, 'other value'}}."
            if end
            else f"Line {line} of {path} lists names badly: write name, 'other name'."
        )
    return tuple(values)


def _value(found: re.Match[str]) -> str:
    """What stands in single quotes, in double quotes, or as it is."""
    single, double, bare = found.groups()[:3]
    return bare if bare is not None else unescape(single or double or "")


def _check(attributes: list[Attribute], path: Path) -> None:
    if not attributes:
        raise SchemaError(f"{path} declares no attributes: write '@attribute NAME TYPE' lines.")
    seen = set()
    for attribute in attributes:
        if attribute.name in seen:
            raise SchemaError(
                f"{path} declares the attribute {attribute.name!r} twice: names must be unique."
            )
        seen.add(attribute.name)
