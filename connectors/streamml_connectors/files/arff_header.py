r"""The header of an ARFF file: names and kinds of its attributes, and where labels are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from streamml.errors import DataError, SchemaError
from streamml_connectors.files.text import Block, LineReader

__all__ = ["Attribute", "Header", "read_header", "unescape"]

_QUOTED = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
_ATTRIBUTE = re.compile(rf"@attribute\s+(?:{_QUOTED}|([^\s{{'\"][^\s{{]*))\s*(.*)", re.IGNORECASE)
_RELATION = re.compile(r"@relation\s+(.*)", re.IGNORECASE)
_VALUE = re.compile(rf"""\s*(?:{_QUOTED}|([^,'"{{}}]*[^\s,'"{{}}]))\s*(,|$)""")
_MEKA = re.compile(r"-C\s+([+-]?\d+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
_NUMERIC = ("numeric", "real", "integer")
_TEXT = ("string", "date")


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
    """One attribute: its unescaped name; its values if nominal; else numeric or text."""

    name: str
    values: tuple[str, ...] | None = None
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before ``@data``."""

    relation: str
    attributes: tuple[Attribute, ...]

    @property
    def names(self) -> list[str]:
        """Names of the attributes, in file order."""
        return [attribute.name for attribute in self.attributes]

    def meka_labels(self) -> list[str] | None:
        """Labels by MEKA's ``-C n``: the first n attributes, or the last where n < 0."""
        found = _MEKA.search(self.relation)
        if found is None or int(found[1]) == 0:
            return None
        n, names = int(found[1]), self.names
        if abs(n) > len(names):
            raise SchemaError(
                f"The relation says '-C {n}', but there are {len(names)} attributes: correct it."
            )
        return names[:n] if n > 0 else names[n:]


def read_header(reader: LineReader) -> Header:
    """Read up to and with the ``@data`` line.

    Raises
    ------
    DataError
        There is no ``@data``, or the header is no text.
    SchemaError
        An attribute is declared in a way that cannot be read, or twice.
    """
    relation, attributes = "", []
    kinds: dict[str, Attribute] = {}  # of the same declaration
    while isinstance(block := reader.take(1), Block):
        text = _text(block, reader.path)
        lower = text[:10].lower()
        if lower == "@attribute":
            attributes.append(_attribute(text, kinds, reader.path, block.line))
        elif lower.startswith("@data"):
            _check(attributes, reader.path)
            return Header(relation, tuple(attributes))
        elif lower.startswith("@relation"):
            relation = _relation(text)
        elif text and not text.startswith("%"):
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
            f"Line {block.line} of {path} is not UTF-8: convert the file, e.g. with iconv."
        ) from error


def _relation(text: str) -> str:
    found = _RELATION.match(text)
    return unescape(found[1].strip().strip("'\"")) if found else ""


def _attribute(text: str, kinds: dict[str, Attribute], path: Path, line: int) -> Attribute:
    found = _ATTRIBUTE.match(text)
    if found is None or not found[4]:
        raise SchemaError(
            f"Line {line} of {path} declares no attribute: write '@attribute NAME TYPE'."
        )
    name = unescape(next(group for group in found.groups()[:3] if group is not None))
    declared = found[4]
    if declared not in kinds:
        kinds[declared] = _kind(declared, path, line)
    kind = kinds[declared]
    return Attribute(name, kind.values, kind.is_text)


def _kind(declared: str, path: Path, line: int) -> Attribute:
    """The type part of a declaration, as an attribute without a name."""
    if declared.startswith("{"):
        return Attribute("", _values(declared, path, line))
    word = declared.split(None, 1)[0].rstrip("%").lower()
    if word in _NUMERIC:
        return Attribute("")
    if word in _TEXT:
        return Attribute("", is_text=True)
    raise SchemaError(
        f"Line {line} of {path} has the type {word!r}: use numeric, string, date or "
        "{value, value}."
    )


def _values(declared: str, path: Path, line: int) -> tuple[str, ...]:
    """The values between braces."""
    problem = SchemaError(
        f"Line {line} of {path} lists nominal values badly: write {{value, 'other value'}}."
    )
    body, closed, _ = declared[1:].rpartition("}")
    values, position = [], 0
    while closed and position < len(body):
        found = _VALUE.match(body, position)
        if found is None:
            raise problem
        values.append(_value(found))
        position = found.end()
    if not values or len(set(values)) < len(values):
        raise problem
    return tuple(values)


def _value(found: re.Match[str]) -> str:
    if found[3] is not None:
        return found[3]
    return unescape(found[1] if found[1] is not None else found[2])


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
