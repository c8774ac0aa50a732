"""Peers to be timed beside streamml: Vowpal Wabbit through its Python package.

Every measurement has a process of its own, ``python -m experiments.costs.peers FILE LABELS FEED``:
in a heap that other work has cut up, Vowpal Wabbit runs at half its speed. ``learn``
leaves the prediction it made before the update in the example, so one pass both predicts
and learns (the same label sets as ``predict`` and then ``learn``, at twice the speed).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamml.types import EventBatch

__all__ = ["FEEDS", "missing", "seconds", "write_lines"]

FEEDS = ("text", "text, two passes", "pre-parsed")
"""A text line an event: parse, learn; the same, predict before learn; parsed before the clock."""


def missing() -> str:
    """What to do where Vowpal Wabbit is not installed; empty where it is."""
    if find_spec("vowpalwabbit") is not None:
        return ""
    from streamml.errors import install_hint  # not before: what is timed here has its heap alone

    return f"Vowpal Wabbit is not installed: {install_hint('bench')}"


def write_lines(batch: EventBatch, path: Path) -> int:
    """Write a batch in Vowpal Wabbit's text form, zeros left out; give its number of labels.

    An example without labels counts as one without an answer there, so that empty label
    sets become a label of their own.
    """
    n_labels = int(batch.n_labels[-1])
    lines = []
    for i in range(len(batch)):
        y = batch.y_indices[batch.y_indptr[i] : batch.y_indptr[i + 1]]
        row = slice(batch.x_indptr[i], batch.x_indptr[i + 1])
        x = zip(batch.x_indices[row].tolist(), batch.x_values[row].tolist(), strict=True)
        label = ",".join(str(c + 1) for c in y.tolist()) or str(n_labels + 1)
        lines.append(label + " | " + " ".join(f"{j}:{v:.6g}" for j, v in x if v))
    path.write_text("\n".join(lines), encoding="utf-8")
    return n_labels + bool((batch.y_indptr[1:] == batch.y_indptr[:-1]).any())


def seconds(path: Path, n_labels: int, feed: str) -> tuple[float, float]:
    """CPU seconds to make a workspace, and of one pass over the events, in a fresh process."""
    command = (sys.executable, "-m", "experiments.costs.peers", str(path), str(n_labels), feed)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    made, ran = json.loads(done.stdout)
    return made, ran


def _text(model: Any, lines: list[str]) -> None:
    for line in lines:
        example = model.parse(line)
        model.learn(example)
        example.get_multilabel_predictions()
        model.finish_example(example)


def _two_passes(model: Any, lines: list[str]) -> None:
    for line in lines:
        example = model.parse(line)
        model.predict(example)
        model.learn(example)
        model.finish_example(example)


def _parsed(model: Any, examples: list[Any]) -> None:
    import pylibvw  # its own binding: without the checks of Workspace.learn

    learn, prediction = pylibvw.vw.learn, pylibvw.example.get_multilabel_predictions
    for example in examples:
        learn(model, example)
        prediction(example)


def main(path: str, n_labels: str, feed: str) -> None:
    """Time one pass; ``vowpalwabbit`` is imported here only, and nothing of streamml is."""
    from vowpalwabbit import Workspace

    started = time.process_time()
    model = Workspace(f"--multilabel_oaa {n_labels} -b 18 --quiet")
    made = time.process_time() - started
    events: list[Any] = Path(path).read_text(encoding="utf-8").split("\n")
    work: dict[str, Callable[[Any, list[Any]], None]] = dict(
        zip(FEEDS, (_text, _two_passes, _parsed), strict=True)
    )
    parsed = feed == FEEDS[2]
    if parsed:
        events = [model.parse(line) for line in events]
    started = time.process_time()
    work[feed](model, events)
    taken = time.process_time() - started
    for example in events if parsed else ():
        model.finish_example(example)
    print(json.dumps([made, taken]))


if __name__ == "__main__":
    main(*sys.argv[1:])
