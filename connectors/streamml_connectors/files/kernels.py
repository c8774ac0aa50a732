"""Rows of text to numbers: the compiled fast path of ARFF and CSV.

The kernels take the plain case only. A row with anything else in it (quotes, escapes,
a wrong number of fields, ...) is marked ``SLOW`` and read again by plain Python, which
also says what is wrong with it; a field that a kernel cannot decide (a number of many
digits, a nominal value) is left as a *fix-up* for Python to fill in.

All kernels stand in this one file: numba's cache looks at the file of the outermost one.
Every line of a buffer ends with a newline, which stops every inner loop.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

__all__ = [
    "BINARY",
    "DELIMITER",
    "END",
    "LABEL",
    "NUMBER",
    "ODD",
    "OK",
    "ORDINARY",
    "SIDE",
    "SKIP",
    "SLOW",
    "SPACE",
    "TEXT",
    "WORD",
    "WORD_LABEL",
    "dense_rows",
    "sparse_rows",
]

NUMBER: Final = 0
"""Role of a column: a number."""
LABEL: Final = 1
"""A label, 0 or 1."""
SKIP: Final = 2
"""Left out."""
BINARY: Final = 3
"""A feature that is 0 or 1."""
TEXT: Final = 4
"""A nominal feature: Python makes it one number."""
SIDE: Final = 5
"""No feature: identifier, timestamp, label list; Python reads it."""
WORD_LABEL: Final = 6
"""A label, one of two words."""
WORD: Final = 7
"""A feature that is one of two words."""

OK: Final = 0
"""Status of a row: read."""
SLOW: Final = 1
"""For plain Python."""

ORDINARY, SPACE, DELIMITER, ODD, END = 0, 1, 2, 3, 4
"""Classes of bytes."""

_NOTHING, _VALUE, _FIX, _ASIDE, _POSITIVE, _BAD = 0, 1, 2, 3, 4, 5  # what to do with a field
_POWERS = 10.0 ** np.arange(23)
_EXACT = 2**53
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_NEWLINE, _QUESTION, _OPEN, _CLOSE = 10, 63, 123, 125


@njit(cache=True)
def _number(buf, i, end):  # type: ignore[no-untyped-def]
    """A decimal number and whether it is exact; if not, Python reads it."""
    negative = buf[i] == 45
    if negative or buf[i] == 43:
        i += 1
    mantissa, digits, scale = np.int64(0), 0, 0
    seen, dot = False, False
    while i < end:
        c = buf[i]
        if 48 <= c <= 57:
            if digits >= 18:
                return 0.0, False
            mantissa = mantissa * 10 + int(c - 48)
            seen = True
            if mantissa > 0:
                digits += 1
            if dot:
                scale -= 1
        elif c == 46 and not dot:
            dot = True
        else:
            break
        i += 1
    if i < end or not seen:  # an exponent, or no number
        return 0.0, False
    while mantissa > _EXACT and mantissa % 10 == 0:
        mantissa //= 10
        scale += 1
    if mantissa > _EXACT or scale > 22 or scale < -22:
        return 0.0, False
    value = float(mantissa)
    value = value * _POWERS[scale] if scale >= 0 else value / _POWERS[-scale]
    return (-value if negative else value), value <= _FLOAT32_MAX


@njit(cache=True)
def _word(buf, start, end, words, place, attribute):  # type: ignore[no-untyped-def]
    """Which of two words a field is, the false one (0) or the true one (1); -1: neither."""
    for which in range(2):
        first = place[attribute, which]
        if place[attribute, which + 1] - first == end - start:
            k = 0
            while k < end - start and words[first + k] == buf[start + k]:
                k += 1
            if k == end - start:
                return which
    return -1


@njit(cache=True)
def _word_field(buf, start, end, role, known, words, place, attribute):  # type: ignore[no-untyped-def]
    """What to do with a field of two words, and its value; apart, as it would slow all others."""
    is_label = role == WORD_LABEL
    if start == end:
        return (_BAD if is_label else _FIX), 0.0
    if end - start == 1 and buf[start] == _QUESTION:
        return (_BAD if is_label else _NOTHING), 0.0
    which = _word(buf, start, end, words, place, attribute) if known else -1
    if which < 0:
        return (_BAD if is_label else _FIX), 0.0
    if is_label:
        return (_POSITIVE if which == 1 else _NOTHING), float(which)
    return _VALUE, float(which)


@njit(cache=True)
def _field(buf, start, end, role, known):  # type: ignore[no-untyped-def]
    """What to do with one field, and its value."""
    if role == SKIP:
        return _NOTHING, 0.0
    if role == SIDE:
        return _ASIDE, 0.0
    if start == end:
        return (_BAD if role == LABEL else _FIX), 0.0
    if end - start == 1 and buf[start] == _QUESTION:
        return (_BAD if role == LABEL else _NOTHING), 0.0
    if role == TEXT or not known:
        return _FIX, 0.0
    value, exact = _number(buf, start, end)
    if role == NUMBER:
        return (_VALUE if exact else _FIX), value
    if not exact or (value != 0.0 and value != 1.0):
        return _BAD, 0.0
    if role == LABEL:
        return (_POSITIVE if value == 1.0 else _NOTHING), value
    return _VALUE, value


@njit(cache=True)
def _spaces(buf, table, i):  # type: ignore[no-untyped-def]
    """Where white space ends."""
    while table[buf[i]] == SPACE:
        i += 1
    return i


@njit(cache=True)
def _newline(buf, i):  # type: ignore[no-untyped-def]
    """Where the line ends."""
    while buf[i] != _NEWLINE:
        i += 1
    return i


@njit(cache=True)
def _fix(fixes, nf, row, attribute, slot, start, end):  # type: ignore[no-untyped-def]
    """Leave a field to Python."""
    fixes[nf, 0], fixes[nf, 1], fixes[nf, 2] = row, attribute, slot
    fixes[nf, 3], fixes[nf, 4] = start, end
    return nf + 1


@njit(cache=True)
def _dense_row(  # type: ignore[no-untyped-def]
    buf, table, role, column, words, place, inner, i, n, nx, ny, nf, xi, xv, yi, fixes
):
    """One row of delimited fields from ``i`` on: whether it is good, and what it filled."""
    attribute = 0
    while attribute < len(role):
        i = _spaces(buf, table, i)
        first, last = i, i
        while table[buf[i]] <= SPACE:
            if table[buf[i]] == ORDINARY:
                if i > last and not inner:
                    return False, nx, ny, nf
                last = i + 1
            i += 1
        if table[buf[i]] == ODD:
            break
        kind, known = role[attribute], column[attribute] >= 0
        if kind >= WORD_LABEL:
            what, value = _word_field(buf, first, last, kind, known, words, place, attribute)
        else:
            what, value = _field(buf, first, last, kind, known)
        if what in (_VALUE, _FIX):
            xi[nx], xv[nx] = column[attribute], value
            nx += 1
            if what == _FIX:
                nf = _fix(fixes, nf, n, attribute, nx - 1, first, last)
        elif what == _POSITIVE:
            yi[ny] = column[attribute]
            ny += 1
        elif what == _ASIDE:
            nf = _fix(fixes, nf, n, attribute, -1, first, last)
        elif what == _BAD:
            break
        attribute += 1
        if table[buf[i]] == END:
            return attribute == len(role), nx, ny, nf
        i += 1
    ended = attribute == len(role) and not inner and buf[_spaces(buf, table, i)] == _NEWLINE
    return ended, nx, ny, nf  # a comma behind the last field, as MOA writes it


@njit(cache=True)
def dense_rows(  # type: ignore[no-untyped-def]
    buf, ends, table, role, column, words, place, comment, inner,
    xp, xi, xv, yp, yi, lines, status, fixes,
):  # fmt: skip
    """Rows of delimited fields; gives how much of the arrays was filled."""
    # a row that holds newlines has a quote before them, which makes it slow
    n, nf, i = 0, 0, 0
    for line, end in enumerate(ends):
        first = _spaces(buf, table, i)  # of the row from i to its end
        if first != end and buf[first] != comment:
            good, nx, ny, filled = _dense_row(
                buf, table, role, column, words, place, inner, i, n, xp[n], yp[n], nf,
                xi, xv, yi, fixes,
            )  # fmt: skip
            status[n] = OK if good else SLOW
            nf = filled if good else nf
            xp[n + 1] = nx if good else xp[n]
            yp[n + 1] = ny if good else yp[n]
            lines[n, 0], lines[n, 1], lines[n, 2] = i, end, line
            n += 1
        i = end + 1
    return n, xp[n], yp[n], nf


@njit(cache=True)
def _sparse_row(  # type: ignore[no-untyped-def]
    buf, table, role, column, words, place, stamp, tick, i, n, nx, ny, nf, xi, xv, yi, fixes
):
    """One row ``{index value, ...}`` from ``i`` on; as :func:`_dense_row`."""
    i = _spaces(buf, table, i)
    good = buf[i] == _OPEN
    i = _spaces(buf, table, i + 1) if good else i
    while good and buf[i] != _CLOSE:
        index, first = 0, i
        while 48 <= buf[i] <= 57 and index < len(role):
            index = index * 10 + int(buf[i] - 48)
            i += 1
        if first == i or index >= len(role) or table[buf[i]] != SPACE:
            return False, nx, ny, nf
        i = _spaces(buf, table, i)
        first = i
        while table[buf[i]] == ORDINARY:
            i += 1
        last = i
        if first == last or stamp[index] == tick:
            return False, nx, ny, nf
        stamp[index] = tick
        i = _spaces(buf, table, i)
        if table[buf[i]] == DELIMITER:
            i = _spaces(buf, table, i + 1)
        elif buf[i] != _CLOSE:
            good = False
        if role[index] >= WORD_LABEL:
            what, value = _word_field(buf, first, last, role[index], True, words, place, index)
        else:
            what, value = _field(buf, first, last, role[index], True)
        if what == _FIX or (what == _VALUE and value != 0.0):
            xi[nx], xv[nx] = column[index], value
            nx += 1
            if what == _FIX:
                nf = _fix(fixes, nf, n, index, nx - 1, first, last)
        elif what == _POSITIVE:
            yi[ny] = column[index]
            ny += 1
        elif what == _BAD:
            good = False
    if good:
        good = buf[_spaces(buf, table, i + 1)] == _NEWLINE
    return good, nx, ny, nf


@njit(cache=True)
def _left_out(stamp, tick, role, column, default, nx, ny, xi, xv, yi):  # type: ignore[no-untyped-def]
    """Add the attributes that a row leaves out and that are not zero then."""
    for index in default:
        if stamp[index] == tick:
            continue
        if role[index] == LABEL or role[index] == WORD_LABEL:
            yi[ny] = column[index]
            ny += 1
        else:
            xi[nx], xv[nx] = column[index], 1.0
            nx += 1
    return nx, ny


@njit(cache=True)
def _ascending(yi, start, end):  # type: ignore[no-untyped-def]
    """Sort labels; they almost always are."""
    for a in range(start + 1, end):
        label, b = yi[a], a
        while b > start and yi[b - 1] > label:
            yi[b] = yi[b - 1]
            b -= 1
        yi[b] = label


@njit(cache=True)
def sparse_rows(  # type: ignore[no-untyped-def]
    buf, table, role, column, words, place, stamp, tick, default,
    xp, xi, xv, yp, yi, lines, status, fixes,
):  # fmt: skip
    """Rows of sparse ARFF; gives how much of the arrays was filled."""
    n, nf, i, line = 0, 0, 0, 0
    while i < len(buf):
        first, end = _spaces(buf, table, i), _newline(buf, i)
        if first != end and buf[first] != 37:  # %
            good, nx, ny, filled = _sparse_row(
                buf, table, role, column, words, place, stamp, tick + n, i, n, xp[n], yp[n], nf,
                xi, xv, yi, fixes,
            )  # fmt: skip
            status[n] = OK if good else SLOW
            xp[n + 1], yp[n + 1] = xp[n], yp[n]
            if good:
                nf = filled
                xp[n + 1], yp[n + 1] = _left_out(
                    stamp, tick + n, role, column, default, nx, ny, xi, xv, yi
                )
                _ascending(yi, yp[n], yp[n + 1])
            lines[n, 0], lines[n, 1], lines[n, 2] = i, end, line
            n += 1
        i = end + 1
        line += 1
    return n, xp[n], yp[n], nf
