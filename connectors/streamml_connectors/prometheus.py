"""Prometheus exporter: plain numbers in, an HTTP page for a scraper out.

It has a registry of its own (nothing is registered globally) and a bounded number of
series whatever the stream does: label values that are not of a small fixed set are
capped, and per-label series exist only on request, for the labels seen most often.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from streamml.errors import ConfigError

__all__ = ["LATENCY_BUCKETS", "PrometheusExporter"]

LATENCY_BUCKETS: Final[tuple[float, ...]] = (
    *(float(f"{m}e{e}") for e in range(-6, 0) for m in ("1", "2.5", "5")),
    1.0,
)
"""Upper bounds of the latency histograms: 1 microsecond to 1 second an event."""

WINDOWS: Final = ("cumulative", "sliding", "fading")
_MAX_VALUES: Final = 50
_OTHER: Final = "other"


class PrometheusExporter:
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
    ) -> None:
        if not 0 <= port <= 65535:
            raise ConfigError(f"A port lies in 0 to 65535, {port} does not: 0 takes a free one.")
        if max_labels < 1:
            raise ConfigError(f"max_labels must be at least 1, not {max_labels}.")
        self.host = host
        self.per_label = per_label
        self.max_labels = max_labels
        self.registry = CollectorRegistry(auto_describe=False)
        self._port = port
        self._numbers = _Numbers()
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.registry.register(self._numbers)

    # -- serving -----------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port listened on; before :meth:`start`, the one asked for."""
        return self._port if self._server is None else self._server.server_port

    def start(self) -> int:
        """Listen, in a thread of its own; gives the port."""
        if self._server is None:
            try:
                self._server, self._thread = start_http_server(
                    self._port, addr=self.host, registry=self.registry
                )
            except OSError as error:
                raise ConfigError(
                    f"Metrics cannot be served at {self.host}:{self._port} "
                    f"({error.strerror or error}): choose another port, or 0 for a free one."
                ) from error
        return self.port

    def close(self) -> None:
        """Stop listening and wait for the thread; safe to call twice."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> PrometheusExporter:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- numbers in --------------------------------------------------------------------

    def add_events(self, n: int) -> None:
        """``n`` more events were handed to the learner."""
        with self._numbers.lock:
            self._numbers.events += n

    def set_scores(self, window: str, scores: Mapping[str, float]) -> None:
        """The newest prequential scores.

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
            self._numbers.scores[window] = {name: float(v) for name, v in scores.items()}

    def set_clusters(self, n: int) -> None:
        """Number of label clusters now."""
        with self._numbers.lock:
            self._numbers.clusters = n

    def add_structure_changes(self, kind: str, n: int = 1) -> None:
        """``n`` more structural changes of a kind: ``"split"``, ``"merge"``, ``"rebuild"``."""
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


class _Numbers(Collector):
    """What is exported, behind one lock; Prometheus's families are made when scraped."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.events = 0
        self.clusters: int | None = None
        self.scores: dict[str, dict[str, float]] = {}
        self.labels: Sequence[tuple[str, float, Mapping[str, float]]] = ()
        self.changes: dict[str, int] = {}
        self.drifts: dict[str, int] = {}
        self.dead_letters: dict[str, int] = {}
        self.predict, self.learn = _Latency(), _Latency()

    def count(self, counts: dict[str, int], value: str, n: int) -> None:
        with self.lock:
            if value not in counts and len(counts) >= _MAX_VALUES:
                value = _OTHER
            counts[value] = counts.get(value, 0) + n

    def observe(self, latency: _Latency, seconds: float, events: int) -> None:
        with self.lock:
            latency.observe(seconds, events)

    def collect(self) -> Iterator[Metric]:
        """The families, all of one moment."""
        with self.lock:
            families = [*self._counters(), *self._gauges(), *self._histograms()]
        yield from families

    def _counters(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "streamml_events", "Events handed to the learner.", value=self.events
        )
        for name, what, label, counts in (
            ("structure_changes", "Structural changes of the label tree.", "kind", self.changes),
            ("drifts", "Drifts that were acted on.", "scope", self.drifts),
            ("dead_letters", "Events that could not be used.", "reason", self.dead_letters),
        ):
            family = CounterMetricFamily(f"streamml_{name}", what, labels=[label])
            for value, n in counts.items():
                family.add_metric([value], n)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        scores = GaugeMetricFamily(
            "streamml_prequential",
            "Prequential score: predicted first, learned then.",
            labels=["metric", "window"],
        )
        for window, values in self.scores.items():
            for metric, value in values.items():
                scores.add_metric([metric, window], value)
        yield scores
        if self.clusters is not None:
            yield GaugeMetricFamily(
                "streamml_label_clusters", "Label clusters now.", value=self.clusters
            )
        if self.labels:
            labels = GaugeMetricFamily(
                "streamml_label_prequential",
                "Prequential score of a label, for the labels seen most often.",
                labels=["label", "metric"],
            )
            for name, _, of_label in self.labels:
                for metric, value in of_label.items():
                    labels.add_metric([name, metric], value)
            yield labels

    def _histograms(self) -> Iterator[Metric]:
        for name, what, latency in (
            ("predict", "Time to predict an event.", self.predict),
            ("learn", "Time to learn an event.", self.learn),
        ):
            yield latency.family(f"streamml_{name}_seconds", what)


class _Latency:
    """A histogram that takes a batch of equal observations in one step."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BUCKETS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float, events: int) -> None:
        if events > 0:
            self.counts[bisect_left(LATENCY_BUCKETS, seconds / events)] += events
            self.sum += seconds

    def family(self, name: str, what: str) -> Metric:
        buckets: list[tuple[str, float]] = []
        total = 0
        for bound, n in zip((*map(repr, LATENCY_BUCKETS), "+Inf"), self.counts, strict=True):
            total += n
            buckets.append((bound, total))
        return HistogramMetricFamily(name, what, buckets=buckets, sum_value=self.sum)
