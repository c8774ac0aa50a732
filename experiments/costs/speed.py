"""Speed of streamml beside Vowpal Wabbit, over a long stream, and where the time goes.

``python -m experiments.speed`` prints events per CPU-second, single thread, of
predicting, learning and scoring, for the presets beside Vowpal Wabbit, and says
whether each bar holds. ``--flat``, ``--profile`` and ``--scaling`` measure the rest.
Repeats of all columns alternate; the best of each counts. Compilation and imports are
excluded by a warm-up on other streams. Making the learner (the workspace) for a stream
is counted on both sides, and shown apart: on a stream of some hundred events it weighs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from experiments.costs import peers
from experiments.costs.hot_loop import print_profile, run_seconds
from experiments.datasets.data import ACCURACY_17, read
from streamml import IHOMER
from streamml.metrics import Prequential
from streamml.nodes.members import PRESETS
from streamml.types import LABELS_FULL, EventBatch, Float32Array, Int32Array, Int64Array, Schema

FOUR = "yeast,emotions,tmc2007_500,bibtex"
DEFAULT_FLOOR, ACCURATE_FLOOR, FLAT = 5_000, 1_000, 0.9
_FLAT_BLOCK = 10_000
_LABELS = (50, 100, 200, 500, 1000, 2000)
_NONZEROS = (10, 20, 40, 80, 160, 320)

Make = Callable[[], IHOMER]
Seconds = dict[str, float]
"""Column -> CPU seconds of one pass over a dataset."""


# -- synthetic streams


def _features(
    rng: np.random.Generator, n: int, d: int, nonzeros: int
) -> tuple[Int64Array, Int32Array, Float32Array]:
    """Rows with ``nonzeros`` columns each, one in every stretch of ``d / nonzeros``."""
    edges = np.linspace(0, d, nonzeros + 1).astype(np.int64)
    columns = edges[:-1] + (rng.random((n, nonzeros)) * np.diff(edges)).astype(np.int64)
    values = rng.normal(size=(n, nonzeros)) if nonzeros == d else rng.random((n, nonzeros))
    indptr = np.arange(n + 1, dtype=np.int64) * nonzeros
    return indptr, columns.astype(np.int32).ravel(), values.astype(np.float32).ravel()


def blocks(
    n: int,
    n_features: int,
    n_labels: int,
    nonzeros: int | None = None,
    labels_per_event: int = 3,
    seed: int = 1,
) -> Iterator[EventBatch]:
    """Blocks of ``n`` events without end; the labels hang on the features, with noise."""
    rng = np.random.default_rng(seed)
    per_event = nonzeros or n_features
    weights = rng.normal(size=(n_features, n_labels)).astype(np.float32)
    schema = Schema([f"f{j}" for j in range(n_features)], [f"l{k}" for k in range(n_labels)],
                    absent_is_zero=True)  # fmt: skip
    first = 0
    while True:
        indptr, columns, values = _features(rng, n, n_features, per_event)
        x = np.zeros((n, n_features), np.float32)
        np.put_along_axis(x, columns.reshape(n, -1), values.reshape(n, -1), axis=1)
        score = x @ weights + rng.gumbel(size=(n, n_labels)).astype(np.float32)
        true = np.sort(np.argpartition(-score, labels_per_event, axis=1)[:, :labels_per_event])
        yield EventBatch(
            schema=schema,
            ids=list(range(first, first + n)),
            timestamps=np.arange(first, first + n, dtype=np.float64),
            x_indptr=indptr,
            x_indices=columns,
            x_values=values,
            y_indptr=np.arange(n + 1, dtype=np.int64) * labels_per_event,
            y_indices=true.astype(np.int32).ravel(),
            y_kind=np.full(n, LABELS_FULL, np.uint8),
            negative_indptr=np.zeros(n + 1, np.int64),
            negative_indices=np.zeros(0, np.int32),
            n_features=np.full(n, n_features, np.int32),
            n_labels=np.full(n, n_labels, np.int32),
        )
        first += n


# -- beside the peer


def learner_seconds(batch: EventBatch, preset: str) -> tuple[float, float]:
    """CPU seconds to make a learner for the stream, and to predict, learn and score it."""
    started = time.process_time()
    learner, metrics = IHOMER(preset), Prequential()
    learner.bind(batch.schema)
    made = time.process_time()
    metrics.update(batch, learner.test_then_train(batch))
    return made - started, time.process_time() - made


def warm_up(presets: Iterable[str]) -> None:
    """Compile, on a dense and a sparse stream that are not timed."""
    for preset in presets:
        learner_seconds(next(blocks(300, n_features=10, n_labels=5)), preset)
        learner_seconds(next(blocks(300, n_features=500, n_labels=5, nonzeros=20)), preset)


def _keep(best: Seconds, column: str, made: float, ran: float) -> None:
    for key, taken in ((f"make {column}", made), (f"run {column}", ran), (column, made + ran)):
        best[key] = min(taken, best.get(key, taken))


def measure(name: str, presets: tuple[str, ...], repeats: int, vw: bool) -> tuple[int, Seconds]:
    """Number of events, and the best CPU seconds of every column."""
    batch, best = read(name), Seconds()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "events"
        n_labels = peers.write_lines(batch, path) if vw else 0
        for _ in range(repeats):
            for preset in presets:
                _keep(best, preset, *learner_seconds(batch, preset))
            for feed in peers.FEEDS if vw else ():
                _keep(best, feed, *peers.seconds(path, n_labels, feed))
    return len(batch), best


def bars(name: str, rate: Seconds) -> list[tuple[str, ...]]:
    """What issue 3 asks of a dataset, with making the learner and without."""
    asked = [("fast: VW pre-parsed", "fast", "pre-parsed", 1.0),
             ("default: half of VW text", "default", "text", 0.5),
             ("(goal) default: VW pre-parsed", "default", "pre-parsed", 1.0)]  # fmt: skip
    rows = []
    for bar, ours, theirs, share in asked:
        if ours in rate and theirs in rate:
            pairs = [(rate[p + ours], share * rate[p + theirs]) for p in ("", "run ")]
            rows.append(_bar(bar, name, pairs))
    if "default" in rate and name in ACCURACY_17:
        rows.append(_bar("default: floor", name, [(rate["default"], DEFAULT_FLOOR)]))
    if "accurate" in rate and name == "yeast":
        rows.append(_bar("accurate: floor", name, [(rate["accurate"], ACCURATE_FLOOR)]))
    return rows


def _bar(bar: str, name: str, pairs: list[tuple[float, float]]) -> tuple[str, ...]:
    """Events per second there and asked for, and whether the bar holds."""
    cells = []
    for have, want in pairs:
        verdict = "[green]holds[/green]" if have >= want else "[red]missed[/red]"
        cells += [f"{have:,.0f}", f"{want:,.0f}", f"{have / want:.2f}", verdict]
    return bar, name, *cells


def _table(title: str, *columns: str) -> Table:
    found = Table(title=title)
    for k, column in enumerate(columns):
        found.add_column(column, justify="right" if k else "left")
    return found


def print_speed(console: Console, names: list[str], presets: tuple[str, ...], repeats: int) -> None:
    """Events per second with and without making the learner, and the bars."""
    vw = not peers.missing()
    if not vw:
        console.print(f"[yellow]{peers.missing()}; its columns are left out.[/yellow]")
    warm_up(presets)
    feeds = peers.FEEDS if vw else ()
    heads = (*presets, *(f"VW {feed}" for feed in feeds))
    speed = _table("events per CPU-second, one thread", "", "events", *heads)
    run = _table("the same, the learner made before", "", "events", *heads)
    make = _table("milliseconds to make the learner", "", "events", *heads)
    asked = []
    for name in track(names, "measuring", console=console, transient=True):
        n, best = measure(name, presets, repeats, vw)
        rate = {column: n / seconds for column, seconds in best.items()}
        columns = (*presets, *feeds)
        speed.add_row(name, f"{n:,}", *(f"{rate[c]:,.0f}" for c in columns))
        run.add_row(name, f"{n:,}", *(f"{rate['run ' + c]:,.0f}" for c in columns))
        make.add_row(name, f"{n:,}", *(f"{1e3 * best['make ' + c]:.2f}" for c in columns))
        asked += bars(name, rate)
    for found in (speed, run, make):
        console.print(found)
    print_bars(console, asked)


def print_bars(console: Console, asked: list[tuple[str, ...]]) -> None:
    """Say of each bar whether it holds, making the learner counted and not."""
    found = _table("bars", "bar", "dataset", "events/s", "asked", "ratio", "",
                   "without making", "asked", "ratio", "")  # fmt: skip
    for row in sorted(asked):
        found.add_row(*row)
    console.print(found)


def _memory(field: str) -> float:
    """A field of ``/proc/self/status`` in MiB (VmRSS: now, VmHWM: the peak)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return float("nan")


