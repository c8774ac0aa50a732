"""The report's summary in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from experiments.bench.published import Published, standing
from experiments.bench.report.claims import CLAIMS, OURS, check
from experiments.bench.report.data import METRICS, Figures
from experiments.bench.report.page import MAIN
from experiments.bench.report.ranks import rank
from experiments.bench.store import Result

__all__ = ["markdown"]


def markdown(results: Sequence[Result], reference: Path) -> str:
    """Ranks, means, speed and claims, in both orders, and ours beside the best published."""
    done = sum(r.status == "finished" for r in results)
    budgets = sorted({r.facts.get("budget_seconds", 0.0) for r in results})
    lines = [
        "# Replay benchmark",
        "",
        f"{len(results)} cells, {done} finished; budgets of "
        f"{', '.join(f'{b:g} s' for b in budgets)} of CPU time a cell. Prequential over whole "
        "streams. Unfinished cells are ranked behind finished ones.",
    ]
    for order in ("natural", "shuffled"):
        figures = Figures.of(results, order)
        if figures.cells:
            lines += _order(figures)
        if order == "natural":
            lines += _published(figures, Published.read(reference))
    return "\n".join(lines) + "\n"


def _order(figures: Figures) -> list[str]:
    lines = ["", f"## {figures.order} order"]
    for names in figures.panels(figures.of_groups(*MAIN)):
        lines += _ranked(figures, names)
    return lines + _claims(figures)


def _ranked(figures: Figures, names: Sequence[str]) -> list[str]:
    rankings = {m: rank(figures, m, names) for m in METRICS}
    ranks = {m: dict(r.ranks) for m, r in rankings.items()}
    common, datasets = figures.finished(names), figures.complete(names)
    lines = ["", f"{len(names)} learners: average ranks over {len(datasets)} datasets (1 is best); "
             f"means over the {len(common)} that every one of them finished.", "",
             "| learner | finished | " + " | ".join(f"rank {w}" for w in METRICS.values()) + " | "
             + " | ".join(f"mean {w}" for w in METRICS.values()) + " | events/s |",
             "|---|---|" + "---|" * (2 * len(METRICS) + 1)]  # fmt: skip
    for name, _ in rankings["example_f1"].ranks:
        found = [figures.cells[d][name] for d in datasets]
        done = sum(r.status == "finished" for r in found)
        rates = [v for r in found if (v := r.facts.get("events_per_second", 0.0)) and v > 0]
        cells = [name, f"{done}/{len(found)}", *(f"{ranks[m][name]:.1f}" for m in METRICS)]
        cells += [f"{figures.mean(name, m, common):.3f}" if common else "" for m in METRICS]
        cells.append(f"{statistics.geometric_mean(rates):,.0f}" if rates else "")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _published(figures: Figures, published: Published) -> list[str]:
    lines = [
        "",
        "Ours beside the best published figure of each dataset, whichever learner has it: average "
        "(average of the best), and on how many datasets ours is ahead:",
        "",
    ]
    for name in figures.of_groups("ours"):
        said = [
            f"{word} {s.mean:.3f} ({s.best:.3f}), {s.ahead} of {s.datasets}"
            for m, word in METRICS.items()
            if (s := standing(figures, published, name, m)) is not None
        ]
        if said:
            lines.append(f"- {name}: {'; '.join(said)}")
    return lines if len(lines) > 3 else []


def _claims(figures: Figures) -> list[str]:
    lines = ["", "Published claims about iHOMER, checked with our learner on whole streams:", ""]
    for claim in CLAIMS:
        verdict = check(figures, claim) if OURS in figures.names else None
        if verdict is None:
            lines.append(f"- {claim.text} by {claim.percent:.0f} %: too few cells finished")
            continue
        said = "holds" if verdict.holds else "does not hold"
        lines.append(f"- {claim.text} by {claim.percent:.0f} %: {verdict.gain:+.0f} % on "
                     f"{verdict.datasets} datasets: {said}")  # fmt: skip
    return lines
