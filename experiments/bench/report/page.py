"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from experiments.bench.published import Published
from experiments.bench.report import plots as plots
from experiments.bench.report import tables as tables
from experiments.bench.report.claims import CLAIMS, OURS, as_described, check
from experiments.bench.report.data import METRICS, Figures
from experiments.bench.report.ranks import Ranking, rank
from experiments.bench.report.trees import trees
from experiments.bench.store import Result
from experiments.common.svg import STYLE, rank_diagram

__all__ = ["page"]

MAIN = ("ours", "global", "local", "reference", "peer", "batch", "yours")
Panel = tuple[Sequence[str], dict[str, Ranking]]
"""Learners that are ranked together, and their ranking on each metric."""


def page(results: Sequence[Result], reference: Path) -> str:
    """The whole page."""
    orders = [o for o in ("natural", "shuffled") if any(r.cell.order == o for r in results)]
    published = Published.read(reference)
    sections = [("how", "What was run", _how(results))]
    every = {order: Figures.of(results, order) for order in orders}
    for order, figures in every.items():
        panels = [(names, {m: rank(figures, m, names) for m in METRICS})
                  for names in figures.panels(figures.of_groups(*MAIN))]  # fmt: skip
        sections.append((f"summary-{order}", f"Summary, {order} order", _summary(figures, panels)))
        sections.append(
            (f"ranks-{order}", f"Average ranks, {order} order", _ranks(figures, panels))
        )
    sections.append(("claims", "Published claims", _claims(every, reference)))
    for order, figures in every.items():
        figures_html = "".join(tables.metric_table(figures, m) for m in METRICS)
        sections.append((f"tables-{order}", f"Figures, {order} order", figures_html))
    if "natural" in every and published.values:
        sections.append(("published", "Published figures", _published(every["natural"], published)))
    for order, figures in every.items():
        sections.append((f"curves-{order}", f"Curves, {order} order", _curves(figures)))
    first = next(iter(every.values()), None)
    if first is not None:
        sections.append(("cost", "Cost", _cost(first)))
        sections.append(("trees", "Label trees over time", trees(first)))
    sections.append(("cells", "Cells that were not finished", tables.failures(results)))
    links = " · ".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in sections)
    body = "".join(f'<section id="{key}"><h2>{escape(title)}</h2>{html}</section>'
                   for key, title, html in sections)  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><title>streamml: replay benchmark</title>'
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        "<body><header><h1>streamml: replay benchmark"
        f"</h1><nav>{links}</nav></header><main>{body}</main></body></html>\n"
    )


def _how(results: Sequence[Result]) -> str:
    budgets = sorted({r.facts.get("budget_seconds", 0.0) for r in results})
    machines = {json.dumps(r.facts["machine"], sort_keys=True) for r in results
                if "machine" in r.facts}  # fmt: skip
    versions = {json.dumps(r.facts["versions"], sort_keys=True) for r in results
                if "versions" in r.facts}  # fmt: skip
    seeds = sorted({r.cell.seed for r in results})
    done = sum(r.status == "finished" for r in results)
    rows = "".join(
        f"<tr><th scope='row'>{escape(d)}</th><td>{r.length:,}</td><td>{r.facts['features']:,}</td>"
        f"<td>{r.facts['labels']:,}</td>"
        f"<td class='hash'>{escape(str(r.facts['checksum']))}</td></tr>"
        for d, r in sorted({r.cell.dataset: r for r in results if "checksum" in r.facts}.items())
    )
    return (
        "<p>Prequential over the whole stream: predict, score, then learn, from the first event. "
        "A label that a prediction leaves out is negative; Hamming loss and macro-F1 are over all "
        "labels, an undefined F1 counts 0, an event with no true and no predicted label counts 1. "
        "No-change repeats the previous label set, majority the most frequent one: several files "
        "are sorted by label set, and there no-change is hard to beat. Shuffled order is "
        "<code>default_rng(seed).permutation(n)</code>.</p>"
        f"<p>{len(results)} cells, {done} finished; budgets of "
        f"{', '.join(f'{b:g} s' for b in budgets)} of CPU time a cell; seeds "
        f"{', '.join(map(str, seeds))}. † marks a figure at the event where the budget was spent: "
        "such a cell is ranked behind all that finished, the one that came further before the "
        "others. Hover over a figure for the reason.</p>"
        f"<details><summary>machine, versions, files</summary><p>{_lines(machines)}</p>"
        f"<p>{_lines(versions)}</p><div class='wide'><table class='figures'><thead><tr>"
        "<th>dataset</th><th>events</th><th>features</th><th>labels</th><th>sha256</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div></details>"
    )


