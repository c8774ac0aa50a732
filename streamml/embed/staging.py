"""Host memory that a CUDA device reads and writes by itself, while the host goes on."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamml.types import UInt8Array

__all__ = ["Staging"]

_BLOCK: Final = 1 << 23
_ALIGNED: Final = 64


class Staging:
    """Arrays in page-locked memory, given out one after the other.

    Not by torch's own allocator: that one asks the device when an array is let go of, and
    where the device is lost it ends the process.

    Parameters
    ----------
    lock, unlock
        Take the address of a block of memory; ``lock`` its size too.

    Examples
    --------
    >>> staging = Staging(lambda address, size: None, lambda address: None)
    >>> one, two = staging.take((2, 3), np.int64), staging.take((4,), np.float32)
    >>> one.shape, two.shape, np.shares_memory(one, two)
    ((2, 3), (4,), False)
    >>> staging.reset()
    >>> np.shares_memory(one, staging.take((1,), np.int64))
    True
    """

    def __init__(self, lock: Callable[[int, int], object], unlock: Callable[[int], object]) -> None:
        self._lock, self._unlock = lock, unlock
        self._blocks: list[UInt8Array] = []
        self._block = self._used = 0

    def take(self, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
        """An array of any content, good until :meth:`reset`."""
        kind = np.dtype(kind)
        size = int(np.prod(shape)) * kind.itemsize
        while self._block < len(self._blocks):
            block = self._blocks[self._block]
            if self._used + size <= len(block):
                break
            self._block, self._used = self._block + 1, 0
        else:
            block = self._locked(max(size, _BLOCK))
        start, self._used = self._used, self._used + size + -size % _ALIGNED
        found: NDArray[Any] = block[start : start + size].view(kind).reshape(shape)
        return found

    def reset(self) -> None:
        """Give everything out again; the device must be done with it."""
        self._block = self._used = 0

    def _locked(self, size: int) -> UInt8Array:
        block = np.empty(size, np.uint8)
        address = block.ctypes.data
        self._lock(address, size)
        # before its memory is let go of; at the end of the process nothing is needed
        weakref.finalize(block, self._unlock, address).atexit = False
        self._blocks.append(block)
        return block
