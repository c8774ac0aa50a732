"""Detectors by name; what IHOMER asks of its clusters stands in ``ihomer/loop/detect.py``."""

from __future__ import annotations

from typing import Any, Final

from streamml.drift.adwin import ADWIN
from streamml.drift.detector import Detector
from streamml.drift.hddm_w import HDDMW
from streamml.drift.kswin import KSWIN
from streamml.drift.page_hinkley import PageHinkley
from streamml.state.registry import made

__all__ = ["DETECTORS", "make_detector"]

DETECTORS: Final[dict[str, type[Detector]]] = {
    "adwin": ADWIN,
    "page-hinkley": PageHinkley,
    "hddm-w": HDDMW,
    "kswin": KSWIN,
}
"""Name -> detector."""


def make_detector(name: str, **parameters: Any) -> Detector:
    """The detector called ``name``; raises what :func:`~streamml.state.registry.made` does.

    Examples
    --------
    >>> make_detector("adwin", delta=1e-4)
    ADWIN(delta=0.0001, start_over=True, warning_delta=0.05)
    """
    return made("detector", DETECTORS, name, **parameters)
