"""Dead letters as JSON Lines."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec

from streamml.types import DeadLetter
from streamml_connectors.output import OutputFile

__all__ = ["JsonlDeadLetterSink", "plain"]


class JsonlDeadLetterSink(OutputFile):
    r"""Writes one JSON object per dead letter: ``reason``, ``detail``, ``position``, ``raw``.

    ``raw`` is text where the bytes are UTF-8; else ``raw_base64`` stands in its place. Made as
    any :class:`~streamml_connectors.output.OutputFile`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sink = JsonlDeadLetterSink(Path(folder) / "dead.jsonl")
    ...     sink.write([DeadLetter("malformed", "It is broken.", "line 3", b"{")])
    ...     sink.close()
    ...     sink.path.read_text()
    '{"reason":"malformed","detail":"It is broken.","position":"line 3","raw":"{"}\n'
    """

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write the letters, each on a line; they are on disk when this returns."""
        lines = b"".join(msgspec.json.encode(plain(one)) + b"\n" for one in letters)
        self.append(lines, flush=True)


def plain(letter: DeadLetter) -> dict[str, str]:
    """A dead letter as the fields of a JSON object."""
    found = {"reason": letter.reason, "detail": letter.detail, "position": letter.position}
    try:
        found["raw"] = letter.raw.decode()
    except UnicodeDecodeError:
        found["raw_base64"] = base64.b64encode(letter.raw).decode()
    return found
