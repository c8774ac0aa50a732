"""A folder of snapshots: numbers, how many are kept, what is broken, and whose it is."""

from pathlib import Path

import pytest

from streamml import state
from streamml.errors import ConfigError, DataError, StateError
from streamml.snapshots import SnapshotFolder


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


def numbers(path: Path) -> list[int]:
    return [int(name[9:21]) for name in names(path)]


def test_the_newest_few_are_kept_and_numbers_go_on(tmp_path):
    folder = SnapshotFolder(tmp_path / "a" / "b")
    assert folder.empty
    assert folder.newest() is None
    stored = [folder.save({"events": k}) for k in range(5)]
    assert not folder.empty
    assert names(folder.path) == [f"snapshot-{k:012d}.streamml" for k in (3, 4, 5)]
    assert [one.path.name for one in stored[2:]] == names(folder.path)
    assert stored[-1].size == stored[-1].path.stat().st_size
    assert 0 < stored[-1].seconds < 60
    assert state.read(stored[-1].path, kind="run") == {"events": 4}
    again = SnapshotFolder(folder.path, keep=2)
    assert again.newest() == {"events": 4}
    again.save({"events": 9})
    assert numbers(folder.path) == [5, 6]


@pytest.mark.parametrize("keep", [1, 0, -3])
def test_two_are_kept_at_least(tmp_path, keep):
    with pytest.raises(ConfigError, match=f"At least 2 snapshots must be kept, not {keep}"):
        SnapshotFolder(tmp_path, keep=keep)
    assert SnapshotFolder(tmp_path, keep=2).keep == 2


def test_files_of_other_names_are_left_alone(tmp_path):
    others = ["snapshot-1.streamml", "snapshot-000000000009.streamml.old", "notes",
              "my-snapshot-000000000009.streamml"]  # fmt: skip
    for name in others:
        (tmp_path / name).write_text("mine")
    folder = SnapshotFolder(tmp_path, keep=2)
    assert folder.empty
    for k in range(3):
        folder.save({"events": k})
    assert folder.newest() == {"events": 2}
    assert not set(others) - set(names(tmp_path))
    assert len(names(tmp_path)) == len(others) + 2


def test_a_broken_one_costs_nothing_and_is_said(tmp_path):
    folder = SnapshotFolder(tmp_path)
    first, second, third = (folder.save({"events": k}).path for k in range(3))
    third.write_bytes(third.read_bytes()[:-1])
    state.write(second, {"events": 7}, kind="learner")
    for _ in range(2):  # each look begins anew
        assert folder.newest() == {"events": 0}
        assert [path for path, _ in folder.broken] == [third, second]
        assert "learner" in folder.broken[1][1]
    first.write_bytes(b"")
    with pytest.raises(DataError, match=r"All 3 snapshots in .* are broken \(.*\): restore one"):
        folder.newest()
    for path in (first, second, third):
        path.unlink()
    assert folder.newest() is None
    assert folder.broken == []


def test_what_cannot_be_stored_takes_no_number_and_no_snapshot_away(tmp_path):
    folder = SnapshotFolder(tmp_path, keep=2)
    for k in range(2):
        folder.save({"events": k})
    with pytest.raises(StateError):
        folder.save({"events": {1}})
    assert numbers(tmp_path) == [1, 2]
    assert folder.newest() == {"events": 1}
    folder.save({"events": 2})
    assert numbers(tmp_path) == [2, 3]


def test_a_folder_belongs_to_one_at_a_time(tmp_path):
    mine, other = SnapshotFolder(tmp_path), SnapshotFolder(tmp_path)
    left, kept = tmp_path / ".snapshot-3.tmp", tmp_path / "snapshot-3.tmp"
    for path in (left, kept):
        path.write_text("half")
    mine.claim()
    assert not left.exists()
    assert kept.exists()
    left.write_text("being written")
    with pytest.raises(ConfigError, match=f"Another process keeps its snapshots in {tmp_path}"):
        other.claim()
    assert left.exists()  # it is the other's
    mine.release()
    mine.release()
    other.claim()
    assert not left.exists()
    with pytest.raises(ConfigError, match="give each its own folder"):
        mine.claim()
    other.release()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot be kept in .*file.*: name another folder"):
        SnapshotFolder(tmp_path / "file")
