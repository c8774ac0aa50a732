"""An option is declared once, as a field: what is given for it arrives there, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner

from streamml.cli.config import key_of
from streamml.cli.produce import produce
from streamml.cli.run import run
from streamml.cli.run_options import RunOptions
from streamml.cli.tables import Command, Given, TableOption, add_options, files_read, table, taken
from streamml.errors import ConfigError
from streamml_connectors.health import HealthBounds
from streamml_connectors.kafka import Connection, Input, Secret
from streamml_connectors.kafka.settings import parse_partitions
from streamml_connectors.options import option

OTHER = {
    "labels_topic": ("l", "l"),
    "group": ("g", "g"),
    "instance": ("i", "i"),
    "partitions": ("0,2-3", (0, 2, 3)),
    "start": ("latest", "latest"),
    "until_end": (None, True),
    "isolation_level": ("read_uncommitted", "read_uncommitted"),
    "max_message": ("7", 7),
    "max_features": ("8", 8),
    "max_labels": ("9", 9),
    "session_timeout": ("2.5", 2.5),
}
"""Option of a Kafka source -> what is given, and what the source is told."""


def run_options(*args: str) -> RunOptions:
    """What ``streamml run`` makes of its arguments."""
    context = run.make_context("run", list(args))
    return taken(RunOptions, context.params)


def declared(title: str) -> set[str]:
    return {str(p.name) for p in run.params if isinstance(p, TableOption) and p.title == title}


def test_every_option_of_a_kafka_source_reaches_it() -> None:
    of_others = {"predictions_topic", "dead_letter_topic", "max_waiting", "max_age"}
    assert declared("Kafka") == OTHER.keys() | of_others
    args = [
        part
        for name, (text, _) in OTHER.items()
        for part in ("--" + name.replace("_", "-"), text)
        if part is not None
    ]
    given = run_options(*args).kafka.input
    assert given.make(("t",)) == Input(
        ("t",), **{name: value for name, (_, value) in OTHER.items()}
    )
    assert run_options().kafka.input.make(("t",)) == Input(("t",))


def test_every_option_of_a_connection_reaches_it() -> None:
    names = declared("Security") - {"tls"}
    values = dict.fromkeys(names, "PLAIN")
    args = [part for name in names for part in ("--" + name.replace("_", "-"), "PLAIN")]
    given = run_options("--tls", *args).kafka.connection
    secrets = {name: Secret("PLAIN") for name in ("sasl_password", "tls_key_password")}
    assert given.make("b:1") == Connection("b:1", tls=True, **{**values, **secrets})
    assert run_options().kafka.connection.make("b:1") == Connection("b:1")
    assert "PLAIN" not in repr(given)


def test_a_flag_may_have_another_name_than_its_field() -> None:
    args = ("--alive-within", "5", "--ready-lag", "0", "--set", "a=1", "--set", "b=2", "--json")
    found = run_options(*args)
    assert found.health == HealthBounds(stall=5.0, lag=0)
    assert found.learner.settings == ("a=1", "b=2")
    assert found.output.as_json


@pytest.mark.parametrize("command", [run, produce])
def test_no_two_tables_of_a_command_have_the_same_option(command: click.Command) -> None:
    keys = [key_of(parameter) for parameter in command.params]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    "wrong",
    [
        ("--max-message", "0"),
        ("--session-timeout", "0.5"),
        ("--alive-within", "0"),
        ("--metrics-port", "65536"),
        ("--start", "never"),
        ("--limit", "1.5"),
    ],
)
def test_what_is_out_of_bounds_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(click.BadParameter):
        run_options(*wrong)


def test_help_has_a_section_for_each_kind_of_option() -> None:
    text = CliRunner().invoke(run, ["--help"]).output
    titles = ["Input", "Learner", "Output", "Watching", "Embedding", "Kafka", "Security", "Other"]
    places = [text.index(f"\n{title}:\n") for title in titles]
    assert places == sorted(places)
    ends = [*places[1:], None]
    parts = {t: text[a:b] for t, a, b in zip(titles, places, ends, strict=True)}
    for title, flag in (
        ("Input", "--labels A,B,C"),
        ("Watching", "--alive-within SECONDS"),
        ("Kafka", "--labels-topic TOPIC"),
        ("Security", "--tls-ca FILE"),
        ("Other", "--config FILE.toml"),
    ):
        assert flag in parts[title]


def test_files_that_are_read_are_known_by_their_flags() -> None:
    read = dict(files_read(run_options("--xml", "a.xml", "--tls-key", "k.pem")))
    assert read == {"--xml": "a.xml", "--tls-ca": None, "--tls-cert": None, "--tls-key": "k.pem"}


# -- a table of one's own -----------------------------------------------------------------


@dataclass
class Oven:
    degrees: int
    hours: float | None = option("How long.", above=0)
    dish: Literal["bread", "cake"] = option("What.", default="bread")
    shelves: tuple[int, ...] | None = option("Where.", parse=parse_partitions)
    guests: tuple[str, ...] = option("Who.", flag="for", default=())
    gas: bool = option("How.", default=False)
    depth: float = 1.5


@dataclass
class Bake:
    at: int
    oven: Given[Oven] = table("Oven")


def bake(*args: str) -> Bake:
    found: list[Any] = []

    @click.command(cls=Command)
    @click.argument("at", type=int)
    @add_options(Bake)
    def command(**values: Any) -> None:
        found.append(taken(Bake, values))

    command.main(list(args), standalone_mode=False)
    return found[0]


def test_the_annotation_says_what_an_option_takes() -> None:
    made = bake(
        "--hours", "2", "--dish", "cake", "--shelves", "0,2-3", "--for", "Ann", "--for", "Bob",
        "--gas", "7",
    )  # fmt: skip
    assert made.at == 7
    assert made.oven["shelves"] == "0,2-3"
    assert made.oven.make(180) == Oven(180, 2.0, "cake", (0, 2, 3), ("Ann", "Bob"), True, 1.5)
    assert bake("7").oven.make(180, depth=2.0) == Oven(180, depth=2.0)


def test_what_cannot_be_read_is_said_when_it_is_made() -> None:
    made = bake("7", "--shelves", "high")
    with pytest.raises(ConfigError, match="high"):
        made.oven.make(180)
