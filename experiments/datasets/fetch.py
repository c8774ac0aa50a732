"""Downloads that go on where they broke off, and what comes out of a zip."""

from __future__ import annotations

import gzip
import http.client
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from streamml.errors import DataError

__all__ = ["download", "unpack"]

_BLOCK = 1 << 16
_TIMEOUT = 30.0


def download(address: str, path: Path, say: Callable[[str], None] = print) -> None:
    """Download ``address`` to ``path``; what an earlier try left in ``path.part`` is kept.

    A server that knows ranges is asked for the rest only, and a file that changed in the
    meantime (another ``ETag``) is begun anew.

    Raises
    ------
    DataError
        The network or the server does not give the file; what came so far is kept.
    """
    part, mark = path.with_name(path.name + ".part"), path.with_name(path.name + ".etag")
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "streamml-experiments"})
    if have and mark.is_file():
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", mark.read_text(encoding="utf-8"))
    try:
        _receive(request, part, mark, have, say)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
            say(f"{address} has changed: starting again.")
            download(address, path, say)
            return
        raise DataError(f"{address} answered {error.code} {error.reason}: download "
                        f"{path.name} by other means and put it at {path}.") from error  # fmt: skip
    except (OSError, http.client.HTTPException) as error:
        kept = part.stat().st_size if part.is_file() else 0
        raise DataError(
            f"{address} cannot be read ({_reason(error)}); {kept} bytes are kept: run the same "
            f"command again where there is a network, or put the file at {path}."
        ) from error
    part.replace(path)
    mark.unlink(missing_ok=True)


def _receive(
    request: urllib.request.Request, part: Path, mark: Path, have: int, say: Callable[[str], None]
) -> None:
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if resumed:
            say(f"going on at byte {have}")
        mark.write_text(
            answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "",
            encoding="utf-8",
        )
        wanted = answer.headers.get("Content-Length")
        received = 0
        with part.open("ab" if resumed else "wb") as file:
            while block := answer.read(_BLOCK):
                file.write(block)
                received += len(block)
        if wanted is not None and received < int(wanted):
            raise ConnectionError(f"only {received} of {wanted} bytes came")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return str(reason) or type(error).__name__


def unpack(archive: Path, path: Path) -> None:
    """Write the one ARFF file of a zip to ``path``, compressed where its name ends in .gz.

    Raises
    ------
    DataError
        The archive cannot be read, or has no ARFF file or several.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            names = [n for n in zipped.namelist() if n.lower().endswith(".arff")]
            if len(names) != 1:
                raise DataError(f"{archive} holds {len(names)} ARFF files, not one: {names}.")
            content = zipped.read(names[0])
    except zipfile.BadZipFile as error:
        raise DataError(f"{archive} is no zip file: delete it and download it again.") from error
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    partial.replace(path)
