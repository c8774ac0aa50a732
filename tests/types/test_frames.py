"""Tables of every kind to events and back: frames, matrices, lists of mappings."""

import builtins
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st

from streamml.baselines import MajorityLabelSet, NoChange
from streamml.errors import MissingDependencyError, SchemaError
from streamml.types import EventBatch, PartialLabels, Predictions, Schema
from tests.conftest import needs

X = [[1.0, math.nan, 0.0], [0.0, 2.5, 0.0], [0.0, 0.0, 0.0], [4.0, 0.0, 0.5]]
Y = [[1, 0], [0, 1], [0, 0], [1, 1]]
FEATURES, LABELS = ["f", "g", "h"], ["a", "b"]


def in_columns(cells, names):
    return {name: [row[k] for row in cells] for k, name in enumerate(names)}


def polars():
    try:
        import polars
    except ImportError:
        needs("polars is not installed: pip install polars", False)
    return polars


def missing_as_none(cells):
    return [[None if v != v else v for v in row] for row in cells]


KINDS = {
    "pandas": lambda cells, names: pd.DataFrame(cells, columns=names),
    "pyarrow": lambda cells, names: pa.table(in_columns(missing_as_none(cells), names)),
    "polars": lambda cells, names: polars().DataFrame(in_columns(missing_as_none(cells), names)),
    "numpy": lambda cells, names: np.array(cells),
    "mappings": lambda cells, names: [dict(zip(names, row, strict=True)) for row in cells],
}
MATRICES = {
    "csr": sparse.csr_matrix, "csc array": sparse.csc_array, "coo": sparse.coo_array,
    "lil": sparse.lil_matrix,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_holds_the_same_events(kind):
    given = {"features": FEATURES, "labels": LABELS} if kind == "numpy" else {}
    batch = EventBatch.from_arrays(KINDS[kind](X, FEATURES), KINDS[kind](Y, LABELS), **given)
    assert [event.x for event in batch] == [
        {"f": 1.0, "h": 0.0}, {"f": 0.0, "g": 2.5, "h": 0.0},
        {"f": 0.0, "g": 0.0, "h": 0.0}, {"f": 4.0, "g": 0.0, "h": 0.5},
    ]  # fmt: skip
    assert [event.y for event in batch] == [{"a"}, {"b"}, set(), {"a", "b"}]
    assert batch.schema.labels.names == LABELS
    assert (batch.ids, batch.timestamps.tolist()) == ([0, 1, 2, 3], [0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("kind", MATRICES)
def test_a_sparse_matrix_leaves_out_its_zeros_where_absent_means_zero(kind):
    x, y = MATRICES[kind](np.nan_to_num(X)), MATRICES[kind](np.array(Y))
    batch = EventBatch.from_arrays(x, y, features=FEATURES, labels=LABELS)
    assert batch.schema.absent_is_zero
    assert [e.x for e in batch] == [{"f": 1.0}, {"g": 2.5}, {}, {"f": 4.0, "h": 0.5}]
    assert [e.y for e in batch] == [{"a"}, {"b"}, set(), {"a", "b"}]
    again = EventBatch.from_events(list(batch.events()), batch.schema)
    assert list(again) == list(batch)
    whole = EventBatch.from_arrays(x, y, features=FEATURES, labels=LABELS, schema=Schema())
    assert [e.x for e in whole] == [dict(zip(FEATURES, row, strict=True)) for row in np.nan_to_num(X).tolist()]  # fmt: skip # noqa: E501


def test_a_cell_that_a_sparse_matrix_says_twice_is_their_sum():
    twice = sparse.csr_matrix((np.ones(3), [1, 1, 0], [0, 2, 3]), shape=(2, 2))
    assert [e.x for e in EventBatch.from_arrays(twice)] == [{1: 2.0}, {0: 1.0}]


@pytest.mark.parametrize("kind", [*KINDS, *MATRICES])
def test_learners_take_and_give_back_tables_of_one_kind(kind):
    make = KINDS.get(kind) or (lambda cells, names: MATRICES[kind](np.nan_to_num(cells)))
    many, one = MajorityLabelSet(), MajorityLabelSet()
    many.learn_many(make(X, FEATURES), make(Y, LABELS))
    labels = LABELS if kind in ("pandas", "pyarrow", "polars", "mappings") else [0, 1]
    for x, y in zip(X, Y, strict=True):
        one.learn_one(dict(zip(FEATURES, x, strict=True)), dict(zip(labels, y, strict=True)))
    assert many.schema.labels.keys == labels
    assert many.schema.absent_is_zero == (kind in MATRICES)
    decided, proba = (
        many.predict_many(make(X, FEATURES)),
        many.predict_proba_many(make(X, FEATURES)),
    )
    for found in (decided, proba):
        if kind in ("numpy", "mappings", *MATRICES):
            cells = found
            assert isinstance(found, np.ndarray)
        else:
            assert type(found) is type(make(X, FEATURES))
            cells = np.array(found if kind != "pyarrow" else found.to_pandas())
        assert cells.tolist() == [list(one.predict_one({}).values())] * 4
    assert many.snapshot()["position"] == one.snapshot()["position"] == 4


def test_names_of_a_matrix_are_those_that_are_known():
    model = NoChange()
    model.learn_many(pd.DataFrame(X, columns=FEATURES), pd.DataFrame(Y, columns=LABELS))
    model.learn_many(np.array(X), np.array(Y))
    assert model.schema.features.keys == ["f", "h", "g"]
    assert model.schema.labels.keys == LABELS
    with pytest.raises(SchemaError, match="2 columns where 3 are known by name"):
        model.learn_many(np.array(X)[:, :2], np.array(Y))
    with pytest.raises(SchemaError, match="1 columns where 2 are known by name"):
        model.learn_many(np.array(X), np.array(Y)[:, :1])
    with pytest.raises(SchemaError, match="2 names are given for 3 columns"):
        EventBatch.from_arrays(np.array(X), features=["a", "b"])
    with pytest.raises(SchemaError, match="Two columns are called 'a'"):
        EventBatch.from_arrays(np.array(X), features=["a", "b", "a"])


def test_cells_mean_what_they_mean_elsewhere():
    frame = pd.DataFrame(
        {"city": ["Rome", None], "open": [True, False], "n": [1, 2], 7: [0.5, np.nan],
         "zip": "04107", "kind": pd.Categorical(["u", "v"])}
    )  # fmt: skip
    batch = EventBatch.from_arrays(frame, pd.DataFrame({"l": ["yes", "no"], "m": [None, 1.0]}))
    assert [event.x for event in batch] == [
        {"city=Rome": 1.0, "open": 1.0, "n": 1.0, 7: 0.5, "zip=04107": 1.0, "kind=u": 1.0},
        {"open": 0.0, "n": 2.0, "zip=04107": 1.0, "kind=v": 1.0},
    ]
    assert [event.y for event in batch] == [
        PartialLabels(frozenset({"l"}), frozenset()),
        frozenset({"m"}),
    ]
    assert EventBatch.from_arrays(frame).y_kind.tolist() == [0, 0]


def test_labels_may_be_a_series_of_sets_or_mappings():
    model, x = NoChange(), pd.DataFrame(X, columns=FEATURES)
    model.learn_many(x, pd.Series([{"a"}, {"b": True}, set(), {"c"}]))
    assert model.predict_many(x[:1]).iloc[0].to_dict() == {"a": False, "b": False, "c": True}


@pytest.mark.parametrize("names", [[1, "1", ("u", "v")], [("u", 1), ("u", 2), ("v", 1)]])
def test_keys_of_columns_come_back_as_they_came(names):
    model, x = NoChange(), pd.DataFrame(X, columns=pd.Index(names, tupleize_cols=False))
    x.index = list("pqrs")
    y = pd.DataFrame([[1, 0, 1]] * 4, columns=pd.Index(names, tupleize_cols=False))
    model.learn_many(x, y)
    for found in (model.predict_many(x), model.predict_proba_many(x)):
        assert list(found.columns) == names
        assert found.columns.nlevels == 1
        assert list(found.index) == list("pqrs")
    assert set(model.schema.features.keys) == set(names)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (None, "type NoneType: give a DataFrame"),
        ([[1.0]], "type list: give a DataFrame"),
        (np.ones(2), "type ndarray: give a DataFrame"),
        (np.ones((1, 1, 1)), "type ndarray: give a DataFrame"),
        (np.array([[1j]]), "matrix holds complex128"),
        (np.array([["2026-01-01"]], "M8[D]"), "matrix holds datetime64"),
        (pd.Series({"f": 1.0}), "type Series: give a DataFrame"),
        (pd.DataFrame([[1.0, 2.0]], columns=["f", "f"]), "called 'f'"),
        (pd.DataFrame({"ok": [1.0], "at": pd.to_datetime(["2026-01-01"])}), "'at' holds Datetime"),
        (pa.table({"at": pa.array([1], pa.duration("s"))}), "'at' holds Duration"),
        (pd.DataFrame({"c": [1j]}), "Row 0 cannot be used: Feature 'c' is 1j"),
        (pd.DataFrame({"c": [1.0, np.inf]}), "Row 1 cannot be used: Feature 'c' is inf"),
    ],
)
def test_what_is_no_table_of_features_is_refused(table, sentence):
    with pytest.raises(SchemaError, match=sentence):
        EventBatch.from_arrays(table)
    with pytest.raises(SchemaError, match=sentence.removeprefix("Row 0 cannot be used: ")
                       .removeprefix("Row 1 cannot be used: ")):  # fmt: skip
        NoChange().predict_many(table)


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ("a", "type str"),
        (7, "type int"),
        ({"a": [True]}, "type dict"),
        (pd.DataFrame({"a": [2]}), "Row 0 cannot be used: Label 'a' is 2"),
        (np.array([[0.5]]), "Row 0 cannot be used: Label 0 is 0.5"),
        (pd.Series([True]), "Row 0 cannot be used: The labels are True"),
        (pd.Series(["sun"]), "The labels are 'sun'"),
        (np.ones((2, 1)), "1 events have 2 rows of labels"),
    ],
)
def test_labels_that_are_none_are_refused(y, sentence):
    with pytest.raises(SchemaError, match=sentence):
        NoChange().learn_many(pd.DataFrame({"f": [1.0]}), y)


