"""What speaks for a label: see :mod:`streamml.base.explanation`."""

from streamml.base.explanation import Explanation, LabelExplanation, Share

__all__ = ["Explanation", "LabelExplanation", "Share"]
