"""The drift detectors of the clusters, asked at every event learned: ADWIN's kernels, no others.

Detectors of :mod:`streamml.drift` are objects that any learner may ask; in the hot loop a detector
is a pair of kernels over rows of arrays, as here, and ``ihomer/drift_handling.py`` keeps its state.
"""

from __future__ import annotations

from streamml.drift.adwin import adwin_differs, adwin_tested, adwin_update
from streamml.ihomer.loop.arrays import CALM, DRIFT, WARNING, ClusterDetectors
from streamml.kernels.compile import F4, Real, kernel
from streamml.nodes.combine.decision_state import Decision
from streamml.nodes.event import Event, Truth

__all__ = ["ask_detectors"]

_LOOSER = 100.0  # a warning asks for less confidence, by this factor of one minus it


@kernel
def ask_detectors(
    clusters: ClusterDetectors, decision: Decision, event: Event, truth: Truth, delta: Real
) -> bool:
    """Give each cluster's detector its Hamming loss; true where one warns or finds a rise."""
    decided, y, known = decision.out, truth.y, truth.known
    n_leaves = len(clusters.level)
    for leaf in range(n_leaves):
        clusters.wrong[leaf] = 0.0
        clusters.known[leaf] = 0.0
    for label in range(event.n_labels):
        leaf = clusters.leaf_of[label]
        clusters.known[leaf] += known[label]
        clusters.wrong[leaf] += known[label] * abs(F4(decided[label]) - y[label])
    alarm = False
    for leaf in range(n_leaves):
        clusters.level[leaf] = CALM
        if clusters.known[leaf] > 0.0 and delta > 0.0:
            loss = clusters.wrong[leaf] / clusters.known[leaf]
            if adwin_update(clusters.detectors, leaf, loss, delta):
                sums = clusters.detectors.sums
                if sums[leaf, 0] / sums[leaf, 2] > sums[leaf, 4]:
                    clusters.level[leaf] = DRIFT
            elif (
                clusters.warn
                and adwin_tested(clusters.detectors, leaf)
                and adwin_differs(clusters.detectors, leaf, _LOOSER * delta, True)
            ):
                clusters.level[leaf] = WARNING
        alarm |= clusters.level[leaf] != CALM
    return alarm
