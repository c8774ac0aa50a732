"""Graphs of Python objects as plain arrays, and back: for learners that wrap a library's models.

Nothing is pickled and nothing that a file names is run or imported: objects are class names
and attribute values, and classes and functions come from lists that stand here. Shared
references, cycles through ``parent``, order and the bits of numbers survive.
"""

from streamml.state.objects.capture import capture_objects, may_capture
from streamml.state.objects.restore import restore_objects

__all__ = ["capture_objects", "may_capture", "restore_objects"]
