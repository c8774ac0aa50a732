"""The rules of the house: layers, types, style, public names, pinned versions."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import streamml

ROOT = Path(__file__).resolve().parents[2]


def tool(*command):
    path = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [path, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing():
    tool("ruff", "check", ".")


def test_the_code_is_formatted():
    tool("ruff", "format", "--check", ".")


def test_mypy_strict_finds_nothing():
    tool("mypy")


def test_imports_point_downwards_only():
    tool("lint-imports", "--no-cache")


def test_public_names_are_pinned():
    assert sorted(streamml.__all__) == ["IHOMER", "__version__"]


def modules():
    import streamml_connectors

    for package in (streamml, streamml_connectors):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_every_name_in_all_exists(name):
    module = importlib.import_module(name)
    missing = [n for n in getattr(module, "__all__", []) if not hasattr(module, n)]
    assert not missing
    assert module.__doc__


def test_every_dependency_is_pinned_and_no_file_names_a_registry_host():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    text = (ROOT / "pyproject.toml").read_text()
    wanted = {m.lower() for m in re.findall(r'^    "([A-Za-z0-9_-]+)>=', text, re.M)}
    assert wanted - {"python"} <= pinned
    assert "://" not in (ROOT / "constraints.txt").read_text()


def test_version_is_the_same_everywhere():
    text = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{streamml.__version__}"' in text
