"""The mixture's Kalman step as vector instructions: all members, a block of labels at a time.

The covariances of a block of labels are read twice and written once, and everything else
of the step stays in the first-level cache in between. Bits are those of plain loops over
the labels, one operation after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from streamml.nodes.simd import _F4, _I64, _blocks, _data, _load, _splat, _vector, pairwise

__all__ = ["label_steps", "rows_dots"]

_intrinsic: Any = intrinsic
_DOTS = 4  # inner products that run side by side


class _Matrix:
    """Rows of an array, as vectors at the current block of labels."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data, self.lanes = builder, array.data, 16
        self.stride = builder.extract_value(array.shape, 1) if kind.ndim == 2 else None
        self.offset: Any = None

    def _at(self, row: Any) -> Any:
        if row is None:
            return self.offset
        return self.builder.add(self.builder.mul(row, self.stride), self.offset)

    def load(self, row: Any = None) -> Any:
        return _load(self.builder, self.data, self._at(row), self.lanes)

    def store(self, value: Any, row: Any = None) -> None:
        to = _vector(self.builder, self.data, self._at(row), self.lanes)
        self.builder.store(value, to, align=4)


@contextmanager
def _loop(builder: Any, first: Any, last: Any) -> Iterator[Any]:
    with cgutils.for_range_slice(builder, first, last, ir.Constant(_I64, 1)) as (index, _):
        yield index


@_intrinsic
def label_steps(typingctx, cov, a, phi, d, e, q, var, inflate, members, labels):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Per label: ``a = cov phi``, ``d += a e / (1 + q phi.a)``, and ``cov`` shrinks by it.

    Then row and column of a member are inflated where its variance is below ``var``;
    ``phi`` is used up (it holds the factors), and so is ``a``.
    """

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        arrays = [
            _Matrix(context, builder, kind, value)
            for kind, value in zip(sig.args[:6], args[:6], strict=True)
        ]
        m_cov, m_a, m_phi, m_d, m_e, m_q = arrays
        count = args[8]

        def emit(offset, lanes):  # type: ignore[no-untyped-def]
            for array in arrays:
                array.offset, array.lanes = offset, lanes
            _emit_step(builder, m_cov, m_a, m_phi, m_d, m_e, m_q, count, lanes)
            _emit_shrink(builder, m_cov, m_a, m_phi, args[6], args[7], count, lanes)

        _blocks(builder, args[9], emit)
        return context.get_dummy_value()

    kinds = (cov, a, phi, d, e, q, types.float32, types.float32, types.int64, types.int64)
    return types.void(*kinds), codegen


def _emit_step(
    b: Any, cov: Any, a: Any, phi: Any, d: Any, e: Any, q: Any, n: Any, lanes: int
) -> None:
    """The direction, to ``a``; the step of the weights; ``a`` scaled for the shrinking."""
    kind, zero = ir.VectorType(_F4, lanes), ir.Constant(_I64, 0)
    none, one = ir.Constant(kind, [0.0] * lanes), ir.Constant(kind, [1.0] * lanes)
    total = cgutils.alloca_once(b, kind)
    pair = cgutils.alloca_once(b, _I64)
    with _loop(b, zero, n) as i:
        a.store(none, i)
    b.store(zero, pair)
    with _loop(b, zero, n) as i:
        own = phi.load(i)
        r = b.load(pair)
        b.store(b.fadd(a.load(i), b.fmul(cov.load(r), own)), total)
        shift = b.sub(r, i)
        with _loop(b, b.add(i, ir.Constant(_I64, 1)), n) as j:
            c = cov.load(b.add(shift, j))
            b.store(b.fadd(b.load(total), b.fmul(c, phi.load(j))), total)
            a.store(b.fadd(a.load(j), b.fmul(c, own)), j)
        a.store(b.load(total), i)
        b.store(b.add(r, b.sub(n, i)), pair)
    b.store(none, total)
    with _loop(b, zero, n) as i:
        b.store(b.fadd(b.load(total), b.fmul(phi.load(i), a.load(i))), total)
    weight = q.load()
    r = b.fdiv(one, b.fadd(one, b.fmul(weight, b.load(total))))
    gain = b.fmul(e.load(), r)
    root = cgutils.get_or_insert_function(
        b.module, ir.FunctionType(kind, [kind]), f"llvm.sqrt.v{lanes}f32"
    )
    scale = b.call(root, [b.fmul(weight, r)])
    with _loop(b, zero, n) as i:
        old = a.load(i)
        d.store(b.fadd(d.load(i), b.fmul(old, gain)), i)
        a.store(b.fmul(old, scale), i)


def _emit_shrink(
    b: Any, cov: Any, a: Any, factor: Any, var: Any, inflate: Any, n: Any, lanes: int
) -> None:
    """``cov -= a a'``, each entry times the factors of its row and column."""
    kind, zero = ir.VectorType(_F4, lanes), ir.Constant(_I64, 0)
    least, more = _splat(b, var, lanes), _splat(b, inflate, lanes)
    one = ir.Constant(kind, [1.0] * lanes)
    pair = cgutils.alloca_once(b, _I64)
    b.store(zero, pair)
    with _loop(b, zero, n) as i:
        r, own = b.load(pair), a.load(i)
        left = b.fsub(cov.load(r), b.fmul(own, own))
        factor.store(b.select(b.fcmp_ordered("<", left, least), more, one), i)
        b.store(b.add(r, b.sub(n, i)), pair)
    b.store(zero, pair)
    with _loop(b, zero, n) as i:
        r, own, scale = b.load(pair), a.load(i), factor.load(i)
        shift = b.sub(r, i)
        with _loop(b, i, n) as j:
            at = b.add(shift, j)
            left = b.fsub(cov.load(at), b.fmul(own, a.load(j)))
            cov.store(b.fmul(left, b.fmul(scale, factor.load(j))), at)
        b.store(b.add(r, b.sub(n, i)), pair)


