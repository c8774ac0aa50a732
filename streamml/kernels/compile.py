"""How kernels are compiled: numba over plain arrays, the same way in every file.

Leaf kernels get no Python entry of their own, which halves the time of the first start;
:func:`entry_point` is for the few that Python calls. ``_nrt=False`` proves at compile
time that a kernel allocates nothing. No flag assumes away NaN or infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from streamml.types import Float32Array

__all__ = [
    "F4",
    "Real",
    "Whole",
    "entry_point",
    "exp32",
    "kernel",
    "log32",
    "ordered",
    "part",
    "sigmoid32",
    "sum_products",
    "summing_kernel",
    "total32",
]

Function = TypeVar("Function", bound=Callable[..., object])

F4 = np.float32
Real = float | np.floating[Any]
"""A number in a kernel: float32 unless said otherwise."""
Whole = int | np.integer[Any]
"""A whole number in a kernel, of any width."""

_njit: Any = njit  # its stubs know neither these options nor what comes out
_intrinsic: Any = intrinsic

_SUMS = {"nsz", "contract", "reassoc"}
_LEAF: dict[str, Any] = {
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "error_model": "numpy",
}


def kernel(function: Function) -> Function:
    """Compile for use inside other kernels, arithmetic in the order it is written."""
    compiled: Function = _njit(_nrt=False, **_LEAF)(function)
    return compiled


def summing_kernel(function: Function) -> Function:
    """Compile a sum whose order does not matter, so that it vectorises.

    Only for loops that store nothing: where a loop stores, the compiler guards it by the
    addresses of its arrays, and the order of a sum would hang on where memory lies.
    """
    compiled: Function = _njit(_nrt=False, fastmath=_SUMS, **_LEAF)(function)
    return compiled


def part(function: Function) -> Function:
    """Paste into the calling kernel: for steps that only call others."""
    compiled: Function = _njit(inline="always", _nrt=False, **_LEAF)(function)
    return compiled


def entry_point(function: Function) -> Function:
    """Compile for calls from Python, and keep the machine code for the next process.

    It lets go of Python's lock, so that an embedding stage goes on beside a learner.
    numba looks only at the file of the function itself; here a change of any file of
    the package makes the kept code stale.
    """
    compiled = _njit(
        _nrt=False, cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True
    )(function)
    cached = getattr(compiled, "_cache", None)  # none where compiling is turned off
    if cached is not None:
        kept = cached._cache_file
        if not hasattr(kept, "_version"):  # better no start than stale code
            raise RuntimeError("This numba keeps machine code in another way: install numba 0.68.")
        # what another version kept is not unpickled: classes it names may be gone
        kept._version = f"{kept._version} {_package_stamp()}"
    found: Function = compiled
    return found


@cache
def _package_stamp() -> tuple[float, int]:
    """Newest change and total size of the package's sources, wherever this file stands."""
    package = next(folder for folder in Path(__file__).parents if (folder / "py.typed").is_file())
    found = [path.stat() for path in package.rglob("*.py")]
    return max(f.st_mtime for f in found), sum(f.st_size for f in found)


def _scalar_kernel(function: Function) -> Function:
    """Compile a function of one number."""
    compiled: Function = _njit(_nrt=False, inline="never", **_LEAF)(function)
    return compiled


# -- exp, log and sigmoid without library calls, so that loops over labels vectorise --------


@_intrinsic
def _as_int(typingctx, x):  # type: ignore[no-untyped-def]  # noqa: ARG001
    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]  # noqa: ARG001
        return builder.bitcast(args[0], ir.IntType(32))

    return types.int32(types.float32), codegen


@_intrinsic
def _as_float(typingctx, x):  # type: ignore[no-untyped-def]  # noqa: ARG001
    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]  # noqa: ARG001
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), codegen


@_scalar_kernel
def exp32(x: Real) -> Real:
    """e**x for x clipped to +-80; relative error about 2e-7 (Cephes' polynomial)."""
    x = min(max(x, F4(-80.0)), F4(80.0))
    big = x * F4(1.44269504) + F4(12582912.0)
    n = big - F4(12582912.0)
    r = x - n * F4(0.693359375)
    r = r + n * F4(2.12194440e-4)
    p = F4(1.9875691500e-4)
    p = p * r + F4(1.3981999507e-3)
    p = p * r + F4(8.3334519073e-3)
    p = p * r + F4(4.1665795894e-2)
    p = p * r + F4(1.6666665459e-1)
    p = p * r + F4(5.0000001201e-1)
    p = p * r * r + r + F4(1.0)
    found: Real = p * _as_float(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))
    return found


@_scalar_kernel
def log32(x: Real) -> Real:
    """Natural logarithm of a positive normal float32; absolute error about 1e-6 (Cephes)."""
    i = _as_int(x)
    e = np.int32(i - np.int32(0x3F3504F3)) >> np.int32(23)
    m = _as_float(np.int32(i - np.int32(e << np.int32(23)))) - F4(1.0)
    z = m * m
    p = F4(7.0376836292e-2)
    p = p * m - F4(1.1514610310e-1)
    p = p * m + F4(1.1676998740e-1)
    p = p * m - F4(1.2420140846e-1)
    p = p * m + F4(1.4249322787e-1)
    p = p * m - F4(1.6668057665e-1)
    p = p * m + F4(2.0000714765e-1)
    p = p * m - F4(2.4999993993e-1)
    p = p * m + F4(3.3333331174e-1)
    found: Real = F4(e) * F4(0.69314718) + (m + (p * z * m - F4(0.5) * z))
    return found


@_scalar_kernel
def sigmoid32(x: Real) -> Real:
    """1 / (1 + e**-x)."""
    return F4(1.0) / (F4(1.0) + exp32(-x))


@_scalar_kernel
def ordered(x: Real) -> Whole:
    """An int32 that orders as the float32 does: a maximum that vectorises and knows NaN."""
    i = _as_int(x)
    return np.int32(i ^ ((i >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@summing_kernel
def sum_products(a: Float32Array, b: Float32Array, n: Whole) -> Real:
    """Inner product of the first ``n`` entries."""
    total: Real = F4(0.0)
    for k in range(n):
        total += a[k] * b[k]
    return total


@summing_kernel
def total32(a: Float32Array, n: int) -> Real:
    """Sum of the first ``n`` entries."""
    total: Real = F4(0.0)
    for k in range(n):
        total += a[k]
    return total
