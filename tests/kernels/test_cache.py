"""Machine code that is kept for the next process is that of the sources as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import streamml

PACKAGE = Path(streamml.__file__).parent
PROGRAM = """
import numpy as np
from streamml.kernels.compile import entry_point
from streamml.extra.kernels import twice
print(twice(np.float32(4.0)))
"""


def package_in(folder: Path, kernels: str, inner: str) -> Path:
    """A copy of the package with a room of two more files; gives the room."""
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "streamml", ignore=without)
    room = folder / "streamml" / "extra"
    room.mkdir()
    (room / "__init__.py").write_text("", "utf-8")
    (room / "kernels.py").write_text(kernels, "utf-8")
    (room / "inner.py").write_text(inner, "utf-8")
    return room


def said(folder: Path) -> str:
    """What a process of its own computes with the package in a folder."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DEVSTAMP", "PYTHONPATH")}
    environment |= {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-P", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_change_of_any_file_makes_kept_code_stale(tmp_path):
    """A kernel in one room calls one in another, which is changed: numba by itself sees nothing."""
    inner = (
        "from streamml.kernels.compile import kernel\n@kernel\ndef scale(x):\n    return x * {}\n"
    )
    room = package_in(
        tmp_path,
        "from streamml.kernels.compile import entry_point\nfrom streamml.extra.inner import scale\n"
        "@entry_point\ndef twice(x):\n    return scale(x)\n",
        inner.format(2),
    )
    assert said(tmp_path) == said(tmp_path) == "8.0"
    assert list((tmp_path / "cache").rglob("*.nbc"))
    (room / "inner.py").write_text(inner.format(30), "utf-8")
    assert said(tmp_path) == "120.0"


def test_code_kept_by_a_version_whose_classes_are_gone_is_compiled_anew(tmp_path):
    """An upgrade in place: what is kept names a class that no longer is, and cannot be read."""
    kernels = (
        "from streamml.kernels.compile import entry_point\nfrom streamml.extra.inner import {0}\n"
        "@entry_point\ndef product(pair):\n    return pair.a * pair.b\n\n\n"
        "def twice(x):\n    return product({0}(x, x - 2))\n"
    )
    inner = "from typing import NamedTuple\n\n\nclass {}(NamedTuple):\n    a: float\n    b: float\n"
    room = package_in(tmp_path, kernels.format("Pair"), inner.format("Pair"))
    assert said(tmp_path) == "8.0"
    for file, text in (("kernels.py", kernels), ("inner.py", inner)):
        (room / file).write_text(text.format("Factors"), "utf-8")
    assert said(tmp_path) == "8.0"
