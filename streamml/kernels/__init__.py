"""How kernels are compiled, and the arithmetic they share."""

from streamml.kernels.compile import (
    F4,
    Real,
    Whole,
    entry_point,
    exp32,
    kernel,
    log32,
    ordered,
    part,
    sigmoid32,
    sum_products,
    summing_kernel,
    total32,
)

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
