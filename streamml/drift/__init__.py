"""Change detectors, one per file."""

from streamml.drift.adwin import ADWIN, AdwinState, adwin_reset, adwin_update, new_adwin_state
from streamml.drift.detector import Detector
from streamml.drift.hddm_w import HDDMW
from streamml.drift.kswin import KSWIN
from streamml.drift.page_hinkley import PageHinkley
from streamml.drift.registry import DETECTORS, make_detector

__all__ = [
    "ADWIN",
    "DETECTORS",
    "HDDMW",
    "KSWIN",
    "AdwinState",
    "Detector",
    "PageHinkley",
    "adwin_reset",
    "adwin_update",
    "make_detector",
    "new_adwin_state",
]
