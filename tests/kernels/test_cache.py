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


def said(folder: Path) -> str:
    """What a process of its own computes with the package in a folder."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DEVSTAMP", "PYTHONPATH")}
    environment |= {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-P", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_change_of_any_file_makes_kept_code_stale(tmp_path):
    """A kernel in one room calls one in another, which is changed: numba by itself sees nothing."""
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "streamml", ignore=without)
    room = tmp_path / "streamml" / "extra"
    room.mkdir()
    (room / "__init__.py").write_text("", "utf-8")
    (room / "kernels.py").write_text(
        "from streamml.kernels.compile import entry_point\nfrom streamml.extra.inner import scale\n"
        "@entry_point\ndef twice(x):\n    return scale(x)\n",
        "utf-8",
    )
    inner = (
        "from streamml.kernels.compile import kernel\n@kernel\ndef scale(x):\n    return x * {}\n"
    )
    (room / "inner.py").write_text(inner.format(2), "utf-8")
    assert said(tmp_path) == said(tmp_path) == "8.0"
    assert list((tmp_path / "cache").rglob("*.nbc"))
    (room / "inner.py").write_text(inner.format(30), "utf-8")
    assert said(tmp_path) == "120.0"
