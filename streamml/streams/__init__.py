"""Synthetic streams: seeded, generated as they are read, with drift at known positions."""

from __future__ import annotations

from streamml.streams.demo import DemoStream, KnownDrift

__all__ = ["DemoStream", "KnownDrift"]
