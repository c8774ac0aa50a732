"""Where a text model lies, and which one it is: a path, a package that carries it, or a name."""

from __future__ import annotations

from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from streamml.errors import ConfigError, MissingDependencyError, install_hint

__all__ = ["INSTALL", "digest", "find_model", "need_torch"]

INSTALL: Final = install_hint("embed")
_MARK: Final = "modules.json"  # what makes a directory a sentence-transformers model
_PIECE: Final = 1 << 20


def need_torch() -> None:
    """Raise :class:`MissingDependencyError` where the extra ``embed`` is not installed."""
    try:
        import sentence_transformers  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"Text embedding needs torch and sentence-transformers ({error}): {INSTALL}"
        ) from error


def find_model(model: str) -> Path:
    """The directory of a sentence-transformers model.

    Parameters
    ----------
    model
        A directory, or the name of an installed package that carries one. Nothing is
        fetched: a model from elsewhere is saved to a directory first.

    Raises
    ------
    ConfigError
        There is none.

    Examples
    --------
    >>> find_model("nowhere/model")
    Traceback (most recent call last):
        ...
    streamml.errors.ConfigError: There is no text model 'nowhere/model': give the directory of a \
sentence-transformers model, or the name of an installed package that carries one.
    """
    path = Path(model)
    if (path / _MARK).is_file():
        return path
    try:
        files = distribution(model).files or []
    except (PackageNotFoundError, ValueError):
        files = []
    for file in files:
        if file.name == _MARK:
            return Path(str(file.locate())).parent
    raise ConfigError(
        f"There is no text model {model!r}: give the directory of a sentence-transformers model, "
        "or the name of an installed package that carries one."
    )


def digest(path: Path) -> str:
    """Sixteen hexadecimal digits that change when any file of the model does."""
    total = blake2b(digest_size=8)
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.suffix in (".json", ".safetensors", ".bin", ".txt", ".model"):
            total.update(str(file.relative_to(path)).encode())
            with file.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    total.update(piece)
    return total.hexdigest()
