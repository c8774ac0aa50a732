"""What a node classifier of one's own has to do to join a mixture."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from streamml.types import Float32Array, Int32Array

__all__ = ["NodeClassifier"]


@runtime_checkable
class NodeClassifier(Protocol):
    """Scores all labels of an event, and learns it afterwards.

    The mixture learns per label how far to trust it; it starts at no trust. Features
    come as columns and raw values (what is absent is not listed), labels as columns.
    """

    def scores(self, columns: Int32Array, values: Float32Array, n_labels: int) -> Float32Array:
        """Logits, float32 ``(n_labels,)``; about -8 to 8; must change nothing."""

    def learn(
        self,
        columns: Int32Array,
        values: Float32Array,
        true: Int32Array,
        false: Int32Array,
        n_labels: int,
    ) -> None:
        """Learn an event whose labels ``true`` and ``false`` are known, the others not."""
