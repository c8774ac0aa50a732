"""From scores to a label set: between per-label thresholds and the best label set seen.

The threshold of a label follows the F1 it has reached (half of it is the optimal
threshold, Lipton, Elkan and Naryanaswamy 2014). The best set is the seen set with the
highest sum of scores, weights of its count and of its size, learned on line. Which of the
two decides is learned from which scored better, by a logistic step.
"""

from __future__ import annotations

import numpy as np

from streamml.kernels.compile import F4, Real, Whole, kernel, log32, part
from streamml.nodes.combine.decision_state import (
    BEST_SET,
    BY_THRESHOLDS,
    GAP,
    N_ABOVE,
    N_EMPTY,
    N_EVENTS,
    N_SETS,
    NOVELTY,
    P_THRESHOLDS,
    PREDICTED_AND_TRUE,
    THRESHOLDS_SCORE,
    TRUE_POSITIVES,
    TRUST_BIAS,
    TRUST_BIAS_SQUARES,
    TRUST_GAP,
    TRUST_GAP_SQUARES,
    TRUST_NOVELTY,
    TRUST_NOVELTY_SQUARES,
    Decision,
)
from streamml.nodes.combine.label_sets import (
    argmax,
    find_set,
    learn_sets,
    score_sets,
    set_key,
    store_set,
)
from streamml.nodes.combine.propensity import Propensity, scale_thresholds
from streamml.nodes.event import Truth
from streamml.nodes.members import MixturePlan
from streamml.types import Float32Array, Int32Array

_BY_LABEL, _BY_SET = 0, 1  # other rules learn between the two


@part
def _thresholds(st: Decision, s: Float32Array, L: Whole, plan: MixturePlan) -> None:
    f = (
        F4(st.f[TRUE_POSITIVES] / st.f[PREDICTED_AND_TRUE])
        if st.f[PREDICTED_AND_TRUE] > 0
        else F4(0.5)
    )
    base = F4((1.0 - plan.lean) * plan.threshold)
    om = F4(plan.lean)
    ka = F4(plan.evidence)
    kf = ka * f
    lo = F4(plan.lowest)
    hi = F4(plan.highest)
    for l in range(L):
        q = min(max(base + om * (st.tp[l] + kf) / (st.d[l] + ka), lo), hi)
        st.th[l + 1] = log32(q / (F4(1.0) - q))
        st.z[l + 1] = s[l]


@part
def _threshold_rule(st: Decision, L: Whole) -> None:
    z = st.z
    th = st.th
    n = 0
    sh = F4(0.0)
    for l in range(L):
        u = z[l + 1] - th[l + 1]
        b = u >= F4(0.0)
        st.t[l] = b
        n += b
        sh += u if b else F4(0.0)
    if n == 0 and L > 0 and st.i[N_EMPTY] <= 0.05 * st.i[N_EVENTS]:
        j = 0
        best = z[1] - th[1]
        for l in range(1, L):
            u = z[l + 1] - th[l + 1]
            if u > best:
                best = u
                j = l
        st.t[j] = 1
        n = 1
        sh = best
    st.i[N_ABOVE] = n
    st.f[THRESHOLDS_SCORE] = sh


@kernel
def decide(
    st: Decision, s: Float32Array, L: Whole, plan: MixturePlan, propensity: Propensity | None
) -> None:
    """Decide st.out (0/1 per label) from the scores s (logits)."""
    rule = plan.decision
    _thresholds(st, s, L, plan)
    scale_thresholds(propensity, st, L)
    _threshold_rule(st, L)
    out = st.out
    st.i[BEST_SET] = -1
    st.i[BY_THRESHOLDS] = 1
    n = st.i[N_SETS]
    if n > 0 and rule != _BY_LABEL:
        score_sets(st, L)
        b = argmax(st.ss, n)
        st.i[BEST_SET] = b
        top = 0.0
        for q in range(st.size[b]):
            l = st.lab[q, b]
            top += st.z[l] - st.th[l]
        gap = min(max(st.f[THRESHOLDS_SCORE] - top, -5.0), 5.0) / 3.0
        g = (
            st.f[TRUST_BIAS]
            + st.f[TRUST_GAP] * gap
            + st.f[TRUST_NOVELTY] * (2.0 * st.f[NOVELTY] - 1.0)
        )
        st.f[GAP] = gap
        st.f[P_THRESHOLDS] = 1.0 / (1.0 + np.exp(-g))
        if rule == _BY_SET or not g > 0.0:
            st.i[BY_THRESHOLDS] = 0
            for l in range(L):
                out[l] = 0
            for q in range(st.size[b]):
                out[st.lab[q, b] - 1] = 1
            return
    for l in range(L):
        out[l] = st.t[l]


@kernel
def _reward(hit: Whole, n: Whole, ny: int) -> Real:
    r = 2.0 * hit / (n + ny) if n + ny > 0 else 1.0
    return r + 1.0 if hit == n and hit == ny else r


@part
def _learn_backoff(st: Decision, ys: Int32Array, ny: int, y: Float32Array) -> None:
    b = st.i[BEST_SET]
    ht = np.int64(0)
    for i in range(ny):
        ht += st.t[ys[i]]
    hs = np.int64(0)
    for q in range(st.size[b]):
        hs += y[st.lab[q, b] - 1] > F4(0.0)
    e = _reward(ht, st.i[N_ABOVE], ny) - _reward(hs, np.int64(st.size[b]), ny)
    if e == 0.0:
        return
    f = st.f
    d = ((1.0 if e > 0.0 else 0.0) - f[P_THRESHOLDS]) * abs(e)
    x = d * f[GAP]
    u = d * (2.0 * f[NOVELTY] - 1.0)
    f[TRUST_BIAS_SQUARES] += d * d
    f[TRUST_GAP_SQUARES] += x * x
    f[TRUST_NOVELTY_SQUARES] += u * u
    f[TRUST_BIAS] += 0.1 * d / np.sqrt(f[TRUST_BIAS_SQUARES])
    f[TRUST_GAP] += 0.1 * x / np.sqrt(f[TRUST_GAP_SQUARES])
    f[TRUST_NOVELTY] += 0.1 * u / np.sqrt(f[TRUST_NOVELTY_SQUARES])


@kernel
def decision_learn(st: Decision, truth: Truth, L: Whole, cap: int) -> None:
    """After decide: what came of it; ``cap`` is how many label sets are held."""
    _count(st, truth.y, truth.known, L)
    if not truth.full:
        return
    ys, ny = truth.true, len(truth.true)
    h = set_key(ys, ny)
    cur = find_set(st.key, st.i[N_SETS], h)
    if st.i[BEST_SET] >= 0:
        _learn_backoff(st, ys, ny, truth.y)
        if cur >= 0:
            learn_sets(st, cur, ny)
    f = st.f
    f[NOVELTY] += 0.02 * ((1.0 if cur < 0 else 0.0) - f[NOVELTY])
    st.i[N_EMPTY] += ny == 0
    st.i[N_EVENTS] += 1
    store_set(st, cur, ys, ny, h, cap)


@part
def _count(st: Decision, y: Float32Array, known: Float32Array, L: Whole) -> None:
    tp = F4(0.0)
    d = F4(0.0)
    for l in range(L):
        o = F4(st.out[l]) * known[l]
        a = o * y[l]
        b = o + y[l]
        st.tp[l] += a
        st.d[l] += b
        tp += a
        d += b
    st.f[TRUE_POSITIVES] += tp
    st.f[PREDICTED_AND_TRUE] += d
