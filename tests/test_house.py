"""The rules of the house: layers, types, style, public names, pinned versions."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

import streamml
from streamml.errors import install_hint
from tests.conftest import needs

ROOT = Path(__file__).resolve().parents[1]


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


def test_no_two_files_import_each_other():
    graph = grimp.build_graph(
        "streamml", "streamml_connectors", exclude_type_checking_imports=True, cache_dir=None
    )
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert [(a, b) for a, found in imports.items() for b in found if a in imports[b]] == []


def private_names(tree):
    """Private names that a file takes from what is not its own: attributes, and imports."""
    public = {"_asdict", "_fields", "_make", "_replace"}  # of named tuples
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match("_(?!_)|__dict__", node.attr):
            owner = node.value.func if isinstance(node.value, ast.Call) else node.value
            mine = isinstance(owner, ast.Name) and owner.id in ("self", "cls", "super")
            if not mine and node.attr not in public:
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            yield from (alias.name for alias in node.names if alias.name.startswith("_"))


def test_the_parts_of_ihomer_ask_each_other_by_public_names_only():
    files = {p: ast.parse(p.read_text()) for p in (ROOT / "streamml" / "ihomer").rglob("*.py")}
    assert {p.name for p in files} >= {"mixture.py", "memory.py", "drift_handling.py", "learner.py"}
    assert {p.name: found for p, tree in files.items() if (found := [*private_names(tree)])} == {}


def test_ihomer_has_no_bases_but_the_contract_of_learners():
    ours = [base.__name__ for base in streamml.IHOMER.__mro__ if "streamml" in base.__module__]
    assert ours == ["IHOMER", "Learner", "NamedFace"]


def modules():
    import streamml_connectors

    for package in (streamml, streamml_connectors):
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_every_name_in_all_exists(name):
    module = importlib.import_module(name)
    missing = [n for n in getattr(module, "__all__", []) if not hasattr(module, n)]
    assert not missing
    assert module.__doc__


def test_public_modules_and_their_names_are_pinned():
    """A name that anybody may import is a promise: tests/golden has each, null where none is."""
    pinned = json.loads((ROOT / "tests" / "golden" / "public_names.json").read_text())
    public = [name for name in modules() if not any(p.startswith("_") for p in name.split("."))]
    found = {name: getattr(importlib.import_module(name), "__all__", None) for name in public}
    found = {name: names if names is None else sorted(names) for name, names in found.items()}
    assert found.keys() - pinned.keys() == set(), "new modules: prefix _, or pin their names"
    assert pinned.keys() - found.keys() == set(), "public modules are gone"
    assert {name: names for name, names in found.items() if names != pinned[name]} == {}


def test_what_is_missing_skips_a_test_but_fails_it_in_ci(monkeypatch):
    outcomes = (pytest.skip.Exception, pytest.fail.Exception)
    for value, outcome in zip(("", "no", "True"), (outcomes[0], *outcomes), strict=True):
        monkeypatch.setenv("CI", value)
        needs("a thing", found=True)
        with pytest.raises(outcomes, match="a thing") as caught:
            needs("a thing", found=None)
        assert caught.type is outcome


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


def texts(*suffixes):
    for folder in ("streamml", "connectors", "experiments", "tests", "deploy", ".ci"):
        yield from (p for p in (ROOT / folder).rglob("*") if p.suffix in suffixes and p.is_file())
    yield from (p for p in ROOT.glob("*") if p.suffix in suffixes)


def test_one_place_in_the_code_says_how_an_extra_is_installed():
    """streamml is in no index: a line with its name would install somebody else's package."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = extras["optional-dependencies"].keys()
    for extra in extras:
        assert f"'.[{extra}]'" in install_hint(extra)
    known = "|".join(extras)
    line = re.compile(rf"(?:pip install\b.*\[|streamml\[)(?:{known})\b")
    spelt = [p for p in texts(".py", ".sh") if line.search(p.read_text(encoding="utf-8"))]
    assert {p.relative_to(ROOT).as_posix() for p in spelt} == {"streamml/errors.py"}


def test_documents_install_from_a_clone_and_name_extras_that_are_there():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = extras["optional-dependencies"].keys()
    named = set()
    for path in [*texts(".md"), ROOT / "deploy" / "Dockerfile"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(rf"streamml\[(?:{'|'.join(extras)})\b", text), path
        for found in re.findall(r"\.\[([\w,]+)\]", text):
            named |= set(found.split(","))
    assert named <= extras
    assert {"kafka", "embed", "bench", "dev"} <= named
