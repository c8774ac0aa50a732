"""What option values mean: delays, rates, and the source that is asked for."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from streamml.errors import ConfigError

if TYPE_CHECKING:
    from streamml.evaluate import Delay
    from streamml.io import Source
    from streamml.io.pacing import Pace
    from streamml.service import Every

__all__ = [
    "open_stream",
    "parse_delay",
    "parse_every",
    "parse_rate",
    "parse_seconds",
    "split_names",
]

Order = Literal["natural", "shuffled"]

_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:e[0-9]+)?"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_delay(text: str | None) -> Delay | None:
    """``"100"`` or ``"100events"``: events; ``"30s"``, ``"5m"``, ``"2h"``, ``"1d"``: time.

    Raises
    ------
    ConfigError
        The text is neither.

    Examples
    --------
    >>> parse_delay("100"), parse_delay("1.5m")
    (Delay(events=100, seconds=None), Delay(events=None, seconds=90.0))
    """
    from streamml.evaluate import Delay

    if text is None:
        return None
    if match := re.fullmatch(r"\s*([0-9]+)\s*(?:events?)?\s*", text):
        return Delay(events=int(match[1]))
    if match := re.fullmatch(rf"\s*({_NUMBER})\s*([smhd])\s*", text):
        return Delay(seconds=float(match[1]) * _SECONDS[match[2]])
    raise ConfigError(
        f"--delay {text} is no delay: give events (100, 100events) or event time (30s, 5m, 2h)."
    )


def parse_seconds(text: str, option: str) -> float:
    """``"30s"``, ``"5m"``, ``"2h"``, ``"1d"`` in seconds.

    Raises
    ------
    ConfigError
        The text is no such time.

    Examples
    --------
    >>> parse_seconds("1.5m", "--max-age")
    90.0
    """
    match = re.fullmatch(rf"\s*({_NUMBER})\s*([smhd])\s*", text)
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"{option} {text} is no time above 0: write it as 30s, 5m, 2h or 1d.")
    return float(match[1]) * _SECONDS[match[2]]


def parse_every(text: str) -> Every:
    """``"60s"``: time; ``"5000"`` or ``"5000events"``: events, or 10 minutes where they are few.

    Raises
    ------
    ConfigError
        The text is neither.

    Examples
    --------
    >>> parse_every("1m").seconds, parse_every("500events").events
    (60.0, 500)
    """
    from streamml.service import Every

    if match := re.fullmatch(r"\s*([0-9]+)\s*(?:events?)?\s*", text):
        return Every(seconds=600.0, events=int(match[1]))  # an idle topic's offsets age, too
    return Every(seconds=parse_seconds(text, "--snapshot-every"))


def parse_rate(text: str | None, order: str) -> Pace:
    """``"50"``: events a second; ``"x10"``: original timestamps, ten times as fast.

    Raises
    ------
    ConfigError
        The text is neither, the number is not above 0, or a shuffled stream should be
        played by its timestamps.

    Examples
    --------
    >>> parse_rate("50", "natural").rate, parse_rate("x0.5", "natural").factor
    (50.0, 0.5)
    """
    from streamml.io.pacing import EventsPerSecond, OriginalTimestamps, Unpaced

    if text is None:
        return Unpaced()
    match = re.fullmatch(rf"\s*(x?)\s*({_NUMBER})\s*(?:/s)?\s*", text)
    if match is None or float(match[2]) <= 0:
        raise ConfigError(
            f"--rate {text} is no rate: give events a second (50), "
            "or a factor on the original timestamps (x10)."
        )
    if not match[1]:
        return EventsPerSecond(float(match[2]))
    if order == "shuffled":
        raise ConfigError(
            f"--rate {text} follows the original timestamps, which --order shuffled mixes up: "
            "give events a second."
        )
    return OriginalTimestamps(float(match[2]))


def open_stream(
    source: str | None,
    *,
    labels: str | None,
    label_list: str | None,
    xml: str | None,
    order: Order,
    seed: int,
    text: str | None = None,
    wants_text: bool = False,
) -> Source:
    """The demo stream, or the file at ``source``.

    Parameters
    ----------
    text, wants_text
        The field with the text, and whether an embedding stage needs one: without a
        source it gets the stream of texts, from JSON Lines ``x``.

    Raises
    ------
    ConfigError
        The source is of a kind that cannot be read (yet), or the options do not fit it.
    DataError
        The file cannot be read.

    Examples
    --------
    >>> options = dict(labels=None, label_list=None, xml=None, order="natural", seed=1)
    >>> open_stream(None, **options).name
    'demo'
    """
    if source is None:
        if labels or label_list or xml or text:
            raise ConfigError(
                "--labels, --label-list, --xml and --text-field say where a file has what: "
                "name a file, or leave them out for the demo stream."
            )
        from streamml.streams import DemoStream, TextStream

        if wants_text:
            return TextStream(seed)
        return DemoStream(seed=seed, order=order)
    if match := re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source):
        raise ConfigError(f"{match[0]} sources cannot be read: name a file.")
    if wants_text and text is None and _is_json(source):
        text = "x"
    return _open_file(source, labels, label_list, xml, order, text)


def _is_json(source: str) -> bool:
    """Whether a file is JSON Lines by its name."""
    from streamml_connectors.files.packed import plain_name

    return plain_name(Path(source)).lower().endswith((".jsonl", ".ndjson", ".json"))


def _open_file(
    path: str,
    labels: str | None,
    label_list: str | None,
    xml: str | None,
    order: Order,
    text: str | None,
) -> Source:
    from streamml_connectors.files import open_source

    names = split_names(labels)
    return open_source(
        Path(path), labels=names, label_list=label_list, xml=xml, order=order, text=text
    )


def split_names(labels: str | None) -> tuple[str, ...] | None:
    """``"a,b"``: label names; one that holds a comma stands in quotes, as in CSV.

    Raises
    ------
    ConfigError
        One is empty, or quotes do not fit.

    Examples
    --------
    >>> split_names("red, green"), split_names('"red, dark",green')
    (('red', 'green'), ('red, dark', 'green'))
    """
    if labels is None:
        return None
    try:
        found = next(csv.reader([labels], skipinitialspace=True, strict=True), [])
    except csv.Error:
        found = []
    names = tuple(name.strip() for name in found)
    if not names or not all(names):
        raise ConfigError("--labels takes names with commas between them, like --labels a,b,c.")
    return names
