"""Packed files: gzip, bzip2, xz and Zstandard, unpacked piece by piece in bounded memory."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from streamml.errors import DataError

__all__ = ["PACKED", "plain_name", "unpacked"]

PACKED: Final = (".gz", ".bz2", ".xz", ".zst")
"""Suffixes of packed files."""
_PIECE: Final = 64 * 1024  # what may be lost before damage


def plain_name(path: Path) -> str:
    """The name of a file without the suffix of its packing.

    Examples
    --------
    >>> [plain_name(Path(name)) for name in ("a/yeast.arff.bz2", "yeast.arff", "d.GZ")]
    ['yeast.arff', 'yeast.arff', 'd']
    """
    return path.stem if path.suffix.lower() in PACKED else path.name


def unpacked(path: Path, size: int) -> Generator[bytes, None, None]:
    """The bytes of a file in pieces of at most about ``size``, unpacked as its suffix says.

    Raises
    ------
    DataError
        What is packed is cut short or damaged; everything before that point was handed out.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        match path.suffix.lower():
            case ".gz":
                yield from _inflate(file, path, size)
            case ".bz2":
                with bz2.BZ2File(file) as packed:
                    yield from _pieces(packed, path, "bzip2")
            case ".xz":
                with lzma.LZMAFile(file) as packed:
                    yield from _pieces(packed, path, "xz")
            case ".zst":
                import pyarrow

                with pyarrow.CompressedInputStream(file, "zstd") as packed:
                    yield from _pieces(packed, path, "Zstandard")
            case _:
                while data := file.read(size):
                    yield data


def _pieces(packed: Any, path: Path, kind: str) -> Generator[bytes, None, None]:
    """What a library unpacks, little by little: an error takes the piece it stands in."""
    read = packed.read1 if hasattr(packed, "read1") else packed.read
    try:
        while data := read(_PIECE):
            yield data
    except EOFError as error:
        raise DataError(f"{path} is a {kind} file cut short: get a whole copy of it.") from error
    except (lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the disk
            raise
        raise DataError(
            f"{path} is damaged, cut short or no {kind} file ({error}): get a whole copy of it."
        ) from error


def _inflate(file: BinaryIO, path: Path, size: int) -> Generator[bytes, None, None]:
    """Unpack the members of a gzip file, each piece as soon as it is there."""
    unpacker = zlib.decompressobj(wbits=31)
    inside = False  # within a member
    while packed := file.read(size // 4):
        while packed:
            if not inside:
                packed = packed.lstrip(b"\0")  # padding between and behind members
                if not packed:
                    break
                unpacker, inside = zlib.decompressobj(wbits=31), True
            before = unpacker.copy()
            try:
                data = unpacker.decompress(packed, size)
            except zlib.error as error:
                yield from _until_damage(before, packed)
                raise DataError(
                    f"{path} is damaged or no gzip file ({error}): get a whole copy of it."
                ) from error
            if data:
                yield data
            inside = not unpacker.eof
            packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    while inside and (data := unpacker.decompress(b"", size)):
        yield data
    if inside and not unpacker.eof:
        raise DataError(f"{path} is a gzip file cut short: get a whole copy of it.")


def _until_damage(unpacker: Any, packed: bytes) -> Generator[bytes, None, None]:
    """What can still be unpacked of damaged data."""
    with suppress(zlib.error):
        for k in range(len(packed)):
            if data := unpacker.decompress(packed[k : k + 1]):
                yield data
