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
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from experiments import peers
from experiments.data import ACCURACY_17, read
from streamml import IHOMER, ihomer
from streamml.metrics import Prequential
from streamml.nodes.members import PRESETS, Preset
from streamml.types import LABELS_FULL, EventBatch, Float32Array, Int32Array, Int64Array, Schema

FOUR = "yeast,emotions,tmc2007_500,bibtex"
DEFAULT_FLOOR, ACCURATE_FLOOR, FLAT = 5_000, 1_000, 0.9
_FLAT_BLOCK = 10_000
_LABELS = (50, 100, 200, 500, 1000, 2000)
_NONZEROS = (10, 20, 40, 80, 160, 320)
_F4 = 4  # bytes

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
    for line in Path("/proc/self/status").read_text().splitlines():
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


def _probe(preset: str, without: tuple[str, ...] = (), **constants: int) -> IHOMER:
    """A learner of the preset without some members, or with other constants."""
    whole = PRESETS[preset]
    start = {name: weight for name, weight in whole.start.items() if name not in without}
    PRESETS["probe"] = Preset(start, {**whole.constants, **constants})
    try:
        return IHOMER("probe")
    finally:
        del PRESETS["probe"]


def _variants(preset: str) -> dict[str, Make]:
    """Learners that each leave one thing out."""
    members = tuple(PRESETS[preset].start)
    found: dict[str, Make] = {m: partial(_probe, preset, (m,)) for m in members}
    knn = tuple(m for m in members if m.startswith("knn"))
    if len(knn) > 1:
        found["every knn"] = partial(_probe, preset, knn)
    if IHOMER(preset)._plan.links:
        found["second level"] = partial(_probe, preset, links=0)
    found["label sets"] = partial(IHOMER, preset, decision="label")
    found["detectors"] = partial(IHOMER, preset, drift_delta=0.0)
    found["clusters"] = partial(IHOMER, preset, rule="one")
    return found


def _run_seconds(make: Make, batch: EventBatch) -> float:
    learner = make()
    learner.bind(batch.schema)
    started = time.process_time()
    learner.test_then_train(batch)
    return time.process_time() - started


@contextmanager
def _kernel_clock() -> Iterator[list[float]]:
    """Seconds spent inside compiled calls of the hot loop, while it is open."""
    compiled, spent = ihomer.run_events, [0.0, 0.0]

    def timed(*arguments: Any) -> int:
        started = time.process_time()
        done = compiled(*arguments)
        spent[0] += time.process_time() - started
        spent[1] += 1
        return int(done)

    ihomer.run_events = timed
    try:
        yield spent
    finally:
        ihomer.run_events = compiled


def _faces(preset: str, batch: EventBatch) -> dict[str, float]:
    """Seconds of the Python side: making the learner, around the compiled calls, scoring."""
    started = time.process_time()
    learner = IHOMER(preset)
    learner.bind(batch.schema)
    made = time.process_time()
    with _kernel_clock() as spent:
        predictions = learner.test_then_train(batch)
    ran = time.process_time()
    Prequential().update(batch, predictions)
    scored = time.process_time()
    return {
        "making the learner": made - started,
        "compiled loop": spent[0],
        "around it (Python, hierarchy)": ran - made - spent[0],
        "scoring": scored - ran,
    }


def _best_faces(preset: str, batch: EventBatch, repeats: int) -> dict[str, float]:
    every = [_faces(preset, batch) for _ in range(repeats)]
    return {key: min(faces[key] for faces in every) for key in every[0]}


# -- by bytes: what an event must at least read and write ---------------------------------


