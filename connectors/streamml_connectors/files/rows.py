"""Parsed blocks to event batches: fix-ups, slow rows and dead letters in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from streamml.types import (
    LABELS_FULL,
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    DeadLetter,
    EventBatch,
    EventId,
    Int32Array,
    Int64Array,
    Schema,
)
from streamml_connectors.files.batches import taken
from streamml_connectors.files.columns import BadRow, BlankRow, Columns, Row, commit
from streamml_connectors.files.kernels import OK, SLOW
from streamml_connectors.files.parsing import Parsed
from streamml_connectors.files.text import RAW_BYTES

_T = TypeVar("_T", bound=np.generic)

__all__ = ["assemble", "letter", "plain_rows", "row_text"]


def letter(reason: str, detail: str, position: str, raw: bytes) -> DeadLetter:
    """A dead letter whose bytes are cut at the bound, and say so.

    Examples
    --------
    >>> letter("malformed", "It is broken.", "line 3", b"x" * 5000).detail
    'It is broken. (Its bytes are cut at 4096.)'
    """
    if len(raw) > RAW_BYTES:
        detail, raw = f"{detail} (Its bytes are cut at {RAW_BYTES}.)", raw[:RAW_BYTES]
    return DeadLetter(reason, detail, position, raw)


def row_text(raw: bytes) -> str:
    """The text of a line.

    Raises
    ------
    BadRow
        It is not UTF-8.
    """
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadRow(
            "malformed",
            f"It is not UTF-8 at its byte {error.start}: save it as UTF-8, or use "
            "'iconv -f latin1 -t utf-8'.",
        ) from error


def plain_rows(data: bytes, comment: bytes = b"", ends: Int64Array | None = None) -> Parsed:
    r"""Rows that are all left to Python, each that is neither empty nor a comment.

    A row is a line, unless ``ends`` says where the newlines stand that end one.

    Examples
    --------
    >>> plain_rows(b"a\n\nb\n").lines.tolist()
    [[0, 1, 0], [3, 4, 2]]
    """
    lines, start, k = [], 0, 0
    stops = ends if ends is not None else np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    for end in [*stops.tolist(), len(data)]:
        text = data[start:end].strip()
        if text and not (comment and text.startswith(comment)):
            lines.append((start, end, k))
        k += data.count(b"\n", start, end + 1)
        start = end + 1
    parsed = Parsed.room(len(lines), 0, 0, 0)
    parsed.status[:] = SLOW
    parsed.lines[:] = np.array(lines, np.int64).reshape(-1, 3)
    return parsed


@dataclass(slots=True)
class _Work:
    """What is found out about the rows of a block while Python goes over them."""

    extra: dict[int, Row] = field(default_factory=dict)  # slow rows
    sides: dict[int, Row] = field(default_factory=dict)  # id, timestamp, labels of others
    dead: list[int] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)


def assemble(
    parsed: Parsed,
    columns: Columns,
    schema: Schema,
    data: bytes,
    first_line: int,
    first_row: int,
    *,
    keep_zeros: bool = True,
) -> tuple[EventBatch, list[DeadLetter]]:
    """Make a batch of a parsed block, with the dead letters of its bad rows.

    Parameters
    ----------
    data, first_line, first_row
        The block, the number of its first line in the file (from 1) and of its first
        row (from 0).
    keep_zeros
        Whether explicit zeros of dense rows are kept as known zeros.
    """
    n = len(parsed.lines)
    n_features = np.full(n, len(schema.features), np.int32)
    n_labels = np.full(n, len(schema.labels), np.int32)
    work = _Work()
    for i, fixes in _special(parsed, columns, schema.takes_text):
        line = data[parsed.lines[i, 0] : parsed.lines[i, 1]]
        columns.later.position = position = f"line {first_line + int(parsed.lines[i, 2])}"
        try:
            if not fixes or not _fix(i, fixes, parsed, columns, schema, data, work):
                row = columns.row(row_text(line))
                commit(row, schema, columns.times)
                work.extra[i] = row
        except BlankRow:
            columns.blank += 1
            work.dead.append(i)
            work.extra[i] = Row()
        except BadRow as bad:
            schema.labels.refused += bad.refused
            work.dead.append(i)
            work.extra[i] = Row()
            work.letters.append(letter(bad.reason, bad.detail, position, line))
        n_features[i], n_labels[i] = len(schema.features), len(schema.labels)
    np.maximum.accumulate(n_features, out=n_features)
    np.maximum.accumulate(n_labels, out=n_labels)
    batch = _batch(parsed, work, schema, first_row, n_features, n_labels)
    if not keep_zeros and not columns.sparse:
        batch.x_indptr, batch.x_indices, batch.x_values = _masked(
            batch.x_indptr, batch.x_indices, batch.x_values, batch.x_values != 0.0
        )
    return batch, work.letters


def _special(
    parsed: Parsed, columns: Columns, takes_text: bool
) -> list[tuple[int, list[list[int]]]]:
    """Rows that Python has to look at, in order, with their fix-ups."""
    slow = parsed.status != OK
    if takes_text:
        slow[:] = True
    elif not columns.sparse:
        slow |= np.diff(parsed.x_indptr) == 0
    fixes: dict[int, list[list[int]]] = {int(i): [] for i in np.flatnonzero(slow)}
    for fix in parsed.fixes.tolist():
        if not slow[fix[0]]:
            fixes.setdefault(fix[0], []).append(fix)
    return sorted(fixes.items())


def _fix(
    i: int,
    fixes: list[list[int]],
    parsed: Parsed,
    columns: Columns,
    schema: Schema,
    data: bytes,
    work: _Work,
) -> bool:
    """Fill in what the kernel left open in row ``i``; false: read it the slow way."""
    row, found = Row(), []
    x0, x1 = int(parsed.x_indptr[i]), int(parsed.x_indptr[i + 1])
    try:
        for _, attribute, slot, start, end in fixes:
            text = data[start:end].decode()
            if slot < 0:
                columns.side(attribute, text, row)
            else:
                found.append((attribute, slot, columns.value(attribute, text)))
        values = [value for _, _, value in found if value is not None]
        row.x = dict(values)
        if len(row.x) < len(values):
            raise BadRow("malformed", "Two of its fields make the same feature.")
        row.sparse = columns.sparse or x1 - x0 > len(found)
        commit(row, schema, columns.times)
    except (BadRow, UnicodeDecodeError):
        return False
    for attribute, slot, value in found:
        column = -1
        if value is not None and not (columns.sparse and value[1] == 0.0):
            column = schema.features.find(value[0])
            parsed.x_values[slot] = value[1]
            if column >= 0:
                columns.learned(attribute, value[0], column)
        parsed.x_indices[slot] = column
    work.sides[i] = row
    return True


def _batch(
    parsed: Parsed,
    work: _Work,
    schema: Schema,
    first_row: int,
    n_features: Int32Array,
    n_labels: Int32Array,
) -> EventBatch:
    n = len(parsed.lines)
    x_indptr, x_indices, x_values = parsed.x_indptr, parsed.x_indices, parsed.x_values
    if len(parsed.fixes) and (x_indices < 0).any():
        x_indptr, x_indices, x_values = _masked(x_indptr, x_indices, x_values, x_indices >= 0)
    y_indptr, y_indices = parsed.y_indptr, parsed.y_indices
    kind = np.full(n, LABELS_FULL, np.uint8)
    ids: list[EventId] = list(range(first_row, first_row + n))
    timestamps = np.arange(first_row, first_row + n, dtype=np.float64)
    negative: dict[int, Int32Array] = {}
    if work.extra:
        x = {i: _features(row, schema) for i, row in work.extra.items()}
        x_values = _spliced(x_values, x_indptr, {i: v for i, (_, v) in x.items()})
        columns = {i: c for i, (c, _) in x.items()}
        x_indptr, x_indices = _respliced(x_indptr, x_indices, columns)
    named = {**work.sides, **work.extra}
    y = {i: _columns(row.positive, schema) for i, row in named.items()
         if i in work.extra or row.positive}  # fmt: skip
    for i, row in named.items():
        if row.id is not None:
            ids[i] = row.id
        if row.timestamp is not None:
            timestamps[i] = row.timestamp
        if not row.y_known:
            kind[i] = LABELS_UNKNOWN
        elif row.unknown or row.negative is not None:
            kind[i], negative[i] = _partial(row, schema)
    if y:
        y_indptr, y_indices = _respliced(y_indptr, y_indices, y)
    negative_indptr, negative_indices = _respliced(
        np.zeros(n + 1, np.int64), np.zeros(0, np.int32), negative
    )
    batch = EventBatch(
        schema, ids, timestamps, x_indptr, x_indices, x_values, y_indptr, y_indices, kind,
        negative_indptr, negative_indices, n_features, n_labels,
        texts=[work.extra[i].text or "" for i in range(n)] if schema.takes_text else None,
    )  # fmt: skip
    return taken(batch, np.setdiff1d(np.arange(n), work.dead)) if work.dead else batch


def _features(row: Row, schema: Schema) -> tuple[Int32Array, NDArray[np.float32]]:
    pairs = [(schema.features.find(name), value) for name, value in row.x.items()]
    pairs = [pair for pair in pairs if pair[0] >= 0]
    return (
        np.array([c for c, _ in pairs], np.int32),
        np.array([v for _, v in pairs], np.float32),
    )


def _columns(names: list[str], schema: Schema) -> Int32Array:
    return np.array(sorted({schema.labels.find(name) for name in names}), np.int32)


def _partial(row: Row, schema: Schema) -> tuple[int, Int32Array]:
    """Kind and negatives of a row whose labels are known in part."""
    if row.negative is not None:
        return LABELS_PARTIAL, _columns(row.negative, schema)
    out = {*row.unknown, *row.positive}
    if len(row.unknown) == len(schema.labels):
        return LABELS_UNKNOWN, np.zeros(0, np.int32)
    negative = [c for c, name in enumerate(schema.labels.names) if name not in out]
    return LABELS_PARTIAL, np.array(negative, np.int32)


def _masked(
    indptr: Int64Array, indices: Int32Array, values: NDArray[np.float32], keep: NDArray[np.bool_]
) -> tuple[Int64Array, Int32Array, NDArray[np.float32]]:
    before = np.zeros(len(keep) + 1, np.int64)
    np.cumsum(keep, out=before[1:])
    return before[indptr], indices[keep], values[keep]


def _spliced(values: NDArray[_T], indptr: Int64Array, rows: dict[int, NDArray[_T]]) -> NDArray[_T]:
    """``values`` with some rows replaced."""
    pieces, position = [], 0
    for i, row in sorted(rows.items()):
        pieces += [values[position : indptr[i]], row]
        position = int(indptr[i + 1])
    return np.concatenate([*pieces, values[position:]])


def _respliced(
    indptr: Int64Array, indices: Int32Array, rows: dict[int, Int32Array]
) -> tuple[Int64Array, Int32Array]:
    """Row offsets and columns with some rows replaced."""
    if not rows:
        return indptr, indices
    counts = np.diff(indptr)
    for i, row in rows.items():
        counts[i] = len(row)
    offsets = np.zeros(len(indptr), np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets, _spliced(indices, indptr, rows)
