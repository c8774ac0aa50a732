"""Where a run can be looked at: the options, what they mean, and what is opened for them."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamml.cli.saying import say
from streamml.errors import ConfigError
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.cli.monitor import Monitor
    from streamml_connectors.health import HealthBounds

__all__ = ["ListeningOptions", "open_monitor", "parse_listen"]

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ListeningOptions:
    """Where the metrics, the status page and the probes of a run are."""

    metrics_port: int | None = option(
        "Serve metrics, status page and probes on loopback; 0 takes a free port.",
        metavar="PORT",
        least=0,
        most=65535,
    )
    listen: str | None = option(
        "The same at another address: 0.0.0.0:9100 opens it to the network.",
        metavar="HOST:PORT",
    )
    allow_host: tuple[str, ...] = option(
        "A name with a dot that it may be asked by, as behind a proxy (*.example.com: all "
        "below); may be repeated.",
        metavar="NAME",
        default=(),
    )


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


def open_monitor(
    options: ListeningOptions, bounds: HealthBounds, stack: ExitStack
) -> Monitor | None:
    """What shows the run, and judges its health, where it is asked for; closed with ``stack``.

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

    monitor = stack.enter_context(Monitor(*where, bounds, allowed_hosts=options.allow_host))
    url = f"http://{url_host(where[0])}:{monitor.port}"
    say(f"metrics at {url}/metrics, status page at {url}/")
    return monitor
