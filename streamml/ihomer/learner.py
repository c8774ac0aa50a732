"""IHOMER: an on-line multi-label learner over an incremental hierarchy of labels.

After iHOMER (arXiv 2507.20894): labels that occur together share a cluster, every
cluster has classifiers and a drift detector, and the clusters follow the stream. State
that belongs to a label lies in arrays by label column, so a structure change moves an
index and loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from streamml.base import MIN_SCORE, LabelNode, Learner
from streamml.base.explanation import Explanation
from streamml.errors import ConfigError, StateError
from streamml.hierarchy import RULES, LabelHierarchy
from streamml.hierarchy.drawing import TreeView
from streamml.ihomer import explanation
from streamml.ihomer.budget import bytes_of
from streamml.ihomer.core import Core
from streamml.ihomer.drift_handling import DriftHandling
from streamml.ihomer.memory import Memory
from streamml.ihomer.mixture import Mixture
from streamml.nodes import NodeClassifier
from streamml.nodes.combine.propensity import LEARNED
from streamml.nodes.custom_classifiers import fresh_custom
from streamml.nodes.layout import Layout, layout_of, restore_layout
from streamml.nodes.members import DECISIONS, MEMBERS, PRESETS, PRESETS_0_1, Preset
from streamml.state.capture import part_of
from streamml.state.parameters import (
    COUNT,
    SEED,
    Constraints,
    Flag,
    FlagOr,
    Instance,
    ListOf,
    OneOf,
    OrNone,
    Real,
    Size,
    Whole,
    check_parameters,
)
from streamml.types import Change, EventBatch, Predictions, Schema

__all__ = ["IHOMER"]

_OWN = Instance(
    NodeClassifier,
    "a node classifier (an object with scores(columns, values, n_labels) and "
    "learn(columns, values, true, false, n_labels))",
)


class IHOMER(Learner):
    """Streaming multi-label classifier that clusters its labels as it learns.

    Parameters
    ----------
    preset
        ``"fast"`` (linear classifiers), ``"default"`` or ``"accurate"``: the same code
        with fewer or more node classifiers.
    members
        Names of the node classifiers to mix instead of the preset's.
    classifiers
        Node classifiers of your own (:class:`streamml.nodes.NodeClassifier`) that join the
        mixture; they make every event a run of its own.
    rule
        How clusters are found: ``"evidence"`` (co-occurrence beyond chance, with a bound
        by its own sample), ``"odac"`` (the paper's) or ``"one"`` (no clusters).
    decision
        ``"label"`` (thresholds), ``"set"`` (the best label set seen) or ``"adaptive"``
        (learns when to trust which).
    lean
        From 0 (exact match and Hamming loss) to 1 (F1): how far thresholds follow F1.
    window
        Events that the nearest-neighbour classifiers look back on, 32 to 100,000; by default
        the preset's.
    n_min
        Events between two checks of the clusters, at least 1.
    drift_delta
        One minus the confidence of the detector at each cluster, in (0, 1); 0 turns
        the detectors off.
    links
        Whether the labels of a cluster inform each other (the second level).
    alternates
        Whether a warning grows a fresh learner beside the main one, which takes over the
        clusters it serves better; it doubles the cost while it lives (up to 2,000 events).
    rebuild
        Forget everything at a structure change, as the paper does; for comparison.
    memory_budget
        Bytes of state at most, as a number or like ``"512MiB"``. Reached, the least useful
        goes first (see :attr:`shed`): an alternate learner, pairs of labels that are rare,
        the least used features. Vocabularies without a cap of their own get one.
    seed
        Everything random hangs on it.
    positive_only
        For streams whose events name only labels that are true (clicks, tags): what is not named
        is learned as not true, and scores are divided by the propensity, the probability that a
        true label is named, before labels are decided and told. A number in (0, 1] is the
        propensity of every label, whatever events claim to know; ``True`` learns each label's
        from the events whose labels are all known, beside the others (without any it is 1).

    Examples
    --------
    >>> model = IHOMER()
    >>> for t in range(200):
    ...     sunny = t % 3 == 0
    ...     model.learn_one({"light": float(sunny), "wind": 1.0},
    ...                     {"sun": sunny, "warm": sunny, "rain": not sunny})
    >>> model.predict_one({"light": 1.0, "wind": 1.0})
    {'sun': True, 'warm': True, 'rain': False}

    References
    ----------
    iHOMER, arXiv 2507.20894 (ECAI 2025); ODAC, Rodrigues, Gama and Pedroso, IEEE TKDE
    20(5), 2008; ADWIN, Bifet and Gavaldà, SDM 2007; learning from positives, Elkan and Noto,
    KDD 2008.
    """

    _constraints: ClassVar[Constraints] = {
        "preset": OneOf(*PRESETS),
        "members": OrNone(ListOf(OneOf(*MEMBERS), least=1)),
        "classifiers": OrNone(ListOf(_OWN)),
        "rule": OneOf(*RULES),
        "decision": OneOf(*DECISIONS),
        "lean": Real(0, 1),
        "window": OrNone(Whole(32, 100_000)),
        "n_min": COUNT,
        "drift_delta": Real(0, 1, closed="left"),
        "links": Flag(),
        "rebuild": Flag(),
        "alternates": Flag(),
        "positive_only": FlagOr(Real(0, 1, closed="right")),
        "memory_budget": Size(),
        "seed": SEED,
    }

    def __init__(
        self,
        preset: str = "default",
        members: Sequence[str] | None = None,
        classifiers: Sequence[NodeClassifier] | None = None,
        rule: str = "evidence",
        decision: str = "adaptive",
        lean: float = 0.5,
        window: int | None = None,
        n_min: int = 100,
        drift_delta: float = 1e-4,
        links: bool = True,
        rebuild: bool = False,
        alternates: bool = True,
        memory_budget: str | int = "512MiB",
        seed: int = 1,
        positive_only: bool | float = False,
    ) -> None:
        self.preset = preset
        self.members = members
        self.classifiers = classifiers
        self.rule = rule
        self.decision = decision
        self.lean = lean
        self.window = window
        self.n_min = n_min
        self.drift_delta = drift_delta
        self.links = links
        self.rebuild = rebuild
        self.alternates = alternates
        self.memory_budget = memory_budget
        self.seed = seed
        self.positive_only = positive_only
        check_parameters(self)
        self._core = self._new_core(self._layout())

    def _layout(self, presets: Mapping[str, Preset] = PRESETS) -> Layout:
        asked = self.positive_only
        propensity = LEARNED if asked is True else float(asked)
        return layout_of(self.preset, self.members, self.links, self.window, propensity, presets)

    def _new_core(self, layout: Layout) -> Core:
        """The four parts that learn, with nothing learned."""
        own = self.classifiers or ()
        mixture = Mixture(layout, self.decision, self.lean, self.seed, own)
        memory = Memory(bytes_of(self.memory_budget), mixture.plan)
        drift = DriftHandling(self.drift_delta, self.alternates)
        hierarchy = LabelHierarchy(self.rule, self.n_min, memory.budget.max_pairs)
        return Core(mixture, memory, drift, hierarchy, self.rebuild)

    # -- the contract ------------------------------------------------------------------

    def bind(self, schema: Schema) -> None:
        new, before = self._unbound, self._schema
        super().bind(schema)
        if before is not schema:
            self._core.memory.budget.cap_names(schema)
        if new:
            self._core.declare(schema)

    def predict(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=False, min_score=min_score)

    def learn(self, batch: EventBatch) -> None:
        self._run(batch, predict=False, learn=True, min_score=1.0)

    def test_then_train(self, batch: EventBatch, min_score: float = MIN_SCORE) -> Predictions:
        return self._run(batch, predict=True, learn=True, min_score=min_score)

    def _run(self, batch: EventBatch, predict: bool, learn: bool, min_score: float) -> Predictions:
        self.bind(batch.schema)
        try:
            return self._core.run(batch, predict, learn, min_score)
        finally:  # however far it came
            self._position = self._core.hierarchy.position

    def clone(
        self, new_params: dict[str, Any] | None = None, include_attributes: bool = False
    ) -> Self:
        """A learner with the same parameters that has seen nothing, nor have its classifiers."""
        fresh: Any = self.classifiers
        if fresh is not None and not include_attributes:
            fresh = (tuple if isinstance(fresh, tuple) else list)(map(fresh_custom, fresh))
        made = super().clone({"classifiers": fresh, **(new_params or {})}, include_attributes)
        made.mixture.classifiers = made.classifiers or ()  # attributes are copied one by one
        return made

    # -- what it says of itself --------------------------------------------------------------

    @property
    def mixture(self) -> Mixture:
        """The members and their mixture: plan, and arrays of what was learned."""
        return self._core.mixture

    @property
    def hierarchy(self) -> LabelHierarchy:
        """The label hierarchy: statistics, tree and changes."""
        return self._core.hierarchy

    @property
    def n_clusters(self) -> int:
        return len(self.hierarchy.tree.leaves)

    @property
    def changes(self) -> Sequence[Change]:
        return self._core.changes

    @property
    def change_counts(self) -> dict[str, int]:
        return self._core.changes.totals

    @property
    def shed(self) -> dict[str, int]:
        """What was given up to stay within ``memory_budget``, and how often.

        ``features``: rows of the least used features; ``values``: of features without a row;
        ``pairs``: counts of rare pairs of labels; ``alternates``: learners on trial.
        """
        pairs = self.hierarchy.counts.shed
        return {**self._core.memory.shed, **({"pairs": pairs} if pairs else {})}

    @property
    def memory(self) -> dict[str, int]:
        """Bytes held: ``arrays`` of what was learned, ``pairs`` of labels, ``names``."""
        names = 0
        if self._schema is not None:
            names = self._schema.features.nbytes + self._schema.labels.nbytes
        pairs = self.hierarchy.counts.nbytes
        return {"arrays": self._core.nbytes, "pairs": pairs, "names": names}

    def mixture_weights(self) -> dict[str, float]:
        """How far the mixture trusts each member now, shared over all labels."""
        return self.mixture.weights()

    def label_tree(self) -> LabelNode:
        return explanation.label_node(self.hierarchy.tree.root)

    def tree(self) -> TreeView:
        """The label tree with names; ``print`` it, or draw it with ``svg()``."""
        return explanation.tree_view(self.hierarchy.tree.root, self.schema.labels.names)

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
        chosen = (labels,) if isinstance(labels, str) else labels
        rows = self._core.memory.row_names(self.schema.features.names)
        tree = self.hierarchy.tree
        return explanation.explain(self.mixture, tree, found, self.schema, rows, chosen, top)

    # -- state -------------------------------------------------------------------------

    def _capture_learned(self, copy: bool) -> dict[str, Any]:
        return self._core.snapshot(copy)

    def _restore_learned(self, learned: Mapping[str, Any], schema: Schema) -> None:
        # what the state was made with, whatever the preset is today
        layout = self._layout(PRESETS_0_1)
        if "layout" in learned:
            layout = restore_layout(part_of(learned, "layout", dict))
        try:
            core = self._new_core(layout)
        except ConfigError as error:
            raise StateError(f"The state does not fit: {error}") from error
        core.restore(learned, schema)
        self._core = core
