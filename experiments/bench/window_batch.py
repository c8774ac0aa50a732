"""Batch learners, retrained on a sliding window: a batch figure beside the on-line ones.

Needs scikit-multilearn 0.2.0, which dates from 2018. What it needs of a newer world is
done here and nowhere else: see :func:`_mlknn`.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse

from streamml.baselines._leaf_sets import as_answer
from streamml.baselines._one_by_one import Answer, OneByOne, Row, Truth
from streamml.errors import ConfigError, MissingDependencyError, install_hint

__all__ = ["WindowBatch"]


class WindowBatch(OneByOne):
    """A batch learner trained anew every ``every`` events on the last ``window`` ones.

    Until the first training the empty set is predicted. Only labels that are on in some and
    off in some of the window's events are handed over; the others are predicted as they are
    there.

    Parameters
    ----------
    model
        ``"mlknn"``, ``"rakeld"`` (random disjoint label sets), ``"cooccurrence"`` (clusters
        by modularity of the label co-occurrence graph, one label powerset each), all of
        scikit-multilearn, or ``"napkinxc"`` (its probabilistic label tree).
    window, every
        Events trained on, and events between two trainings; at least 1.
    seed
        Everything random hangs on it.
    """

    def __init__(
        self, model: str = "mlknn", window: int = 1000, every: int = 200, seed: int = 1
    ) -> None:
        if model not in _MODELS:
            raise ConfigError(f"There is no model {model!r}: use one of {', '.join(_MODELS)}.")
        self.model = model
        self.window = window
        self.every = every
        self.seed = seed
        self._rows: deque[Row] = deque(maxlen=window)
        self._sets: deque[list[int]] = deque(maxlen=window)
        self._since = 0
        self._fitted: Any = None
        self._columns = np.zeros(0, np.int64)
        self._always = np.zeros(0, np.int64)
        self._width = 0

    def _answer(self, row: Row, n_labels: int) -> Answer:
        if self._width == 0:
            return as_answer((), n_labels)
        chosen = self._always.tolist()
        if self._fitted is not None:
            found = self._fitted(_matrix([row], self._width))
            chosen += self._columns[np.flatnonzero(found)].tolist()
        return as_answer(tuple(sorted(set(chosen))), n_labels)

    def _study(self, row: Row, truth: Truth, n_labels: int) -> None:
        if not truth.full:
            return
        self._rows.append(Row(row.columns.copy(), row.values.copy(), *row[2:]))
        self._sets.append(truth.positive.tolist())
        self._since += 1
        if self._since >= self.every:
            self._since = 0
            self._train(n_labels)

    def _train(self, n_labels: int) -> None:
        self._width = max(row.n_features for row in self._rows)
        y = np.zeros((len(self._sets), n_labels), np.int64)
        for i, columns in enumerate(self._sets):
            y[i, columns] = 1
        on = y.sum(axis=0)
        self._always = np.flatnonzero(on == len(y))
        self._columns = np.flatnonzero((on > 0) & (on < len(y)))
        self._fitted = None
        if len(self._columns) == 1:
            self._columns = self._columns.repeat(2)  # the libraries want two labels
        if len(self._columns):
            x = _matrix(list(self._rows), self._width)
            self._fitted = _MODELS[self.model](x, y[:, self._columns], self.seed)


def _matrix(rows: list[Row], width: int) -> sparse.csr_matrix:
    kept = [row.columns < width for row in rows]
    indptr = np.cumsum([0, *(int(k.sum()) for k in kept)])
    indices = np.concatenate([r.columns[k] for r, k in zip(rows, kept, strict=True)])
    values = np.concatenate([r.values[k] for r, k in zip(rows, kept, strict=True)])
    return sparse.csr_matrix((values.astype(np.float64), indices, indptr), (len(rows), width))


Fitted = Callable[[sparse.csr_matrix], np.ndarray]


def _need(package: str) -> None:
    if find_spec(package) is None:
        raise MissingDependencyError(f"WindowBatch needs {package}: {install_hint('bench')}.")


def _mlknn(x: sparse.csr_matrix, y: np.ndarray, seed: int) -> Fitted:  # noqa: ARG001
    """ML-kNN; the shim: scikit-learn has since made the number of neighbours a keyword."""
    _need("skmultilearn")
    from skmultilearn.adapt import mlknn

    neighbours = mlknn.NearestNeighbors
    mlknn.NearestNeighbors = lambda k: neighbours(n_neighbors=k)
    try:
        model = mlknn.MLkNN(k=min(10, x.shape[0] - 1))
        model.fit(x, sparse.lil_matrix(y))
    finally:
        mlknn.NearestNeighbors = neighbours
    return lambda row: model.predict(row).toarray()[0]


def _base(seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier
    from skmultilearn.problem_transform import LabelPowerset

    return LabelPowerset(
        DecisionTreeClassifier(random_state=seed, min_samples_leaf=2), require_dense=[False, True]
    )


def _rakeld(x: sparse.csr_matrix, y: np.ndarray, seed: int) -> Fitted:
    """RAkEL with disjoint sets of three labels; its random partition is drawn here.

    The library's own clusterer draws from numpy's global state, so the same partition is
    made with a generator and handed over as a fixed one.
    """
    order = np.random.default_rng(seed).permutation(y.shape[1])
    return _partitioned(
        x, y, [sorted(order[i : i + 3].tolist()) for i in range(0, len(order), 3)], seed
    )


def _cooccurrence(x: sparse.csr_matrix, y: np.ndarray, seed: int) -> Fitted:
    """Louvain communities of the label co-occurrence graph.

    The graph is the library's (weighted, no self edges); its own clusterer passes no seed
    to the communities, so networkx is asked itself.
    """
    _need("skmultilearn")
    import networkx as nx
    from skmultilearn.cluster import LabelCooccurrenceGraphBuilder

    builder = LabelCooccurrenceGraphBuilder(weighted=True, include_self_edges=False)
    graph = nx.Graph()
    graph.add_nodes_from(range(y.shape[1]))
    edges = builder.transform(sparse.lil_matrix(y))
    graph.add_weighted_edges_from(sorted((a, b, float(w)) for (a, b), w in edges.items()))
    found = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    return _partitioned(x, y, sorted(sorted(c) for c in found), seed)


def _partitioned(
    x: sparse.csr_matrix, y: np.ndarray, clusters: list[list[int]], seed: int
) -> Fitted:
    _need("skmultilearn")
    from skmultilearn.cluster import FixedLabelSpaceClusterer
    from skmultilearn.ensemble import LabelSpacePartitioningClassifier

    model = LabelSpacePartitioningClassifier(
        _base(seed), FixedLabelSpaceClusterer(clusters=clusters), require_dense=[False, False]
    )
    model.fit(x, sparse.lil_matrix(y))
    return lambda row: model.predict(row).toarray()[0]


def _napkinxc(x: sparse.csr_matrix, y: np.ndarray, seed: int) -> Fitted:
    """A probabilistic label tree; its Python face trains in batch only, on files of its own.

    Trained by AdaGrad: its default, liblinear, draws from random numbers that no seed reaches.
    """
    _need("napkinxc")
    from napkinxc.models import PLT

    directory = tempfile.mkdtemp(prefix="streamml-napkinxc-")
    model = PLT(directory, optimizer="adagrad", threads=1, seed=seed, verbose=0)
    weakref.finalize(model, shutil.rmtree, directory, ignore_errors=True)
    model.fit(x, [np.flatnonzero(row).tolist() for row in y])
    model.load()

    def predict(row: sparse.csr_matrix) -> np.ndarray:
        decided = np.zeros(y.shape[1], np.int64)
        decided[model.predict(row, threshold=0.5)[0]] = 1
        return decided

    return predict


_MODELS: dict[str, Callable[[sparse.csr_matrix, np.ndarray, int], Fitted]] = {
    "mlknn": _mlknn,
    "rakeld": _rakeld,
    "cooccurrence": _cooccurrence,
    "napkinxc": _napkinxc,
}
