"""A model's passes on CUDA as recorded graphs, each launched as one piece of work."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Recorded"]

_LONGEST: Final = 2**15  # tokens of a pass; a longer one keeps the device busy by itself
_SEEN: Final = 2  # passes of a shape before it is recorded: rare ones are not worth it


@dataclass(frozen=True, slots=True)
class _Pass:
    """What a graph reads and writes, always at the same place, and the graph."""

    tokens: Any
    mask: Any
    vectors: Any
    graph: Any


class Recorded:
    """Runs a model's pass, recorded from the third time on that a shape comes.

    A pass is more than a hundred small kernels, and launching them takes the host several
    times as long as the device needs for some hundred short texts.

    Parameters
    ----------
    torch
        The module.
    forward
        The pass: tokens and mask on the device to vectors there.
    """

    def __init__(self, torch: Any, forward: Callable[[Any, Any], Any]) -> None:
        self._torch, self._forward = torch, forward
        self._seen: Counter[Hashable] = Counter()
        self._passes: dict[Hashable, _Pass] = {}
        self._pool: Any = None  # memory that all graphs share: one runs at a time
        self._works = True

    def forget(self) -> None:
        """Let go of all graphs and their memory."""
        self._passes.clear()
        self._seen.clear()
        self._pool = None

    def __call__(self, tokens: Any, mask: Any, kind: Hashable) -> Any:
        """Vectors, to be copied away before the next pass.

        ``kind`` names whatever else decides what a pass does.
        """
        key = (kind, tuple(tokens.shape))
        with self._torch.inference_mode():
            if key not in self._passes and self._is_due(key, tokens):
                self._record(key, tokens, mask)
            if key not in self._passes:
                return self._forward(tokens, mask)
            one = self._passes[key]
            one.tokens.copy_(tokens)
            one.mask.copy_(mask)
            one.graph.replay()
            return one.vectors

    def _is_due(self, key: Hashable, tokens: Any) -> bool:
        self._seen[key] += 1
        due = self._seen[key] == _SEEN + 1 and tokens.numel() <= _LONGEST
        return self._works and due

    def _record(self, key: Hashable, tokens: Any, mask: Any) -> None:
        """Where a model cannot be recorded, it runs as before, and no more is tried."""
        torch = self._torch
        tokens, mask, graph = tokens.clone(), mask.clone(), torch.cuda.CUDAGraph()
        self._set_up(tokens, mask)
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        try:
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                vectors = self._forward(tokens, mask)
        except RuntimeError as error:  # if the device is lost, the next pass says so
            self._works = False
            logging.getLogger(__name__).info("The model cannot be recorded: %s", error)
        else:
            self._passes[key] = _Pass(tokens, mask, vectors, graph)

    def _set_up(self, tokens: Any, mask: Any) -> None:
        """Have libraries prepare what they cannot while recording.

        A model may leave a mask out of its products where nothing is masked, which it
        cannot know while it is recorded: so something is masked here.
        """
        holed = mask.clone()
        holed[0, -1] = 0
        self._forward(tokens, holed)
