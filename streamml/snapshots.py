"""A folder of snapshots: see :mod:`streamml.state.folder`."""

from streamml.state.folder import Saved, SnapshotFolder

__all__ = ["Saved", "SnapshotFolder"]
