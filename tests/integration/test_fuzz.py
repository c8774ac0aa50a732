"""The fuzz job: nothing but streamml's own errors comes out, and it sees what does not hold."""

import random
import re
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.checks import fuzz as job
from experiments.checks.fuzz import fuzz
from experiments.checks.fuzz_mutate import spoil_bytes, spoil_value
from experiments.checks.fuzz_targets import TARGETS, Target
from streamml.errors import DataError


def run(name, inputs, folder, **more):
    *_, tally = fuzz(name, inputs, folder, folder / "running", **more)
    return tally


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_errors_of_our_own_comes_out(name, tmp_path):
    tally = run(name, 400, tmp_path, seed=7)
    assert [(crash.number, crash.said) for crash in tally.crashes] == []
    assert tally.inputs == 400
    if name not in ("JSON events", "svmlight"):  # there, each line is a row or a letter
        assert 0 < tally.refused < 400


def hungry(given, folder):
    np.ones(64 * 2**20)


def slow(given, folder):
    while True:
        pass


def waits(given, folder):
    time.sleep(60)


def fails(given, folder):
    try:
        raise KeyError("poison")
    except Exception as error:
        raise RuntimeError("after all") from error


def refuses(given, folder):
    raise DataError("This is no file.")


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (fails, "RuntimeError: after all"),
        (slow, r"still ran after 0\.2 s"),
        (waits, "or waited 10 times"),
        (hungry, "grew by"),
    ],
)
def test_what_must_not_happen_is_seen(monkeypatch, tmp_path, use, said):
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # the peak of other tests is past
    monkeypatch.setattr(job, "_WARM", 0)
    monkeypatch.setitem(TARGETS, "ARFF", Target(lambda rng: rng.random(), use))
    tally = run("ARFF", 1, tmp_path, seconds={slow: 0.2, waits: 0.05}.get(use, 20.0))
    assert [crash.number for crash in tally.crashes] == [0]
    assert tally.crashes[0].said
    assert re.search(said, tally.crashes[0].said)
    assert (tmp_path / "running").read_text().split() == ["ARFF", "0"]


def test_crashing_inputs_are_kept_and_the_command_fails(monkeypatch, tmp_path):
    monkeypatch.setitem(TARGETS, "CSV", Target(lambda rng: b"%d" % rng.randrange(10**9), fails))
    first = [TARGETS["CSV"].make(random.Random(f"3/CSV/{k}")) for k in (5, 6)]
    done = CliRunner().invoke(
        job.main, ["--target", "CSV", "--inputs", "2", "--seed", "3", "--first", "5",
                   "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert done.exit_code == 1
    assert "crashes" in done.output
    assert [(tmp_path / "out" / f"CSV-{k}.input").read_bytes() for k in (5, 6)] == first
    assert "poison" in (tmp_path / "out" / "CSV-5.txt").read_text()


def test_refusals_are_no_crashes(monkeypatch, tmp_path):
    monkeypatch.setitem(TARGETS, "CSV", Target(lambda rng: b"", refuses))
    tally = run("CSV", 3, tmp_path)
    assert (tally.refused, tally.crashes) == (3, [])


@pytest.mark.parametrize("name", TARGETS)
def test_an_input_follows_from_seed_target_and_number(name):
    def made(key):
        return repr(TARGETS[name].make(random.Random(key)))

    assert made("1/x/5") == made("1/x/5")
    assert len({made(f"1/x/{k}") for k in range(20)}) > 15


def test_spoiling_changes_a_copy():
    rng, value = random.Random(1), {"a": [1, (2.0, np.arange(3))], "b": {"c": "x"}}
    before = repr(value)
    assert len({repr(spoil_value(rng, value)) for _ in range(300)}) > 60
    assert repr(value) == before
    assert len({spoil_bytes(rng, [b"a,b\n1,2\n"]) for _ in range(300)}) > 200
