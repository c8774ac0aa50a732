"""What an operator sees of a run: metrics, the status page and the answers for probes.

The run tells it of progress; a document is built at most once a second, and the server's
threads only hand out the newest one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from streamml.cli.exporter import ExporterFeed
from streamml.cli.monitor.state import StateBuilder
from streamml_connectors.health import Health, HealthBounds
from streamml_connectors.page import StatusPage
from streamml_connectors.prometheus import PrometheusExporter
from streamml_connectors.serving import Served

if TYPE_CHECKING:
    from streamml.service import Progress, Service

__all__ = ["Monitor"]

_SHARE: Final = 50


class Monitor(Served):
    """Serves a run at one port, and is an observer of it.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    bounds
        When the run counts as stuck, late or not safely stored.
    every
        Seconds between two documents, at least.
    allowed_hosts
        Names it may be asked by, beside addresses and names without a dot.

    Raises
    ------
    ConfigError
        It cannot listen there.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> from streamml import IHOMER
    >>> from streamml.service import Service
    >>> from streamml.streams import DemoStream
    >>> service = Service(DemoStream(), IHOMER(), limit=100)
    >>> with Monitor() as monitor:
    ...     monitor.watch(service)
    ...     monitor.show(service.run().progress)
    ...     with urlopen(f"http://127.0.0.1:{monitor.port}/healthz") as probe:
    ...         probe.status
    200
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        bounds: HealthBounds | None = None,
        every: float = 1.0,
        allowed_hosts: Sequence[str] = (),
    ) -> None:
        self.health = Health(bounds)
        self._page = StatusPage(self.health)
        self._server = self.exporter = PrometheusExporter(
            host, port, routes=self._page.routes(), allowed_hosts=allowed_hosts
        )
        self._feed = ExporterFeed(self.exporter)
        self._every = self._gap = every
        self._service: Service | None = None
        self._state: StateBuilder | None = None
        self._shown = -math.inf

    def watch(self, service: Service) -> None:
        """Show ``service``, once, before it runs."""
        self._service = service
        self._feed.start(service.progress())
        self._state = StateBuilder(service.source.name, service.learner, service.metrics)

    def show(self, progress: Progress) -> None:
        """Take the newest progress: an observer of the service."""
        self.health.progressed(progress.operation, warm=progress.events > progress.resumed)
        self._feed.show(progress)
        if self._state is None:
            return
        self._state.note(progress.new_changes, progress.seconds)
        if progress.seconds - self._shown >= self._gap:
            started = time.perf_counter()
            self._page.show(msgspec.json.encode(self._state.build(progress)))
            self._show_baselines()
            self._shown = progress.seconds
            # A tree of thousands of labels takes its time: never more than one part in fifty.
            self._gap = max(self._every, _SHARE * (time.perf_counter() - started))

    def _show_baselines(self) -> None:
        assert self._service is not None
        for name, metrics in list(self._service.metrics.items())[1:]:
            self.exporter.set_baseline(name, metrics.windowed().as_dict())
