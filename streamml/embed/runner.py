"""A text model on a device: arrays there, vectors back, and where the time went.

On CUDA nothing waits for the device until the vectors are needed: while it computes one
group, the next is tokenised. On a CPU the same calls do the same work at once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from streamml.embed.groups import Group
from streamml.embed.recorded import Recorded
from streamml.embed.staging import Staging
from streamml.types import Float32Array

__all__ = ["PRECISIONS", "Precision", "Runner", "TimesSpent"]

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: Final[tuple[Precision, ...]] = ("float32", "bfloat16", "float16")
"""What the products of a model can run in."""

# About what devices differ in, in float32. Learners have thresholds and nearest neighbours,
# so that a larger move of a vector may turn a decision and move a score by more than 1e-2.
_CLOSE: Final = 2.0**-22


@dataclass(slots=True)
class TimesSpent:
    """Seconds, of the host for tokenising, of the device for the other two."""

    tokenising: float = 0.0
    copying: float = 0.0
    computing: float = 0.0


class Runner:
    """Runs a sentence-transformers model on groups of tokens.

    Parameters
    ----------
    torch
        The module; imported by who knows that it is there.
    model
        The model, on any device.
    device
        ``cpu``, ``cuda`` or ``cuda:i``.
    precision
        What matrix products run in.
    """

    def __init__(
        self, torch: Any, model: Any, device: str, precision: Precision = "float32"
    ) -> None:
        self._torch = torch
        self.device = torch.device(device)
        self.model = model.to(self.device).eval()
        self.precision: Precision = precision
        self.on_cuda = self.device.type == "cuda"
        self.times = TimesSpent()
        self._recorded = Recorded(torch, self._forward)
        if self.on_cuda:
            runtime = torch.cuda.cudart()
            self._staging = Staging(
                lambda address, size: torch.cuda.check_error(
                    runtime.cudaHostRegister(address, size, 0)
                ),
                runtime.cudaHostUnregister,
            )
        self._done = True  # everything launched

    def launch(self, group: Group) -> Any:
        """Start the work on a group; gives what :meth:`gather` wants.

        All that was launched is gathered before anything more is launched.
        """
        if self._done and self.on_cuda:
            self._staging.reset()
        self._done = False
        with self._here():
            marks = [self._mark()]
            sent = [self._send(array) for array in (group.tokens, group.mask)]
            marks.append(self._mark())
            vectors = self._vectors(*sent)[: len(group.rows)].float()
            marks.append(self._mark())
            back = self._fetch(vectors)
            marks.append(self._mark())
        return back, marks, sent

    def gather(self, launched: Sequence[Any], groups: Sequence[Group], n: int) -> Float32Array:
        """The vectors of all groups, in the order of the texts: float32 ``(n, dimensions)``."""
        if self.on_cuda:
            self._torch.cuda.synchronize(self.device)
        self._done = True
        out = np.empty((n, int(launched[0][0].shape[1])), np.float32)
        for (back, marks, _), group in zip(launched, groups, strict=True):
            out[group.rows] = back.numpy()
            self.times.copying += self._between(marks[0], marks[1])
            self.times.computing += self._between(marks[1], marks[2])
            self.times.copying += self._between(marks[2], marks[3])
        return out

    def settle_precision(self, groups: Sequence[Group], n: int) -> None:
        """Take half precision where it gives a probe's vectors as float32 does, else float32.

        As it does: no component moves by more than 2**-22.
        """
        exact = self._probed("float32", groups, n)
        for half in PRECISIONS[1:]:
            if np.abs(self._probed(half, groups, n) - exact).max() <= _CLOSE:
                break
        else:
            self.precision = "float32"
        self.times = TimesSpent()

    def _probed(self, precision: Precision, groups: Sequence[Group], n: int) -> Float32Array:
        self.precision = precision
        return self.gather([self.launch(group) for group in groups], groups, n)

    def memory(self) -> int:
        """Bytes held on the device."""
        return int(self._torch.cuda.memory_reserved(self.device)) if self.on_cuda else 0

    def let_go(self) -> None:
        """Give unused memory of the device back."""
        if self.on_cuda:
            self._torch.cuda.synchronize(self.device)
            self._done = True
            self._recorded.forget()
            self._torch.cuda.empty_cache()

    def _here(self) -> AbstractContextManager[Any]:
        """Work and time marks belong to this device, not to the process's first one."""
        here: AbstractContextManager[Any] = nullcontext()
        return self._torch.cuda.device(self.device) if self.on_cuda else here

    def _vectors(self, tokens: Any, mask: Any) -> Any:
        if not self.on_cuda:
            return self._forward(tokens, mask)
        return self._recorded(tokens, mask, self.precision)

    def _forward(self, tokens: Any, mask: Any) -> Any:
        torch, half = self._torch, self.precision != "float32"
        kind = getattr(torch, self.precision) if half else None
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=kind, enabled=half),
        ):
            return self.model({"input_ids": tokens, "attention_mask": mask})["sentence_embedding"]

    def _send(self, array: Any) -> Any:
        if not self.on_cuda:
            return self._torch.from_numpy(array)
        staged = self._staging.take(array.shape, array.dtype)
        staged[...] = array
        return self._torch.from_numpy(staged).to(self.device, non_blocking=True)

    def _fetch(self, vectors: Any) -> Any:
        if not self.on_cuda:
            return vectors
        staged = self._staging.take(tuple(vectors.shape), np.float32)
        return self._torch.from_numpy(staged).copy_(vectors, non_blocking=True)

    def _mark(self) -> Any:
        if not self.on_cuda:
            return time.perf_counter()
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _between(self, start: Any, stop: Any) -> float:
        return float(start.elapsed_time(stop)) / 1e3 if self.on_cuda else stop - start
