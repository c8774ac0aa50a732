"""The check of a GPU: whatever becomes of a step, what it said is kept and the table written."""

from __future__ import annotations

import sys

from experiments.embed.gpu_check import Process
from experiments.embed.gpu_table import table

ALONE = {"rate": 40_000.0, "tokenising": 0.25, "copying": 0.01, "computing": 0.8}


def run(tmp_path, code, limit=60.0):
    process = Process("step", [sys.executable, "-c", code], limit, tmp_path / "log")
    return process.end()


def test_a_step_that_ends_well_says_what_it_found(tmp_path):
    code = 'print(\'{"a": 1}\\nloading...\\n{"b": [2]}\')'
    outcome = run(tmp_path, code)
    assert (outcome.found, outcome.exit, outcome.trouble) == ([{"a": 1}, {"b": [2]}], 0, None)


def test_a_step_that_breaks_keeps_what_it_said_before(tmp_path):
    code = 'import os; print(\'{"a": 1}\\n{"b"\', flush=True); os.write(2, b"gone\\n"); os.abort()'
    outcome = run(tmp_path, code)
    assert (outcome.found, outcome.exit) == ([{"a": 1}], -6)
    assert outcome.trouble == "step ended with -6; see the log."
    assert (tmp_path / "log").read_text() == "== step\ngone\n"


def test_a_step_that_hangs_is_ended_at_its_limit(tmp_path):
    code = "import threading; print('{\"a\": 1}', flush=True); threading.Event().wait()"
    outcome = run(tmp_path, code, limit=3.0)
    assert (outcome.found, outcome.exit) == ([{"a": 1}], None)
    assert outcome.trouble == "step was ended after 3 s."
    assert 3 <= outcome.seconds < 30


def speed(precision, batch, rate, busy):
    row = {"precision": precision, "batch": batch, "alone": ALONE, "busy": busy}
    return {**row, "through": {"rate": rate}}


def test_the_table_names_the_fastest_run_and_the_goals_it_reached():
    steps = {
        "about": {"found": [{"device": "NVIDIA X", "cores": 8, "torch": "2"}], "trouble": None},
        "float32": {
            "found": [speed("float32", 32, 5e3, 0.9), speed("float32", 4_096, 3e4, 0.6)],
            "trouble": None,
        },
        "bfloat16": {"found": [], "trouble": "bfloat16 was ended after 9 s."},
    }
    said = table(steps)
    assert said.startswith("NVIDIA X, 8 cores, torch 2.\n")
    assert "| float32 | 4,096 | 40,000 | 25% | 1% | 80% | 30,000 | 60% |" in said
    assert (
        "Most through the learner: 30,000 texts/s (float32, batch 4,096; goal of 20,000 reach"
        in said
    )
    assert "the GPU busy 60% of the time (goal of 50% reached)" in said
    assert said.endswith("- bfloat16 was ended after 9 s.\n")
    steps["float32"]["found"] = [speed("float32", 32, 5e3, None)]
    said = table(steps)
    assert "goal of 20,000 missed" in said
    assert "busy 0% of the time (goal of 50% missed)" in said


def test_the_table_says_what_was_provoked_and_what_came_of_it():
    short = {
        "needed": 2**30, "given": 2**29, "batch": 4_096, "halved": 128, "texts": 99, "of": 99,
        "apart": 0.0, "said": ["Going on."],
    }  # fmt: skip
    lost = [{"texts": 7, "of": 9, "error": "It is lost.", "said": []}, {"apart": 1e-5}]
    found = {"memory": {"found": [short]}, "lost": {"found": lost}}
    said = table({step: {**facts, "trouble": None} for step, facts in found.items()})
    assert (
        "| memory of 512 MiB where batches of 4,096 take 1,024 | 99 of 99 texts embedded; "
        "“Going on.”; batches of 128 at the end | 0.0e+00 |" in said
    )
    assert "| device lost | 7 of 9 texts embedded; “It is lost.” | 1.0e-05 |" in said
    assert "with the CPU to go on" not in said


def test_nothing_found_is_no_table():
    assert table({}).strip() == ""
