"""Detectors by name."""

from __future__ import annotations

import inspect
from typing import Any, Final

from streamml.drift.adwin import ADWIN
from streamml.drift.detector import Detector
from streamml.drift.hddm_w import HDDMW
from streamml.drift.kswin import KSWIN
from streamml.drift.page_hinkley import PageHinkley
from streamml.errors import ConfigError

__all__ = ["DETECTORS", "make_detector"]

DETECTORS: Final[dict[str, type[Detector]]] = {
    "adwin": ADWIN,
    "page-hinkley": PageHinkley,
    "hddm-w": HDDMW,
    "kswin": KSWIN,
}
"""Name -> detector."""


def make_detector(name: str, **parameters: Any) -> Detector:
    """The detector called ``name``.

    Raises
    ------
    ConfigError
        Name or parameter is not known, or a value is out of range.

    Examples
    --------
    >>> make_detector("adwin", delta=1e-4)
    ADWIN(delta=0.0001, start_over=True, warning_delta=0.05)
    """
    if name not in DETECTORS:
        raise ConfigError(f"There is no detector {name!r}: take one of {', '.join(DETECTORS)}.")
    takes = inspect.signature(DETECTORS[name]).parameters
    unknown = [key for key in parameters if key not in takes]
    if unknown:
        raise ConfigError(f"{name} has no parameter {unknown[0]!r}: it takes {', '.join(takes)}.")
    return DETECTORS[name](**parameters)
