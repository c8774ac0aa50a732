"""Prometheus exporter: plain numbers in, an HTTP page for a scraper out.

It has a registry of its own (nothing is registered globally) and a bounded number of
series whatever the stream does: label values that are not of a small fixed set are
capped, and per-label series exist only on request, for the labels seen most often.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from streamml.errors import ConfigError
from streamml.io.operation import Operation
from streamml_connectors.prometheus.numbers import Numbers
from streamml_connectors.serving import Routes, Served, WebServer

__all__ = ["PrometheusExporter"]

WINDOWS: Final = ("cumulative", "sliding", "fading")


class PrometheusExporter(Served):
    """Keeps the newest numbers of a run and serves them at ``/metrics``.

    Parameters
    ----------
    host
        Address to listen on.
    port
        0 takes a free one; :attr:`port` says which.
    per_label
        Whether :meth:`set_labels` is exported at all.
    max_labels
        Largest number of labels exported, at least 1: those with the largest support.
    routes
        What else the server answers: path -> WSGI application.
    allowed_hosts
        Names it may be asked by, as :class:`~streamml_connectors.serving.WebServer` has it.

    Raises
    ------
    ConfigError
        A value cannot be used, or :meth:`start` cannot listen there.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> with PrometheusExporter() as exporter:
    ...     exporter.add_events(3)
    ...     with urlopen(f"http://127.0.0.1:{exporter.port}/metrics") as page:
    ...         [line for line in page.read().decode().splitlines() if line[0] != "#"][0]
    'streamml_events_total 3.0'

    References
    ----------
    https://prometheus.io/docs/practices/naming/
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        per_label: bool = False,
        max_labels: int = 50,
        routes: Routes | None = None,
        allowed_hosts: Sequence[str] = (),
    ) -> None:
        if max_labels < 1:
            raise ConfigError(f"max_labels must be at least 1, not {max_labels}.")
        self.per_label = per_label
        self.max_labels = max_labels
        self.registry = CollectorRegistry(auto_describe=False)
        self._numbers = Numbers()
        self.registry.register(self._numbers)
        ProcessCollector(registry=self.registry)
        self._server: WebServer = WebServer(
            {"/metrics": make_wsgi_app(self.registry), **(routes or {})},
            host,
            port,
            allowed_hosts=allowed_hosts,
        )

    # -- serving -----------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The address listened on."""
        return self._server.address

    # -- numbers in --------------------------------------------------------------------

    def add_events(self, n: int) -> None:
        """``n`` more events were handed to the learner."""
        with self._numbers.lock:
            self._numbers.events += n

    def set_scores(self, window: str, scores: Mapping[str, float]) -> None:
        """The newest prequential scores.

        One that does not exist yet (NaN: nothing was scored) is left out: an average over a
        day in Prometheus that meets one NaN is NaN.

        Parameters
        ----------
        window
            ``"cumulative"``, ``"sliding"`` or ``"fading"``.
        scores
            Name of the metric -> value.
        """
        if window not in WINDOWS:
            raise ConfigError(f"There is no window {window!r}: take one of {', '.join(WINDOWS)}.")
        with self._numbers.lock:
            self._numbers.scores[window] = _known(scores)

    def set_clusters(self, n: int) -> None:
        """Number of label clusters now."""
        with self._numbers.lock:
            self._numbers.clusters = n

    def add_structure_changes(self, kind: str, n: int = 1) -> None:
        """``n`` more changes of a kind.

        ``"split"``, ``"merge"``, ``"rebuild"`` of the label tree; ``"warning"`` (an alternate
        is grown), ``"swap"`` (it took over), ``"prune"`` (it was given up).
        """
        self._numbers.count(self._numbers.changes, kind, n)

    def add_drifts(self, scope: str, n: int = 1) -> None:
        """``n`` more drifts, ``"global"`` or ``"local"``."""
        self._numbers.count(self._numbers.drifts, scope, n)

    def add_dead_letters(self, reason: str, n: int = 1) -> None:
        """``n`` more events that could not be used; beyond 50 reasons all are ``other``."""
        self._numbers.count(self._numbers.dead_letters, reason, n)

    def observe_predict(self, seconds: float, events: int) -> None:
        """``events`` events were predicted in ``seconds``; each counts the mean."""
        self._numbers.observe(self._numbers.predict, seconds, events)

    def observe_learn(self, seconds: float, events: int) -> None:
        """``events`` events were learned in ``seconds``; each counts the mean."""
        self._numbers.observe(self._numbers.learn, seconds, events)

    def set_labels(self, rows: Iterable[tuple[str, float, Mapping[str, float]]]) -> None:
        """The newest scores of every label; of no effect unless ``per_label``.

        Parameters
        ----------
        rows
            Label name, support (decides which labels are exported; of equals, the first)
            and metric -> value.
        """
        if self.per_label:
            kept = sorted(rows, key=lambda row: -row[1])[: self.max_labels]
            with self._numbers.lock:
                self._numbers.labels = kept

    def set_baseline(self, name: str, scores: Mapping[str, float]) -> None:
        """The newest scores of a baseline over the sliding window: metric -> value."""
        with self._numbers.lock:
            self._numbers.baselines[name] = _known(scores)

    def set_operation(self, operation: Operation) -> None:
        """What a consumer says of its surroundings, as of now."""
        snapshot, now = operation.snapshot, time.time()
        with self._numbers.lock:
            self._numbers.progressed = now
            self._numbers.operation = operation
            if snapshot is not None and snapshot.age is not None:
                self._numbers.snapshot_time = now - snapshot.age


def _known(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in scores.items() if not math.isnan(value)}
