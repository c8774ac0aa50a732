"""What a learner says of itself: its label tree, and why an event gets its labels."""

from __future__ import annotations

from collections.abc import Sequence

from streamml.base import LabelNode
from streamml.base.explanation import Explanation
from streamml.errors import SchemaError
from streamml.hierarchy import LabelTree, TreeNode
from streamml.hierarchy.drawing import TreeView
from streamml.ihomer.mixture import Mixture
from streamml.nodes.shares import explain_label
from streamml.types import Predictions, Schema

__all__ = ["explain", "label_node", "tree_view"]


def label_node(node: TreeNode) -> LabelNode:
    """A node of the label tree with all below it, by columns."""
    return tuple(node.all_labels()), tuple(label_node(child) for child in node.children)


def tree_view(node: TreeNode, names: Sequence[str]) -> TreeView:
    """The same by names, to be looked at."""
    labels = tuple(names[k] for k in node.all_labels())
    return TreeView(labels, tuple(tree_view(child, names) for child in node.children))


def explain(
    mixture: Mixture,
    tree: LabelTree,
    found: Predictions,
    schema: Schema,
    row_names: Sequence[str],
    labels: Sequence[str] | None,
    top: int,
) -> Explanation:
    """Why the last event predicted got its labels.

    Parameters
    ----------
    mixture, tree
        What was learned; the mixture's scratch is that of the event.
    found
        What was predicted of it, with all scores.
    schema, row_names
        Names of labels, and of the feature in each row of the mixture.
    labels, top
        As for :meth:`streamml.ihomer.IHOMER.explain`.

    Raises
    ------
    SchemaError
        A label is not known.
    """
    names = schema.labels.names
    columns = _likeliest(found) if labels is None else _columns(schema, labels)
    return Explanation(
        tuple(
            explain_label(
                mixture.states,
                mixture.plan,
                mixture.member_names,
                row_names,
                names,
                column,
                tree.leaves[int(tree.leaf_of[column])].labels,
                top,
            )
            for column in columns
        )
    )


def _columns(schema: Schema, labels: Sequence[str]) -> list[int]:
    unknown = [name for name in labels if name not in schema.labels]
    if unknown:
        raise SchemaError(f"There is no label {unknown[0]!r} yet: name one that was learned.")
    return [schema.labels.find(name) for name in labels]


def _likeliest(found: Predictions) -> list[int]:
    """The predicted labels, or the one that scores best; by score."""
    score = dict(zip(found.score_indices.tolist(), found.scores.tolist(), strict=True))
    if not score:
        return []
    best = max(score, key=score.__getitem__)
    return sorted(found.row(0).tolist() or [best], key=lambda k: -score[k])
