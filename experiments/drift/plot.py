"""Recovery curves: windowed micro-F1 along the stream, drifts shaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from experiments.drift.runs import Run
from streamml.errors import MissingDependencyError, install_hint
from streamml.metrics.drift import windowed_micro_f1

WINDOW = 500
_POINTS = 1_000
_COLOURS = {"learner": "C0", "never": "0.6", "always": "C1", "anew": "C2"}


def draw(rows: Mapping[str, Mapping[str, Run]], path: Path, names: Mapping[str, str]) -> None:
    """One panel a stream that drifts; the file's suffix decides the format."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            f"--plot needs matplotlib: {install_hint('bench')}."
        ) from error
    chosen = {t: found for t, found in rows.items() if found["learner"].drifts} or dict(rows)
    across = min(3, len(chosen))
    down = -(-len(chosen) // across)
    figure = Figure(figsize=(5.2 * across, 2.4 * down + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).reshape(-1)
    for panel, (title, found) in zip(panels, chosen.items(), strict=False):
        for name, one in reversed(found.items()):
            curve = windowed_micro_f1(one.counts, WINDOW)
            step = max(len(curve) // _POINTS, 1)
            label = names[name] or "learner"
            panel.plot(range(0, len(curve), step), curve[::step], _COLOURS[name], lw=1, label=label)
        for drift in found["learner"].drifts:
            panel.axvspan(drift.start, max(drift.end, drift.start + 1), color="C3", alpha=0.3)
        panel.set_title(title, fontsize=9)
        panel.set_ylim(0, 1)
        panel.tick_params(labelsize=7)
    for panel in panels[len(chosen) :]:
        panel.set_axis_off()
    figure.supylabel(f"micro-F1 of the last {WINDOW} events", fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path)
