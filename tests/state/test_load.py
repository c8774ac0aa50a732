"""``state.load`` gives the learner of whatever holds one: its own file, a snapshot, a folder."""

import pytest

from streamml import state
from streamml.baselines import MajorityLabelSet
from streamml.errors import StateError
from streamml.service import Service
from streamml.state.folder import SnapshotFolder
from streamml.testing import EventSource
from streamml.types import Event


def stream(n):
    """Integers name the labels: 0 is true once more than 1."""
    return [Event(t, float(t), {"f": float(t)}, frozenset({t % 2, "x"})) for t in range(n)]


@pytest.fixture
def folder(tmp_path):
    """Snapshots of a run, which read 31 events in two parts."""
    for n in (20, 31):
        folder = SnapshotFolder(tmp_path / "run")
        Service(EventSource(stream(n)), MajorityLabelSet(), snapshots=folder).run()
    return tmp_path / "run"


def expected(n):
    learner = MajorityLabelSet()
    for event in stream(n):
        learner.learn_one(event.x, event.y)
    return learner


def test_a_learner_comes_from_its_file_a_snapshot_or_the_newest_of_a_folder(folder, tmp_path):
    taught = expected(31)
    state.save(taught, tmp_path / "learner")
    files = sorted(folder.glob("*.streamml"))
    before = {path: path.read_bytes() for path in files}
    for path in (tmp_path / "learner", folder, files[-1], str(folder)):
        found = state.load(path)
        assert type(found) is MajorityLabelSet
        assert found.predict_proba_one({}) == taught.predict_proba_one({})
        assert list(found.predict_one({})) == [0, "x", 1]
        found.learn_one({"f": 1.0}, {"x"})  # it goes on
    assert {path: path.read_bytes() for path in folder.glob("*.streamml")} == before


def test_a_broken_snapshot_costs_nothing_where_one_before_is_whole(folder):
    newest = sorted(folder.glob("*.streamml"))[-1]
    newest.write_bytes(newest.read_bytes()[:-9])
    assert list(state.load(folder).predict_one({})) == [0, "x", 1]
    with pytest.raises(StateError, match="damaged"):
        state.load(newest)
    for path in folder.glob("*.streamml"):
        path.write_bytes(b"")
    with pytest.raises(StateError, match=r"snapshots in .* are broken"):
        state.load(folder)


def test_what_holds_no_learner_is_refused(tmp_path):
    with pytest.raises(StateError, match="holds no snapshot: name the --snapshot-dir"):
        state.load(tmp_path)
    with pytest.raises(StateError, match="cannot be read"):
        state.load(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    state.write(tmp_path / "other", {"run": {}}, kind="metrics")
    with pytest.raises(StateError, match="holds a 'metrics', not a 'learner' or a 'run'"):
        state.load(tmp_path / "other")
    described = {"class": "NoChange", "parameters": {}}
    for run, said in [({}, "does not say which learner"), ([], "'run' of the snapshot is no dict"),
                      ({"learner": described}, "lacks 'loop'")]:  # fmt: skip
        SnapshotFolder(tmp_path / "odd").save({"run": run})
        with pytest.raises(StateError, match=said):
            state.load(tmp_path / "odd")
