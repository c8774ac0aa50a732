"""The learner inside stored state, to be asked and not run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamml.errors import DataError, StateError
from streamml.state.capture import part_of
from streamml.state.folder import SnapshotFolder
from streamml.state.learners import Known, read, restore_learner

__all__ = ["learner_in"]


def learner_in(path: Path | str, known: Known = ()) -> Any:
    """The learner of a run's snapshots or of a saved learner, as it stood then.

    Reads only: a run that keeps its snapshots there is not disturbed.

    Parameters
    ----------
    path
        A folder of snapshots (its newest good one), one of its files, or a file that
        :func:`streamml.state.save` wrote.
    known
        As in :func:`streamml.state.load`.

    Raises
    ------
    DataError
        There is nothing at ``path``.
    StateError
        The file cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from streamml import state
    >>> from streamml.baselines import NoChange
    >>> learner = NoChange()
    >>> learner.learn_one({"f": 1.0}, {"rain"})
    >>> path = Path(tempfile.mkdtemp()) / "learner.state"
    >>> state.save(learner, path)
    >>> learner_in(path).predict_one({})
    {'rain': True}
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: name a folder of snapshots or a saved learner.")
    found = SnapshotFolder(path).newest() if path.is_dir() else read(path)
    if found is None:
        raise DataError(f"{path} holds no snapshot: name the --snapshot-dir of a run.")
    return restore_learner(_of_run(found, path) if "run" in found else found, known)


def _of_run(found: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What :func:`streamml.state.describe` would say of the learner of a run."""
    run = part_of(found, "run", dict, str(path))
    described = run.get("learner")
    if not isinstance(described, dict):
        raise StateError(
            f"{path} does not say which learner it holds: it is of an earlier version, or the "
            "learner's parameters cannot be saved."
        )
    loop = part_of(run, "loop", dict, str(path))
    learners = part_of(loop, "learners", dict, str(path))
    kept = part_of(learners, "learner", dict, str(path))
    return {**described, "state": {**kept, "schema": loop.get("schema")}}