@_intrinsic
def rows_dots(typingctx, rows, x, first, last, n, out):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``out[j] = rows[j].x`` over n (a multiple of 8) entries.

    Each runs in eight sums that are added pairwise; four rows run side by side, since
    one sum alone waits for itself.
    """

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        matrix = _Matrix(context, builder, sig.args[0], args[0])
        px = _data(context, builder, sig.args[1], args[1])
        po = _data(context, builder, sig.args[5], args[5])
        start, end, wide = args[2], args[3], args[4]

        def emit(row, together):  # type: ignore[no-untyped-def]
            _emit_dots(builder, matrix, px, po, row, wide, together)

        mask = ir.Constant(_I64, -_DOTS)
        whole = builder.add(start, builder.and_(builder.sub(end, start), mask))
        step = ir.Constant(_I64, _DOTS)
        with cgutils.for_range_slice(builder, start, whole, step) as (row, _):
            emit(row, _DOTS)
        with _loop(builder, whole, end) as row:
            emit(row, 1)
        return context.get_dummy_value()

    return types.void(rows, x, types.int64, types.int64, types.int64, out), codegen


def _emit_dots(b: Any, rows: Any, x: Any, out: Any, row: Any, n: Any, together: int) -> None:
    kind = ir.VectorType(_F4, 8)
    totals = [cgutils.alloca_once(b, kind) for _ in range(together)]
    for total in totals:
        b.store(ir.Constant(kind, [0.0] * 8), total)
    rows.lanes = 8
    places = [b.add(row, ir.Constant(_I64, k)) for k in range(together)]
    step = ir.Constant(_I64, 8)
    with cgutils.for_range_slice(b, ir.Constant(_I64, 0), n, step) as (offset, _):
        rows.offset = offset
        right = _load(b, x, offset, 8)
        for place, total in zip(places, totals, strict=True):
            b.store(b.fadd(b.load(total), b.fmul(right, rows.load(place))), total)
    for place, total in zip(places, totals, strict=True):
        b.store(pairwise(b, b.load(total), 8), b.gep(out, [place]))
