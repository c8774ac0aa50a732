"""Change detectors, one per file."""

from streamml.drift.adwin import ADWIN, AdwinState, adwin_reset, adwin_update, new_adwin_state

__all__ = ["ADWIN", "AdwinState", "adwin_reset", "adwin_update", "new_adwin_state"]
