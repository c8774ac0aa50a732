"""What members, features and other labels added to a score, read from the scratch of a predict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamml.base.explanation import LabelExplanation, Share
from streamml.nodes.combine.decision_state import BY_THRESHOLDS
from streamml.nodes.member_states import MemberStates
from streamml.nodes.members import MixturePlan
from streamml.types import Float64Array

__all__ = ["explain_label", "feature_shares", "label_shares", "member_shares"]

_LINEAR = (("linear", "x1"), ("linear_raw", "x0"), ("arow", "x1"))  # member, form of its inputs


def explain_label(
    states: MemberStates,
    plan: MixturePlan,
    members: Sequence[str],
    features: Sequence[str],
    labels: Sequence[str],
    label: int,
    cluster: Sequence[int],
    top: int,
) -> LabelExplanation:
    """Why the last event predicted got its score for one label."""
    decision = states.decision
    shares = (
        member_shares(states, plan, members, label),
        label_shares(states, plan, labels, label),
        feature_shares(states, plan, features, label),
    )
    ordered = [sorted(part, key=lambda share: -abs(share.added)) for part in shares]
    return LabelExplanation(
        labels[label],
        tuple(labels[k] for k in cluster),
        _probability(decision.z[label + 1]),
        _probability(decision.th[label + 1]),
        bool(decision.out[label]),
        not decision.i[BY_THRESHOLDS],
        tuple(ordered[0]),
        tuple(ordered[1]),
        tuple(ordered[2][:top]),
    )


def member_shares(
    states: MemberStates, plan: MixturePlan, names: Sequence[str], label: int
) -> list[Share]:
    """Weight times score of every member, as the mixture adds them up."""
    mixture = states.mixture
    weights = mixture.wg + mixture.d[:, label]
    return [
        Share(name, float(weights[k] * mixture.phi[k, label]), float(states.raw[k, label]))
        for k, name in enumerate(names[: plan.size])
    ]


def label_shares(
    states: MemberStates, plan: MixturePlan, names: Sequence[str], label: int
) -> list[Share]:
    """What the second level adds for each label it listens to."""
    links = states.links
    return [
        Share(names[int(links.nbr[q, label])], float(links.a[q, label] * links.uu[q, label]),
              float(links.uu[q, label]))
        for q in range(plan.links)
        if links.nbr[q, label] >= 0 and links.a[q, label] * links.uu[q, label] != 0.0
    ]  # fmt: skip


def feature_shares(
    states: MemberStates, plan: MixturePlan, names: Sequence[str], label: int
) -> list[Share]:
    """What each feature adds through the linear members (their biases left out)."""
    mixture, inputs = states.mixture, states.inputs
    n = int(inputs.num[0])
    columns = inputs.idx[:n]
    added: Float64Array = np.zeros(n)
    for member, form in _LINEAR:
        row = getattr(plan, member)
        if row < 0:
            continue
        linear = getattr(states, member)
        x = getattr(inputs, form)[:n].astype(np.float64)
        raw = float(states.raw[row, label])
        kept = min(max(raw, -8.0), 8.0) / raw / 3.0 if raw else 1.0 / 3.0  # the mixture clips
        moderated = 2.0 if member == "arow" else 1.0 / np.sqrt(1.0 + 0.3927 * linear.v[label])
        weight = float(mixture.wg[row] + mixture.d[row, label]) * kept * moderated
        added += weight * x * linear.w[columns + 1, label]
    return [
        Share(names[j] if j < len(names) else "a new feature", float(a), float(v))
        for j, a, v in zip(columns.tolist(), added, inputs.x1[:n], strict=True)
        if a != 0.0
    ]


def _probability(logit: np.float32) -> float:
    return float(1.0 / (1.0 + np.exp(-float(logit))))
