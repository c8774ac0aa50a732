"""Events that are read and not handed out, as JSON for a snapshot and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamml.errors import DataError
from streamml.io import JSON
from streamml.types import EventBatch, Schema
from streamml.types.saved import ARRAYS

__all__ = ["from_json", "to_json"]


def to_json(batch: EventBatch) -> dict[str, JSON]:
    """Features by name, labels by the column that the source's schema gives them.

    Examples
    --------
    >>> from streamml.types import Event
    >>> schema = Schema(takes_text=True)
    >>> batch = EventBatch.from_events([Event(7, 0.5, "sun", frozenset({"a"}))], schema)
    >>> list(from_json(to_json(batch), schema).events()) == list(batch.events())
    True
    """
    found: dict[str, JSON] = {name: getattr(batch, name).tolist() for name in ARRAYS}
    used, places = np.unique(batch.x_indices, return_inverse=True)
    names: list[JSON] = [batch.schema.features[int(column)] for column in used]
    more = {"ids": list(batch.ids), "texts": batch.texts}
    return {**found, **more, "x_names": names, "x_indices": places.tolist()}


def from_json(held: Mapping[str, Any], schema: Schema) -> EventBatch:
    """The events again.

    Raises
    ------
    DataError
        They are not what :func:`to_json` gave, or do not fit the schema.
    """
    try:
        arrays: dict[str, Any] = {n: np.array(held[n], kind) for n, kind in ARRAYS.items()}
        columns = np.array([schema.features.add(str(name)) for name in held["x_names"]], np.int32)
        arrays["x_indices"] = columns[arrays["x_indices"]]
        batch = EventBatch(schema, ids=list(held["ids"]), texts=held["texts"], **arrays)
        whole = _is_whole(batch)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"The events held in the snapshot cannot be read ({error}).") from error
    if not whole:
        raise DataError(
            "The events held in the snapshot do not fit the source: "
            "restore with the source it was taken from."
        )
    return batch


def _is_whole(batch: EventBatch) -> bool:
    """Whether arrays fit each other and the names that the source knows."""
    n, schema = len(batch), batch.schema
    rows = (batch.timestamps, batch.y_kind, batch.n_features, batch.n_labels)
    if any(a.shape != (n,) for a in rows):
        return False
    if (batch.texts is None) == schema.takes_text or len(batch.texts or batch.ids) != n:
        return False
    pairs = (
        (batch.x_indptr, batch.x_indices, len(schema.features)),
        (batch.y_indptr, batch.y_indices, len(schema.labels)),
        (batch.negative_indptr, batch.negative_indices, len(schema.labels)),
    )
    return len(batch.x_values) == len(batch.x_indices) and all(
        indptr.shape == (n + 1,)
        and indptr[0] == 0
        and indptr[-1] == len(indices)
        and bool((np.diff(indptr) >= 0).all())
        and bool(((indices >= 0) & (indices < names)).all())
        for indptr, indices, names in pairs
    )
