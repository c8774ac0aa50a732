"""The typed face of the kernels: a block of lines in, sparse rows and open ends out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamml.types import Float32Array, Int32Array, Int64Array, UInt8Array
from streamml_connectors.files.kernels import (
    DELIMITER,
    END,
    ODD,
    SPACE,
    dense_rows,
    sparse_rows,
)

__all__ = ["Parsed", "Words", "byte_classes", "parse_dense", "parse_sparse"]


def byte_classes(delimiter: str, odd: str, high_ok: bool) -> UInt8Array:
    """What each byte means to the kernels.

    Parameters
    ----------
    delimiter
        One ASCII character between fields.
    odd
        ASCII characters that make a row slow.
    high_ok
        Whether bytes beyond ASCII are ordinary (the block is valid UTF-8).
    """
    table = np.zeros(256, np.uint8)
    table[:32] = ODD
    if not high_ok:
        table[128:] = ODD
    for character in odd:
        table[ord(character)] = ODD
    table[[9, 32]] = SPACE
    table[ord(delimiter)] = DELIMITER
    table[10] = END
    return table


@dataclass(frozen=True, slots=True)
class Words:
    """The two words of attributes that hold nothing else, as the kernels take them.

    Attributes
    ----------
    text
        All words, one behind the other, in UTF-8.
    place
        int64 ``(n, 3)``, a row an attribute: where its false word begins, where its true
        word begins, and where that ends.
    """

    text: UInt8Array
    place: Int64Array

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str] | None]) -> Words:
        """Of each attribute the false word and the true one, if it has such words.

        Examples
        --------
        >>> words = Words.of([None, ("no", "yes")])
        >>> words.text.tobytes(), words.place.tolist()
        (b'noyes', [[0, 0, 0], [0, 2, 5]])
        """
        text, place = b"", np.zeros((len(pairs), 3), np.int64)
        for attribute, pair in enumerate(pairs):
            if pair is not None:
                no, yes = (word.encode() for word in pair)
                middle = len(text) + len(no)
                place[attribute] = len(text), middle, middle + len(yes)
                text += no + yes
        return cls(np.frombuffer(text or b"\0", np.uint8), place)


@dataclass(slots=True)
class Parsed:
    """What a kernel made of a block: CSR arrays, and what is left to do.

    Attributes
    ----------
    lines
        int64 ``(n, 3)``: where each row starts and ends, and on which line of the block.
    fixes
        int64 ``(m, 5)``: row, attribute, slot in ``x_*`` (-1: none), start and end.
    """

    x_indptr: Int64Array
    x_indices: Int32Array
    x_values: Float32Array
    y_indptr: Int64Array
    y_indices: Int32Array
    lines: Int64Array
    status: UInt8Array
    fixes: Int64Array

    @classmethod
    def room(cls, n_rows: int, n_x: int, n_y: int, n_fixes: int) -> Parsed:
        """Arrays that are large enough, not filled."""
        return cls(
            np.zeros(n_rows + 1, np.int64),
            np.empty(n_x, np.int32),
            np.empty(n_x, np.float32),
            np.zeros(n_rows + 1, np.int64),
            np.empty(n_y, np.int32),
            np.empty((n_rows, 3), np.int64),
            np.empty(n_rows, np.uint8),
            np.empty((n_fixes, 5), np.int64),
        )

    def arrays(self) -> tuple[Any, ...]:
        """What the kernels fill, in their order."""
        return (
            self.x_indptr,
            self.x_indices,
            self.x_values,
            self.y_indptr,
            self.y_indices,
            self.lines,
            self.status,
            self.fixes,
        )

    def cut(self, n: int, nx: int, ny: int, nf: int) -> Parsed:
        """Only what was filled."""
        return Parsed(
            self.x_indptr[: n + 1],
            self.x_indices[:nx],
            self.x_values[:nx],
            self.y_indptr[: n + 1],
            self.y_indices[:ny],
            self.lines[:n],
            self.status[:n],
            self.fixes[:nf],
        )


def parse_dense(
    data: bytes,
    n_lines: int,
    table: UInt8Array,
    role: UInt8Array,
    column: Int32Array,
    *,
    words: Words | None = None,
    ends: Int64Array | None = None,
    comment: int = 256,
    inner_spaces: bool = True,
) -> Parsed:
    r"""Read whole rows of delimited fields.

    Parameters
    ----------
    data, n_lines
        The rows, each ended by a newline, and their number.
    table
        :func:`byte_classes`.
    role, column
        For each field, what it is and its column among features or labels (-1: not yet
        known, left to Python).
    words
        Of the attributes whose role is one of words.
    ends
        Where the newlines stand that end a row; by default all of them. A row that has others
        in it must have a quote before them.
    comment
        Byte that begins a comment line; 256: none.
    inner_spaces
        Whether a field may have spaces in it; where not, a row may end with a delimiter.

    Examples
    --------
    >>> from streamml_connectors.files.kernels import LABEL, NUMBER
    >>> role, column = np.array([NUMBER, LABEL], np.uint8), np.zeros(2, np.int32)
    >>> p = parse_dense(b"0.5,1\n", 1, byte_classes(",", "", True), role, column)
    >>> p.x_values.tolist(), p.y_indices.tolist()
    ([0.5], [0])
    """
    room = min(len(data), n_lines * len(role)) + 1
    parsed = Parsed.room(n_lines, room, room, room)
    buf, words = np.frombuffer(data, np.uint8), words or Words.of([None] * len(role))
    if ends is None:
        ends = np.flatnonzero(buf == 10)
    filled = dense_rows(
        buf, ends, table, role, column, words.text, words.place, comment, inner_spaces,
        *parsed.arrays(),
    )  # fmt: skip
    parsed = parsed.cut(*filled)
    if n_lines and data.count(b"\n") != len(ends):  # rows over several lines
        parsed.lines[:, 2] = np.searchsorted(np.flatnonzero(buf == 10), parsed.lines[:, 0])
    return parsed


def parse_sparse(
    data: bytes,
    n_lines: int,
    table: UInt8Array,
    role: UInt8Array,
    column: Int32Array,
    stamp: Int64Array,
    tick: int,
    default: Int64Array,
    *,
    words: Words | None = None,
) -> Parsed:
    """Read whole lines of sparse ARFF rows.

    Parameters
    ----------
    stamp, tick
        Scratch, one an attribute, and a number larger than any used with it before by
        at least the rows read: finds an index that stands twice.
    default
        Attributes that are not zero where a row leaves them out; a nominal one makes the
        feature of its first value, whose column it has in ``column``.
    words
        As :func:`parse_dense` has them.
    """
    room = len(data) // 3 + n_lines * len(default) + 1
    parsed = Parsed.room(n_lines, room, room, len(data) // 3 + 1)
    buf, words = np.frombuffer(data, np.uint8), words or Words.of([None] * len(role))
    filled = sparse_rows(
        buf, table, role, column, words.text, words.place, stamp, tick, default, *parsed.arrays()
    )
    return parsed.cut(*filled)
