"""The options of the embedding stage, and what they make of a source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamml.cli.saying import say
from streamml.errors import ConfigError
from streamml_connectors.options import option

if TYPE_CHECKING:
    from streamml.embed import Embedder
    from streamml.io import Source

__all__ = ["EmbedOptions", "embedded"]

_CPU_BATCH, _CUDA_BATCH = 32, 1024


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """The options, as given."""

    embed: str | None = option(
        "Embed before learning: text:MODEL, hash:D (text); rff:D, project:D.", metavar="KIND:ARG"
    )
    text_field: str | None = option("The field with the text.", metavar="NAME")
    device: str = option("Where a text model runs.", metavar="auto|cpu|cuda[:I]", default="auto")
    embed_precision: Literal["auto", "float32", "bfloat16", "float16"] = option(
        "Of a text model: auto keeps the scores of float32, half precision may be faster on CUDA.",
        default="auto",
    )
    device_fallback: Literal["cpu"] | None = option(
        "Where to go on when the device is lost; else the run ends."
    )
    embed_batch: int | None = option(
        f"Most events embedded at once: {_CPU_BATCH}, or {_CUDA_BATCH} on CUDA.",
        metavar="N",
        least=1,
    )
    embed_max_wait: str = option(
        "Longest wait for a batch to fill: 20ms, 1s.", metavar="T", default="20ms"
    )

    def make(self, seed: int) -> Embedder | None:
        """The embedder that is asked for, if any.

        Raises
        ------
        ConfigError
            There is none like it, or options do not fit.
        """
        wait(self.embed_max_wait)
        if self.embed is None:
            if self.text_field is not None:
                raise ConfigError("--text-field is for an embedding stage: add --embed.")
            return None
        from streamml.cli.progress import waiting
        from streamml.embed import make_embedder

        with waiting(f"loading {self.embed}"):
            embedder = make_embedder(
                self.embed, seed=seed, device=self.device, precision=self.embed_precision
            )
        if self.text_field is not None and embedder.reads != "text":
            raise ConfigError(f"{self.embed} reads numbers: leave --text-field out.")
        return embedder


def wait(text: str) -> float:
    """Seconds.

    Raises
    ------
    ConfigError
        The text is no time.

    Examples
    --------
    >>> wait("20ms"), wait("1.5s")
    (0.02, 1.5)
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?)(ms|s)", text.strip())
    if match is None:
        raise ConfigError(f"--embed-max-wait {text} is no time: give 20ms or 1s.")
    return float(match[1]) / (1e3 if match[2] == "ms" else 1.0)


def embedded(source: Source, embedder: Embedder, options: EmbedOptions) -> Source:
    """The source behind an embedding stage."""
    from streamml.embed import EmbeddingSource
    from streamml.embed.embedder import Measured

    on_device = isinstance(embedder, Measured) and embedder.device_memory() > 0
    batch = options.embed_batch or (_CUDA_BATCH if on_device else _CPU_BATCH)
    fallback = options.device_fallback == "cpu"
    try:
        return EmbeddingSource(
            source,
            embedder,
            batch=batch,
            max_wait=wait(options.embed_max_wait),
            fallback=fallback,
            tell=say,
        )
    except BaseException:
        source.close()
        raise
