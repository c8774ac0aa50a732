"""Where a run can be looked at: the options, what they mean, and what is opened for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from streamml.cli.saying import say
from streamml.errors import ConfigError
from streamml_connectors.health import HealthBounds

if TYPE_CHECKING:
    from streamml.cli.monitor import Monitor

__all__ = ["MonitorOptions", "monitor_options", "open_monitor", "parse_listen"]

_LOOPBACK = "127.0.0.1"
_BOUNDS = HealthBounds()
_Command = TypeVar("_Command", bound=Callable[..., Any])


class MonitorOptions(Protocol):
    """The options that :func:`monitor_options` adds, as given."""

    @property
    def metrics_port(self) -> int | None: ...
    @property
    def listen(self) -> str | None: ...
    @property
    def allow_host(self) -> tuple[str, ...]: ...
    @property
    def alive_within(self) -> float: ...
    @property
    def ready_lag(self) -> int: ...
    @property
    def ready_snapshot_age(self) -> float: ...


def monitor_options(command: _Command) -> _Command:
    """Add the options of metrics, status page and probes to a command."""
    for option in reversed(
        (
            click.option(
                "--metrics-port",
                type=click.IntRange(0, 65535),
                metavar="PORT",
                help="Serve metrics, status page and probes on loopback; 0 takes a free port.",
            ),
            click.option(
                "--listen",
                metavar="HOST:PORT",
                help="The same at another address: 0.0.0.0:9100 opens it to the network.",
            ),
            click.option(
                "--allow-host",
                multiple=True,
                metavar="NAME",
                help="A name with a dot that it may be asked by, as behind a proxy "
                "(*.example.com: all below); may be repeated.",
            ),
            click.option(
                "--alive-within",
                type=click.FloatRange(min=0, min_open=True),
                default=_BOUNDS.stall,
                show_default=True,
                metavar="SECONDS",
                help="/healthz fails after so long without progress.",
            ),
            click.option(
                "--ready-lag",
                type=click.IntRange(min=0),
                default=_BOUNDS.lag,
                show_default=True,
                metavar="N",
                help="/readyz fails further behind than N records.",
            ),
            click.option(
                "--ready-snapshot-age",
                type=click.FloatRange(min=0, min_open=True),
                default=_BOUNDS.snapshot_age,
                show_default=True,
                metavar="SECONDS",
                help="/readyz fails where the newest snapshot is older.",
            ),
        )
    ):
        command = option(command)
    return command


def parse_listen(listen: str | None, port: int | None) -> tuple[str, int] | None:
    """Host and port that ``--listen`` and ``--metrics-port`` ask for together, if they do.

    Raises
    ------
    ConfigError
        There is no port, two of them, or no host.

    Examples
    --------
    >>> parse_listen(None, None), parse_listen(None, 9100)
    (None, ('127.0.0.1', 9100))
    >>> parse_listen("0.0.0.0:9100", None), parse_listen("[::1]:0", None)
    (('0.0.0.0', 9100), ('::1', 0))
    """
    if listen is None:
        return None if port is None else (_LOOPBACK, port)
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]]+))(?::([0-9]{1,5}))?", listen)
    if match is None:
        raise ConfigError(
            f"--listen {listen} is no address: give HOST:PORT, as 127.0.0.1:9100 or [::1]:9100."
        )
    host = match[1] or match[2]
    if match[3] is None:
        if port is None:
            raise ConfigError(f"--listen {listen} names no port: give {listen}:9100.")
        return host, port
    if port is not None and port != int(match[3]):
        raise ConfigError(f"--listen {listen} and --metrics-port {port} differ: give one of them.")
    return host, int(match[3])


def open_monitor(options: MonitorOptions, stack: ExitStack) -> Monitor | None:
    """What shows the run, where it is asked for; closed with ``stack``.

    Raises
    ------
    ConfigError
        The address cannot be used.
    """
    where = parse_listen(options.listen, options.metrics_port)
    if where is None:
        return None
    from streamml.cli.monitor import Monitor
    from streamml_connectors.serving import url_host

    bounds = HealthBounds(options.alive_within, options.ready_lag, options.ready_snapshot_age)
    monitor = stack.enter_context(Monitor(*where, bounds, allowed_hosts=options.allow_host))
    url = f"http://{url_host(where[0])}:{monitor.port}"
    say(f"metrics at {url}/metrics, status page at {url}/")
    return monitor
