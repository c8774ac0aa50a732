"""What option values mean: delays, rates, and the source that is asked for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from streamml.cli.tables import given_in
from streamml.errors import ConfigError
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.evaluate import Delay
    from streamml.io import Source
    from streamml.io.pacing import Pace
    from streamml.service import Every

__all__ = [
    "ReadingOptions",
    "check_times",
    "file_at",
    "open_stream",
    "parse_delay",
    "parse_every",
    "parse_rate",
    "parse_seconds",
    "split_names",
]

_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:e[0-9]+)?"
_EVENTS = re.compile(r"\s*([0-9]+)\s*(?:events?)?\s*")
_TIME = re.compile(rf"\s*({_NUMBER})\s*([smhd])\s*")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def split_names(labels: str | None, option: str = "--labels") -> tuple[str, ...] | None:
    """``"a,b"``: names with commas between them; one in quotes may hold commas itself.

    Parameters
    ----------
    labels
        As given.
    option
        For the sentence.

    Raises
    ------
    ConfigError
        One is empty, or a quote is not closed.

    Examples
    --------
    >>> split_names("red, green"), split_names('"red, dark",l')
    (('red', 'green'), ('red, dark', 'l'))
    """
    if labels is None:
        return None
    try:
        rows = list(csv.reader(io.StringIO(labels), skipinitialspace=True, strict=True))
    except csv.Error:
        rows = []
    names = tuple(name.strip() for row in rows for name in row)
    if not names or not all(names):
        raise ConfigError(
            f"{option} takes names with commas between them, like {option} a,b,c; a name that "
            "holds a comma stands in quotes."
        )
    return names


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a source is read: the same for every command that reads one."""

    labels: str | None = option(
        "Names of the label columns; for Kafka, of labels known beforehand.", metavar="A,B,C"
    )
    label_list: str | None = option("The column that lists an event's labels.", metavar="COLUMN")
    separator: str | None = option(
        "What stands between the labels of a list, where it is not found out: ; or |, for example.",
        flag="label-separator",
        metavar="TEXT",
    )
    xml: str | None = option("Mulan's XML file that names the labels.", metavar="FILE", reads=True)
    id: str | None = option(
        "The column with the event's id; by default `id`, or the number of the row.",
        flag="id-column",
        metavar="COLUMN",
    )
    timestamp: str | None = option(
        "The column with its time, in seconds or ISO 8601; by default `timestamp`.",
        flag="timestamp-column",
        metavar="COLUMN",
    )
    ignore: tuple[str, ...] | None = option(
        "Columns to leave out.", metavar="A,B,C", parse=partial(split_names, option="--ignore")
    )
    delimiter: str | None = option(
        "What stands between the fields of a CSV file, where it is not found out.", metavar="CHAR"
    )
    format: Literal["arff", "csv", "tsv", "jsonl", "parquet", "svmlight"] | None = option(
        "What the file is, where its name does not say it; for standard input."
    )
    order: Literal["natural", "shuffled"] = option(
        "Shuffled: always the same permutation of the rows.", default="natural"
    )


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
    if match := _EVENTS.fullmatch(text):
        return Delay(events=int(match[1]))
    if match := _TIME.fullmatch(text):
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
    match = _TIME.fullmatch(text)
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

    if match := _EVENTS.fullmatch(text):
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


def check_times(source: Source, flag: str, text: str | None) -> None:
    """Raise where an option goes by event time, and a file has none: its rows are only numbered.

    Parameters
    ----------
    source
        As opened, before any stage behind it.
    flag, text
        The option, and what was given: ``30s`` and ``x10`` go by event time, ``100`` does not.

    Raises
    ------
    ConfigError
        It is so.
    """
    columns = getattr(source, "columns", None)  # a stream that is made has its times
    by_time = re.fullmatch(rf"\s*(x\s*{_NUMBER}.*|{_NUMBER}\s*[smhd])\s*", text or "")
    if by_time is None or columns is None or any(one.kind == "timestamp" for one in columns):
        return
    raise ConfigError(
        f"{flag} {text} goes by event time, and {source.name} has none: name its column of times "
        f"(--timestamp-column), or count in events ({flag} 100)."
    )


def open_stream(
    source: str | None,
    reading: ReadingOptions,
    *,
    seed: int,
    text: str | None = None,
    wants_text: bool = False,
    labelled: bool = True,
    learned: Collection[str] = (),
) -> Source:
    """The demo stream, or the file at ``source``.

    Parameters
    ----------
    text, wants_text
        The field with the text, and whether an embedding stage needs one: without a
        source it gets the stream of texts, from JSON Lines ``x``.
    labelled
        Whether the file must say where its labels are; else nothing in it is one.
    learned
        Features that a learner knows, for a file that it is asked about.

    Raises
    ------
    ConfigError
        The source is of a kind that cannot be read (yet), or the options do not fit it.
    DataError
        The file cannot be read.

    Examples
    --------
    >>> open_stream(None, ReadingOptions(), seed=1).name
    'demo'
    """
    if source is None:
        told = [flag for flag, _ in given_in(reading) if flag != "--order"]
        told += [] if text is None else ["--text-field"]
        if told:
            raise ConfigError(
                f"{told[0]} says how a file is read: name one, or leave it out with the demo."
            )
        from streamml.streams import DemoStream, TextStream

        if wants_text:
            return TextStream(seed)
        return DemoStream(seed=seed, order=reading.order)
    if match := re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source):
        raise ConfigError(f"{match[0]} sources cannot be read: name a file.")
    if wants_text and text is None and _is_json(source, reading.format):
        text = "x"
    from streamml_connectors.files import open_source

    given = asdict(reading) | {"labels": split_names(reading.labels)}
    if not labelled:
        given["labels"] = ()
    return open_source(Path(source), **given, text=text, learned=learned)


def _is_json(source: str, told: str | None) -> bool:
    """Whether a file is JSON Lines, as told or by its name."""
    if told is not None:
        return told == "jsonl"
    from streamml_connectors.files.packed import plain_name

    return plain_name(Path(source)).lower().endswith((".jsonl", ".ndjson", ".json"))


def file_at(source: str) -> Path:
    """Where a source that is a file lies; ``-`` is standard input.

    Examples
    --------
    >>> str(file_at("-")), str(file_at("shop.csv"))
    ('/dev/stdin', 'shop.csv')
    """
    return Path("/dev/stdin" if source == "-" else source)
