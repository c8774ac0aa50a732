"""The tables of the report, as HTML."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape

from experiments.bench.published import APART, Published, standing
from experiments.bench.report.claims import CLAIMS, Verdict
from experiments.bench.report.data import METRICS, Figures, best_of, group_of
from experiments.bench.report.ranks import Ranking
from experiments.bench.store import Result
from experiments.datasets.registry import Dataset, find

__all__ = ["claims", "failures", "metric_table", "published_table", "standings", "summary"]


def _cell(result: Result | None, metric: str, best: float | None) -> str:
    if result is None:
        return '<td class="none" title="not run">-</td>'
    if result.status == "failed":
        return f'<td class="failed" title="{escape(result.reason, quote=True)}">failed</td>'
    if result.status == "unfinished":
        note = f"{result.reason}; event {result.events:,} of {result.length:,}"
        value = f"{result.scores[metric]:.3f}" if result.scores else "-"  # ended before it told
        return f'<td class="cut" title="{escape(note, quote=True)}">{value}†</td>'
    value = result.scores[metric]
    kind = ' class="best"' if best is not None and f"{value:.3f}" == f"{best:.3f}" else ""
    return f"<td{kind}>{value:.3f}</td>"


def _heads(names: Sequence[str]) -> str:
    return "".join(f'<th scope="col" class="up"><span>{escape(n)}</span></th>' for n in names)


def _table(heads: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="wide"><table class="figures"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def metric_table(figures: Figures, metric: str) -> str:
    """One row a dataset, one column a learner; the best finished figure of a row is marked."""
    rows = []
    for dataset, found in figures.cells.items():
        done = [r.scores[metric] for r in found.values() if r.status == "finished"]
        best = best_of(metric, done)
        cells = "".join(_cell(found.get(n), metric, best) for n in figures.names)
        rows.append(f'<tr><th scope="row">{escape(dataset)}</th>{cells}</tr>')
    return _table(f"<th>{METRICS[metric]}</th>{_heads(figures.names)}", rows)


def summary(figures: Figures, names: Sequence[str], rankings: dict[str, Ranking]) -> str:
    """One row a learner: finished cells, ranks, speed, memory, means over what all finished."""
    common, datasets = figures.finished(names), figures.complete(names)
    ranks = {m: dict(r.ranks) for m, r in rankings.items()}
    rows = []
    order = sorted(names, key=lambda n: ranks["example_f1"].get(n, 1e9))
    for name in order:
        results = [figures.cells[d][name] for d in datasets]
        done = sum(r.status == "finished" for r in results)
        rates = [r.facts.get("events_per_second", 0.0) for r in results]
        rates = [v for v in rates if v and v > 0]
        peak = max((r.facts.get("peak_mib_above_start", 0.0) for r in results), default=0.0)
        means = [f"{figures.mean(name, m, common):.3f}" if common else "-" for m in METRICS]
        placed = [f"{ranks[m][name]:.1f}" if name in ranks[m] else "-" for m in METRICS]
        speed = f"{statistics.geometric_mean(rates):,.0f}" if rates else "-"
        cells = "".join(f"<td>{v}</td>" for v in
                        [group_of(name), f"{done} of {len(results)}", *placed, *means, speed,
                         f"{peak:,.0f}"])  # fmt: skip
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    words = list(METRICS.values())
    heads = ["group", "finished", *(f"rank {w}" for w in words), *(f"mean {w}" for w in words),
             "events/s", "peak MiB"]  # fmt: skip
    said = (f"Means over the {len(common)} datasets that every learner finished: "
            f"{', '.join(common) or 'none'}.")  # fmt: skip
    return _table(f"<th>learner</th>{_heads(heads)}", rows) + f"<p>{escape(said)}</p>"


def published_table(figures: Figures, published: Published, metric: str) -> str:
    """Published figures of the datasets that were run, and ours and the references beside."""
    names = published.learners()
    ours = [n for n in (*figures.of_groups("ours"), "no-change", "majority") if n in figures.names]
    rows = []
    for dataset, found in figures.cells.items():
        row = find(dataset)
        if not isinstance(row, Dataset) or not row.published:
            continue
        values = [published.values.get((row.published, n, metric)) for n in names]
        best = published.best(row.published, metric)
        cells = "".join(_cell(found.get(n), metric, None) for n in ours)
        for value, name in zip(values, names, strict=True):
            kind = "apart" if name == APART else "best" if value == best else ""
            text = "-" if value is None else f"{value:.3f}"
            cells += f'<td class="{kind}">{text}</td>' if kind else f"<td>{text}</td>"
        mark = "" if row.compared == "same order" else "*"
        cells += f'<td class="words">{escape(row.compared)}</td>'
        rows.append(f'<tr><th scope="row">{escape(dataset)}{mark}</th>{cells}</tr>')
    if not rows:
        return "<p>None of the published datasets was run.</p>"
    heads = [f"{n} (here)" for n in ours] + names + ["file and order"]
    return _table(f"<th>{METRICS[metric]}</th>{_heads(heads)}", rows)


def standings(figures: Figures, published: Published) -> str:
    """One row a learner of ours, beside the best published figure of each dataset."""
    rows = []
    for name in figures.of_groups("ours"):
        for same_order in (False, True):
            found = [standing(figures, published, name, m, same_order) for m in METRICS]
            cells = "".join(
                f"<td>{s.mean:.3f} ({s.best:.3f})</td><td>{s.ahead} of {s.datasets}</td>"
                if s is not None else "<td>-</td><td>-</td>"
                for s in found
            )  # fmt: skip
            which = "same file and order" if same_order else "all"
            rows.append(f'<tr><th scope="row">{escape(name)}, {which}</th>{cells}</tr>')
    heads = "".join(f"<th>{w}</th><th>ahead</th>" for w in METRICS.values())
    return _table(f"<th>mean (of the best published)</th>{heads}", rows)


def claims(verdicts: Sequence[Verdict]) -> str:
    """One row a claim and order."""
    if not verdicts:
        return "<p>No claim can be checked yet: too few cells are finished.</p>"
    rows = []
    for v in verdicts:
        each = ", ".join(f"{METRICS[m]} {g:+.0f} %" for m, g in v.by_metric.items())
        without = "; left out, with too few finished cells: " + ", ".join(v.left_out)
        against = ", ".join(v.against) + (without if v.left_out else "")
        rows.append(
            f"<tr><th scope='row'>{escape(v.claim.text)} by {v.claim.percent:.0f} %</th>"
            f"<td>{v.order}</td><td>{escape(v.learner)}</td><td><b>{v.gain:+.0f} %</b></td>"
            f"<td>{'holds' if v.holds else 'does not hold'}</td><td>{v.datasets}</td>"
            f"<td class='words'>{escape(each)}</td>"
            f"<td class='words'>{escape(against)}</td></tr>"
        )
    heads = ("claim", "order", "of", "measured", "", "datasets", "by metric", "against")
    return _table("".join(f"<th>{h}</th>" for h in heads), rows)


def failures(results: Sequence[Result]) -> str:
    """Every cell that was not finished, with its reason."""
    bad = [r for r in results if r.status != "finished"]
    if not bad:
        return "<p>Every cell was finished.</p>"
    rows = [
        f"<tr><td>{escape(str(r.cell))}</td><td>{r.status}</td><td>{r.events:,} of "
        f"{r.length:,}</td><td class='words'>{escape(r.reason)}</td></tr>"
        for r in bad
    ]
    table = _table("<th>cell</th><th></th><th>event</th><th>why</th>", rows)
    said = f"{len(bad)} of {len(results)} cells were not finished"
    return f"<details><summary>{said}</summary>{table}</details>"


def claim_words() -> str:
    """The claims, for the text."""
    return ", ".join(f"{c.text} by {c.percent:.0f} %" for c in CLAIMS)
