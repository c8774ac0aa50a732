"""The classes and functions that a saved graph may name.

A class is one of river's packages that this file lists, or a part that an installed package
registers (entry points of the group ``streamml.parts``): whatever a file says, no other module
is imported, and no other function is found.
"""

from __future__ import annotations

import abc
import collections
import collections.abc
import functools
import sys
import types
import typing
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from streamml.errors import StateError

__all__ = [
    "CONSTANT_TYPES",
    "PARTS",
    "class_of",
    "constant_of",
    "may_be_made",
    "name_of",
    "name_of_constant",
    "slots_of",
]

_RIVER: Final = (
    "base",
    "compose",
    "drift",
    "ensemble",
    "forest",
    "linear_model",
    "metrics",
    "naive_bayes",
    "neighbors",
    "optim",
    "preprocessing",
    "proba",
    "rules",
    "stats",
    "tree",
    "utils",
)
PARTS: Final = "streamml.parts"
"""Group of entry points (name -> class): what installed packages keep inside their learners.

Files name these classes so, for ever, wherever they move to; streamml's own are there too.
"""

_FORMERLY: Final = {
    "streamml.baselines._bels_ensemble:RidgeEnsemble": "ridge-ensemble",
    "streamml.baselines._bels_features:BroadFeatures": "bels-features",
    "streamml.baselines._leaf_sets:MajoritySet": "leaf-of-one-set",
    "streamml.baselines._leaf_sets:PrunedSets": "leaf-of-pruned-sets",
    "streamml.baselines._observers:Observers": "observers",
    "streamml.baselines._observers:Split": "split",
    "streamml.baselines._one_by_one:Row": "row",
    "streamml.baselines._river_parts:LogisticLeaf": "logistic-leaf",
    "streamml.baselines._river_parts:PatientQuantizer": "patient-quantizer",
    "streamml.baselines._river_parts:PureSplitter": "pure-splitter",
    "streamml.baselines.mlht:_Branch": "mlht-branch",
    "streamml.baselines.mlht:_Leaf": "mlht-leaf",
}
"""What version 0.1.0 called them."""

_BASES: Final = frozenset(
    {object, tuple, abc.ABC, typing.Generic, typing.Protocol}
    | {collections.UserList, collections.UserDict}
    | {getattr(collections.abc, name) for name in collections.abc.__all__}
)
"""What a class may inherit from beside its like: nothing with a state that attributes hide."""

_BUILTINS: Final = {kind.__name__: kind for kind in (bool, dict, float, int, list, set, str, tuple)}
_FUNCTIONS: Final = (
    "river._river_rust.vectordict:euclidean_distance_dict",
    "river._river_rust.vectordict:euclidean_distance_tuple",
    "river.naive_bayes.gaussian:GaussianNB._make_gaussian",
    "river.tree.splitter.ebst_splitter:EBSTNode._update_estimator_multivariate",
    "river.tree.splitter.ebst_splitter:EBSTNode._update_estimator_univariate",
)
_PARTIALS: Final = {
    "a table of gaussians": ("defaultdict", "river.naive_bayes.gaussian:GaussianNB._make_gaussian"),
    "a table of floats": ("defaultdict", "float"),
    "a variance": ("river.stats.var:Var",),
}
"""Functions with arguments, which models keep to make what is not there yet."""

CONSTANT_TYPES: Final = (
    type,
    functools.partial,
    types.BuiltinFunctionType,
    types.FunctionType,
    types.MethodType,
)


def name_of(kind: type) -> str:
    """How a file calls a class.

    Raises
    ------
    StateError
        Objects of this class cannot be saved.
    """
    if not may_be_made(kind):
        raise StateError(
            f"A {kind.__module__}.{kind.__qualname__} cannot be saved: use models of river whose "
            "state is in Python attributes, or give the learner snapshot and restore of its own."
        )
    return _part_name(kind) or f"{kind.__module__}:{kind.__qualname__}"


def may_be_made(kind: type) -> bool:
    """Whether a file may name a class."""
    return _found(_part_name(kind) or f"{kind.__module__}:{kind.__qualname__}") is kind


