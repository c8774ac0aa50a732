"""Devices: which one is asked for, and what their errors mean. torch is never imported here."""

from __future__ import annotations

import re
from typing import Final, Literal

from streamml.errors import ConfigError

__all__ = ["Trouble", "check_device", "trouble"]

Trouble = Literal["memory", "lost"]

_DEVICE: Final = re.compile(r"auto|cpu|cuda(?::[0-9]+)?")
_LOST: Final = re.compile(
    r"CUDA error|CUDA driver error|cudaError|CUBLAS_STATUS|CUDNN_STATUS|device-side assert|"
    r"No CUDA GPUs are available",
    re.IGNORECASE,
)


def check_device(device: str) -> str:
    """The device as given.

    Raises
    ------
    ConfigError
        It is none of ``auto``, ``cpu``, ``cuda``, ``cuda:i``.

    Examples
    --------
    >>> check_device("cuda:1")
    'cuda:1'
    """
    if not _DEVICE.fullmatch(device):
        raise ConfigError(f"There is no device {device!r}: give auto, cpu, cuda or cuda:0.")
    return device


def trouble(error: BaseException) -> Trouble | None:
    """Whether an error of an embedder says that device memory is short, or the device gone.

    By the names of torch's exceptions and the words of CUDA, so that torch is not needed
    to tell them from any other error.

    Examples
    --------
    >>> class OutOfMemoryError(RuntimeError): pass
    >>> trouble(OutOfMemoryError("CUDA out of memory"))
    'memory'
    >>> trouble(RuntimeError("CUDA error: an illegal memory access was encountered"))
    'lost'
    >>> trouble(ValueError("no text")) is None
    True
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryError" in kinds:
        return "memory"
    if "AcceleratorError" in kinds:
        return "lost"
    return "lost" if isinstance(error, RuntimeError) and _LOST.search(str(error)) else None
