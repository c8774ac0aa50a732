"""Nothing that is written is a file that is read, whatever name leads to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamml.cli.embedding import EmbedOptions
from streamml.cli.overwriting import refuse_overwriting
from streamml.errors import ConfigError
from tests.cli.calling import call

ARFF = "@relation r\n@attribute a real\n@attribute y {0,1}\n@attribute z {0,1}\n@data\n1,1,0\n"
XML = '<labels xmlns="http://mulan.sourceforge.net/labels"><label name="y"/></labels>\n'
RUN = ("run", "events.arff", "--learner", "majority", "--config", "c.toml")
KAFKA = ("run", "kafka://127.0.0.1:1/events")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Everything that a run reads, and the folder of one that was stored."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "events.arff").write_text(ARFF)
    (folder / "events.xml").write_text(XML)
    (folder / "other.xml").write_text(XML)
    (folder / "c.toml").write_text("seed = 3\n")
    (folder / "some.pem").write_text("a certificate\n")
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}\n")
    words = ("--limit", "9", "--set", "preset=fast", "--json", "--snapshot-dir")
    assert call("run", *words, str(folder / "s")) == 0
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch) -> Iterator[Path]:
    """That folder, where every file is afterwards what it was."""
    monkeypatch.chdir(folder)
    before = contents(folder)
    yield folder
    assert contents(folder) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ways_to(path: Path, elsewhere: Path) -> dict[str, Path]:
    """Names of one file: its own, links, and one through a folder that is a link."""
    ways = {"itself": path, "another spelling": path.parent / ".." / path.parent.name / path.name}
    ways["symbolic link"] = elsewhere / "symbolic"
    ways["symbolic link"].symlink_to(path)
    ways["hard link"] = elsewhere / "hard"
    ways["hard link"].hardlink_to(path)
    (elsewhere / "folder").symlink_to(path.parent)
    ways["linked folder"] = elsewhere / "folder" / path.name
    return ways


SNAPSHOT = "s/snapshot-000000000001.streamml"


@pytest.mark.parametrize("option", ["--predictions", "--dead-letters"])
@pytest.mark.parametrize(
    ("command", "read", "said"),
    [
        (RUN, "events.arff", "the source"),
        (RUN, "events.xml", "the label XML"),
        ((*RUN, "--xml", "other.xml"), "other.xml", "--xml"),
        (RUN, "c.toml", "--config"),
        ((*RUN, "--snapshot-dir", "s"), SNAPSHOT, "a file in --snapshot-dir"),
        ((*RUN, "--snapshot-dir", "s"), "s/.streamml.lock", "a file in --snapshot-dir"),
        ((*RUN, "--embed", "text:model"), "model/config.json", "a file in the model"),
        ((*KAFKA, "--tls-ca", "some.pem"), "some.pem", "--tls-ca"),
        ((*KAFKA, "--tls-cert", "some.pem"), "some.pem", "--tls-cert"),
        ((*KAFKA, "--tls-key", "some.pem"), "some.pem", "--tls-key"),
    ],
)
def test_a_run_writes_over_nothing_that_it_reads(
    here: Path, tmp_path: Path, monkeypatch, capsys, command, read: str, said: str, option: str
) -> None:
    monkeypatch.setattr(EmbedOptions, "make", lambda *_: None)  # no model is needed to refuse
    for way, path in ways_to(here / read, tmp_path).items():
        assert call(*command, option, str(path)) == 2, way
        assert f"{option} {path} is {said} as well: name another file." in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--predictions", "--dead-letters"])
def test_a_file_that_would_lie_in_the_snapshot_folder_is_refused(
    here: Path, tmp_path: Path, capsys, option: str
) -> None:
    (tmp_path / "link").symlink_to(here / "s")
    for kept, path in (
        ("s", "s/new.jsonl"),
        ("s", f"{tmp_path}/link/new.jsonl"),
        (f"{tmp_path}/link", "s/deep/new.jsonl"),
        ("not there yet", "not there yet/new.jsonl"),
    ):
        assert call(*RUN, "--snapshot-dir", kept, option, path) == 2
        assert f"{path} is a file in --snapshot-dir as well" in capsys.readouterr().err
    assert not (here / "not there yet").exists()


def test_two_outputs_are_two_files(here: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "new.jsonl")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for other in ("new.jsonl", "link/new.jsonl", "dangling"):
        outputs = (
            "--predictions",
            f"{tmp_path}/new.jsonl",
            "--dead-letters",
            f"{tmp_path}/{other}",
        )
        assert call(*RUN, *outputs) == 2
        assert "is --predictions as well" in capsys.readouterr().err
    assert not (tmp_path / "new.jsonl").exists()
    assert call(*RUN, "--predictions", f"{tmp_path}/round") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_what_is_no_file_of_the_run_may_be_written(here: Path, tmp_path: Path, capsys) -> None:
    """A device holds nothing to lose, twice; old output is replaced."""
    assert call(*RUN, "--predictions", "/dev/null", "--dead-letters", "/dev/null") == 0
    (tmp_path / "old.jsonl").write_text("old\n")
    assert call(*RUN, "--predictions", f"{tmp_path}/old.jsonl") == 0
    assert '"labels"' in (tmp_path / "old.jsonl").read_text()


@pytest.mark.parametrize("read", [SNAPSHOT, "s/.streamml.lock"])
def test_a_picture_is_drawn_over_no_state(here: Path, tmp_path: Path, capsys, read: str) -> None:
    for way, path in ways_to(here / read, tmp_path).items():
        assert call("explain", "s", "--svg", str(path)) == 2, way
        assert "is a file in STATE as well" in capsys.readouterr().err
        if read == SNAPSHOT:
            assert call("explain", SNAPSHOT, "--svg", str(path)) == 2, way
            assert "is STATE as well" in capsys.readouterr().err
    assert call("explain", "s", "--svg", "s/new.svg") == 2
    assert call("explain", "s", "--svg", f"{tmp_path}/new.svg") == 0
    assert (tmp_path / "new.svg").read_bytes().startswith(b"<svg")


def test_a_picture_is_drawn_over_no_event(here: Path, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"x": {"f0": 1}}')
    command = [sys.executable, "-m", "streamml", "explain", "s", "-", "--svg", str(event)]
    with event.open(encoding="utf-8") as asked:
        done = subprocess.run(command, stdin=asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is the event as well: name another file." in done.stderr
    assert event.read_text() == '{"x": {"f0": 1}}'


def test_files_are_told_apart_by_what_they_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("the same")
    refuse_overwriting([("A", tmp_path / "a"), ("none", None)], [("B", tmp_path / "b")])
    os.link(tmp_path / "a", tmp_path / "c")
    with pytest.raises(ConfigError, match=r"^C .*/c is A as well: name another file\.$"):
        refuse_overwriting([("A", tmp_path / "a")], [("B", tmp_path / "b"), ("C", tmp_path / "c")])
