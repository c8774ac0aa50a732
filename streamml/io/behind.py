"""What a source has of another one behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamml.io.iterated import Iterated
from streamml.io.protocols import Source

__all__ = ["Behind"]


class Behind(Iterated):
    """A source with another one behind it, whose name and further attributes it has.

    Attributes
    ----------
    source
        What is read.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def __getattr__(self, name: str) -> Any:
        """What the source offers beyond the protocol."""
        if name.startswith("_") or name == "source":
            raise AttributeError(name)
        return getattr(self.source, name)

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.source.name

    @property
    def before_revoke(self) -> Callable[[], bool] | None:
        """Called by the source before a part of its input goes to another process."""
        found: Callable[[], bool] | None = self.source.before_revoke  # type: ignore[attr-defined]
        return found

    @before_revoke.setter
    def before_revoke(self, call: Callable[[], bool] | None) -> None:
        self.source.before_revoke = call  # type: ignore[attr-defined]