def _lines(documents: set[str]) -> str:
    return "<br>".join(escape(d.strip("{}").replace('"', "")) for d in sorted(documents))


def _summary(figures: Figures, panels: Sequence[Panel]) -> str:
    parts = []
    for names, rankings in panels:
        parts.append(f"<h3>{_panel(figures, names)}</h3>")
        parts.append(tables.summary(figures, names, rankings))
        parts.append(plots.pareto(figures, "example_f1", names).svg())
    return "".join(parts)


def _panel(figures: Figures, names: Sequence[str]) -> str:
    return f"{len(names)} learners on the {len(figures.complete(names))} datasets that all ran on"


def _ranks(figures: Figures, panels: Sequence[Panel]) -> str:
    parts = ["<p>A bar joins learners that do not differ significantly (Nemenyi, 0.05).</p>"]
    for names, rankings in panels:
        parts.append(f"<h3>{_panel(figures, names)}</h3>")
        for metric, found in rankings.items():
            word = METRICS[metric]
            title = f"{word}: {found.datasets} datasets, Friedman p = {found.p_value:.1e}"
            parts.append(rank_diagram(title, found.ranks, found.cliques, len(names)))
    return "".join(parts)


def _claims(every: dict[str, Figures], reference: Path) -> str:
    ours = [OURS, "streamml, paper's rule"]
    verdicts = [
        verdict
        for figures in every.values()
        for claim in CLAIMS
        for learner in ours
        if learner in figures.names and (verdict := check(figures, claim, learner)) is not None
    ]
    html = (
        f"<p>iHOMER (arXiv 2507.20894) claims to be {escape(tables.claim_words())}. Its own "
        "figures are of the tail of each stream, after the last structure change, and are "
        "comparable with no others. Here whole streams are scored and the learner is ours; the "
        "gain is the mean over exact match, micro-, macro- and example-F1 of the relative gain "
        "over the average of the others.</p>" + tables.claims(verdicts)
    )
    described = as_described(reference)
    if described:
        rows = "".join(
            f"<tr><th scope='row'>{escape(d)}</th><td>{METRICS[m]}</td><td>{a:.3f}</td>"
            f"<td>{b:.3f}</td><td>{'yes' if a > b else 'no'}</td></tr>"
            for d, m, a, b in described
        )
        html += (
            "<p>iHOMER as it is described, beside the authors' MLHAT for all labels, over the "
            "same whole streams (measured before, from <code>mlhat.csv</code>):</p>"
            "<table class='figures'><thead><tr><th>dataset</th><th></th><th>iHOMER</th>"
            f"<th>MLHAT</th><th>better?</th></tr></thead><tbody>{rows}</tbody></table>"
        )
    return html


def _published(figures: Figures, published: Published) -> str:
    return (
        "<p>From arXiv 2410.20242, over whole streams; iHomer from arXiv 2507.20894, over tails "
        "of them and not comparable. An asterisk marks a dataset whose file or order differs "
        "from the published one. First ours beside the best of the published learners, whichever "
        "that is on a dataset: averages, and on how many datasets ours is ahead of all of them."
        "</p>"
        + tables.standings(figures, published)
        + "".join(tables.published_table(figures, published, m) for m in METRICS)
    )


def _curves(figures: Figures) -> str:
    names = plots.curve_learners(figures)
    drawn = "".join(plots.curve(figures, d, names).svg() for d in figures.cells)
    return ("<p>Dashed lines are drifts known to be there, short marks on the axis structure "
            f"changes of our label tree.</p><div class='plots'>{drawn}</div>")  # fmt: skip


def _cost(figures: Figures) -> str:
    names = [n for n in (OURS, "streamml fast", "streamml accurate", "BR+HT", "BR+ARF",
                         "VW multilabel_oaa", "MLHT") if n in figures.names]  # fmt: skip
    drawn = "".join(
        plots.cost(figures, names, what).svg() for what in ("labels", "non-zero features an event")
    )
    return f"<div class='plots'>{drawn}</div>"
