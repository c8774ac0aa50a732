"""The benchmark's runner from the outside: cells, budgets, crashes, going on, the same figures."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import experiments.bench.run as bench
from experiments.bench.report.data import Figures, ranks_of
from experiments.bench.run import cells_of, seconds
from experiments.bench.store import Cell, Result, load, load_all, save
from streamml.errors import ConfigError, DataError
from tests.bench_learners import TABLE
from tests.signals import heeds_ctrl_c

ROOT = Path(__file__).resolve().parents[2]
ODD = ("slow", "raises", "dies", "hoards")


def command(out, *options, learners, table=None):
    words = [sys.executable, "-m", "experiments.run", "--datasets", "demo@1", "--orders", "natural",
             "--learners", learners, "--out", str(out), *options]  # fmt: skip
    path = os.pathsep.join([str(ROOT), str(ROOT / "connectors"), str(ROOT / "tests")])
    extra = {"STREAMML_LEARNERS": str(table)} if table else {}
    return words, {**os.environ, "PYTHONPATH": path, **extra}


def run(out, *options, **settings):
    words, env = command(out, *options, **settings)
    return subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Learners that misbehave, two at a time, beside one that does not."""
    folder = tmp_path_factory.mktemp("odd")
    table = folder / "learners.toml"
    table.write_text(TABLE)
    done = run(folder / "out", "--budget", "2s", "--memory", "700", "--jobs", "2",
               learners="no-change," + ",".join(ODD), table=table)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, {r.cell.learner: r for r in load_all(folder / "out")}


def test_every_cell_has_a_result_whatever_happened(odd):
    output, found = odd
    assert set(found) == {"no-change", *ODD}
    assert "[5/5, about 0 s left]" in output
    assert found["no-change"].status == "finished"
    assert found["no-change"].events == found["no-change"].length == 20_000


def test_over_its_budget_it_is_unfinished_at_an_event(odd):
    slow = odd[1]["slow"]
    assert slow.status == "unfinished"
    assert "over its budget of 2 s" in slow.reason
    assert 400 < slow.events < 1500  # 2 ms an event
    assert 0 < slow.scores["micro_f1"] < 1


def test_a_hopeless_one_can_be_given_up_and_is_run_again_where_hope_is_asked_for(tmp_path):
    """40 s of work on a budget of 2 s: given up from 3 times the budget on, not from 30."""
    table = tmp_path / "learners.toml"
    table.write_text(TABLE)
    done = run(tmp_path, "--budget", "2s", "--give-up", "3", learners="slow", table=table)
    (given_up,) = load_all(tmp_path)
    assert given_up.status == "unfinished", done.stderr
    assert re.match(r"given up: at its pace \d\d s, its budget is 2 s", given_up.reason)
    assert 0 < given_up.events < 400
    for factor, left in (("3", 0), ("2", 0), ("30", 1), ("0", 1)):
        said = run(tmp_path, "--budget", "2s", "--give-up", factor, "--list", learners="slow",
                   table=table)  # fmt: skip
        assert f"{left} to run" in said.stdout, factor


def test_one_given_up_ranks_by_how_far_its_pace_would_have_taken_it():
    def unfinished(name, events, reason, spent):
        facts = {"cpu_seconds": spent, "budget_seconds": 10.0}
        return Result(Cell("demo@1", "natural", name, 1), "unfinished", reason, events, 1000,
                      {"micro_f1": 0.5}, facts)  # fmt: skip

    cut, quick = "over its budget of 10 s", "given up: at its pace 50 s, its budget is 10 s"
    figures = Figures.of([unfinished("a", 150, cut, 10.0), unfinished("b", 20, quick, 1.0),
                          unfinished("c", 10, quick, 1.0)], "natural")  # fmt: skip
    assert ranks_of(figures, "micro_f1", ["a", "b", "c"], ["demo@1"])[0].tolist() == [2, 1, 3]


def test_what_breaks_is_recorded_with_its_reason(odd):
    assert odd[1]["raises"].status == odd[1]["dies"].status == "failed"
    assert re.match(r"ZeroDivisionError: as asked \(bench_learners.py, line \d+\)",
                    odd[1]["raises"].reason)  # fmt: skip
    assert odd[1]["dies"].reason == "its process ended by signal SIGABRT"
    assert odd[1]["hoards"].status == "unfinished"
    assert odd[1]["hoards"].reason == "over 700 MiB of memory"
    assert odd[1]["hoards"].events >= 1000


def test_a_result_says_where_it_comes_from(odd):
    facts = odd[1]["no-change"].facts
    assert facts["checksum"] == "synthetic, seed 1"
    assert {"python", "numpy", "river"} <= set(facts["versions"])
    assert facts["machine"]["cores"] >= 1
    assert facts["peak_mib"] > 50
    assert [kind for kind, _, _ in facts["drifts"]] == ["sudden", "gradual", "regrouping"]
    curve = odd[1]["no-change"].curve
    assert curve["event"][-1] == 20_000
    assert len(curve["event"]) == len(curve["window_micro_f1"]) == 60


def test_unfinished_ones_rank_behind_finished_ones_and_failed_ones_last(odd):
    figures = Figures.of(odd[1].values(), "natural")
    names = ["no-change", "slow", "hoards", "raises", "dies"]
    ranks = ranks_of(figures, "micro_f1", names, ["demo@1"])[0].tolist()
    further = odd[1]["hoards"].events > odd[1]["slow"].events
    assert ranks == [1.0, 3.0 if further else 2.0, 2.0 if further else 3.0, 4.5, 4.5]


