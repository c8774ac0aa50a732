"""What decisions remember: thresholds, label sets seen, and when to trust which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamml.kernels.compile import F4
from streamml.nodes.arrays import Spec
from streamml.types import (
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt64Array,
)

SIZES = 12  # set sizes from 11 on share one weight
BLOCK = 16  # sets are scored in blocks, each as deep as its largest set
FEW = 48  # up to so many labels the sets are scored as a product with a 0/1 matrix
WIDEST = 64  # larger sets are not kept


N_SETS, BEST_SET, BY_THRESHOLDS, N_EMPTY, N_ABOVE, N_EVENTS = range(6)
"""Places in ``Decision.i``: sets held; the best one now; whether thresholds decided; events
without a label; labels above their threshold now; events learned."""

(
    COUNT_WEIGHT,  # of a set's log count in its score; *_SQUARES: AdaGrad's sum for a weight
    COUNT_WEIGHT_SQUARES,
    TRUST_BIAS,  # weights of the choice: thresholds, or the best set
    TRUST_GAP,
    TRUST_NOVELTY,
    TRUST_BIAS_SQUARES,
    TRUST_GAP_SQUARES,
    TRUST_NOVELTY_SQUARES,
    NOVELTY,  # fading share of events whose label set was not held
    GAP,  # how much better the thresholds' set scores now than the best one held
    P_THRESHOLDS,  # probability, now, that thresholds do better
    TRUE_POSITIVES,  # over all labels
    PREDICTED_AND_TRUE,
    COUNT_BASE,  # log counts decay by what is added to this
    THRESHOLDS_SCORE,  # of the set that thresholds chose now
) = range(15)
"""Places in ``Decision.f``."""


class Decision(NamedTuple):
    """Thresholds, label sets seen and what was learned of when to trust which."""

    z: Float32Array  # [label + 1] scores, entry 0 is 0
    th: Float32Array  # [label + 1] logit thresholds, entry 0 is 0
    tp: Float32Array  # [label] true positives, d: predicted + true
    d: Float32Array
    t: UInt8Array  # uint8 [label] threshold decision, out: final decision
    out: UInt8Array
    lab: Int32Array  # [place, set] int32 label + 1, 0 = none
    has: Float32Array  # [label below FEW, set] 1 where the set has the label
    size: Int32Array  # [set] int32
    key: UInt64Array  # [set] uint64
    lc: Float32Array  # [set] log count, in units that do not decay
    depth: Int64Array  # [block] int64
    sc: Float32Array  # [set] score, shifted score
    ss: Float32Array
    gam: Float32Array  # [SIZES] weight of a set size, and its AdaGrad sum
    gg: Float32Array
    qk: Float32Array
    f: Float64Array  # float64: see the constants above
    i: Int64Array  # int64: see the constants above


def spec(N: int) -> Spec:
    """Arrays for ``N`` label sets, a multiple of 16."""
    return {
        "z": (F4, 0, ("l1",)),
        "th": (F4, 0, ("l1",)),
        "tp": (F4, 0, ("l",)),
        "d": (F4, 0, ("l",)),
        "t": (np.uint8, 0, ("l",)),
        "out": (np.uint8, 0, ("l",)),
        "lab": (np.int32, 0, (WIDEST, N)),
        "has": (F4, 0, (FEW, N)),
        "size": (np.int32, 0, (N,)),
        "key": (np.uint64, 0, (N,)),
        "lc": (F4, 0, (N,)),
        "depth": (np.int64, 0, (N // BLOCK,)),
        "sc": (F4, -1e30, (N,)),
        "ss": (F4, -1e30, (N,)),
        "gam": (F4, 0, (SIZES,)),
        "gg": (F4, 1e-8, (SIZES,)),
        "qk": (F4, 0, (SIZES,)),
        "f": (np.float64, 0, (15,)),
        "i": (np.int64, 0, (6,)),
    }


def init(st: Decision) -> None:
    """Start values of what is learned on line."""
    st.f[COUNT_WEIGHT] = 0.3
    for squares in (
        COUNT_WEIGHT_SQUARES,
        TRUST_BIAS_SQUARES,
        TRUST_GAP_SQUARES,
        TRUST_NOVELTY_SQUARES,
    ):
        st.f[squares] = 1e-8
    st.f[TRUST_GAP] = 1.0
    st.f[NOVELTY] = 0.5
    st.i[BEST_SET] = -1
