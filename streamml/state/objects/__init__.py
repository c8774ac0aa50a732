"""Graphs of Python objects as plain arrays, and back: for learners that wrap a library's models.

Nothing is pickled and nothing that a file names is run or imported: objects are class names
and attribute values, and classes and functions come from lists that stand here. Shared
references, cycles through ``parent``, order and the bits of numbers survive.
"""

from streamml.state.objects.make import make
from streamml.state.objects.take import may_take, take

__all__ = ["make", "may_take", "take"]
