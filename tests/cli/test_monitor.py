"""What the page is told: answers, clusters, a past of bounded size."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamml.baselines import NoChange
from streamml.cli.listening import parse_listen
from streamml.cli.monitor.history import History, Point
from streamml.cli.monitor.state import StateBuilder
from streamml.cli.monitor.tree import LabelHistory, tree_view
from streamml.cli.monitor.verdicts import is_drifting, is_keeping_up, is_learning
from streamml.errors import ConfigError
from streamml.ihomer import IHOMER
from streamml.io.operation import Operation, PartitionLag
from streamml.join import OUTCOMES, JoinPolicy
from streamml.service import Progress, Service
from streamml.streams import DemoStream
from streamml.testing import EventSource
from streamml.types import Change, Event


def points(*values: float, lag: list[int] | None = None) -> list[Point]:
    lags = lag or [None] * len(values)
    return [
        Point(10.0 * i, 0, 100.0, f1=f1, lag=behind)
        for i, (f1, behind) in enumerate(zip(values, lags, strict=True))
    ]


# -- three questions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f1", "events", "word"),
    [
        (None, 0, "Waiting"),
        (0.9, 100, "Starting"),
        (0.9, 1000, "Yes"),
        (0.5, 1000, "Hardly"),
        (0.4, 1000, "No"),
    ],
)
def test_learning_is_beating_the_better_baseline(f1, events, word) -> None:
    assert is_learning(f1, events, ("no-change", 0.5)).word == word


def test_drifting_is_said_by_detectors_or_by_quality() -> None:
    steady = points(*[0.8] * 12)
    fallen = points(*[0.8] * 9, 0.6, 0.6, 0.6)
    assert is_drifting([], 5000, 1000, steady).word == "No"
    assert is_drifting([4500], 5000, 1000, steady).state == "watch"
    assert is_drifting([3000], 5000, 1000, steady).state == "good"
    assert is_drifting([], 5000, 1000, fallen).state == "bad"
    assert is_drifting([], 5000, 1000, points(0.8, 0.1)).state == "good"  # too short a past
    dip = is_drifting([4900], 5000, 1000, points(*[0.8] * 9, 0.75, 0.75, 0.75))
    assert "0.050 below its usual 0.800" in dip.sentence


@pytest.mark.parametrize(
    ("lags", "word"),
    [
        ([0, 0, 0, 0, 80], "Yes"),
        ([0, 100, 1000, 2000, 9000], "No"),
        ([20_000, 15_000, 12_000, 11_000, 9000], "Catching up"),
        ([9000], "Behind"),
    ],
)
def test_keeping_up_is_a_small_lag_or_one_that_shrinks(lags, word) -> None:
    operation = Operation(partitions=(PartitionLag("t", 0, lags[-1]),))
    assert is_keeping_up(operation, points(*[0.5] * len(lags), lag=lags)).word == word


def test_no_partition_and_no_lag_are_said() -> None:
    assert is_keeping_up(Operation(partitions=()), []).word == "Waiting"
    assert is_keeping_up(Operation(partitions=(PartitionLag("t", 0),)), []).word == "Unknown"


# -- the past -----------------------------------------------------------------------------


def test_months_are_as_small_as_minutes() -> None:
    history = History(size=60, detail=2.0)
    for second in range(0, 400_000, 2):
        history.add(Point(float(second), second, 1.0))
        assert len(history.whole()) <= 61
    whole = [p.at for p in history.whole()]
    assert (whole[0], whole[-1]) == (0.0, 399_998.0)
    assert len(whole) >= 30
    gaps = np.diff(whole[:-1])
    assert gaps.min() == gaps.max()  # evenly spaced, whatever was dropped
    assert [p.at for p in history.recent] == [399_998.0 - 2 * i for i in range(60)][::-1]


# -- the tree -----------------------------------------------------------------------------


def test_a_cluster_is_scored_over_its_labels_together() -> None:
    counts = np.array([[8, 2, 0], [0, 0, 4], [0, 0, 0]])
    tree = ((0, 1, 2), (((0, 1), ()), ((2,), ())))
    history = LabelHistory(1000)
    history.note([Change("split", "global", 100, ((0, 1), (2,)))])
    history.note([Change("drift", "local", 2000, ((0, 1),))])
    view = tree_view(tree, ["a", "b", "c"], counts, history, 2500)
    first, second = view["children"]
    assert first["f1"] == pytest.approx(16 / 22, abs=1e-4)
    assert (first["state"], first["at"], first["support"]) == ("drifting", 2000, 12)
    assert [label["name"] for label in first["labels"]] == ["a", "b"]
    assert (second["f1"], second["state"]) == (None, "stable")


def test_a_large_tree_is_cut_and_says_so() -> None:
    names = [f"label {i}" for i in range(3000)]
    leaves = tuple((tuple(range(6 * i, 6 * i + 6)), ()) for i in range(499))
    tree = (tuple(range(3000)), (*leaves, (tuple(range(2994, 3000)), ())))
    counts = np.ones((3000, 3), np.int64)
    view = tree_view(tree, names, counts, LabelHistory(1000), 0)
    assert len(view["children"]) + view["hidden"] == 500
    assert view["hidden"] == 250
    whole = tree_view(None, names, counts, LabelHistory(1000), 0)
    assert (len(whole["labels"]), whole["more"]) == (40, 2960)
    assert len(json.dumps(view)) < 200_000


# -- the document -------------------------------------------------------------------------


def test_the_document_agrees_with_the_run() -> None:
    def note(progress: Progress) -> None:
        builder.note(progress.new_changes, progress.seconds)
        builder.build(progress)

    service = Service(DemoStream(), IHOMER(), limit=6_000, observers=[note], every=0.02)
    builder = StateBuilder("demo", service.learner, service.metrics)
    progress = service.run().progress
    document = builder.build(progress)
    assert document["events"] == 6000
    assert document["window"]["micro_f1"] == pytest.approx(progress.window.micro_f1, abs=1e-4)
    assert set(document["baselines"]) == {"no-change", "majority"}
    kinds = [drift["kind"] for drift in document["drifts"]]
    assert kinds.count("drift") == progress.drifts > 0
    assert set(kinds) <= {"drift", "swap"}
    assert len(document["changes"]) == progress.structure_changes > 0
    leaves = document["tree"]["children"]
    assert len(leaves) == document["clusters"] == service.learner.n_clusters
    assert {leaf["state"] for leaf in leaves} & {"drifting", "recent"}
    shown = {label["name"] for leaf in leaves for label in leaf["labels"]}
    assert shown == set(service.learner.schema.labels.names)
    # Micro-F1 of the root is that of the run.
    assert document["tree"]["f1"] == document["window"]["micro_f1"]
    json.dumps(document, allow_nan=False)


def test_a_storm_leaves_the_document_small() -> None:
    service = Service(DemoStream(), IHOMER(), limit=300)
    builder = StateBuilder("demo", service.learner, service.metrics)
    progress = service.run().progress
    storm = [Change("drift", "local", i, (tuple(range(12)),)) for i in range(20_000)]
    storm += [Change("split", "global", i, tuple((k,) for k in range(12))) for i in range(500)]
    builder.note(storm, 1.0)
    document = builder.build(progress)
    assert (len(document["drifts"]), len(document["changes"])) == (100, 100)
    assert len(json.dumps(document)) < 200_000


def test_a_join_is_told_in_the_words_of_its_dead_letters() -> None:
    events = [Event(k, 0.0, {"f": 1.0}, None) for k in (1, 2, 3, 3)]
    service = Service(EventSource(events), NoChange(), join=JoinPolicy(max_events=1))
    document = StateBuilder("s", service.learner, service.metrics).build(service.run().progress)
    join, letters = document["operation"]["join"], {"event_expired": 2, "duplicate_event": 1}
    assert document["dead_letters"] == letters
    assert {reason: n for reason, n in join.items() if reason in OUTCOMES and n} == letters


# -- where it listens ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listen", "port", "said"),
    [
        ("0.0.0.0", None, "names no port"),
        ("0.0.0.0:1", 2, "differ"),
        (":9100", None, "is no address"),
        ("::1", 9100, "is no address"),
        ("http://x:1", None, "is no address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(listen, port, said) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_listen(listen, port)


def test_a_host_and_a_port_may_come_apart() -> None:
    assert parse_listen("0.0.0.0", 9100) == ("0.0.0.0", 9100)
    assert parse_listen("localhost:9100", 9100) == ("localhost", 9100)
