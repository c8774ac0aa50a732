"""The file a state lies in: arrays as safetensors has them, one document, one checksum.

Layout: eight bytes that say how long the header is (little endian), the header (JSON: for
each array dtype, shape and place; texts about the file), then the arrays without gaps.
That is the safetensors format, so its tools show what is inside. Arrays go to the file and
come from it without a copy of the whole in memory.

Nothing in a file is trusted: sizes are checked against the size of the file before room is
made, and the checksum before anything is handed out.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from streamml.errors import StateError
from streamml.state.bounded import check_cost, cost_of_json

__all__ = ["DTYPES", "VERSION", "Content", "read_file", "write_file"]

Array = NDArray[Any]

DTYPES: Final = {
    "BOOL": np.dtype("?"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
"""What an array in a state may hold."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_FORMAT = "streamml-state"
VERSION: Final = 2  # since then, long lists of texts are arrays
"""Of the file format; :mod:`streamml.state.migrations` has a step from each earlier one."""

_ABOUT = "__metadata__"
_DOCUMENT = "document"
_BLANK = "0" * 64
_MAX_HEADER = 16 * 2**20  # 100,000 arrays, as those of many waiting batches
_MAX_ARRAYS = 100_000
_MAX_AXES = 8
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: version, kind, who wrote it, the document, and the arrays by name."""

    version: int
    kind: str
    library: str
    document: bytes
    arrays: dict[str, Array]


def dtype_name(array: Array) -> str | None:
    """How the file calls the dtype of an array; ``None`` where a state cannot hold it."""
    return _NAMES.get(array.dtype.newbyteorder("<") if array.dtype.names is None else array.dtype)


# -- writing ----------------------------------------------------------------------------


def write_file(
    path: Path, kind: str, library: str, document: bytes, arrays: Mapping[str, Array]
) -> None:
    """Write so that ``path`` holds the old file or the new one, whatever happens.

    1. everything goes to a temporary file beside it, which is flushed to the disk;
    2. that is renamed to ``path``;
    3. the directory is flushed.

    Raises
    ------
    StateError
        The operating system refuses, or ``path`` is there and no file.
    """
    if path.exists() and not path.is_file():  # a rename would put the file into its place
        raise StateError(f"{path} is no file: name one to write the state to.")
    whole = {_DOCUMENT: np.frombuffer(document, np.uint8), **arrays}
    # falling item size: every array starts at a multiple of its own
    order = sorted(whole, key=lambda name: -whole[name].dtype.itemsize)
    blocks = [_bytes_of(whole[name]) for name in order]
    header = _header(kind, library, whole, order)
    checksum = hashlib.blake2b(header, digest_size=32)
    for block in blocks:
        checksum.update(block)
    header = header.replace(_BLANK.encode(), checksum.hexdigest().encode(), 1)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.unlink(missing_ok=True)  # left by a process that was killed and had our number
        with beside.open("xb") as file:  # never through a link that somebody put there
            file.write(header)
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _flush_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise StateError(
            f"The state cannot be written to {path} ({error.strerror or error}): "
            "check the directory, its rights and the room on the disk."
        ) from error


def _bytes_of(array: Array) -> memoryview:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def _header(kind: str, library: str, arrays: Mapping[str, Array], order: list[str]) -> bytes:
    about = {"format": _FORMAT, "version": str(VERSION), "checksum": _BLANK}
    entries: dict[str, Any] = {_ABOUT: {**about, "kind": kind, "library": library}}
    start = 0
    for name in order:
        array = arrays[name]
        stop = start + array.nbytes
        entries[name] = {
            "dtype": dtype_name(array),
            "shape": list(array.shape),
            "data_offsets": [start, stop],
        }
        start = stop
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > _MAX_HEADER or len(entries) > _MAX_ARRAYS:
        raise StateError(
            f"The state holds {len(order)} arrays, too many to list in the header of a file: "
            "save fewer and larger ones."
        )
    check_cost(cost_of_json(text), len(text) + start, "The header")
    return len(text).to_bytes(8, "little") + text


def _flush_directory(path: Path) -> None:
    place = os.open(path, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


# -- reading ----------------------------------------------------------------------------


def read_file(path: Path, limit: int) -> Content:
    """Read a file that may come from anywhere; at most ``limit`` bytes.

    Raises
    ------
    StateError
        It is missing, too large, damaged, no state, or of a version that is not known.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise StateError(f"{path} is no regular file: name a file that was saved.")
            if info.st_size > limit:
                raise StateError(
                    f"{path} has {info.st_size} bytes, more than the limit of {limit}: raise it "
                    "if the file is yours."
                )
            return _read(file, info.st_size)
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror or error}.") from error
    except StateError as error:
        raise StateError(f"{path}: {error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for somebody to write to a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _damaged(why: str) -> StateError:
    return StateError(f"This file is damaged or no state ({why}): take an older one.")


def _read(file: IO[bytes], size: int) -> Content:
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or not 2 <= length <= min(size - 8, _MAX_HEADER):
        raise _damaged("it has no header")
    raw = file.read(length)
    check_cost(cost_of_json(raw), size, "The header")
    entries = _parse_header(raw)
    about = _about(entries)
    written = about["checksum"].encode()
    checksum = hashlib.blake2b(head, digest_size=32)
    checksum.update(raw.replace(written, _BLANK.encode(), 1))
    arrays = {}
    for name, dtype, shape in _places(entries, size - 8 - length):
        arrays[name] = _read_array(file, dtype, shape, checksum)
    if checksum.hexdigest().encode() != written:
        raise _damaged("its checksum does not match")
    for name, array in arrays.items():
        if array.dtype == np.bool_ and array.size and int(array.view(np.uint8).max()) > 1:
            raise _damaged(f"the array {name!r} holds what is neither true nor false")
    document = arrays.pop(_DOCUMENT, None)
    if document is None or document.dtype != np.uint8:
        raise _damaged("it has no document")
    return Content(
        int(about["version"]), about["kind"], about["library"], document.tobytes(), arrays
    )


def _parse_header(raw: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged("its header is no JSON") from error
    if not isinstance(entries, dict) or len(entries) > _MAX_ARRAYS:
        raise _damaged("its header is no table of arrays")
    return entries


def _about(entries: dict[str, Any]) -> dict[str, str]:
    about = entries.pop(_ABOUT, None)
    wanted = ("format", "version", "kind", "library", "checksum")
    if not isinstance(about, dict) or not all(isinstance(about.get(k), str) for k in wanted):
        raise _damaged("it does not say what it is")
    if about["format"] != _FORMAT or len(about["checksum"]) != len(_BLANK):
        raise _damaged("it is of another format")
    if about["version"] not in map(str, range(1, VERSION + 1)):
        raise StateError(
            f"It has format version {about['version'][:20]!r}, written by streamml "
            f"{about['library'][:20]!r}; this one reads versions 1 to {VERSION}: use that streamml."
        )
    return about


def _places(entries: dict[str, Any], room: int) -> list[tuple[str, np.dtype[Any], tuple[int, ...]]]:
    """Name, dtype and shape of every array, as they follow each other without a gap."""
    found = []
    for name, entry in entries.items():
        try:
            dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
            start, stop = entry["data_offsets"]
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged("an array is not described") from error
        numbers = [start, stop, *(shape if isinstance(shape, list) else [None])]
        if not all(type(n) is int and 0 <= n < 2**48 for n in numbers) or len(shape) > _MAX_AXES:
            raise _damaged("an array has no usable size")
        count = dtype.itemsize
        for n in shape:
            count *= n
        if stop - start != count:
            raise _damaged("an array has another size than its shape says")
        found.append((start, stop, name, dtype, tuple(shape)))
    found.sort(key=lambda place: place[:2])
    end = 0
    for start, stop, *_ in found:
        if start != end:
            raise _damaged("its arrays overlap or leave a gap")
        end = stop
    if end != room:
        raise _damaged("it is cut short or too long")
    return [(name, dtype, shape) for _, _, name, dtype, shape in found]


def _read_array(
    file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...], checksum: Any
) -> Array:
    try:
        array = np.empty(shape, dtype)
    except (ValueError, MemoryError) as error:
        raise _damaged("an array has no usable size") from error
    room = array.reshape(-1).view(np.uint8).data
    for start in range(0, len(room), _PIECE):
        piece = room[start : start + _PIECE]
        done = 0
        while done < len(piece):
            more = file.readinto(piece[done:])  # type: ignore[attr-defined]
            if not more:
                raise _damaged("it is cut short")
            done += more
        checksum.update(piece)
    return array
