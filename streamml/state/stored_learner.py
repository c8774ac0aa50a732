"""The learner inside stored state, to be asked and not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamml.errors import DataError
from streamml.state.learners import Known, load

__all__ = ["learner_in"]


def learner_in(path: Path | str, known: Known = ()) -> Any:
    """As :func:`streamml.state.load`, where a person may have named what is not there.

    Parameters
    ----------
    path, known
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
    return load(path, known)