def event_bytes(learner: IHOMER, batch: EventBatch) -> dict[str, float]:
    """Bytes read and written per event, from the shapes of the arrays, work space aside."""
    plan, n = learner._plan, len(batch)
    d, labels = int(batch.n_features[-1]), -(-int(batch.n_labels[-1]) // 8) * 8
    dense = d <= 64 or np.count_nonzero(batch.x_values) >= 0.3 * d * n
    nonzeros = d if dense else np.count_nonzero(batch.x_values) / n
    held = float(np.minimum(np.arange(n), plan.window).mean())
    row = _F4 * labels
    members = plan.size
    pairs = members * (members + 1) // 2
    found = {"mixture": 5.0 * pairs * row + 12 * members * row}
    for name in ("linear", "linear_raw", "arow"):  # w and s: read twice, written once
        if getattr(plan, name) >= 0:
            found[name] = 6.0 * (nonzeros + 1) * row
    if plan.bayes >= 0:
        found["bayes"] = nonzeros * row * (2 if dense else 1)
    if plan.neighbours and any(getattr(plan, f"knn{k}") >= 0 for k in (30, 10, 5, 1)):
        found["every knn"] = held * (nonzeros + nonzeros / 4 * 4 + 16) + plan.neighbours * labels
    for name in ("rls", "fourier"):
        if getattr(plan, name) >= 0:
            m = plan.rls_size
            m = (d + 4) // 4 * 4 if name == "rls" and dense and d < m else m
            projected = 0 if m < plan.rls_size else nonzeros * m
            found[name] = _F4 * (m * m * (1 + 2 / plan.rls_every) + projected) + 3 * m * row
    if plan.links:
        found["second level"] = 11.0 * plan.links * row
    sets = min(plan.sets, n)
    cardinality = max(len(batch.y_indices) / n, 1)
    found["label sets"] = sets * (4 * cardinality + 40.0)
    return found


def copy_bandwidth(size: int) -> float:
    """GB per second, read and written, of copying ``size`` bytes; the best of many."""
    source, target = np.ones(size // 8), np.zeros(size // 8)
    times = max(3, (1 << 28) // size)
    best = float("inf")
    for _ in range(7):
        started = time.process_time()
        for _ in range(times):
            np.copyto(target, source)
        best = min(best, (time.process_time() - started) / times)
    return 2 * size / best / 1e9


# -- tables -----------------------------------------------------------------------------------


def _ablation(
    console: Console, name: str, batch: EventBatch, preset: str, repeats: int
) -> tuple[float, dict[str, float]]:
    """Seconds of the whole, and what leaving each part out saves."""
    variants: dict[str, Make] = {"": partial(IHOMER, preset), **_variants(preset)}
    best = dict.fromkeys(variants, float("inf"))
    for _ in track(range(repeats), f"{preset} on {name}", console=console, transient=True):
        for what, make in variants.items():
            best[what] = min(best[what], _run_seconds(make, batch))
    whole = best.pop("")
    return whole, {what: whole - seconds for what, seconds in best.items()}


def _profile_table(console: Console, name: str, batch: EventBatch, preset: str,
                   repeats: int) -> None:  # fmt: skip
    n = len(batch)
    whole, saved = _ablation(console, name, batch, preset, repeats)
    learner = IHOMER(preset)
    learner.test_then_train(batch)
    moved = event_bytes(learner, batch)
    found = Table(title=f"{preset} on {name}: {1e6 * whole / n:.2f} microseconds an event")
    for column in ("", "us/event", "share", "KB/event"):
        found.add_column(column, justify="right" if column else "left")
    for what, seconds in _best_faces(preset, batch, repeats).items():
        found.add_row(what, f"{1e6 * seconds / n:.2f}", f"{seconds / whole:.0%}", "")
    found.add_section()
    for what in (*saved, *(m for m in moved if m not in saved)):
        cost = saved.get(what)
        times = ("", "") if cost is None else (f"{1e6 * cost / n:.2f}", f"{cost / whole:.0%}")
        found.add_row(what if cost is None else f"without {what}: saved", *times,
                      f"{moved[what] / 1e3:.1f}" if what in moved else "")  # fmt: skip
    total = sum(moved.values())
    found.add_section()
    found.add_row("all", f"{1e6 * whole / n:.2f}", "", f"{total / 1e3:.1f}")
    console.print(found)
    console.print(f"{total * n / whole / 1e9:.1f} GB/s of state read and written\n")


def print_profile(
    console: Console, batches: dict[str, EventBatch], presets: tuple[str, ...], repeats: int
) -> None:
    """Per preset and dataset: what each part costs, and how far memory is from the limit."""
    for size, where in ((1 << 18, "second-level cache"), (1 << 24, "last-level cache"),
                        (1 << 28, "memory")):  # fmt: skip
        console.print(f"copy bandwidth, {where}: {copy_bandwidth(size):.1f} GB/s read and written")
    for name, batch in batches.items():
        for preset in presets:
            _profile_table(console, name, batch, preset, repeats)


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
            seconds = min(_run_seconds(partial(IHOMER, preset), batch) for _ in range(repeats)) / n
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


if __name__ == "__main__":
    main()
