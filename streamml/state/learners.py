"""Versioned snapshots in one file: checksummed, atomic, safe to read from anywhere.

:func:`save` and :func:`load` are for learners, :func:`write` and :func:`read` for any
nested mapping of numbers, texts, lists, mappings and numpy arrays. Nothing is executed and
nothing is imported because a file names it: the class of a learner is looked up among known
names, which are those of installed packages (entry points of the group ``streamml.learners``;
streamml's own are there too) and those the caller passes.

Models of river among what is learned, or among the parameters, are saved as class names and
attribute values: their classes come from a fixed list of river's packages, and the installed river
must be the one that they were saved with. What a crafted file can do is give such a model odd
numbers, so that it answers oddly, raises or takes long once it is used. Its objects are larger in
memory than in a file: up to 20 times.

A file holds the configuration of a learner (the parameters of its constructor) and its
state apart: loading constructs the learner and then restores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from streamml.errors import ConfigError, DataError, StateError
from streamml.state.capture import Restorable, Saveable, part_of
from streamml.state.folder import KIND, SnapshotFolder
from streamml.state.mapping import LIMIT, read, write
from streamml.state.objects import capture_objects, may_capture, restore_objects
from streamml.state.parameters import check_values, parameter_names

__all__ = ["ENTRY_POINTS", "LIMIT", "load", "read", "save", "write"]

ENTRY_POINTS: Final = "streamml.learners"
"""Group of entry points (name -> class) by which installed packages make learners known."""

_OBJECT = "$object"
_GRAPH = "$graph"  # a library's object, such as a model of river's

Known = Iterable[type] | Mapping[str, type]


def save(learner: Saveable, path: str | Path) -> None:
    """Save a learner, its parameters and all it has learned.

    Raises
    ------
    StateError
        It is no learner; or it, or something among its parameters, has no snapshot.

    Examples
    --------
    >>> import tempfile
    >>> from streamml.baselines import NoChange
    >>> learner = NoChange()
    >>> learner.learn_one({"f": 1.0}, {"rain"})
    >>> path = Path(tempfile.mkdtemp()) / "learner.state"
    >>> save(learner, path)
    >>> load(path).predict_one({"f": 2.0})
    {'rain': True}
    """
    write(path, describe(learner), kind="learner")


def load(path: str | Path, known: Known = (), limit: int = LIMIT) -> Any:
    """The learner that was saved; it goes on as if it had never stopped.

    Reads only: a run that keeps its snapshots there is not disturbed.

    Parameters
    ----------
    path
        A file that :func:`save` wrote, a snapshot of a run, or a folder of such snapshots: the
        newest one that is whole.
    known
        Further classes that the file may name: learners, or node classifiers among a
        learner's parameters. By class name, or name -> class.
    limit
        Largest file, in bytes.

    Raises
    ------
    StateError
        The file cannot be used, or names a class that is not known; the folder has no snapshot,
        or none that is whole.
    """
    path = Path(path)
    mapping = _newest(path) if path.is_dir() else read(path, ("learner", KIND), limit)
    try:
        return restore_learner(_of_run(mapping) if "run" in mapping else mapping, known)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error


def _newest(path: Path) -> dict[str, Any]:
    try:
        found = SnapshotFolder(path).newest()
    except DataError as error:
        raise StateError(str(error)) from error
    if found is None:
        raise StateError(f"{path} holds no snapshot: name the --snapshot-dir of a run.")
    return found


def _of_run(found: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`describe` would say of the learner of a run."""
    run = part_of(found, "run", dict, "the snapshot")
    described = run.get("learner")
    if not isinstance(described, dict):
        raise StateError(
            "The snapshot does not say which learner it holds: it is of an earlier version, or the "
            "learner's parameters cannot be saved."
        )
    loop = part_of(run, "loop", dict, "the run")
    kept = part_of(part_of(loop, "learners", dict, "the loop"), "learner", dict, "the loop")
    return {**described, "state": {**kept, "schema": loop.get("schema")}}


# -- learners as mappings -----------------------------------------------------------------


def describe(learner: Saveable) -> dict[str, Any]:
    """Class, parameters and state of a learner, as one mapping."""
    if not _is_saveable(type(learner)):  # a pipeline of river hands on what its last step has
        raise StateError(
            f"This is of type {type(learner).__name__} and no learner: save the learner by itself, "
            "such as the last step of a pipeline."
        )
    described: dict[str, Any] = _configuration(learner)
    described["state"] = learner.snapshot(copy=False)
    return described


def configuration(learner: object) -> dict[str, Any] | None:
    """Class and parameters of a learner; ``None`` where they cannot be put into a file."""
    try:
        return _configuration(learner)
    except StateError:
        return None


