"""A learner stays within its budget, gives up the least useful first, and says so."""

import gc
import tracemalloc
from contextlib import contextmanager
from itertools import pairwise, product

import numpy as np
import pytest

from streamml import IHOMER, state
from streamml.errors import ConfigError, StateError
from streamml.hierarchy import LabelCounts
from streamml.ihomer.budget import Budget, bytes_of, label_capacity
from streamml.ihomer.feature_table import FeatureTable, reserve_of, with_reserve
from streamml.ihomer.loop import batch_arrays
from streamml.ihomer.memory import Memory, cut
from streamml.nodes.capacity import bytes_for
from streamml.nodes.custom_classifiers import custom_scores
from streamml.types import LABELS_UNKNOWN, Event, EventBatch, Schema

BUDGET = 2 * 2**20


def events(n, features=4000, labels=80, seed=1):
    """Features come and go; a few stay, and say which of two labels is true."""
    rng = np.random.default_rng(seed)
    for t in range(n):
        high = max(40, features * t // n)
        low = max(30, high - features // 4)
        k = int(rng.integers(2))
        names = {*rng.integers(2, 30, 3).tolist(), *rng.integers(low, high, 12).tolist()}
        x = {f"f{j}": float(rng.random()) + 0.1 for j in sorted(names)} | {f"f{k}": 2.0}
        late = max(8, labels * t // n)
        y = frozenset({f"k{k}", f"l{rng.integers(late)}"})
        yield Event(t, float(t), x, None if t % 13 == 0 else y)


BATCH = EventBatch.from_events(events(2500), Schema())


def run(model, sizes=(2500,), stop=2500):
    start, k = 0, 0
    while start < stop:
        end = min(start + sizes[k % len(sizes)], stop)
        model.test_then_train(BATCH.slice(start, end), 0.0)
        start, k = end, k + 1
    return model


def small():
    return IHOMER("fast", memory_budget=BUDGET)


def answers(model):
    """What it says of the last events; all that is known of a label goes into its score."""
    found = model.predict(BATCH.slice(2400, 2500), 0.0)
    return found.scores.tobytes(), found.indices.tobytes()


@contextmanager
def weighing():
    """How many bytes the process allocated in here and still holds, as a function."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def weigh():
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    try:
        yield weigh
    finally:
        tracemalloc.stop()


def test_the_process_stays_within_the_budget_and_the_learner_says_what_went():
    stream = list(events(2500))
    run(small())  # what is compiled or loaded on the way is no state
    with weighing() as weigh:
        schema, model, heaviest = Schema(), small(), 0
        model.bind(schema)
        for start in range(0, 2500, 100):
            model.learn(EventBatch.from_events(stream[start : start + 100], schema))
            heaviest = max(heaviest, weigh())
    assert 0.7 * BUDGET < heaviest <= BUDGET  # and uses it
    assert model.shed["features"] > 1000
    assert model.change_counts["shed"] >= 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"preset": "fast"},
        {"preset": "fast", "memory_budget": BUDGET},
        {"preset": "default"},
        {"preset": "accurate", "window": 256},
        {"members": ("tree", "constant")},
        {"members": ("bayes", "constant")},
        {"members": ("forest", "constant")},
    ],
    ids=str,
)
def test_it_holds_what_it_says_it_holds(parameters):
    stream = list(events(1200))
    IHOMER(**parameters).test_then_train(EventBatch.from_events(stream, Schema()))
    with weighing() as weigh:
        schema, model = Schema(), IHOMER(**parameters)
        model.bind(schema)
        for start in range(0, 1200, 200):
            model.test_then_train(EventBatch.from_events(stream[start : start + 200], schema))
        assert weigh() == pytest.approx(sum(model.memory.values()), rel=0.01, abs=200_000)


def drifting(n=1200, at=1000, most=1400):
    """Two labels change places; right after that many new features come."""
    rng = np.random.default_rng(1)
    for t in range(n):
        k, new = int(rng.integers(2)), 30 * (t - at - 30)
        x = {f"f{k}": 1.0} | {f"f{j}": float(rng.random()) for j in rng.integers(2, 22, 3)}
        x |= {f"new{j}": 1.0 for j in range(max(new, 0), min(new + 30, most))}
        yield Event(t, float(t), x, frozenset({f"l{k ^ (t >= at)}"}))


def test_where_there_is_room_for_one_learner_the_alternate_goes_first():
    model, schema = small(), Schema()
    model.bind(schema)
    stream = list(drifting())
    for start in range(0, len(stream), 10):
        model.learn(EventBatch.from_events(stream[start : start + 10], schema))
        assert sum(model.memory.values()) <= BUDGET
    assert model.change_counts["warning"] == 1
    assert "swap" not in model.change_counts
    assert model.shed == {"alternates": 1}


def test_a_tree_counts_as_what_it_may_take():
    members = ("linear", "tree", "constant")
    with pytest.raises(ConfigError, match="at least 51 MiB"):
        IHOMER("fast", members=members, memory_budget="40MiB")
    model = IHOMER("fast", members=members, memory_budget="52MiB")
    model.learn(BATCH)
    assert model.shed["features"] > 1000  # 50 MB are the tree's, whatever it has by now


def test_what_it_keeps_is_what_is_used():
    model = run(small())

    def told(name):
        return repr(model.predict_proba_one({"f0": 2.0, name: 2.0}))

    assert "f50" in BATCH.schema.features  # it came early and never again
    assert all(told(f"f{j}") != told("f50") for j in range(1, 30))
    assert all(told(f"f{j}") == told("f50") for j in range(50, 60))
    found = model.predict(EventBatch.from_events(list(events(40, seed=2))[-40:], BATCH.schema))
    names = BATCH.schema.labels
    right = sum(f"k{k}" in {names[c] for c in found.row(i)} for i in range(40) for k in range(2))
    assert right >= 30  # about one of the two each time


def test_any_batch_size_sheds_the_same():
    expected = run(small())
    for sizes in ((1,), (7, 300)):
        model = run(small(), sizes)
        assert model.shed == expected.shed
        assert answers(model) == answers(expected)
        assert list(map(repr, model.changes)) == list(map(repr, expected.changes))


def test_saving_and_loading_sheds_the_same(tmp_path):
    expected, model = run(small()), run(small(), stop=1500)
    state.save(model, tmp_path / "s")
    model = state.load(tmp_path / "s")
    model.bind(BATCH.schema)
    model.test_then_train(BATCH.slice(1500, 2500))
    assert model.shed == expected.shed
    assert answers(model) == answers(expected)


def test_with_room_enough_it_changes_no_bit():
    plenty, more = IHOMER("fast"), IHOMER("fast", memory_budget="2GiB")
    found = [m.test_then_train(BATCH, 0.0).scores.tobytes() for m in (plenty, more)]
    assert found[0] == found[1]
    assert plenty.shed == more.shed == {}


def test_a_dense_stream_keeps_the_features_it_has():
    rng = np.random.default_rng(1)
    schema, model = Schema(), IHOMER("fast", memory_budget=BUDGET // 4)
    for t in range(60):
        width = 200 if t < 20 else 2000
        x = {f"f{j}": float(v) for j, v in enumerate(rng.normal(size=width))}
        batch = EventBatch.from_events([Event(t, 0.0, x, frozenset({"a"}))], schema)
        model.test_then_train(batch)
    assert model.shed["values"] > 0
    assert model.shed.get("features", 0) == 0
    assert sum(model.memory.values()) <= 1.05 * BUDGET / 4 + 2000 * 200


def test_rare_pairs_go_first():
    counts = LabelCounts(max_pairs=100)
    counts.reserve_labels(200)
    often = np.array([0, 1] * 50, np.int32)
    counts.observe(np.arange(0, 102, 2), often, 0, 50)
    rows = np.array([[k, k + 1] for k in range(10, 190)], np.int32)
    counts.observe(np.arange(0, 362, 2), rows.ravel(), 0, 180)
    assert counts.n_pairs == 100
    counts.maintain()
    assert counts.n_pairs == 50
    assert counts.pairs().weight.max() == 50.0
    assert counts.shed == 50 + (180 - 99)


def test_vocabularies_get_a_cap_where_they_have_none():
    mine, theirs = Schema(max_features=7), Schema()
    for schema in (mine, theirs):
        IHOMER("fast", memory_budget=BUDGET).bind(schema)
    assert mine.features.limit == 7
    assert 100 < theirs.features.limit < 10_000
    assert 100 < theirs.labels.limit < 10_000


@pytest.mark.parametrize(
    ("budget", "size"),
    [("512MiB", 512 * 2**20), ("1.5 kb", 1500), (1, 1), (7, 7), ("2GIB", 2**31), ("10", 10)],
)
def test_a_budget_is_a_number_with_a_unit(budget, size):
    assert bytes_of(budget) == size


@pytest.mark.parametrize("budget", ["", "many", "12XB", "-3MB", 0, True, "1.2.3MB", "10KiB", None])
def test_what_is_no_budget_or_too_small_is_refused(budget):
    with pytest.raises(ConfigError, match="budget"):
        IHOMER("fast", memory_budget=budget)
    if budget != "10KiB":  # too small for a learner, as it says above
        with pytest.raises(ConfigError, match="is no memory budget: write '512MiB'"):
            bytes_of(budget)


def test_too_many_declared_labels_say_what_they_need():
    with pytest.raises(ConfigError, match="raise it to"):
        IHOMER("fast", memory_budget=BUDGET).bind(Schema(["f"], [f"l{k}" for k in range(9000)]))


def test_use_is_weighed_alike_before_and_after_features_went():
    """Use fades: an event weighs less and less, here a million times less than the newest."""
    saved = {"used": 1e6 * np.array([3.0, 2.0, 1.0, 4.0]), "weight": 1e6}
    saved |= {"column_of": np.arange(4, dtype=np.int32), "free": np.zeros(0, np.int32)}
    table = FeatureTable.from_snapshot(saved, columns=4, n_rows=4)
    assert table.evict(1).tolist() == [2]
    schema = Schema([f"f{j}" for j in range(4)])
    often = [Event(t, 0.0, {"f1": 1.0}, frozenset()) for t in range(3)]
    batch = EventBatch.from_events(often, schema)
    table.place(batch_arrays(batch, custom_scores((), batch)), 0, 3, True, 0)
    assert table.evict(3).tolist() == [0, 3]


def test_the_table_of_features_gives_and_takes_rows():
    table = FeatureTable(64, known=60)
    table.used[:60] = np.arange(60)
    gone = table.evict(20)
    assert gone.tolist() == list(range(16))
    assert table.n_free == 20
    assert (table.row_of[:16] == -1).all()
    rows = table.shrink(48)
    assert len(rows) == table.n_rows == 48
    assert table.nbytes == 64 * 4 + 48 * (4 + 8 + 4)
    assert table.n_free == 4
    kept = np.flatnonzero(table.column_of >= 0)
    assert np.array_equal(rows[kept], table.column_of[kept])  # a column had the row of its number
    assert np.array_equal(table.row_of[table.column_of[kept]], kept)
    assert reserve_of(1600) == 100


# -- what fits ------------------------------------------------------------------------------


PLAN = IHOMER("fast").mixture.plan


def budget(size=BUDGET):
    return Budget(size, PLAN)


def test_reserves_leave_their_share_free_and_hardly_more():
    assert [reserve_of(n) for n in (0, 16, 256, 271, 272)] == [16, 16, 16, 16, 17]
    for features in range(1200):
        rows = with_reserve(features)
        assert rows - reserve_of(rows) >= features
        assert rows - 2 - reserve_of(rows - 2) < features
    assert [label_capacity(n) for n in (0, 1, 16, 17)] == [64, 80, 80, 96]


def test_what_fits_is_the_same_whatever_was_asked_before():
    asked = budget()
    for d, labels in product(range(0, 2600, 50), (1, 90, 900)):
        assert asked.fits(d, labels) == budget().fits(d, labels)
    most = max(d for d in range(2600) if budget().fits(d, 10))
    assert not asked.fits(most + 1, 10)
    assert with_reserve(most) <= budget().most_features(most, 10)
    assert with_reserve(most + 1) > budget().most_features(most + 1, 10)
    assert budget().two_fit(most // 2, 10)
    assert not budget().two_fit(most, 10)


@pytest.mark.parametrize("names", [(0, 1), (100, 10), (1500, 90), (700, 900)])
def test_what_the_rows_and_the_names_take_is_within_the_budget(names):
    def needed(rows):
        return bytes_for(PLAN, rows, label_capacity(names[1])) + 24 * rows + 160 * sum(names)

    most = budget().most_features(*names)
    assert needed(most) <= BUDGET * 15 / 16 < needed(most + 1)
    assert budget().max_pairs * 64 == BUDGET // 16
    assert budget(BUDGET // 4).max_pairs == 1024  # some pairs at least


@pytest.mark.parametrize("labels", [1, 90, 400])
def test_what_two_learners_and_the_names_take_is_within_the_budget(labels):
    """A sixteenth is for pairs of labels."""

    def needed(d):
        return 2 * bytes_for(PLAN, d, label_capacity(labels)) + 160 * (d + labels)

    most = max(d for d in range(2600) if budget().two_fit(d, labels))
    assert needed(most) <= BUDGET * 15 / 16 < needed(most + 1)


@pytest.mark.parametrize(("start", "stop"), [(0, 2500), (700, 1800), (2400, 2500), (0, 14)])
@pytest.mark.parametrize("two", [True, False])
def test_events_are_learned_up_to_the_first_that_leaves_too_little_room(start, stop, two):
    """As looked up one by one."""
    asked = budget(BUDGET // 2)
    names = np.stack([BATCH.n_features, BATCH.n_labels], axis=1)[start:stop].tolist()
    learned = (BATCH.y_kind[start:stop] != LABELS_UNKNOWN).tolist()
    near = [i for i, known in enumerate(names, start) if not asked.fits(*known)]
    first = min(near, default=stop)
    assert asked.first_near(BATCH, start, stop) == first
    assert asked.first_near(BATCH, start, min(first + 1, stop)) == first
    full = [
        i + 1
        for i, (known, learns) in enumerate(zip(names, learned, strict=True), start)
        if learns and not (asked.fits(*known) and (not two or asked.two_fit(*known)))
    ]
    assert asked.stop(BATCH, start, stop, two) == min(full, default=stop)
    more = [i + 1 for i, (known, learns) in enumerate(zip(names, learned, strict=True), start)
            if learns and known[1] > 20]  # fmt: skip
    assert asked.stop_at(BATCH, start, stop, 20) == min(more, default=stop)
    assert asked.first_near(BATCH, start, start) == start


@pytest.mark.parametrize("two", [True, False])
def test_once_rows_are_not_bound_to_columns_only_labels_stop_a_run(two):
    memory, mixture = Memory(BUDGET // 2, PLAN), IHOMER("fast").mixture
    assert memory.stop(mixture, BATCH, 0, 2500, two) < 2500
    memory.table = FeatureTable(16)
    mixture.resize(16, 128)
    assert memory.stop(mixture, BATCH, 0, 2500, two) == 2500
    mixture.resize(16, 64)
    known = BATCH.n_labels[memory.stop(mixture, BATCH, 0, 2500, two) - 1]
    assert known == 64 - 32 + 1  # room for some more is left


def test_room_grows_ahead_of_names_and_the_less_so_the_more_there_is():
    memory, mixture = Memory(2**29, PLAN), IHOMER("fast").mixture

    def room(n_features, n_labels):
        memory.reserve(mixture, n_features, n_labels)
        return mixture.feature_room, mixture.label_room

    before = mixture.states
    assert room(16, 16) == (16, 16)
    assert mixture.states is before  # nothing is copied where there is room
    assert room(17, 16) == (32, 16)
    assert room(17, 17) == (32, 32)
    assert room(10_000, 601) == (10_000, 608)
    assert room(10_001, 609) == (14_096, 1120)


def test_where_room_is_short_none_is_made_for_names_to_come_but_for_some_labels():
    memory, mixture = Memory(BUDGET, PLAN), IHOMER("fast").mixture
    memory.reserve(mixture, 1200, 20)
    assert mixture.label_room == 32
    memory.features = 1200
    memory.reserve(mixture, 1201, 33)
    assert mixture.label_room == label_capacity(33)
    most = memory.budget.most_features(1200, 33)
    assert 1201 < mixture.feature_room == most < 2 * 1200


def test_an_explanation_names_features_that_share_rows_with_others_in_turn():
    model, first = run(small()), BATCH.schema.features.names[0]
    x = {first: 1.0, "f0": 2.0, "f3": 1.0, "never seen": 1.0}
    why = model.explain(x, labels="k0").labels[0]
    assert {share.name for share in why.features} == {first, "f0", "f3"}


def test_events_without_labels_are_not_learned_so_stop_nothing():
    rows = np.flatnonzero(BATCH.y_kind == LABELS_UNKNOWN)[-1:]
    alone = BATCH.slice(int(rows[0]), int(rows[0]) + 1)
    asked = budget(BUDGET // 2)
    assert asked.first_near(alone, 0, 1) == 0
    assert asked.stop(alone, 0, 1, False) == asked.stop_at(alone, 0, 1, 0) == 1


def test_columns_without_room_are_left_out():
    schema = Schema([f"f{j}" for j in range(4)])
    stream = [Event(0, 0.0, {"f3": 3.0, "f1": 1.0}), Event(1, 0.0, {"f2": 2.0}),
              Event(2, 0.0, {"f0": 5.0, "f2": 6.0})]  # fmt: skip
    batch = EventBatch.from_events(stream, schema)
    rows = cut(batch_arrays(batch, custom_scores((), batch)), 2)
    assert rows.x_indptr.tolist() == [0, 1, 1, 2]
    assert rows.x_indices.tolist() == [1, 0]
    assert rows.x_values.tolist() == [1.0, 5.0]
    assert rows.n_features.tolist() == [2, 2, 2]


def test_the_owner_of_a_vocabulary_is_asked_for_no_cap_below_its_names():
    names = [f"f{j}" for j in range(5000)]
    schema = Schema(names)
    budget().cap_names(schema)
    assert schema.features.limit == 5000
    assert schema.labels.limit == budget().most_labels()
    most = Schema(labels=[f"l{k}" for k in range(budget().most_labels())])
    budget().cap_names(most)
    assert most.labels.limit == len(most.labels)
    with pytest.raises(ConfigError, match=f"there is room for {len(most.labels)}; raise it"):
        budget().cap_names(Schema(labels=[f"l{k}" for k in range(len(most.labels) + 1)]))
    mine = Schema(max_labels=3)
    budget().cap_names(mine)
    assert mine.labels.limit == 3


def saved_table(**changes):
    """Four rows: two with features, two free."""
    saved = {"column_of": np.array([2, -1, 0, -1], np.int32), "weight": 1.0}
    saved |= {"used": np.array([1.0, 0.0, 2.0, 0.0]), "free": np.array([3, 1], np.int32)}
    return saved | changes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"column_of": np.array([2, -1, 0], np.int32)}, "has other rows"),
        ({"used": np.zeros(3)}, "has other rows"),
        ({"used": np.zeros(5), "column_of": np.array([2, -1, 0, -1, -1])}, "has other rows|is no"),
        ({"column_of": np.array([3, -1, 0, -1], np.int32)}, "has other columns"),
        ({"column_of": np.array([2, -2, 0, -1], np.int32)}, "has other columns"),
        ({"column_of": np.array([2, -1, 2, -1], np.int32)}, "has a feature twice"),
        ({"free": np.array([1], np.int32)}, "lost a row"),
        ({"free": np.array([1, 2], np.int32)}, "lost a row"),
        ({"free": np.array([0, 1, 3], np.int32)}, "lost a row"),
        ({"used": np.array([1.0, -1.0, 2.0, 0.0])}, "has no usable counts"),
        ({"used": np.array([1.0, np.nan, 2.0, 0.0])}, "has no usable counts"),
        ({"weight": 0.0}, "has no usable counts"),
        ({"weight": 1e300}, "has no usable counts"),
        ({"weight": "1"}, "'weight' of the table of features is no float"),
    ],
    ids=str,
)
def test_a_table_of_features_that_cannot_be_is_refused(changes, said):
    with pytest.raises(StateError, match=said):
        FeatureTable.from_snapshot(saved_table(**changes), columns=3, n_rows=4)


def test_a_restored_table_of_features_is_the_one_that_was_stored():
    table = FeatureTable.from_snapshot(saved_table(), columns=3, n_rows=4)
    assert table.row_of[:3].tolist() == [2, -1, 0]
    assert (table.n_rows, table.n_free) == (4, 2)
    far = saved_table(column_of=np.array([99, -1, 0, -1], np.int32))
    assert FeatureTable.from_snapshot(far, columns=100, n_rows=4).row_of[99] == 0
    again = FeatureTable.from_snapshot(table.snapshot(), columns=3, n_rows=4).snapshot()
    assert sorted(map(repr, again.items())) == sorted(map(repr, saved_table().items()))
    assert table.nbytes == 64 * 4 + 4 * 4 + 4 * 8 + 4 * 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shed": {"features": -1}}, "has shed less than nothing"),
        ({"shed": {"features": 1.0}}, "has shed less than nothing"),
        ({"shed": {1: 1}}, "has shed less than nothing"),
        ({"features": -1}, "knows features without a name"),
        ({"features": 4}, "knows features without a name"),
        ({"slots": [1]}, "'slots' of the memory is no dict"),
        ({"slots": saved_table(weight=0.0)}, "has no usable counts"),
    ],
)
def test_a_snapshot_of_a_memory_that_cannot_be_is_refused_and_changes_nothing(changes, said):
    saved = {"features": 3, "shed": {"features": 0, "pairs": 7}, "slots": saved_table()}
    asked, schema = Memory(BUDGET, PLAN), Schema(["f", "g", "h"])
    with pytest.raises(StateError, match=said):
        asked.restore({**saved, **changes}, schema, 4)
    assert asked.snapshot() == {"features": 0, "shed": {}, "slots": None}
    asked.restore({**saved, "slots": None, "features": 0}, schema, 4)
    assert asked.features == 0
    asked.restore({**saved, "slots": None}, schema, 4)
    assert asked.snapshot() == {**saved, "slots": None}
    asked.restore(saved, schema, 4)
    assert repr(asked.snapshot()["slots"]["used"]) == repr(saved["slots"]["used"])


def placed(table, *columns, learn=True, reserve=0, y=frozenset()):
    """Rows given to events with these columns, and all that is said of them."""
    schema = Schema([f"f{j}" for j in range(200)])
    stream = [Event(t, 0.0, {f"f{j}": j + 1.0 for j in row}, y) for t, row in enumerate(columns)]
    batch = EventBatch.from_events(stream, schema)
    rows = batch_arrays(batch, custom_scores((), batch))
    made, *said = table.place(rows, 0, len(batch), learn, reserve)
    ends = made.x_indptr[: said[0] + 1].tolist()
    found = [made.x_indices[a:b].tolist() for a, b in pairwise(ends)]
    values = made.x_values[: ends[-1]].tolist()
    assert made.n_features.tolist() == [table.n_rows] * len(batch)
    return found, values, *said


def test_an_event_takes_free_rows_where_it_is_learned_and_borrows_them_where_not():
    table = FeatureTable(8, known=2)
    assert placed(table, [0, 150, 7], [9], learn=False) == (
        [[0, 2, 3], [2]], [1.0, 151.0, 8.0, 10.0], 2, False, 0)  # fmt: skip
    assert placed(table, [0, 150], y=None) == ([[0, 2]], [1.0, 151.0], 1, False, 0)
    assert (table.n_free, table.used.tolist()) == (6, [0.0] * 8)
    found = placed(table, [0, 150], [150, 1], [3])
    assert found == ([[0, 2], [2, 1], [3]], [1.0, 151.0, 151.0, 2.0, 4.0], 3, False, 0)
    assert table.n_free == 4
    assert table.row_of[[0, 1, 3, 150]].tolist() == [0, 1, 3, 2]
    assert table.column_of.tolist() == [0, 1, 150, 3, -1, -1, -1, -1]
    assert table.used[:4] == pytest.approx([1.0, 1.0, 2.0, 1.0], rel=1e-3)
    assert (np.diff(table.used[[0, 1, 3]]) > 0).all()  # later use weighs more


def test_fewer_rows_keep_the_features_that_have_one():
    assert FeatureTable(8).n_free == 8
    table = FeatureTable(8, known=2)
    assert placed(table, [50])[0] == [[2]]
    assert table.shrink(5).tolist() == [0, 1, 2, 3, 4]
    assert (table.n_rows, table.n_free) == (5, 2)
    assert placed(table, [0, 1, 50, 60, 61, 62]) == (
        [[0, 1, 2, 3, 4]], [1.0, 2.0, 51.0, 61.0, 62.0], 1, False, 1)  # fmt: skip


def test_where_too_few_rows_are_free_the_next_event_waits_until_features_went():
    table = FeatureTable(8, known=2)
    assert placed(table, [10, 11], [12, 13], [14], reserve=3)[2:] == (2, True, 0)
    assert table.n_free == 2
    assert placed(table, [10], learn=False, reserve=3)[2:] == (1, False, 0)
    assert placed(table, [10], reserve=2)[2:] == (1, False, 0)
    found = placed(table, [20, 21, 22, 23])
    assert found == ([[6, 7]], [21.0, 22.0], 1, False, 2)
    assert table.evict(0).tolist() == []
    assert table.evict(3).tolist() == [0, 1, 3]  # two never used, and one once, long ago
    assert (table.n_free, table.weight[0]) == (3, 1.0)
    assert FeatureTable.from_snapshot(table.snapshot(), columns=200, n_rows=8).n_free == 3
    assert placed(table, [0, 1])[0] == [[0, 1]]
    assert table.evict(1).tolist() == []
    assert placed(table)[1:] == ([], 0, False, 0)