def class_of(name: str) -> type:
    """The class that a file names.

    Raises
    ------
    StateError
        It is none of those that may be made.
    """
    found = _found(name)
    if found is None:
        raise StateError(f"It names a class {name[:60]!r}, which is none that may be made.")
    return found


@cache
def slots_of(kind: type) -> tuple[str, ...]:
    """Names of the attributes that a class keeps in slots."""
    found = [
        name
        for base in reversed(kind.__mro__)
        for name, value in vars(base).items()
        if isinstance(value, types.MemberDescriptorType)
    ]
    return tuple(dict.fromkeys(found))


@cache
def _found(name: str) -> type | None:
    name = _FORMERLY.get(name, name)
    if name in _parts():
        found = _parts()[name].load()
        return found if isinstance(found, type) and _is_plain(found) else None
    module, _, attribute = name.partition(":")
    home = _module(module)
    kind = vars(home).get(attribute) if home is not None else None
    fits = isinstance(kind, type) and kind.__module__ == module and _is_plain(kind)
    return kind if fits else None


@cache
def _parts() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=PARTS)}


def _part_name(kind: type) -> str | None:
    for name, point in _parts().items():
        if (point.module, point.attr) == (kind.__module__, kind.__qualname__):
            return name
    return None


@cache
def _module(name: str) -> types.ModuleType | None:
    """A module by name, where it belongs to one of river's packages."""
    package, _, rest = name.partition(".")
    part = rest.partition(".")[0]
    if package == "river" and part in _RIVER and "datasets" not in rest:
        import_module(f"river.{_RIVER[_RIVER.index(part)]}")
        return sys.modules.get(name)
    return None


def _may_be_base(kind: type) -> bool:
    """Whether it is plain itself: of river's, or of a module that has parts."""
    homes = {point.module for point in _parts().values()}
    return kind in _BASES or kind.__module__ in homes or _module(kind.__module__) is not None


def _is_plain(kind: type) -> bool:
    """Whether attributes are all of its state, and nothing happens when it goes."""
    plain = all(map(_may_be_base, kind.__mro__))
    return plain and not hasattr(kind, "__del__") and (tuple not in kind.__mro__ or _named(kind))


def _named(kind: type) -> bool:
    return kind.__bases__ == (tuple,) and hasattr(kind, "_fields")


# -- functions, classes as values, and partials ---------------------------------------------


def name_of_constant(value: Any) -> str:
    """How a file calls a function, or a class that stands as a value.

    Raises
    ------
    StateError
        It is none of those that a file may name.
    """
    for name, known in _constants().items():
        if known is value or (isinstance(value, functools.partial) and _alike(value, known)):
            return name
    if isinstance(value, type) and may_be_made(value):
        return name_of(value)
    name = getattr(value, "__qualname__", type(value).__name__)
    raise StateError(
        f"The model holds a function, {name}, which cannot be saved: use a model that was made "
        "without functions of one's own, such as a distance or a kernel."
    )


def constant_of(name: str) -> Any:
    """The function or class that a file names."""
    known = _constants().get(name)
    return class_of(name) if known is None else known


def _alike(one: functools.partial[Any], other: Any) -> bool:
    return (
        isinstance(other, functools.partial)
        and one.func is other.func
        and not one.keywords
        and len(one.args) == len(other.args)
        and all(a is b for a, b in zip(one.args, other.args, strict=True))
    )


@cache
def _constants() -> dict[str, Any]:
    """Name -> function or class; of another river, those that it has."""
    found: dict[str, Any] = {**_BUILTINS, "defaultdict": collections.defaultdict}
    for name in _FUNCTIONS:
        function = _function(name)
        if function is not None:
            found[name] = function
    for name, (maker, *arguments) in _PARTIALS.items():
        made, *given = (found.get(part) or _found(part) for part in (maker, *arguments))
        if made is not None and None not in given:
            found[name] = functools.partial(made, *given)
    return found


def _function(name: str) -> Any:
    module, _, path = name.partition(":")
    try:
        value: Any = import_module(module)
    except ImportError:
        return None
    for part in path.split("."):
        value = getattr(value, part, None)
    return value