def print_flat(console: Console, preset: str, events: int) -> None:
    """Speed of each tenth of a long stream of one distribution; memory before and after."""
    warm_up([preset])
    learner, metrics = IHOMER(preset), Prequential()
    tenths = [0.0] * 10
    per_tenth = max(events // _FLAT_BLOCK // 10, 1)
    start = (0.0, 0.0)
    stream = blocks(_FLAT_BLOCK, n_features=50, n_labels=14)
    todo = track(range(10 * per_tenth), "long stream", console=console, transient=True)
    for k, batch in zip(todo, stream, strict=False):
        started = time.process_time()
        metrics.update(batch, learner.test_then_train(batch))
        tenths[k // per_tenth] += time.process_time() - started
        if k == 0:
            start = _memory("VmRSS"), _memory("VmHWM")
    rates = [per_tenth * _FLAT_BLOCK / seconds for seconds in tenths]
    found = _table(f"{preset}: {10 * per_tenth * _FLAT_BLOCK:,} events, 50 features, 14 labels",
                   "tenth", "events/s", "to the second")  # fmt: skip
    for k, rate in enumerate(rates):
        found.add_row(str(k + 1), f"{rate:,.0f}", f"{rate / rates[1]:.3f}")
    console.print(found)
    holds = "holds" if rates[9] >= FLAT * rates[1] else "missed"
    console.print(f"last tenth / second tenth {rates[9] / rates[1]:.3f}, asked {FLAT}: {holds}")
    console.print(f"memory in MiB: now {start[0]:.1f} after the first block, "
                  f"{_memory('VmRSS'):.1f} at the end; peak {start[1]:.1f}, "
                  f"{_memory('VmHWM'):.1f}")  # fmt: skip
    console.print(f"micro-F1 {metrics.cumulative().micro_f1:.3f}, "
                  f"{learner.n_clusters} clusters, {len(learner.changes)} changes")  # fmt: skip


# -- by member: what leaving it out saves -----------------------------------------------


def _scaling_table(
    console: Console, preset: str, what: str, streams: dict[int, tuple[int, int]], repeats: int
) -> None:
    found = Table(title=f"{preset}: cost as {what} grow")
    for column in (what, "us/event", "ns per label and non-zero", "cost, to the first",
                   "labels x non-zeros, to the first"):  # fmt: skip
        found.add_column(column, justify="right")
    first = (0.0, 0)
    for value, (labels, nonzeros) in streams.items():
        n = 2500 if labels < 500 else 1000
        batch = next(blocks(n, n_features=2000, n_labels=labels, nonzeros=nonzeros))
        with console.status(f"{preset}: {value} {what}"):
            seconds = min(run_seconds(partial(IHOMER, preset), batch) for _ in range(repeats)) / n
        first = first if first[1] else (seconds, labels * nonzeros)
        found.add_row(
            f"{value}",
            f"{1e6 * seconds:.1f}",
            f"{1e9 * seconds / labels / nonzeros:.2f}",
            f"{seconds / first[0]:.1f}",
            f"{labels * nonzeros / first[1]:.1f}",
        )
    console.print(found)


def print_scaling(console: Console, presets: tuple[str, ...], repeats: int) -> None:
    """Cost must not grow faster than labels times non-zeros (2,000 sparse features)."""
    for preset in presets:
        labels = {count: (count, 50) for count in _LABELS}
        _scaling_table(console, preset, "labels", labels, repeats)
        nonzeros = {count: (100, count) for count in _NONZEROS}
        _scaling_table(console, preset, "non-zeros", nonzeros, repeats)


@click.command()
@click.option("--datasets", default=FOUR, show_default=True, help="Names, separated by commas.")
@click.option("--all", "all_17", is_flag=True, help="All 17 datasets of the accuracy table.")
@click.option("--presets", default=",".join(PRESETS), show_default=True)
@click.option("--repeats", default=5, show_default=True, help="The best of so many counts.")
@click.option("--flat", is_flag=True, help="Is a long stream as fast at its end?")
@click.option("--events", default=1_000_000, show_default=True, help="Length of that stream.")
@click.option("--profile", is_flag=True, help="Where the hot loop's time goes.")
@click.option("--scaling", is_flag=True, help="Cost as labels and non-zeros grow.")
def main(datasets: str, all_17: bool, presets: str, repeats: int, flat: bool, events: int,
         profile: bool, scaling: bool) -> None:  # fmt: skip
    """Print speed beside Vowpal Wabbit, or one of the other measurements."""
    console = Console(width=150)
    chosen = tuple(presets.split(","))
    names = list(ACCURACY_17) if all_17 else datasets.split(",")
    if profile:
        warm_up(chosen)
        print_profile(console, {name: read(name) for name in names}, chosen, repeats)
    if scaling:
        warm_up(chosen)
        print_scaling(console, chosen, repeats)
    if flat:
        for preset in chosen:
            print_flat(console, preset, events)
    if not (profile or scaling or flat):
        print_speed(console, names, chosen, repeats)
