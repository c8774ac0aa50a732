"""What a learner answers by name: mappings that know what they do not name."""

from __future__ import annotations

from typing import Any

__all__ = ["Decided", "Probabilities"]


class Decided(dict[Any, bool]):
    """Label -> whether it was decided; a label that is not known yet was not.

    So river's metrics go on where a label appears in mid-stream: they ask for every label that
    turns out to be told of an event.

    Examples
    --------
    >>> decided = Decided(sun=True, rain=False)
    >>> decided["snow"], "snow" in decided, decided
    (False, False, {'sun': True, 'rain': False})
    """

    def __missing__(self, label: Any) -> bool:
        return False


class Probabilities(dict[Any, dict[bool, float]]):
    """Label -> ``{False: p, True: q}`` with p + q = 1; a label that is not known yet has q = 0.

    Examples
    --------
    >>> Probabilities(sun={False: 0.25, True: 0.75})["snow"]
    {False: 1.0, True: 0.0}
    """

    def __missing__(self, label: Any) -> dict[bool, float]:
        return {False: 1.0, True: 0.0}
