"""streamml: a streaming on-line multi-label learner.

Examples
--------
>>> from streamml import IHOMER
>>> model = IHOMER()
>>> model.learn_one({"light": 1.0}, {"sun": True, "rain": False})
"""

from streamml.ihomer import IHOMER

__all__ = ["IHOMER", "__version__"]

__version__ = "0.1.0"
