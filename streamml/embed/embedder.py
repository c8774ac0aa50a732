"""What an embedder is, and how snapshots name one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, runtime_checkable

from streamml.errors import ConfigError, SchemaError
from streamml.io import JSON, Source
from streamml.types import EventBatch, Float32Array

__all__ = ["Embedder", "Measured", "Movable", "identity", "need_text", "refuse_another"]


@runtime_checkable
class Embedder(Protocol):
    """Turns events into vectors; a row's vector depends on that event alone.

    On a CPU it depends on nothing else to the last bit: neither on the events beside it
    nor on how many they are. It keeps no memory of earlier events.

    Attributes
    ----------
    name, version, seed
        Together they say which vectors come out; snapshots hold them.
    dimensions
        Length of a vector.
    reads
        ``"text"``: ``batch.texts``; numeric features of the event stay beside the vector.
        ``"features"``: the sparse rows of the batch, which the vector replaces.
    sparse
        Whether zeros are left out of the vectors, and an absent feature means zero.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def reads(self) -> Literal["text", "features"]: ...
    @property
    def sparse(self) -> bool: ...

    def encode(self, batch: EventBatch) -> Float32Array:
        """One vector an event: finite float32 ``(len(batch), dimensions)``."""


@runtime_checkable
class Movable(Protocol):
    """An embedder on a device, which can go on without it."""

    def on_cpu(self) -> Embedder:
        """The same embedder on the CPU."""


@runtime_checkable
class Measured(Protocol):
    """An embedder that knows what it holds on its device."""

    def device_memory(self) -> int:
        """Bytes held on the device."""


def identity(embedder: Embedder) -> dict[str, JSON]:
    """What a snapshot keeps of an embedder.

    Examples
    --------
    >>> from streamml.embed.hashing import HashedWords
    >>> identity(HashedWords(64))
    {'name': 'hash:64', 'version': '1', 'seed': 1, 'dimensions': 64}
    """
    return {
        "name": embedder.name,
        "version": embedder.version,
        "seed": embedder.seed,
        "dimensions": embedder.dimensions,
    }


def need_text(source: Source, embedder: Embedder) -> None:
    """Raise :class:`ConfigError` where an embedder reads text and a source has none."""
    if embedder.reads == "text" and not source.schema.takes_text:
        raise ConfigError(
            f"{embedder.name} embeds text, and {source.name} has no text field: "
            "name it with --text-field."
        )


def refuse_another(taken: object, embedder: Embedder) -> None:
    """Raise :class:`SchemaError` where a snapshot was taken with another embedder."""
    now = identity(embedder)
    if taken == now:
        return
    if not isinstance(taken, Mapping):
        raise SchemaError(
            f"The snapshot was taken without an embedder, not with {embedder.name}: "
            "resume without --embed, or start anew."
        )
    before, wanted = _described(taken), _described(now)
    raise SchemaError(
        f"The snapshot was taken with the embedder {before}, not with {wanted}: "
        "resume with the same one, or start anew."
    )


def _described(found: Mapping[str, object]) -> str:
    return f"{found.get('name')} (version {found.get('version')}, seed {found.get('seed')})"
