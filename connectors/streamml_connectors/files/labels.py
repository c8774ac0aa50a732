"""Label names from the XML file that Mulan puts beside an ARFF file."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from streamml.errors import DataError, SchemaError
from streamml_connectors.files.packed import plain_name
from streamml_connectors.files.text import check_file, chunks

__all__ = ["find_label_xml", "parse_label_xml", "read_label_xml"]


def find_label_xml(path: Path) -> Path | None:
    """The label XML that lies beside a data file (``yeast.xml`` by ``yeast.arff.gz``).

    Examples
    --------
    >>> find_label_xml(Path("/nowhere/yeast.arff.gz")) is None
    True
    """
    stem = plain_name(path)
    if stem.lower().endswith(".arff"):
        stem = stem[: -len(".arff")]
    beside = path.with_name(stem + ".xml")
    return beside if beside.is_file() else None


def read_label_xml(path: Path) -> list[str]:
    """Names of the labels in a Mulan XML file, in its order, nested ones included.

    Raises
    ------
    DataError
        The file cannot be read or is no XML.
    SchemaError
        It declares entities or a document type, names no label, or one twice.
    """
    check_file(path)
    return parse_label_xml(b"".join(chunks(path)), str(path))


def parse_label_xml(data: bytes, name: str = "the label XML") -> list[str]:
    """Names of the labels in Mulan XML.

    Document types and entities are refused: they can blow a small file up without bound.

    Examples
    --------
    >>> parse_label_xml(b'<labels><label name="sun"/><label name="rain"/></labels>')
    ['sun', 'rain']
    """
    names: list[str] = []

    def element(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "label":
            if not attributes.get("name"):
                raise SchemaError(f"A label in {name} has no name: give it one.")
            names.append(attributes["name"])

    def refuse(*_: object) -> NoReturn:
        raise SchemaError(f"{name} declares a document type or entities: take that part out.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DataError(f"{name} is no XML ({error}): write it as Mulan does.") from error
    if not names:
        raise SchemaError(f"{name} names no labels: write <label name='...'/> for each.")
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise SchemaError(f"{name} names the label {twice!r} twice: names must be unique.")
    return names
