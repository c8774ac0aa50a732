"""What a learner says of itself: its label tree, and why an event gets its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamml.base import LabelNode, Learner
from streamml.base.explanation import Explanation
from streamml.errors import SchemaError
from streamml.hierarchy import TreeNode
from streamml.hierarchy.drawing import TreeView
from streamml.ihomer.growing_state import GrowingState
from streamml.nodes import NodeClassifier
from streamml.nodes.shares import explain_label

__all__ = ["Explainable"]


class Explainable(GrowingState, Learner):
    """The methods of a learner that explain it."""

    classifiers: Sequence[NodeClassifier] | None

    def label_tree(self) -> LabelNode:
        def node(n: TreeNode) -> LabelNode:
            return tuple(n.all_labels()), tuple(node(child) for child in n.children)

        return node(self._hierarchy.tree.root)

    def tree(self) -> TreeView:
        """The label tree with names; ``print`` it, or draw it with ``svg()``."""
        names = self.schema.labels.names

        def view(node: TreeNode) -> TreeView:
            labels = tuple(names[k] for k in node.all_labels())
            return TreeView(labels, tuple(view(child) for child in node.children))

        return view(self._hierarchy.tree.root)

    def explain(
        self, x: Mapping[Any, Any], labels: Sequence[str] | str | None = None, top: int = 8
    ) -> Explanation:
        """Why an event would get its labels; changes nothing.

        Parameters
        ----------
        x
            Feature name -> number.
        labels
            Which labels to explain, or which one; by default the predicted ones, or the
            likeliest one.
        top
            Features shown for a label, those with the largest shares.

        Raises
        ------
        SchemaError
            A label is not known.

        Examples
        --------
        >>> from streamml import IHOMER
        >>> model = IHOMER(preset="fast")
        >>> for t in range(100):
        ...     model.learn_one({"light": float(t % 2)}, {"sun"} if t % 2 else {"rain"})
        >>> why = model.explain({"light": 1.0}).labels[0]
        >>> why.label, why.decided, why.features[0].name, why.features[0].added > 0
        ('sun', True, 'light', True)
        """
        found = self.predict(self._unlearned(x), min_score=0.0)
        vocabulary, tree = self.schema.labels, self._hierarchy.tree
        members = sorted(self._layout.members, key=lambda name: int(getattr(self._plan, name)))
        members += [type(classifier).__name__ for classifier in self.classifiers or ()]
        if isinstance(labels, str):
            labels = (labels,)
        unknown = [name for name in labels or () if name not in vocabulary]
        if unknown:
            raise SchemaError(f"There is no label {unknown[0]!r} yet: name one that was learned.")
        columns = [vocabulary.find(name) for name in labels or ()]
        if labels is None and len(found.scores):
            score = dict(zip(found.score_indices.tolist(), found.scores.tolist(), strict=True))
            best = max(score, key=score.__getitem__)
            columns = sorted(found.row(0).tolist() or [best], key=lambda k: -score[k])
        return Explanation(
            tuple(
                explain_label(
                    self._states,
                    self._plan,
                    members,
                    self._row_names(),
                    vocabulary.names,
                    column,
                    tree.leaves[int(tree.leaf_of[column])].labels,
                    top,
                )
                for column in columns
            )
        )

    def _row_names(self) -> Sequence[str]:
        """Name of the feature that each row belongs to."""
        names, table = self.schema.features.names, self._memory.table
        if table is None:
            return names
        return [names[c] if c >= 0 else "a new feature" for c in table.column_of.tolist()]
