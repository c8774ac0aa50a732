"""The members of a learner and their mixture: what they learned, and the room they have for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamml.ihomer.loop import (
    BatchArrays,
    ClusterDetectors,
    Settings,
    batch_arrays,
    new_output,
    predictions_of,
    run_events,
)
from streamml.nodes import NodeClassifier
from streamml.nodes.capacity import bytes_held, clear_features, select_features
from streamml.nodes.custom_classifiers import (
    custom_scores,
    custom_snapshot,
    restore_custom,
    teach_custom,
)
from streamml.nodes.layout import Layout, layout_snapshot
from streamml.nodes.member_states import (
    N_LABELS,
    MemberStates,
    OptionalMembers,
    extend_tree,
    label_variances,
    new_member_states,
    new_optional_members,
    resize,
    resize_optional,
    take_labels,
)
from streamml.nodes.members import MixturePlan, make_plan
from streamml.nodes.restore import StartValues, restore_member_states, restore_optional_members
from streamml.state.capture import capture, part_of
from streamml.types import EventBatch, Predictions

__all__ = ["Mixture"]

_ROOM = 16  # features and labels there is room for at first
_ALERT_VARIANCE = np.float32(1.0)


class Mixture:
    """Node classifiers, how far each is trusted, and how a label set is decided.

    Parameters
    ----------
    layout
        Members with their weights at the start, and constants.
    decision, lean, seed
        As for :class:`streamml.ihomer.IHOMER`.
    classifiers
        Node classifiers of the user's own.

    Attributes
    ----------
    plan : MixturePlan
        Row of each member, and constants.
    states : MemberStates
        What was learned, in arrays by feature row and label column.
    optional : OptionalMembers
        The same of members that only some plans have.

    Raises
    ------
    ConfigError
        A constant of the layout is out of range.

    Examples
    --------
    >>> from streamml.nodes.layout import layout_of
    >>> mixture = Mixture(layout_of("fast", None, links=False, window=None))
    >>> mixture.member_names, mixture.n_labels, mixture.label_room
    (['linear', 'prior', 'last', 'constant'], 0, 16)
    """

    def __init__(
        self,
        layout: Layout,
        decision: str = "adaptive",
        lean: float = 0.5,
        seed: int = 1,
        classifiers: Sequence[NodeClassifier] = (),
    ) -> None:
        self.layout = layout
        self.decision = decision
        self.lean = lean
        self.seed = seed
        self.classifiers = classifiers
        given: dict[str, Any] = {"decision": decision, "lean": lean, **layout.constants}
        self.plan: MixturePlan = make_plan(
            tuple(layout.members), n_custom=len(classifiers), **given
        )
        self._begin(_ROOM, _ROOM)

    def _begin(self, n_features: int, n_labels: int) -> None:
        start, seed = self.layout.members, self.seed
        self.states: MemberStates = new_member_states(self.plan, start, n_features, n_labels, seed)
        self.optional: OptionalMembers = new_optional_members(self.plan, n_features, n_labels, seed)

    def fresh(self) -> Mixture:
        """The same members and classifiers, of which the members have learned nothing."""
        return Mixture(self.layout, self.decision, self.lean, self.seed, self.classifiers)

    # -- what it knows, and how large it is ------------------------------------------------

    @property
    def n_labels(self) -> int:
        """Labels known at the last event learned."""
        return int(self.states.clock[N_LABELS])

    @property
    def feature_room(self) -> int:
        """Features there is room for."""
        return len(self.states.inputs.top)

    @property
    def label_room(self) -> int:
        """Labels there is room for."""
        return len(self.states.y)

    @property
    def dense(self) -> bool:
        """Whether the stream was found to have most of its features in each event."""
        return bool(self.states.inputs.mode[0] == 1)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return bytes_held(self.states) + bytes_held(self.optional)

    @property
    def member_names(self) -> list[str]:
        """Names in the order of the mixture's rows, those of the user's classifiers last."""
        names = sorted(self.layout.members, key=lambda name: int(getattr(self.plan, name)))
        return names + [type(classifier).__name__ for classifier in self.classifiers]

    def weights(self) -> dict[str, float]:
        """How far each built-in member is trusted now, shared over all labels."""
        weights = self.states.mixture.wg
        return {name: float(weights[getattr(self.plan, name)]) for name in self.layout.members}

    def usage(self, n_features: int) -> NDArray[np.float64]:
        """How much the first features were used so far, in [0, 1): by how sure weights are."""
        for part in (self.states.linear, self.states.linear_raw, self.states.arow):
            if len(part.s) > n_features:
                left = part.s[1 : n_features + 1, : max(self.n_labels, 1)]
                order = np.argsort(-left.mean(axis=1), kind="stable")
                use = np.empty(n_features)
                use[order] = np.arange(n_features) / max(n_features, 1)
                return use
        return np.zeros(n_features)

    # -- events ------------------------------------------------------------------------------

    def arrays(self, batch: EventBatch) -> BatchArrays:
        """A batch as :meth:`run` takes it; of one event where the user has classifiers."""
        return batch_arrays(batch, custom_scores(self.classifiers, batch))

    def run(
        self,
        rows: BatchArrays,
        start: int,
        stop: int,
        predict: bool,
        learn: bool,
        n_labels: int,
        clusters: ClusterDetectors,
        settings: Settings,
    ) -> tuple[int, Predictions]:
        """Predict and/or learn rows, up to where a detector fires or the tree wants room.

        ``n_labels``: most labels that are known at one of them.

        Returns
        -------
        stop
            Row after the last one done.
        made
            What was predicted of them.
        """
        output = new_output(stop - start if predict else 0, n_labels)
        done: int = run_events(
            self.plan,
            rows,
            start,
            stop,
            predict,
            learn,
            self.states,
            self.optional,
            clusters,
            output,
            settings,
        )
        return done, predictions_of(output)

    def teach(self, batch: EventBatch) -> None:
        """Let the user's classifiers learn a batch of one event."""
        teach_custom(self.classifiers, batch)

    # -- room ----------------------------------------------------------------------------------

    def resize(self, n_features: int, n_labels: int) -> None:
        """Room for exactly so many features (no fewer than now) and labels."""
        if n_labels < self.label_room:
            self.select_rows(np.arange(self.feature_room), n_labels)
        plan, seed = self.plan, self.seed
        self.states = resize(self.states, plan, n_features, n_labels, seed)
        self.optional = resize_optional(self.optional, plan, n_features, n_labels, seed)

    def extend_tree(self) -> None:
        """More room for leaves, as the tree asked for."""
        self.optional = extend_tree(self.optional, self.feature_room, self.label_room)

    def select_rows(self, rows: NDArray[np.int64], n_labels: int) -> None:
        """Keep these rows of features alone, in this order, and room for so many labels."""
        found = select_features(self.states, self.optional, self.plan, rows, n_labels)
        self.states, self.optional = found

    def clear_rows(self, rows: NDArray[np.int64]) -> None:
        """Forget what was learned of the features in these rows."""
        clear_features(self.states, self.optional, self.plan, rows)

    # -- forgetting and taking over --------------------------------------------------------

    def declare_labels(self, n_labels: int) -> None:
        """Know so many labels before the first event."""
        self.states.clock[N_LABELS] = n_labels

    def start_over(self) -> None:
        """Forget what the members learned; labels stay known."""
        known = self.n_labels
        self._begin(self.feature_room, self.label_room)
        self.declare_labels(known)

    def learn_fast(self, labels: Sequence[int] | slice = slice(None)) -> None:
        """Let members that slow down as they learn be fast again on some labels."""
        for variance in label_variances(self.states, self.plan):
            variance[:, labels] = np.maximum(variance[:, labels], _ALERT_VARIANCE)

    def take_scales(self, other: Mixture) -> None:
        """Take another's room, and how it scales features."""
        self.resize(other.feature_room, other.label_room)
        for name, array in other.states.inputs._asdict().items():
            getattr(self.states.inputs, name)[...] = array

    def take_labels(self, other: Mixture, labels: list[int], known_for: int) -> None:
        """Take over what another learned of some labels in so many events."""
        d = max(one.feature_room for one in (self, other))
        room = max(one.label_room for one in (self, other))
        for one in (self, other):
            if (one.feature_room, one.label_room) != (d, room):
                one.resize(d, room)
        take_labels(self.states, other.states, self.plan, labels, known_for)

    # -- state -----------------------------------------------------------------------------

    def snapshot(self, copy: bool = True) -> dict[str, Any]:
        """Layout, arrays, and what the user's classifiers say they learned.

        Raises
        ------
        StateError
            One of them cannot be saved.
        """
        return {
            "layout": layout_snapshot(self.layout, self.plan),
            "stack": capture(self.states, copy),
            "extras": capture(self.optional, copy),
            "classifiers": [custom_snapshot(c) for c in self.classifiers],
        }

    def restore(self, snapshot: Mapping[str, Any], n_labels: int) -> None:
        """Go to a state that :meth:`snapshot` gave, of a mixture with the same layout.

        It may know labels below ``n_labels``. The user's classifiers stay as they are until
        :meth:`restore_classifiers`.
        """
        start = StartValues(self.plan, self.layout.members, self.seed)
        states = restore_member_states(part_of(snapshot, "stack", dict), self.plan, n_labels, start)
        optional = restore_optional_members(
            part_of(snapshot, "extras", dict), self.plan, states, start
        )
        self.states, self.optional = states, optional

    def restore_classifiers(self, snapshot: Mapping[str, Any]) -> None:
        """Let the user's classifiers go to the same state; none of them where one refuses."""
        restore_custom(self.classifiers, part_of(snapshot, "classifiers", list))
