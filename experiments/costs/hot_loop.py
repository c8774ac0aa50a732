"""Where the hot loop's time goes: member by member, and how far from memory bandwidth.

Part of ``python -m experiments.speed --profile``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from streamml import IHOMER
from streamml.ihomer import mixture
from streamml.metrics import Prequential
from streamml.nodes.members import PRESETS, Preset
from streamml.types import EventBatch

__all__ = ["print_profile", "run_seconds"]

_F4 = 4  # bytes

Make = Callable[[], IHOMER]


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
    if IHOMER(preset).mixture.plan.links:
        found["second level"] = partial(_probe, preset, links=0)
    found["label sets"] = partial(IHOMER, preset, decision="label")
    found["detectors"] = partial(IHOMER, preset, drift_delta=0.0)
    found["clusters"] = partial(IHOMER, preset, rule="one")
    return found


def run_seconds(make: Make, batch: EventBatch) -> float:
    """CPU seconds of one pass of a new learner over the batch."""
    learner = make()
    learner.bind(batch.schema)
    started = time.process_time()
    learner.test_then_train(batch)
    return time.process_time() - started


@contextmanager
def _kernel_clock() -> Iterator[list[float]]:
    """Seconds spent inside compiled calls of the hot loop, while it is open."""
    compiled, spent = mixture.run_events, [0.0, 0.0]

    def timed(*arguments: Any) -> int:
        started = time.process_time()
        done = compiled(*arguments)
        spent[0] += time.process_time() - started
        spent[1] += 1
        return int(done)

    mixture.run_events = timed
    try:
        yield spent
    finally:
        mixture.run_events = compiled


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
    plan, n = learner.mixture.plan, len(batch)
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
            best[what] = min(best[what], run_seconds(make, batch))
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
