"""A stream in the columns of a learner that was taught with another one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamml.types import Event, EventBatch, PartialLabels, Schema
from streamml.types.translation import _CELLS, Translation

NAMES = st.sampled_from("abcdef")
ROWS = st.dictionaries(NAMES, st.floats(-4, 4, width=32), max_size=6)
LABELS = st.one_of(
    st.none(),
    st.frozensets(NAMES),
    st.frozensets(NAMES).map(lambda known: PartialLabels(known - {"a"}, frozenset({"a"}))),
)


def batch_of(rows, schema):
    return EventBatch.from_events([Event(i, float(i), x, y) for i, (x, y) in rows], schema)


@given(
    taught=st.permutations("abcd"),
    rows=st.lists(st.tuples(ROWS.filter(len), LABELS), min_size=1, max_size=8),
    cut=st.integers(0, 8),
)
def test_names_stay_with_their_numbers_and_strange_ones_are_left_out(taught, rows, cut):
    schema, there = Schema(taught, ["b", "a"]), Schema()
    translation, rows = Translation(schema), list(enumerate(rows))
    parts = [rows[:cut], rows[cut:]]  # names come as the stream goes on
    found = [translation(batch_of(part, there)) for part in parts]
    events = [event for part in found for event in part.events()]
    for (i, (x, y)), event in zip(rows, events, strict=True):
        known = {name: value for name, value in x.items() if name in taught}
        assert (event.id, event.timestamp, dict(event.x), event.y) == (i, float(i), known, y)
    assert translation.strange == sum(not set(x) & set(taught) for _, (x, _) in rows)
    assert schema.features.names == taught
    for part in found:
        assert set(part.n_features.tolist()) <= {4}
        assert set(part.n_labels.tolist()) <= {2}
        for indptr, columns in ((part.x_indptr, part.x_indices), (part.y_indptr, part.y_indices)):
            for start, stop in pairwise(indptr.tolist()):
                assert np.all(np.diff(columns[start:stop]) > 0)


@pytest.mark.parametrize("learner_zero", [False, True])
@pytest.mark.parametrize("stream_zero", [False, True])
def test_a_zero_of_a_sparse_stream_is_a_zero_where_absent_means_unknown(learner_zero, stream_zero):
    translation = Translation(Schema(["f", "g", "h"], absent_is_zero=learner_zero))
    there = Schema(["h", "f", "new"], absent_is_zero=stream_zero)
    x = {"h": 2.0, "new": 1.0}
    (event,) = translation(batch_of([(0, (x, None))], there)).events()
    full = stream_zero and not learner_zero
    assert dict(event.x) == ({"f": 0.0, "g": 0.0, "h": 2.0} if full else {"h": 2.0})


def test_rows_that_are_written_out_fit_into_memory():
    wide = [f"f{i}" for i in range(_CELLS // 100)]
    sparse, dense = Schema(absent_is_zero=True), Schema()
    assert Translation(Schema(wide)).rows_at_once(sparse, 500) == 100
    assert Translation(Schema(wide)).rows_at_once(dense, 500) == 500
    assert Translation(Schema(wide, absent_is_zero=True)).rows_at_once(sparse, 500) == 500
    assert Translation(Schema()).rows_at_once(sparse, 500) == 500


def test_labels_beyond_a_cap_are_still_what_is_true():
    schema = Schema(["f"], ["a"], max_labels=1)
    (event,) = Translation(schema)(
        batch_of([(0, ({"f": 1.0}, frozenset("ab")))], Schema())
    ).events()
    assert event.y == frozenset("ab")
