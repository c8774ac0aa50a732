"""A folder of snapshots beside other people's files, links and older processes."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamml import state
from streamml.baselines import NoChange
from streamml.cli import main
from streamml.errors import ConfigError, DataError, StateError
from streamml.snapshots import SnapshotFolder

LOCK, OLD_LOCK = ".streamml.lock", "lock"
LINKS: list[Callable[[Path, Path], None]] = [Path.symlink_to, Path.hardlink_to]


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file of somebody's, which is afterwards what it was."""
    path = tmp_path / "thesis.txt"
    path.write_text("ten years\n")
    yield path
    assert path.read_text() == "ten years\n"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "s"
    path.mkdir()
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- locks --------------------------------------------------------------------------------


def test_a_lock_is_opened_through_no_link(kept: Path, victim: Path, capsys) -> None:
    (kept / LOCK).symlink_to(victim)
    with pytest.raises(DataError, match=r"\.streamml\.lock cannot be opened .*: remove it, or"):
        SnapshotFolder(kept).claim()
    with pytest.raises(SystemExit) as left:
        main(["run", "--limit", "9", "--learner", "majority", "--snapshot-dir", str(kept)])
    assert left.value.code == 2
    assert "remove it" in capsys.readouterr().err


def test_a_lock_makes_no_file_through_a_link(kept: Path, tmp_path: Path) -> None:
    (kept / LOCK).symlink_to(tmp_path / "new")
    with pytest.raises(DataError, match="cannot be opened"):
        SnapshotFolder(kept).claim()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "link"),
    [(LOCK, Path.hardlink_to), (OLD_LOCK, Path.hardlink_to), (OLD_LOCK, Path.symlink_to)],
)
def test_a_lock_empties_no_file(kept: Path, victim: Path, name: str, link) -> None:
    link(kept / name, victim)
    folder = SnapshotFolder(kept)
    folder.claim()
    folder.save({"events": 1})
    folder.release()


def test_somebodys_folder_called_lock_is_no_lock(kept: Path) -> None:
    (kept / OLD_LOCK).mkdir()
    folder = SnapshotFolder(kept)
    folder.claim()
    folder.release()


def test_a_process_of_version_0_1_0_and_this_one_keep_each_other_out(kept: Path) -> None:
    """The older one locks a file called ``lock``, which it leaves behind."""
    folder = SnapshotFolder(kept)
    with (kept / OLD_LOCK).open("w", encoding="utf-8") as older:
        fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(ConfigError, match="Another process keeps its snapshots"):
            folder.claim()
    folder.claim()
    with (kept / OLD_LOCK).open("w", encoding="utf-8") as older:
        with pytest.raises(BlockingIOError):
            fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.release()
        fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_who_is_refused_leaves_the_lock_to_who_has_it(kept: Path) -> None:
    folder = SnapshotFolder(kept)
    folder.claim()
    for other in (folder, SnapshotFolder(kept)):
        with pytest.raises(ConfigError, match="Another process"):
            other.claim()
    with pytest.raises(ConfigError, match="Another process"):
        SnapshotFolder(kept).claim()
    folder.release()
    last = SnapshotFolder(kept)
    last.claim()
    last.release()


# -- files --------------------------------------------------------------------------------


@pytest.mark.parametrize("link", LINKS)
def test_a_planted_temporary_file_is_not_written_through(kept: Path, victim: Path, link) -> None:
    names = ("snapshot-000000000001.streamml", "learner.state")
    for name in names:
        link(kept / f".{name}.{os.getpid()}.tmp", victim)
    SnapshotFolder(kept).save({"events": 1})
    state.save(NoChange(), kept / "learner.state")
    assert sorted(path.name for path in kept.iterdir()) == sorted(names)
    assert not any(path.is_symlink() for path in kept.iterdir())
    assert SnapshotFolder(kept).newest() == {"events": 1}


def test_a_link_planted_at_the_last_moment_is_not_written_through(
    kept: Path, victim: Path, monkeypatch
) -> None:
    """Between the look at what is left over and the new file."""
    unlink = Path.unlink

    def plant(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        path.symlink_to(victim)

    monkeypatch.setattr(Path, "unlink", plant)
    with pytest.raises(StateError, match="cannot be written"):
        state.save(NoChange(), kept / "learner.state")


def test_a_folder_in_the_place_of_a_temporary_file_is_one_sentence(kept: Path) -> None:
    (kept / f".learner.state.{os.getpid()}.tmp").mkdir()
    with pytest.raises(StateError, match="cannot be written"):
        state.save(NoChange(), kept / "learner.state")


@pytest.fixture
def open_handed() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_folder_that_it_makes_is_its_owners_alone(tmp_path: Path, open_handed) -> None:
    folder = SnapshotFolder(tmp_path / "deep" / "s")
    folder.claim()
    folder.save({"events": 1})
    assert mode(folder.path) == 0o700
    assert {path.name: mode(path) for path in folder.path.iterdir()} == {
        LOCK: 0o600,
        "snapshot-000000000001.streamml": 0o600,
    }
    folder.release()


def test_a_folder_that_was_there_stays_as_open_as_it_is(kept: Path, open_handed) -> None:
    kept.chmod(0o755)
    folder = SnapshotFolder(kept)
    folder.save({"events": 1})
    assert mode(kept) == 0o755
    assert mode(kept / "snapshot-000000000001.streamml") == 0o644
