"""Rows of a Parquet piece to an event batch and dead letters."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from streamml.types import (
    LABELS_FULL,
    LABELS_PARTIAL,
    LABELS_UNKNOWN,
    BoolArray,
    DeadLetter,
    EventBatch,
    EventId,
    Float32Array,
    Int32Array,
    Int64Array,
    Schema,
    UInt8Array,
)
from streamml.types.label_lists import labels_at
from streamml.types.truth import truth
from streamml.types.values import is_missing, text_feature
from streamml_connectors.files.batches import taken
from streamml_connectors.files.columns import BadRow, Row, commit
from streamml_connectors.files.described import Column
from streamml_connectors.files.fields import seconds
from streamml_connectors.files.fields import timestamp as parse_time
from streamml_connectors.files.json_event import take_labels
from streamml_connectors.files.parquet_columns import LABEL_BAD, LABEL_UNKNOWN, Layout
from streamml_connectors.files.parquet_pieces import Piece
from streamml_connectors.files.rows import letter

__all__ = ["piece_batch"]


def piece_batch(
    piece: Piece,
    plan: Layout,
    schema: Schema,
    part: slice,
    first_row: int,
    *,
    separator: str,
    keep_zeros: bool,
) -> tuple[EventBatch, list[DeadLetter]]:
    """Some rows of a piece as a batch; ``first_row`` numbers the first in the file."""
    values = np.ascontiguousarray(piece.numbers[:, part].T)
    known = np.ones(values.shape, np.bool_)
    if piece.known is not None:
        known = np.ascontiguousarray(piece.known[:, part].T)
    codes = np.ascontiguousarray(piece.labels[:, part].T)
    bad = _spoilt(values, known, codes, plan, schema.takes_text)
    bad |= {i - part.start: why for i, why in piece.bad.items() if part.start <= i < part.stop}
    n = len(values)
    sizes = np.empty((2, n), np.int32)
    sizes[0], sizes[1] = len(schema.features), len(schema.labels)
    made = np.full((n, len(plan.nominal)), -1, np.int32)
    made_values = np.zeros(made.shape, np.float32)
    rows: list[Row] = []
    if plan.nominal or plan.sides:
        for i in range(n):
            row = Row(sparse=bool(known[i].any()))
            rows.append(row)
            try:
                if i not in bad:
                    found = _named_row(piece, plan, part.start + i, row, separator)
                    commit(row, schema)
                    for k, (name, value) in found.items():
                        made[i, k], made_values[i, k] = schema.features.find(name), value
            except BadRow as problem:
                bad[i] = problem
                schema.labels.refused += problem.refused
            sizes[:, i] = len(schema.features), len(schema.labels)
    if not keep_zeros:
        known &= values != 0.0
        made[made_values == 0.0] = -1
    x = _features(values, known, made, made_values)
    batch = _batch(x, codes, rows, schema, first_row, sizes, bad)
    return batch, [
        letter(why.reason, why.detail, f"row {first_row + i}", _raw(piece.records, part.start + i))
        for i, why in sorted(bad.items())
    ]


def _raw(records: Any, i: int) -> bytes:
    return repr(records.slice(i, 1).to_pylist()[0]).encode()


def _spoilt(
    values: Float32Array, known: BoolArray, codes: UInt8Array, plan: Layout, takes_text: bool
) -> dict[int, BadRow]:
    """Rows that numbers or labels spoil."""
    found: dict[int, BadRow] = {}
    for i, j in np.argwhere(codes == LABEL_BAD):
        name = plan.label_names[j]
        found[int(i)] = BadRow("unknown_value", f"Label {name!r} must be 0 or 1, or yes or no.")
    for i, j in np.argwhere(~np.isfinite(values)):
        name = plan.numbers[j]
        found[int(i)] = BadRow("not_finite", f"Column {name!r} is not finite: use null.")
    if not plan.nominal and not takes_text:
        for i in np.flatnonzero(~known.any(axis=1)):
            found[int(i)] = BadRow("no_features", "It has no features: give it at least one.")
    return found


def _named_row(
    piece: Piece, plan: Layout, i: int, row: Row, separator: str
) -> dict[int, tuple[str, float]]:
    """Read what has names into ``row``; the features that columns of texts make, by column."""
    found = {}
    for k, (column, values) in enumerate(zip(plan.nominal, piece.nominal, strict=True)):
        feature = _feature(column, values[i])
        if feature is not None:
            found[k] = feature
    row.x = dict(found.values())
    for use, values in piece.sides.items():
        _side(use, values[i], row, separator, plan)
    return found


def _feature(column: Column, text: str | None) -> tuple[str, float] | None:
    if text is None or is_missing(text):
        return None
    if column.kind == "number":
        return text_feature(column.name, text)
    if column.kind == "boolean":
        with suppress(BadRow):
            return column.name, float(bool(truth(text, column.name)))
    return f"{column.name}={text}", 1.0


def _side(use: str, value: Any, row: Row, separator: str, plan: Layout) -> None:
    if use == "labels":
        if plan.positions and not is_missing(value):
            row.positive = labels_at(value, plan.positions, "Its list of labels")
        else:
            take_labels(value, "Its list of labels", row, separator)
    elif value is None:
        return
    elif use == "text":
        row.text = str(value)
    elif use == "id":
        row.id = value if isinstance(value, str | int) else str(value)
    elif isinstance(value, int | float):
        if not np.isfinite(value):
            raise BadRow("not_finite", "The timestamp is not finite: use null.")
        row.timestamp = seconds(float(value))
    else:
        row.timestamp = parse_time(str(value))


def _features(
    values: Float32Array, known: BoolArray, made: Int32Array, made_values: Float32Array
) -> tuple[Int64Array, Int32Array, Float32Array]:
    """CSR features: known numbers, and the nominal features that were made."""
    n, d = values.shape
    columns = np.broadcast_to(np.arange(d, dtype=np.int32), (n, d))
    if made.shape[1]:
        known = np.hstack([known, made >= 0])
        columns = np.hstack([columns, made])
        values = np.hstack([values, made_values])
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(known.sum(axis=1), out=indptr[1:])
    return indptr, columns[known], values[known]


def _batch(
    x: tuple[Int64Array, Int32Array, Float32Array],
    codes: UInt8Array,
    rows: list[Row],
    schema: Schema,
    first_row: int,
    sizes: Int32Array,
    bad: dict[int, BadRow],
) -> EventBatch:
    n = len(codes)
    ids: list[EventId] = list(range(first_row, first_row + n))
    timestamps = np.arange(first_row, first_row + n, dtype=np.float64)
    kind = np.full(n, LABELS_FULL, np.uint8)
    partial = (codes == LABEL_UNKNOWN).any(axis=1)
    kind[partial] = LABELS_PARTIAL
    kind[partial & (codes == LABEL_UNKNOWN).all(axis=1)] = LABELS_UNKNOWN
    y_indptr, y_indices = _csr(codes == 1)
    negative_indptr, negative_indices = _csr((codes == 0) & (kind == LABELS_PARTIAL)[:, None])
    for i, row in enumerate(rows):
        ids[i] = ids[i] if row.id is None else row.id
        timestamps[i] = timestamps[i] if row.timestamp is None else row.timestamp
        if not row.y_known:
            kind[i] = LABELS_UNKNOWN
        elif row.negative is not None:
            kind[i] = LABELS_PARTIAL
    if not codes.shape[1]:
        y_indptr, y_indices = _listed(rows, schema, bad)
    batch = EventBatch(
        schema, ids, timestamps, *x, y_indptr, y_indices, kind,
        negative_indptr, negative_indices, sizes[0], sizes[1],
        texts=[row.text or "" for row in rows] if schema.takes_text else None,
    )  # fmt: skip
    return taken(batch, np.setdiff1d(np.arange(n), list(bad))) if bad else batch


def _csr(there: BoolArray) -> tuple[Int64Array, Int32Array]:
    indptr = np.zeros(len(there) + 1, np.int64)
    np.cumsum(there.sum(axis=1), out=indptr[1:])
    return indptr, np.nonzero(there)[1].astype(np.int32)


def _listed(
    rows: list[Row], schema: Schema, bad: dict[int, BadRow]
) -> tuple[Int64Array, Int32Array]:
    """CSR labels of label lists."""
    indptr, indices = [0], []
    for i, row in enumerate(rows):
        if i not in bad:
            indices += sorted({schema.labels.find(name) for name in row.positive})
        indptr.append(len(indices))
    return np.array(indptr, np.int64), np.array(indices, np.int32)
