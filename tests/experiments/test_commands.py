"""Every command that a document or a docstring names is there and answers ``--help``."""

import faulthandler
import importlib
import importlib.util
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ROOT / "experiments" / "commands"
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "experiments/README.md", "deploy/README.md")),
    ROOT / "experiments" / "gpu_check.sh",
    *(path for path in sorted((ROOT / "experiments").rglob("*.py")) if path.parent != COMMANDS),
)
NAMED = {
    name
    for path in DOCUMENTS
    for name in re.findall(r"-m experiments\.([a-z_.]*[a-z_])", path.read_text("utf-8"))
    if not name.startswith("examples.")
}
FILES = {path.stem for path in COMMANDS.glob("[a-z]*.py")}
AT_ONCE = {"golden", "river_checks", "costs.peers"}  # no options: asked for help, they would run


def module_of(name):
    spec = importlib.util.find_spec(f"experiments.{name}")
    assert spec, f"python -m experiments.{name} is named, and is nowhere"
    return f"experiments.{name}" + (".__main__" if spec.submodule_search_locations else "")


@pytest.mark.parametrize("name", sorted((NAMED | FILES) - AT_ONCE))
def test_a_command_says_how_it_is_run(name, monkeypatch, capfd):
    monkeypatch.setattr(faulthandler, "enable", lambda: None)  # pytest's own stays
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    monkeypatch.delitem(sys.modules, module_of(name), raising=False)  # as in a new process
    code = 0
    try:
        runpy.run_module(module_of(name), run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    assert not code
    assert "usage: " in capfd.readouterr().out.lower()


@pytest.mark.parametrize("name", sorted(AT_ONCE))
def test_a_command_without_options_is_there(name):
    assert callable(importlib.import_module(module_of(name)).main)


def test_the_documents_name_the_commands():
    assert {"accuracy", "run", "report", "datasets", "drift", "kafka_soak"} <= NAMED
    assert not FILES - NAMED, "no document says what these are for"
