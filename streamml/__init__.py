"""streamml: a streaming on-line multi-label learner.

Examples
--------
>>> from streamml import IHOMER
>>> model = IHOMER()
>>> model.learn_one({"light": 1.0}, {"sun": True, "rain": False})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamml.ihomer import IHOMER as IHOMER

__all__ = ["IHOMER", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the learner when it is first asked for: the command line starts without it."""
    if name == "IHOMER":
        from streamml.ihomer import IHOMER

        return IHOMER
    raise AttributeError(f"module 'streamml' has no attribute {name!r}")
