"""A member that always says yes: by its weights the mixture learns how ready it is to do so."""

from __future__ import annotations

from streamml.kernels.compile import F4, kernel
from streamml.nodes.event import Event
from streamml.types import Float32Array

__all__ = ["constant_score"]

_LOGIT = F4(3.0)  # 1 to the mixture, which takes a third of a logit


@kernel
def constant_score(event: Event, raw: Float32Array, place: int) -> None:
    """The same logit for every label, to row ``place`` of ``raw`` (-1: no member)."""
    if place < 0:
        return
    out = raw[place]
    for l in range(event.padded):
        out[l] = _LOGIT