# -- predictions ------------------------------------------------------------------------------

PREDICTED = Predictions(
    np.array([0, 2, 2]), np.array([0, 2], np.int32),
    np.array([0, 2, 3]), np.array([0, 2, 1], np.int32), np.array([0.75, 0.5, 0.25], np.float32),
)  # fmt: skip


@pytest.mark.parametrize("names", [["a", 7, ("b", 1)], Schema(labels=["a", 7, ("b", 1)])])
def test_predictions_as_sets_and_tables(names):
    assert PREDICTED.label_sets(names) == [{"a", ("b", 1)}, set()]
    assert PREDICTED.label_sets() == [{0, 2}, set()]
    decided, scores = PREDICTED.to_matrix(names), PREDICTED.to_matrix(names, scores=True)
    assert decided.dtype == np.bool_
    assert decided.tolist() == [[True, False, True], [False, False, False]]
    assert scores.tolist() == [[0.75, 0.0, 0.5], [0.0, 0.25, 0.0]]
    frame = PREDICTED.to_frame(names, index=["x", "y"])
    assert list(frame.columns) == ["a", 7, ("b", 1)]
    assert frame.loc["x"].tolist() == [True, False, True]
    assert PREDICTED.to_frame(names, scores=True)[7].tolist() == [0.0, 0.25]


def test_predictions_of_more_labels_than_named_are_refused():
    for scores in (False, True):
        with pytest.raises(SchemaError, match="Label column 2 is predicted, but 2 labels"):
            PREDICTED.to_matrix(2, scores)
    assert PREDICTED.to_matrix(4).shape == (2, 4)
    assert Predictions.concatenate([]).to_matrix(3).shape == (0, 3)


@given(st.lists(st.frozensets(st.integers(0, 5)), max_size=6))
def test_sets_and_matrix_say_the_same(rows):
    ends = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    found = Predictions(ends, np.array([c for row in rows for c in sorted(row)], np.int32))
    assert found.label_sets() == rows
    assert [frozenset(np.flatnonzero(row).tolist()) for row in found.to_matrix(6)] == rows


def test_without_pandas_the_error_says_how_to_install_it(monkeypatch):
    plain = builtins.__import__

    def without(name, *rest, **named):
        if name == "pandas":
            raise ImportError(name)
        return plain(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match="pip install pandas"):
        PREDICTED.to_frame(["a", "b", "c"])
