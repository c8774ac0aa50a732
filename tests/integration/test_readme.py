"""What the documents promise: their commands and code run, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from river.datasets import Yeast

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "deploy/README.md", "experiments/README.md")


def marked(name: str) -> str:
    """The command under a marker, cut out as ``.ci/run`` does it."""
    (block,) = re.findall(rf"<!-- {name} -->\n```sh\n(.*?)```", README, re.S)
    return str(block)


def run_in_shell(command: str, folder: Path) -> str:
    """As CI runs README's commands, with the environment of the tests active."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_command_sets_up_and_runs_the_demo(tmp_path):
    command = marked("run-command")
    assert command.startswith("python3 -m venv .venv && . .venv/bin/activate &&")
    assert "pip install --quiet -c constraints.txt . &&" in command
    run = command.rpartition("&&")[2].strip()
    said = run_in_shell(f"{run} --limit 300", tmp_path)
    assert "demo (natural order): 300 events" in said
    assert re.search(r"exact match +\d", said)


def test_the_real_dataset_is_there_once_streamml_is_installed(tmp_path):
    said = run_in_shell(marked("yeast-command"), tmp_path)
    assert "yeast.csv.gz (natural order): 2,417 events, 103 features, 14 labels" in said
    assert len((tmp_path / "predictions.jsonl").read_text().splitlines()) == 2417


@pytest.mark.parametrize("name", ["README.md", "deploy/README.md"])
def test_the_code_runs(name, tmp_path, monkeypatch):
    shutil.copy(Yeast().path, tmp_path / "yeast.csv.gz")
    monkeypatch.chdir(tmp_path)
    codes = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S)
    assert codes
    for code in codes:
        exec(code, {})


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files_and_headings(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for link in (a or b for a, b in links if "://" not in (a or b)):
        path, _, heading = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
            assert heading in slugs, link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_environment_is_activated_and_no_command_names_it(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.sub(r"\. \.venv/bin/activate", "", text).count(".venv/bin") == 0


def test_the_readme_stays_short():
    assert len(README.splitlines()) < 200


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CONNECTORS = ROOT / "connectors" / "streamml_connectors"
ROOMS = (ROOT, ROOT / "streamml", ROOT / "streamml" / "nodes", CONNECTORS, ROOT / "tests")


def files_named_in(text: str) -> dict[str, list[Path]]:
    """Path as written -> what is there; ``NAME`` stands for any."""
    paths = re.findall(r"`((?:[\w.]+/)+[\w./-]*)`", text)
    return {p: [f for r in ROOMS for f in r.glob(p.replace("NAME", "*"))] for p in paths}


def test_every_path_that_contributing_names_is_there():
    found = files_named_in(CONTRIBUTING)
    assert len(found) > 40
    assert [path for path, files in found.items() if not files] == []


def test_contributing_has_a_line_for_every_room():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    rooms = {room.strip().removeprefix("streamml.") for one in layers for room in one.split(":")}
    named = re.findall(r"^\| (`.*?) \|", CONTRIBUTING, re.M)
    assert {name for cell in named for name in re.findall(r"`(\w+)`", cell)} == rooms


HOW_TO_ADD = re.findall(
    r"^\*\*(.+?)\*\*(.*?)(?=\n\n|\Z)", CONTRIBUTING.partition("## How to add")[2], re.M | re.S
)


@pytest.mark.parametrize(("what", "how"), HOW_TO_ADD, ids=[what for what, _ in HOW_TO_ADD])
def test_what_has_to_be_changed_stands_in_the_files_that_are_named(what, how):
    """Names of the code are in one of the files; a room moved or renamed fails here."""
    files = {f for found in files_named_in(how).values() for f in found if f.is_file()}
    texts = "".join(f.read_text(encoding="utf-8") for f in files if f.suffix != ".xz")
    names = set(re.findall(r"`([A-Za-z_]\w+)(?:\(\))?`", how))
    assert files
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", texts)] == []
