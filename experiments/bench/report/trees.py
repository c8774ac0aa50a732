"""Label trees over time, as nested boxes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from experiments.bench.report.claims import OURS
from experiments.bench.report.data import Figures

__all__ = ["trees"]

_DATASETS, _LABELS = 8, 40


def trees(figures: Figures) -> str:
    """The label trees of our learner on the datasets where they changed most."""
    found = [
        (row[OURS].facts["trees"], dataset, row[OURS].facts["label_names"])
        for dataset, row in figures.cells.items()
        if OURS in row and len(row[OURS].facts.get("trees", ())) > 1
    ]
    found = [entry for entry in found if len(entry[2]) <= _LABELS]
    found.sort(key=lambda entry: (-len(entry[0]), entry[1]))
    if not found:
        return "<p>No label tree changed on the datasets that were run.</p>"
    parts = []
    for history, dataset, names in found[:_DATASETS]:
        rows = [
            f'<tr><th scope="row">{int(event):,}</th><td>{_node(tree, names)}</td></tr>'
            for event, tree in history
        ]
        parts.append(
            f"<h4>{escape(dataset)}</h4><table class='trees'><thead><tr><th>event</th>"
            f"<th>clusters of labels</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )
    return "".join(parts)


def _node(node: Sequence[Any], names: Sequence[str]) -> str:
    labels, children = node
    if children:
        inside = "".join(_node(child, names) for child in children)
        return f'<span class="node">{inside}</span>'
    words = ", ".join(escape(names[k] if k < len(names) else str(k)) for k in labels)
    return f'<span class="leaf">{words}</span>'