def restore_learner(mapping: Mapping[str, Any], known: Known = ()) -> Any:
    """The learner that :func:`describe` described."""
    names = _by_name(known)
    learner: Any = _construct(mapping, names)
    if not _is_saveable(type(learner)):
        raise StateError(f"{type(learner).__name__} is no learner: this file cannot be used.")
    state = part_of(mapping, "state", dict, "the saved learner")
    try:
        learner.restore(state)
    except StateError:
        raise
    except Exception as error:  # a learner of somebody else's may raise anything
        raise StateError(f"The state does not fit {type(learner).__name__}: {error}") from error
    return learner


def _is_saveable(kind: type) -> bool:
    return all(hasattr(kind, name) for name in ("snapshot", "restore", "bind"))


def _configuration(thing: object) -> dict[str, Any]:
    """Registered name and constructor parameters; objects among these likewise."""
    parameters = {}
    for name in parameter_names(type(thing)):
        if not hasattr(thing, name):
            raise StateError(
                f"{type(thing).__name__} does not keep its parameter {name!r}: store every "
                "parameter of __init__ in an attribute of the same name."
            )
        parameters[name] = _plain(getattr(thing, name))
    return {"class": _name_of(type(thing)), "parameters": parameters}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return type(value)(_plain(part) for part in value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, Restorable):
        return {_OBJECT: _configuration(value)}
    if may_capture(value):
        return {_GRAPH: capture_objects(value)}
    raise StateError(
        f"The parameter value of type {type(value).__name__} cannot be saved: give it "
        "snapshot() and restore(), or pass numbers, texts, lists, mappings and models of river."
    )


def _construct(mapping: Mapping[str, Any], names: Mapping[str, type]) -> object:
    kind = _find(part_of(mapping, "class", str, "the saved learner"), names)
    if not getattr(kind, "_from_files", True):
        raise StateError(f"{kind.__name__} is never made out of a file: make one, and teach it.")
    saved = part_of(mapping, "parameters", dict, "the saved learner")
    unknown = set(saved) - set(parameter_names(kind))
    if unknown:
        raise StateError(f"{kind.__name__} has no parameter {min(map(str, unknown))[:40]!r} here.")
    given = {**getattr(kind, "_values_before", {}), **saved}
    parameters = {name: _restore_parameter(value, names) for name, value in given.items()}
    try:
        check_values(kind, parameters)
        return kind(**parameters)
    except Exception as error:  # whatever a constructor says of parameters out of a file
        raise StateError(f"{kind.__name__} refuses the saved parameters: {error}") from error


def _restore_parameter(value: Any, names: Mapping[str, type]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_restore_parameter(part, names) for part in value)
    if isinstance(value, dict) and set(value) == {_OBJECT}:
        return _construct(part_of(value, _OBJECT, dict, "a parameter"), names)
    if isinstance(value, dict) and set(value) == {_GRAPH}:
        return restore_objects(part_of(value, _GRAPH, dict, "a parameter"))
    if isinstance(value, dict):
        return {key: _restore_parameter(part, names) for key, part in value.items()}
    return value


# -- known names ----------------------------------------------------------------------------


def _by_name(known: Known) -> dict[str, type]:
    if isinstance(known, Mapping):
        return dict(known)
    if isinstance(known, type) or not all(isinstance(kind, type) for kind in known):
        raise ConfigError(f"known is a list of classes, or name -> class, not {known!r:.60}.")
    return {kind.__name__: kind for kind in known}


def _points() -> list[EntryPoint]:
    """Learners of installed packages, streamml's own before others of the same name."""
    found = list(entry_points(group=ENTRY_POINTS))
    return sorted(found, key=lambda point: not _is_own(point))


def _is_own(point: EntryPoint) -> bool:
    return point.module.partition(".")[0] == "streamml"


def _find(name: str, names: Mapping[str, type]) -> type:
    if name in names:
        return names[name]
    for point in _points():
        if point.name == name:
            found: type = point.load()
            return found
    raise StateError(
        f"There is no known class {name[:60]!r}: install the package that registers it as "
        f"{ENTRY_POINTS}, or pass it as known=[...]."
    )


def _name_of(kind: type) -> str:
    for point in _points():
        if point.attr == kind.__qualname__ and point.load() is kind:
            return point.name
    if any(point.name == kind.__name__ and _is_own(point) for point in _points()):
        raise StateError(
            f"The class {kind.__module__}.{kind.__qualname__} has the name of one of streamml's "
            "own: give it another."
        )
    return kind.__name__
