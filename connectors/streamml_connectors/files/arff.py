"""ARFF as WEKA, MOA, Mulan, MEKA and KEEL write it: dense or sparse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from streamml.errors import SchemaError
from streamml.types import DeadLetter, EventBatch
from streamml_connectors.files.arff_columns import ArffColumns
from streamml_connectors.files.arff_header import Header, read_header, unescape
from streamml_connectors.files.column_kinds import FIRST_ROWS
from streamml_connectors.files.described import Kind
from streamml_connectors.files.labels import find_label_xml, read_label_xml
from streamml_connectors.files.packed import plain_name
from streamml_connectors.files.parsing import Parsed, byte_classes, parse_dense, parse_sparse
from streamml_connectors.files.rows import assemble, plain_rows
from streamml_connectors.files.source import Caps, LineSource, check_names
from streamml_connectors.files.text import MAX_LINE, Block, is_utf8

__all__ = ["ArffSource"]

_FIRST_BYTES: Final = 1024 * 1024  # in which numeric labels are looked at
_WEIGHTS: Final = "Rows have instance weights, which are passed over: each counts once."


class ArffSource(LineSource):
    r"""Reads an ARFF file.

    Labels are, in this order of precedence: ``labels``; those that ``xml`` names; those
    of a label XML beside the file (``X.xml`` by ``X-train.arff``, too); MEKA's ``-C n`` in
    the relation name; KEEL's ``@outputs``. A nominal attribute of three or more values makes
    one feature ``attribute=value`` per value, one of two values is 0 or 1, and a label true
    or false: as the words say (``yes``, ``false``, ``-1``, in whatever order), else the
    second is 1. String and date attributes are no features. In a sparse row, what is left
    out is zero, or the first nominal value. A missing value (``?``) is absent; a missing
    label is unknown. Instance weights are passed over.

    Parameters
    ----------
    path
        ``.arff``, plain or packed.
    labels
        Names of the label attributes.
    xml
        Mulan's label file.
    id, timestamp
        Attributes with the identifier, and with seconds or ISO 8601 times; by default the
        number of the row, from 0.
    text
        The string attribute with the text for an embedding stage.
    ignore
        Attributes to leave out.
    keep_zeros
        Whether explicit zeros of dense rows are kept as known zeros.
    max_line
        Longest line in bytes; a longer one is a dead letter.

    Raises
    ------
    DataError
        The file cannot be read as ARFF.
    SchemaError
        No labels can be determined, or attributes do not fit.

    Examples
    --------
    >>> import tempfile
    >>> text = "@relation 'r: -C 1'\n@attribute sun {0,1}\n@attribute t real\n@data\n1,0.5\n"
    >>> with tempfile.NamedTemporaryFile("w", suffix=".arff") as f:
    ...     _ = f.write(text)
    ...     f.flush()
    ...     source = ArffSource(f.name)
    ...     batch = source.next_batch(10)
    ...     source.close()
    >>> next(batch.events())
    Event(id=0, timestamp=0.0, x={'t': 0.5}, y=frozenset({'sun'}))
    """

    _comment = b"%"
    has_header = True

    def __init__(
        self,
        path: Path | str,
        *,
        labels: Sequence[str] | None = None,
        xml: Path | str | None = None,
        id: str | None = None,  # noqa: A002  # the attribute's name
        timestamp: str | None = None,
        text: str | None = None,
        ignore: Sequence[str] = (),
        keep_zeros: bool = True,
        max_features: int | None = None,
        max_labels: int | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        super().__init__(path, max_line=max_line)
        with self._closing_on_error():
            header = read_header(self._reader)
            names = _label_names(header, self.path, labels, xml)
            told = _told(header, self.path, id, timestamp, text, ignore)
            first = self._need_rows()
            self._columns = ArffColumns(header, set(names), self.path, told)
            self._columns.sparse = first.lstrip().startswith(b"{")
            self._columns.plain |= self._columns.sparse and (id or timestamp) is not None
            if any(attribute.values is None for attribute in header.attributes
                   if attribute.name in set(names)):  # fmt: skip
                self._columns.look_at_signs(self._first_lines())
            if timestamp is not None:
                self._columns.look_at_times(self._first_lines(), timestamp)
                self._times = self._columns.times
            self._start(
                self._columns.feature_names,
                self._columns.label_names,
                Caps(max_features, max_labels),
                self._columns.described,
                absent_is_zero=self._columns.sparse or not keep_zeros,
                takes_text=text is not None,
            )
        self._keep_zeros = keep_zeros
        self._stamp = np.full(len(header.attributes), -1, np.int64)
        self._tick = 0
        self._notes += self._columns.notes
        self._tables = {ok: byte_classes(",", "'\"%\\{}", ok) for ok in (False, True)}

    def _first_lines(self) -> list[str]:
        block = self._reader.peek_rows(FIRST_ROWS, _FIRST_BYTES)
        text = block.data.decode(errors="replace") if block is not None else ""
        return [line for line in text.split("\n") if line.strip() and not line.startswith("%")]

    def _parse(self, block: Block) -> tuple[EventBatch, list[DeadLetter]]:
        data = block.data
        parsed = self._fast(data, block.n_lines)
        found = assemble(
            parsed, self._columns, self.schema, data, block.line, self._rows,
            keep_zeros=self._keep_zeros,
        )  # fmt: skip
        if self._columns.weighted and _WEIGHTS not in self._notes:
            self._notes.append(_WEIGHTS)
        return found

    def _fast(self, data: bytes, n_lines: int) -> Parsed:
        columns = self._columns
        table = self._tables[is_utf8(data)]
        if columns.plain:
            return plain_rows(data, self._comment)
        if not columns.sparse:
            return parse_dense(
                data, n_lines, table, columns.role, columns.column,
                words=columns.words, comment=37, inner_spaces=False,
            )  # fmt: skip
        self._tick += n_lines
        return parse_sparse(
            data, n_lines, table, columns.role, columns.column, self._stamp,
            self._tick - n_lines, columns.default, words=columns.words,
        )  # fmt: skip


def _told(
    header: Header,
    path: Path,
    id_name: str | None,
    time_name: str | None,
    text: str | None,
    ignore: Sequence[str],
) -> dict[str, Kind]:
    """What the user says of attributes that are no labels."""
    if text is not None:
        strings = [a.name for a in header.attributes if a.is_text]
        check_names([text], strings, path, "string attribute")
    sides: dict[str | None, Kind] = {id_name: "id", time_name: "timestamp", text: "text"}
    told: dict[str, Kind] = dict.fromkeys(ignore, "left out")
    told |= {name: kind for name, kind in sides.items() if name is not None}
    check_names(list(told), header.names, path, "attribute")
    return told


def _label_names(
    header: Header, path: Path, labels: Sequence[str] | None, xml: Path | str | None
) -> list[str]:
    """Attribute names of the labels, from wherever they are told."""
    if labels is None:
        xml = xml or _xml_beside(path, header)
        labels = read_label_xml(Path(xml)) if xml else header.own_labels()
    if labels is None:
        beside = ", ".join(sorted(str(one) for one in path.parent.glob("*.xml"))[:3])
        raise SchemaError(
            f"{path} does not say which attributes are labels: name them (--labels a,b), or give "
            + (f"a label XML (--xml; there is {beside})." if beside else "a label XML (--xml).")
        )
    there = header.names
    known = set(there)
    names = [name if name in known else unescape(name) for name in labels]
    check_names(names, there, path, "label attribute")
    if len(set(names)) == len(there):
        raise SchemaError(f"All attributes of {path} are labels: leave some as features.")
    return names


def _xml_beside(path: Path, header: Header) -> Path | None:
    """The label XML of a file, or of its data set where the header names no labels itself."""
    beside = find_label_xml(path)
    if beside is None or Path(plain_name(path)).stem == beside.stem:
        return beside
    return beside if header.own_labels() is None else None
