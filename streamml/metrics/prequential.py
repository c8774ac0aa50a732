"""Prequential multi-label metrics: cumulative, sliding window and fading, in one pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from streamml.errors import ConfigError, ContractError, StateError
from streamml.metrics import _kernels as kernels
from streamml.metrics.scores import LabelScores, Scores, Tally, label_scores, scores
from streamml.state.capture import check, check_range, restore_value
from streamml.types import (
    LABELS_PARTIAL,
    EventBatch,
    Float64Array,
    Int32Array,
    Int64Array,
    Predictions,
)

__all__ = ["Prequential", "SnapshotValue", "View"]

View = Literal["cumulative", "windowed", "faded"]
SnapshotValue = int | float | Int32Array | Int64Array | Float64Array

_FORMAT: Final = 1
_CHUNK: Final = 1024


class Prequential:
    """Scores predictions as a stream goes on.

    All figures are over the L labels known at the last event scored; a label that
    appears late counts as negative before. Of a partially known event only the known
    labels are scored: a predicted label that is unknown counts neither way, the exact
    match is one on the known labels. An event without labels is not scored, only
    counted in :attr:`unscored`; it takes no place in the window and fades nothing.

    An event costs as many steps as it has true and predicted labels; reading costs L.
    The window keeps the outcomes of its events only: 4 bytes for each true or predicted
    label and 8 for each event. How events are cut into batches changes no bit.

    Parameters
    ----------
    window
        Number of scored events in the sliding window, at least 1. Exact: what leaves is
        subtracted, in integers.
    fading
        Factor in [0.5, 1] by which an event weighs less at each later one.

    Examples
    --------
    >>> from streamml.types import Event, EventBatch, Predictions, Schema
    >>> import numpy as np
    >>> y = [frozenset({"sea"}), frozenset({"sea", "sun"})]
    >>> events = [Event(i, 0.0, {"f": 1.0}, y[i]) for i in range(2)]
    >>> batch = EventBatch.from_events(events, Schema())
    >>> metrics = Prequential()
    >>> metrics.update(batch, Predictions(np.array([0, 1, 2]), np.zeros(2, np.int32)))
    >>> now = metrics.cumulative()
    >>> now.exact_match, now.hamming_loss, now.micro_precision, now.macro_f1
    (0.5, 0.25, 1.0, 0.5)

    References
    ----------
    Gama, Sebastiao and Rodrigues (2013), On evaluating stream learning algorithms,
    Machine Learning 90: prequential error over windows and with fading factors.
    """

    def __init__(self, window: int = 1000, fading: float = 0.999) -> None:
        if window < 1:
            raise ConfigError(f"window must be at least 1 event, not {window}.")
        if not 0.5 <= fading <= 1:
            raise ConfigError(f"fading must lie in [0.5, 1], not {fading}: try 0.999.")
        self.window = window
        self.fading = fading
        self.unscored = 0
        """Number of events that came without labels."""
        self._labels = 0
        self._weight = 1.0
        self._counts = np.zeros((0, kernels.N_OUTCOMES), np.int64)
        self._window_counts = self._counts.copy()
        self._faded_counts = np.zeros((0, kernels.N_OUTCOMES), np.float64)
        self._totals = np.zeros(kernels.N_TOTALS, np.int64)
        self._window_totals = self._totals.copy()
        self._faded_totals = np.zeros(kernels.N_TOTALS, np.float64)
        self._entries = np.zeros(0, np.int32)
        self._rows = np.zeros((window, 2), np.int32)
        self._ring = np.zeros(4, np.int64)
        self._row = np.zeros(0, np.int32)
        self._example = np.zeros(3, np.float64)

    def __repr__(self) -> str:
        return f"Prequential(window={self.window}, fading={self.fading})"

    # -- what goes in ------------------------------------------------------------------

    def update(self, batch: EventBatch, predictions: Predictions) -> None:
        """Score the predictions of a batch, in order.

        Raises
        ------
        ContractError
            There is not one prediction an event, or a row names columns that are not
            ascending or beyond the labels known at that event. Nothing is scored then.
        """
        if len(predictions) != len(batch):
            raise ContractError(
                f"{len(predictions)} predictions came for {len(batch)} events: give one an event."
            )
        if len(batch) == 0:
            return
        n_labels = _own(batch.n_labels, np.int32)
        true = _label_rows(batch.y_indptr, batch.y_indices)
        negative = _label_rows(batch.negative_indptr, batch.negative_indices)
        decided = _label_rows(predictions.indptr, predictions.indices)
        _check("the true labels", true, n_labels)
        _check("the decided labels", decided, n_labels)
        kind = _own(batch.y_kind, np.uint8)
        if (kind == LABELS_PARTIAL).any():
            _check("the negative labels", negative, n_labels)
        self._reserve_labels(int(n_labels.max()))
        self._reserve_row(int((np.diff(true.indptr) + np.diff(decided.indptr)).max()))
        step = max(self.window, _CHUNK)  # bounds the ring, whatever the size of the batch
        for start in range(0, len(batch), step):
            stop = min(start + step, len(batch))
            new = sum(int(rows.indptr[stop] - rows.indptr[start]) for rows in (true, decided))
            self._reserve_entries(new)
            self._weight, self._labels, unscored = kernels.score_rows(
                start,
                stop,
                kernels.Truth(true, kind, negative, n_labels),
                decided,
                kernels.Sums(self._counts.reshape(-1), self._totals),
                kernels.Window(
                    self._window_counts.reshape(-1),
                    self._window_totals,
                    self._entries,
                    self._rows,
                    self._ring,
                ),
                kernels.Faded(self._faded_counts.reshape(-1), self._faded_totals),
                self._row,
                self._example,
                self._weight,
                1.0 / self.fading,
                self._labels,
            )
            self.unscored += unscored

    def _reserve_labels(self, labels: int) -> None:
        have = len(self._counts)
        if labels > have:
            more = ((0, max(labels, 2 * have) - have), (0, 0))
            self._counts = np.pad(self._counts, more)
            self._window_counts = np.pad(self._window_counts, more)
            self._faded_counts = np.pad(self._faded_counts, more)

    def _reserve_entries(self, new: int) -> None:
        """Grow the ring of entries, oldest first, so that ``new`` more fit."""
        need = int(self._ring[3]) + new
        if need > len(self._entries):
            held = self._held_entries()
            self._entries = np.zeros(max(need, 2 * len(self._entries)), np.int32)
            self._entries[: len(held)] = held
            self._ring[2] = 0

    def _reserve_row(self, entries: int) -> None:
        if entries > len(self._row):
            self._row = np.zeros(entries, np.int32)

    def _held_entries(self) -> Int32Array:
        """Entries of the window, oldest first."""
        first, n = int(self._ring[2]), int(self._ring[3])
        return np.take(self._entries, np.arange(first, first + n), mode="wrap")

    # -- what comes out ----------------------------------------------------------------

    @property
    def events(self) -> int:
        """Number of events scored."""
        return int(self._totals[kernels.EVENTS])

    @property
    def labels(self) -> int:
        """Number of labels known at the last event scored."""
        return self._labels

    def cumulative(self) -> Scores:
        """Scores over all events scored so far."""
        return scores(self._view("cumulative"), self._totals)

    def windowed(self) -> Scores:
        """Scores over the last :attr:`window` events scored."""
        return scores(self._view("windowed"), self._window_totals)

    def faded(self) -> Scores:
        """Scores where an event of age k weighs ``fading ** k``."""
        return scores(self._view("faded"), self._faded_totals)

    def per_label(self, which: View = "cumulative") -> LabelScores:
        """Precision, recall, F1 and support of every label, in column order.

        Parameters
        ----------
        which
            ``"cumulative"``, ``"windowed"`` or ``"faded"``.
        """
        counts = self._view(which)
        if which == "faded":
            counts = counts / (self._weight * self.fading)  # the last event weighs 1
        return label_scores(counts)

    def label_counts(self, which: View = "cumulative") -> Tally:
        """True positives, false positives and false negatives of every label (a copy).

        ``(labels, 3)`` in column order: the sums over some labels give their micro scores.

        Parameters
        ----------
        which
            ``"cumulative"``, ``"windowed"`` or ``"faded"`` (there relative to each other).
        """
        return self._view(which).copy()

    def _view(self, which: View) -> Tally:
        views: dict[View, Tally] = {
            "cumulative": self._counts,
            "windowed": self._window_counts,
            "faded": self._faded_counts,
        }
        if which not in views:
            raise ConfigError(f"There is no view {which!r}: take one of {', '.join(views)}.")
        return views[which][: self._labels]

    # -- state -------------------------------------------------------------------------

    def snapshot(self) -> dict[str, SnapshotValue]:
        """The whole state as numbers and arrays (copies); equal streams give equal ones.

        Examples
        --------
        >>> again = Prequential()
        >>> again.restore(Prequential().snapshot())
        """
        first, n = int(self._ring[0]), int(self._ring[1])
        return {
            "format": _FORMAT,
            "window": self.window,
            "fading": self.fading,
            "unscored": self.unscored,
            "weight": self._weight,
            "counts": self._counts[: self._labels].copy(),
            "totals": self._totals.copy(),
            "window_counts": self._window_counts[: self._labels].copy(),
            "window_totals": self._window_totals.copy(),
            "faded_counts": self._faded_counts[: self._labels].copy(),
            "faded_totals": self._faded_totals.copy(),
            "rows": np.take(self._rows, np.arange(first, first + n), axis=0, mode="wrap"),
            "entries": self._held_entries(),
        }

    def restore(self, snapshot: Mapping[str, SnapshotValue]) -> None:
        """Go to a state that :meth:`snapshot` gave.

        Raises
        ------
        StateError
            The snapshot has another format, window or fading factor, or does not fit;
            nothing is changed then.
        """
        for name, mine in (("format", _FORMAT), ("window", self.window), ("fading", self.fading)):
            saved = snapshot.get(name)
            if type(saved) not in (int, float) or saved != mine:
                raise StateError(
                    f"The snapshot of the metrics has {name} {saved}, not {mine}: "
                    "restore it with the version and parameters it was taken with."
                )
        found = {
            name: restore_value(snapshot[name], like, name) if name in snapshot else like
            for name, like in _kinds().items()
        }
        labels, rows = len(found["counts"]), found["rows"]
        for name in ("counts", "window_counts", "faded_counts"):
            check(found[name].shape == (labels, kernels.N_OUTCOMES), name, "is of other labels")
        for name in ("totals", "window_totals", "faded_totals"):
            check(found[name].shape == (kernels.N_TOTALS,), name, "is of another kind")
        check(rows.shape[1] == 2 and len(rows) <= self.window, "the window", "is too long")
        check_range(rows[:, 0], 0, labels * kernels.N_OUTCOMES + 1, "the window")
        check(int(rows[:, 0].sum()) == len(found["entries"]), "the window", "has other entries")
        check_range(found["entries"], 0, labels * kernels.N_OUTCOMES, "the window")
        check(0.0 < found["weight"] < math.inf and found["unscored"] >= 0, "the weight", "is wrong")
        for name in set(found) - {"rows"}:
            setattr(self, name if name == "unscored" else f"_{name}", found[name])
        self._rows = np.zeros((self.window, 2), np.int32)
        self._rows[: len(rows)] = rows
        self._ring = np.array([0, len(rows), 0, len(self._entries)], np.int64)
        self._reserve_row(int(rows[:, 0].max(initial=0)))
        self._labels = labels


def _kinds() -> dict[str, Any]:
    """What kind of value each part of a snapshot is."""
    whole, counts = np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
    return {
        "unscored": 0,
        "weight": 1.0,
        "counts": counts,
        "totals": whole,
        "window_counts": counts,
        "window_totals": whole,
        "faded_counts": np.zeros((0, 0)),
        "faded_totals": np.zeros(0),
        "rows": np.zeros((0, 0), np.int32),
        "entries": np.zeros(0, np.int32),
    }


def _own(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """One memory layout for the kernels, so that they are compiled once; rarely copies."""
    if array.dtype == dtype and array.flags.carray:
        return array
    return np.array(array, dtype, order="C")


def _label_rows(indptr: Int64Array, indices: Int32Array) -> kernels.LabelRows:
    return kernels.LabelRows(_own(indptr, np.int64), _own(indices, np.int32))


def _check(what: str, rows: kernels.LabelRows, n_labels: Int32Array) -> None:
    bad = kernels.find_bad_row(*rows, n_labels)
    if bad >= 0:
        columns = rows.indices[rows.indptr[bad] : rows.indptr[bad + 1]].tolist()
        raise ContractError(
            f"Row {bad} of {what} is {columns}: columns must ascend and stay below "
            f"{n_labels[bad]}, the number of labels known at that event."
        )
