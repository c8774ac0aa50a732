"""Label names from the XML file that Mulan puts beside an ARFF file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NoReturn
from xml.parsers import expat

from streamml.errors import DataError, SchemaError
from streamml_connectors.files.packed import plain_name
from streamml_connectors.files.text import check_file, chunks

__all__ = ["find_label_xml", "parse_label_xml", "read_label_xml"]

_PART: Final = re.compile(
    r"[-_. ](?:(?:train|test|tra|trn|tst|val|valid|dev|holdout|fold|split|part|cv)(?:ing|ation)?"
    r"[-_.]?\d*|(?:random|iterative|stratified)\w*|\d+)$",
    re.IGNORECASE,
)
"""The end of a name that says which part of a data set a file is."""


def find_label_xml(path: Path) -> Path | None:
    """The label XML that lies beside a data file (``yeast.xml`` by ``yeast.arff.gz``).

    Parts of a data set share one: ``yeast-train.arff``, ``yeast_fold3-test.arff`` and their
    like have ``yeast.xml``, unless there is one of their own.

    Examples
    --------
    >>> find_label_xml(Path("/nowhere/yeast.arff.gz")) is None
    True
    """
    stem = plain_name(path)
    if stem.lower().endswith(".arff"):
        stem = stem[: -len(".arff")]
    while not (beside := path.with_name(stem + ".xml")).is_file():
        part = _PART.search(stem)
        if part is None:
            return None
        stem = stem[: part.start()]
    return beside


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
