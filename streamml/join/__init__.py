"""Labels that come by themselves meet their events, within bounds."""

from streamml.join.buffer import (
    OUTCOMES,
    Arrivals,
    JoinBuffer,
    Joined,
    JoinPolicy,
)

__all__ = [
    "OUTCOMES",
    "Arrivals",
    "JoinBuffer",
    "JoinPolicy",
    "Joined",
]
