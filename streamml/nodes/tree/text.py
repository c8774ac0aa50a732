"""A tree as text: what it asks, what its leaves saw, and which alternates grow."""

from __future__ import annotations

from collections.abc import Sequence

from streamml.nodes.tree.arrays import (
    ALTERNATE,
    BLOCK,
    BOUND,
    FEATURE,
    INNER,
    LEFT,
    LOSS,
    RIGHT,
    ROLE,
    ROOT,
    SEEN,
    TEST,
    THERE,
    TRIALS,
    Tree,
)

__all__ = ["tree_text"]

_TOLD = 4


def tree_text(tree: Tree, features: Sequence[str], labels: Sequence[str]) -> str:
    """One line a node, children indented; an alternate stands below the node it may replace."""
    lines: list[str] = []
    todo = [(int(tree.work.clock[ROOT]), 0, "")]
    while todo:
        i, indent, lead = todo.pop()
        lines.append("  " * indent + lead + _node_text(tree, i, features, labels))
        if tree.nodes.link[i, ROLE] != INNER:
            continue
        no, yes = _answers(tree, i)
        todo.append((int(tree.nodes.link[i, RIGHT]), indent + 1, yes))
        todo.append((int(tree.nodes.link[i, LEFT]), indent + 1, no))
        if tree.nodes.link[i, ALTERNATE] >= 0:
            events = int(tree.nodes.num[i, TRIALS])
            lead = f"alternate, compared on {events:,} events: "
            todo.append((int(tree.nodes.link[i, ALTERNATE]), indent + 1, lead))
    return "\n".join(lines)


def _answers(tree: Tree, i: int) -> tuple[str, str]:
    if tree.nodes.link[i, TEST] == THERE:
        return "absent: ", "there: "
    bound = f"{tree.nodes.num[i, BOUND]:.4g}"
    return f"<= {bound}: ", f"> {bound}: "


def _node_text(tree: Tree, i: int, features: Sequence[str], labels: Sequence[str]) -> str:
    nodes = tree.nodes
    weight = f"weight {nodes.num[i, SEEN]:,.0f}"
    if nodes.link[i, ROLE] == INNER:
        f = int(nodes.link[i, FEATURE])
        return f"{features[f] if f < len(features) else f} ({weight})"
    shares = (nodes.counts[i] + nodes.given[i])[1 : len(labels) + 1]
    total = max(float(nodes.counts[i, 0] + nodes.given[i, 0]), 1e-9)
    most = sorted(range(len(shares)), key=lambda l: -shares[l])[:_TOLD]
    told = [f"{labels[l]} {min(shares[l] / total, 1.0):.2f}" for l in most if shares[l] > 0]
    if nodes.link[i, BLOCK] < 0:
        weight += ", inactive"
    return f"leaf ({weight}, loss {nodes.num[i, LOSS]:.3f}): {', '.join(told) or 'no label'}"
