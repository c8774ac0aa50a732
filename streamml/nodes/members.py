"""The node classifiers that can be members of a mixture, and the presets that choose among them."""

from __future__ import annotations

from typing import NamedTuple

from streamml.errors import ConfigError
from streamml.nodes.combine.decision_state import BLOCK
from streamml.state.parameters import Constraints, Real, Whole, check_declared

__all__ = ["MEMBERS", "PRESETS", "PRESETS_0_1", "MixturePlan", "Preset", "equal_start", "make_plan"]


class MixturePlan(NamedTuple):
    """Row of each member in the mixture (-1: not a member), and the constants of a learner."""

    linear: int
    linear_raw: int
    arow: int
    bayes: int
    knn30: int
    knn10: int
    knn5: int
    knn1: int
    rls: int
    fourier: int
    forest: int
    tree: int
    prior: int
    last: int
    transition: int
    constant: int
    custom: int  # first row of the user's own classifiers
    n_custom: int
    size: int  # members in all
    neighbours: int  # most neighbours asked for; 0 where no member asks
    window: int
    rls_size: int
    forest_budget: int  # work an event pays for: visits of an event by a candidate split
    rls_every: int  # the covariance takes every n-th event, n-fold, once it has settled
    links: int  # labels that inform a label in the second level
    sets: int  # distinct label sets held
    forget: float
    variance: float
    link_variance: float
    lean: float
    threshold: float
    evidence: float
    lowest: float
    highest: float
    decision: int
    propensity: float  # of true labels to be named; see nodes/combine/propensity.py


MEMBERS = MixturePlan._fields[: MixturePlan._fields.index("custom")]
"""Names of the built-in node classifiers, in the order of their rows."""

_CONSTANTS: Constraints = {
    "rls_size": Whole(4, 4096),
    "forest_budget": Whole(1, 10**9),
    "rls_every": Whole(1, 10_000),
    "links": Whole(0, 255),
    "sets": Whole(BLOCK, 2**16, step=BLOCK),
    "forget": Real(0.5, 1.0),
    "variance": Real(1e-9, 1e6),
    "link_variance": Real(1e-9, 1e6),
    "threshold": Real(0.0, 1.0),
    "evidence": Real(0.0, 1e9),
    "lowest": Real(0.0, 1.0),
    "highest": Real(0.0, 1.0),
    "propensity": Real(-1.0, 1.0),
}
"""Constants may come out of a file."""

DECISIONS = ("label", "set", "adaptive")


class Preset(NamedTuple):
    """Members with their shared mixture weight at the start, and constants that differ."""

    start: dict[str, float]
    constants: dict[str, int]


# Start weights are the means of the final ones over half A of the datasets, both orders
# (experiments.start_weights); on half B they are worth as much as on half A.
PRESETS: dict[str, Preset] = {
    "fast": Preset(
        {"linear": 3.45, "prior": -1.33, "last": 0.15, "constant": -1.5},
        {"links": 0, "sets": 96},
    ),
    "default": Preset(
        {
            "linear": 0.8,
            "linear_raw": 0.4,
            "arow": 1.55,
            "knn10": 0.97,
            "knn1": 0.42,
            "rls": 0.9,
            "prior": -2.51,
            "last": 0.12,
            "constant": -1.71,
        },
        {"rls_size": 128, "window": 2048},
    ),
    "accurate": Preset(
        {
            "linear": -0.39,
            "linear_raw": 0.78,
            "arow": 1.3,
            "bayes": 0.21,
            "knn30": 0.38,
            "knn10": 0.25,
            "knn5": 0.15,
            "knn1": 0.29,
            "rls": 0.75,
            "fourier": 0.29,
            "forest": 1.35,
            "prior": -2.44,
            "last": 0.07,
            "transition": -0.58,
            "constant": -1.98,
        },
        {"rls_size": 600, "window": 5000},
    ),
}
"""The same code with fewer or more members."""

PRESETS_0_1 = dict(PRESETS)
"""Those of version 0.1.0, whose states do not say what a preset was: they stay as they were."""

_CONTEXT = ("prior", "last", "transition", "constant")


def equal_start(members: tuple[str, ...]) -> dict[str, float]:
    """Start weights of a mixture the user chose: the mean of the members that see features."""
    seeing = [name for name in members if name not in _CONTEXT] or list(members[:1])
    return {name: 3.0 / len(seeing) if name in seeing else 0.0 for name in members}


def make_plan(
    members: tuple[str, ...],
    n_custom: int = 0,
    decision: str = "adaptive",
    lean: float = 0.5,
    window: int = 2048,
    **constants: int | float,
) -> MixturePlan:
    """Lay out the rows of a mixture.

    Raises
    ------
    ConfigError
        A member or decision rule is not known, or a number is out of range.
    """
    unknown = [name for name in members if name not in MEMBERS]
    if unknown or not members:
        raise ConfigError(
            f"There is no node classifier {', '.join(unknown) or 'at all'}: "
            f"choose among {', '.join(MEMBERS)}."
        )
    if decision not in DECISIONS:
        raise ConfigError(f"There is no decision {decision!r}: use one of {', '.join(DECISIONS)}.")
    if not isinstance(lean, int | float) or not 0.0 <= lean <= 1.0:
        raise ConfigError(f"lean must lie in [0, 1], not {lean!r}.")
    if not 32 <= window <= 100_000:
        raise ConfigError(f"window must lie between 32 and 100000 events, not {window}.")
    chosen = [name for name in MEMBERS if name in members]
    rows = {name: chosen.index(name) if name in chosen else -1 for name in MEMBERS}
    asked = [int(name[3:]) for name in chosen if name.startswith("knn")]
    values: dict[str, int | float] = {
        **rows,
        "custom": len(chosen),
        "n_custom": n_custom,
        "size": len(chosen) + n_custom,
        "neighbours": max(asked, default=0),
        "window": window,
        "rls_size": 256,
        "rls_every": 4,
        "forest_budget": 100_000,
        "links": 8,
        "sets": 304,
        "forget": 0.999,
        "variance": 0.1,
        "link_variance": 0.1,
        "lean": float(lean),  # whole numbers too: compiled code is made once, for reals
        "threshold": 0.53,
        "evidence": 50.0,
        "lowest": 0.2,
        "highest": 0.5,
        "decision": DECISIONS.index(decision),
        "propensity": 0.0,
        **constants,
    }
    check_declared(_CONSTANTS, values, "a layout")
    values |= {k: float(values[k]) for k, what in _CONSTANTS.items() if isinstance(what, Real)}
    return MixturePlan(**values)  # type: ignore[arg-type]
