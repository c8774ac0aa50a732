"""Loops over label columns as vector instructions, eight or sixteen labels at a time.

numba guards every loop that stores by the addresses of its arrays and starts it anew for
each feature; for the few labels of most streams that costs more than the sums. Here the
accumulators of a block of labels stay in registers over all features of the row. Bits
are those of the plain loops: every label's sum runs in the order of the features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["rows_sums", "rows_update"]

_F4, _I32, _I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_intrinsic: Any = intrinsic


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value).data


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    kind = ir.VectorType(_F4, lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_I32, 0))
    mask = ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)


def _vector(builder: Any, data: Any, offset: Any, lanes: int) -> Any:
    """Pointer to ``lanes`` floats at an offset."""
    return builder.bitcast(builder.gep(data, [offset]), ir.VectorType(_F4, lanes).as_pointer())


def _load(builder: Any, data: Any, offset: Any, lanes: int) -> Any:
    return builder.load(_vector(builder, data, offset, lanes), align=4)


def _blocks(builder: Any, n: Any, emit: Callable[[Any, int], None]) -> None:
    """Emit for blocks of 64 and 16 labels, then for one of 8 where 8 are left."""
    first: Any = ir.Constant(_I64, 0)
    for lanes in (64, 16):
        whole = builder.and_(n, ir.Constant(_I64, -lanes))
        with cgutils.for_range_slice(builder, first, whole, ir.Constant(_I64, lanes)) as (at, _):
            emit(at, lanes)
        first = whole
    with builder.if_then(builder.icmp_signed("<", first, n)):
        emit(first, 8)


@contextmanager
def _features(builder: Any, columns: Any, values: Any, count: Any) -> Iterator[tuple[Any, Any]]:
    """A loop over the features of a row: the row of its weights (0 is the bias), its value."""
    with cgutils.for_range(builder, count) as loop:
        j = builder.sext(builder.load(builder.gep(columns, [loop.index])), _I64)
        yield builder.add(j, ir.Constant(_I64, 1)), builder.load(builder.gep(values, [loop.index]))


@_intrinsic
def rows_sums(typingctx, m, v, w, s, idx, x, n, labels):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``m = w[0] + sum of x w[idx + 1]`` and ``v = s[0] + sum of x x s[idx + 1]``."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pm, pv, pw, ps, pi, px = (
            _data(context, builder, kind, value)
            for kind, value in zip(sig.args[:6], args[:6], strict=True)
        )
        stride = builder.extract_value(
            context.make_array(sig.args[2])(context, builder, args[2]).shape, 1
        )
        count, wide = args[6], args[7]

        def emit(offset, lanes):  # type: ignore[no-untyped-def]
            kind = ir.VectorType(_F4, lanes)
            am, av = cgutils.alloca_once(builder, kind), cgutils.alloca_once(builder, kind)
            builder.store(_load(builder, pw, offset, lanes), am)
            builder.store(_load(builder, ps, offset, lanes), av)
            with _features(builder, pi, px, count) as (j, a):
                row = builder.add(builder.mul(j, stride), offset)
                va, vb = _splat(builder, a, lanes), _splat(builder, builder.fmul(a, a), lanes)
                builder.store(
                    builder.fadd(
                        builder.load(am), builder.fmul(va, _load(builder, pw, row, lanes))
                    ),
                    am,
                )
                builder.store(
                    builder.fadd(
                        builder.load(av), builder.fmul(vb, _load(builder, ps, row, lanes))
                    ),
                    av,
                )
            builder.store(builder.load(am), _vector(builder, pm, offset, lanes), align=4)
            builder.store(builder.load(av), _vector(builder, pv, offset, lanes), align=4)

        _blocks(builder, wide, emit)
        return context.get_dummy_value()

    return types.void(m, v, w, s, idx, x, types.int64, types.int64), codegen


@_intrinsic
def rows_update(typingctx, w, s, g, h, idx, x, n, labels):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``w += s x g`` and ``s -= (s x)^2 h`` for the bias (x = 1) and the row's features."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pw, ps, pg, ph, pi, px = (
            _data(context, builder, kind, value)
            for kind, value in zip(sig.args[:6], args[:6], strict=True)
        )
        stride = builder.extract_value(
            context.make_array(sig.args[0])(context, builder, args[0]).shape, 1
        )
        count, wide = args[6], args[7]

        def step(row, u, g, h, old, lanes):  # type: ignore[no-untyped-def]
            change = builder.fmul(builder.fmul(u, u), h)
            weight = _load(builder, pw, row, lanes)
            builder.store(
                builder.fadd(weight, builder.fmul(u, g)), _vector(builder, pw, row, lanes), align=4
            )
            builder.store(builder.fsub(old, change), _vector(builder, ps, row, lanes), align=4)

        def emit(offset, lanes):  # type: ignore[no-untyped-def]
            g, h = _load(builder, pg, offset, lanes), _load(builder, ph, offset, lanes)
            old = _load(builder, ps, offset, lanes)
            step(offset, old, g, h, old, lanes)
            with _features(builder, pi, px, count) as (j, a):
                row = builder.add(builder.mul(j, stride), offset)
                old = _load(builder, ps, row, lanes)
                step(row, builder.fmul(old, _splat(builder, a, lanes)), g, h, old, lanes)

        _blocks(builder, wide, emit)
        return context.get_dummy_value()

    return types.void(w, s, g, h, idx, x, types.int64, types.int64), codegen


def _rowwise(step: Callable[[Any, Any, Any, Any], Any], name: str) -> Any:
    """Compile ``y[:n] = step(y, a, b)``; n a multiple of 8."""

    def typed(typingctx, y, a, b, n):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
            py, pa, pb = (
                _data(context, builder, kind, value)
                for kind, value in zip(sig.args[:3], args[:3], strict=True)
            )

            def emit(offset, lanes):  # type: ignore[no-untyped-def]
                old, left, right = (_load(builder, p, offset, lanes) for p in (py, pa, pb))
                builder.store(
                    step(builder, old, left, right), _vector(builder, py, offset, lanes), align=4
                )

            _blocks(builder, args[3], emit)
            return context.get_dummy_value()

        return types.void(y, a, b, types.int64), codegen

    typed.__name__ = name
    return _intrinsic(typed)


set_product = _rowwise(lambda b, _y, p, q: b.fmul(p, q), "set_product")


def pairwise(builder: Any, value: Any, lanes: int) -> Any:
    """Sum of a vector: the two halves, then their halves."""
    while lanes > 1:
        lanes //= 2
        none = ir.Constant(value.type, ir.Undefined)
        low, high = (
            builder.shuffle_vector(
                value, none, ir.Constant(ir.VectorType(_I32, lanes), list(range(f, f + lanes)))
            )
            for f in (0, lanes)
        )
        value = builder.fadd(low, high)
    return builder.extract_element(value, ir.Constant(_I32, 0))


@_intrinsic
def two_sums(typingctx, p, q, rows, x, y, n, wide):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """``p += sum of x[l + 1] rows[l]`` and ``q = sum of y[l + 1] rows[l]`` over ``n`` rows."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pp, pq, pr, px, py = (
            _data(context, builder, kind, value)
            for kind, value in zip(sig.args[:5], args[:5], strict=True)
        )
        shape = context.make_array(sig.args[2])(context, builder, args[2]).shape
        stride = builder.extract_value(shape, 1)

        def emit(offset, lanes):  # type: ignore[no-untyped-def]
            kind = ir.VectorType(_F4, lanes)
            a = cgutils.alloca_once(builder, kind)
            b = cgutils.alloca_once(builder, kind)
            builder.store(_load(builder, pp, offset, lanes), a)
            builder.store(ir.Constant(kind, [0.0] * lanes), b)
            with cgutils.for_range(builder, args[5]) as loop:
                row = _load(
                    builder, pr, builder.add(builder.mul(loop.index, stride), offset), lanes
                )
                place = builder.add(loop.index, ir.Constant(_I64, 1))
                for data, total in ((px, a), (py, b)):
                    weight = _splat(builder, builder.load(builder.gep(data, [place])), lanes)
                    builder.store(
                        builder.fadd(builder.load(total), builder.fmul(weight, row)), total
                    )
            builder.store(builder.load(a), _vector(builder, pp, offset, lanes), align=4)
            builder.store(builder.load(b), _vector(builder, pq, offset, lanes), align=4)

        _blocks(builder, args[6], emit)
        return context.get_dummy_value()

    return types.void(p, q, rows, x, y, types.int64, types.int64), codegen