def same_figures(a: Result, b: Result) -> bool:
    """Whether two runs agree to the last digit, time and memory aside."""

    def figures(result: Result):
        timed = ("seconds", "rss_mib")
        curve = {k: v for k, v in result.curve.items() if k not in timed}
        plain = [x if not math.isnan(x) else None for v in curve.values() for x in v]
        return result.status, result.events, result.scores, list(curve), plain

    return bool(figures(a) == figures(b))


def test_ctrl_c_between_two_results_ends_the_cell_that_runs_too(tmp_path, monkeypatch):
    """Else the process would wait for it at its end, up to its budget."""

    def interrupted(result, out):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "save", interrupted)
    words = ["--datasets", "demo@1", "--orders", "natural", "--learners", "majority,BR+MT"]
    words += ["--jobs", "2", "--budget", "60s", "--out", str(tmp_path)]
    done = CliRunner().invoke(bench.main, words)
    assert done.exit_code == 130
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor")]


def test_an_interrupted_run_goes_on_and_gives_the_same_figures(tmp_path):
    """Stopped by a signal after some cells, run again; twice the same to the last digit."""
    learners = "majority,MLHT,BR+MT,no-change"
    words, env = command(tmp_path / "a", "--budget", "60s", learners=learners)
    process = subprocess.Popen(words, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True,
                               preexec_fn=heeds_ctrl_c)  # fmt: skip
    for line in process.stdout:
        if line.startswith("[2/4"):  # the third takes long
            process.send_signal(signal.SIGINT)
            break
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from here" in rest
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a").glob("*.parquet")}
    assert len(kept) == 2
    words[words.index(learners)] = "majority,MLHT,no-change"
    again = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "3 cells, 2 done, 1 to run" in again.stdout
    now = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a").glob("*.parquet")}
    assert {name: now[name] for name in kept} == kept
    words[words.index(str(tmp_path / "a"))] = str(tmp_path / "b")
    subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    both = [load(p) for p in sorted((tmp_path / "b").glob("*.parquet"))]
    assert len(both) == 3
    for result in both:
        assert same_figures(result, load(tmp_path / "a" / result.cell.file))


def test_a_child_that_hangs_is_killed_and_what_it_told_is_kept(monkeypatch, tmp_path):
    """In a process of its own: the watchdog's patience is cut short there."""
    (tmp_path / "learners.toml").write_text(
        '[[learner]]\nname = "hangs"\nclass = "bench_learners:Hangs"\ngroup = "yours"\n'
    )
    code = (
        "from experiments.bench import isolated as i\n"
        "from experiments.bench.store import Cell\n"
        "if __name__ == '__main__':\n"
        "    i._GRACE = 2.0\n"
        "    i.prepare()\n"
        "    r = i.isolated(Cell('demo@1', 'natural', 'hangs', 1), i.Limits(1.0, 4000.0))\n"
        "    print(r.status, '|', r.reason)\n"
    )
    (tmp_path / "main.py").write_text(code)
    _, env = command(tmp_path, learners="hangs", table=tmp_path / "learners.toml")
    start = time.monotonic()
    done = subprocess.run([sys.executable, tmp_path / "main.py"], env=env, cwd=ROOT,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == "unfinished | over 3 times its budget of 1 s in wall time\n"
    assert time.monotonic() - start < 60


def test_cells_are_every_combination_once_and_seeds_only_where_they_matter():
    orders = ["natural", "shuffled"]
    cells = cells_of(["flags", "demo@1"], ["no-change", "streamml"], orders, [1, 2])
    assert len(cells) == len(set(cells)) == 14
    natural = [c for c in cells if c.order == "natural" and c.learner == "no-change"]
    assert {c.seed for c in natural} == {1}
    assert len({c.file for c in cells}) == 14
    with pytest.raises(ConfigError, match="order 'sorted' is not known"):
        cells_of(["flags"], ["no-change"], ["sorted"], [1])
    with pytest.raises(ConfigError, match="one file: rename"):
        cells_of(["flags"], ["my learner", "my_learner"], ["natural"], [1])
    assert len(cells_of(["flags"], ["no-change"], ["shuffled"], [1, 1])) == 1


def test_a_result_is_read_as_it_was_written(tmp_path):
    cell = Cell("flags", "natural", "a learner, of mine/yours", 3)
    result = Result(cell, "unfinished", "why", 3, 9, {"micro_f1": 1 / 3}, {"changes": [["a", 1]]},
                    {"event": [1.0, 3.0], "micro_f1": [float("inf"), 0.1]})  # fmt: skip
    path = save(result, tmp_path)
    assert load(path) == result
    assert [p.name for p in tmp_path.iterdir()] == [cell.file]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="no result of the benchmark"):
        load(path)


@pytest.mark.parametrize(("text", "value"), [("600s", 600), ("10m", 600), ("1.5h", 5400), ("7", 7)])
def test_budgets(text, value):
    assert seconds(text) == value


def test_mistakes_are_one_sentence_each(tmp_path):
    for options, said in (
        (("--budget", "soon"), "--budget 'soon' is no time: write it as 600s, 10m or 1h."),
        (("--jobs", "many"), "--jobs must be a number of processes or ray://HOST:PORT"),
        (("--jobs", "ray://127.0.0.1:1"), None),
    ):
        done = run(tmp_path, *options, learners="no-change")
        said = said or "Ray"  # installed or not, no cluster answers there
        assert done.returncode != 0
        assert said in done.stderr
