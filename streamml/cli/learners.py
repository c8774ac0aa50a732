"""The learners that ``--learner`` knows, and how ``--set`` reaches their parameters."""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from streamml.errors import ConfigError

if TYPE_CHECKING:
    from streamml.base import Learner

__all__ = ["LEARNERS", "make_learner"]

LEARNERS: Final = {
    "ihomer": "streamml.ihomer:IHOMER",
    "mixture": "streamml.ihomer:IHOMER",
    "linear": "streamml.ihomer:IHOMER",
    "knn": "streamml.ihomer:IHOMER",
    "prior": "streamml.ihomer:IHOMER",
    "tree": "streamml.baselines:MLHAT",
    "mlhat": "streamml.baselines:MLHAT",
    "no-change": "streamml.baselines:NoChange",
    "majority": "streamml.baselines:MajorityLabelSet",
}
"""Name -> where its class is; imported when it is asked for."""

_FIXED: Final[dict[str, dict[str, Any]]] = {
    "mixture": {"rule": "one"},
    "linear": {"rule": "one", "members": ("linear", "constant")},
    "knn": {"rule": "one", "members": ("knn10", "constant")},
    "prior": {"rule": "one", "members": ("prior", "constant")},
}
"""Node classifiers by themselves: the same learner with one cluster and one member."""

_WORDS: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def make_learner(
    name: str,
    settings: Sequence[str] = (),
    seed: int | None = None,
    positive_only: str | None = None,
) -> Learner:
    """The learner called ``name``, with parameters from texts like ``"n_min=200"``.

    Parameters
    ----------
    name
        A key of :data:`LEARNERS`.
    settings
        ``name=value``, typed as the parameter is.
    seed
        Goes to the parameter ``seed`` where there is one and no setting names it.
    positive_only
        Goes to the parameter of this name: a number, or ``"true"``.

    Raises
    ------
    ConfigError
        Learner or parameter is not known, or the value is not of the parameter's type.

    Examples
    --------
    >>> make_learner("ihomer", ["n_min=200", "rule=odac"], seed=3).n_min
    200
    """
    if name not in LEARNERS:
        raise ConfigError(f"There is no learner {name!r}: take one of {', '.join(LEARNERS)}.")
    module, _, attribute = LEARNERS[name].partition(":")
    kind = getattr(importlib.import_module(module), attribute)
    takes = inspect.signature(kind).parameters
    hints = get_type_hints(kind.__init__)
    values: dict[str, Any] = dict(_FIXED.get(name, {}))
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise ConfigError(f"--set {setting} is no setting: write it as name=value.")
        if key not in takes:
            has = f"it takes {', '.join(takes)}" if takes else "it takes none"
            raise ConfigError(f"{name} has no parameter {key!r}: {has}.")
        values[key] = _typed(f"--set {setting}", text.strip(), hints.get(key, str))
    if positive_only is not None:
        values["positive_only"] = _propensity(name, positive_only, takes)
    if seed is not None and "seed" in takes:
        values.setdefault("seed", seed)
    made: Learner = kind(**values)
    return made


def _propensity(name: str, text: str, takes: Mapping[str, Any]) -> bool | float:
    if "positive_only" not in takes:
        raise ConfigError(f"{name} cannot learn from positives only: leave out --positive-only.")
    try:
        return True if text == "true" else float(text)
    except ValueError:
        raise ConfigError(
            f"--positive-only takes a probability such as 0.5, or nothing, not {text!r}: name the "
            "source before it."
        ) from None


def _typed(setting: str, text: str, hint: Any) -> Any:
    """``text`` as a value of the annotated type."""
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if type(None) in kinds and text.lower() in ("none", ""):
        return None
    for kind in kinds:
        try:
            return _one_type(text, kind)
        except ValueError:
            continue
    if not any(get_origin(kind) is Literal or kind in _WORDS or _is_names(kind) for kind in kinds):
        raise ConfigError(f"{setting}: it takes objects of Python, so set it from Python.")
    raise ConfigError(f"{setting}: the value must be {_described(kinds)}.")


def _one_type(text: str, kind: Any) -> Any:
    if get_origin(kind) is Literal:
        return _choose(text, {str(choice): choice for choice in get_args(kind)})
    if kind is bool:
        return _choose(text.lower(), _BOOLEANS)
    if kind in (int, float, str):
        return kind(text)
    if _is_names(kind):
        return tuple(part.strip() for part in text.split(","))
    raise ValueError


def _is_names(kind: Any) -> bool:
    return get_origin(kind) in (tuple, Sequence) and get_args(kind)[0] is str


def _choose(text: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        raise ValueError
    return choices[text]


def _described(kinds: Sequence[Any]) -> str:
    parts: list[str] = []
    for kind in kinds:
        if get_origin(kind) is Literal:
            parts += [str(choice) for choice in get_args(kind)]
        else:
            parts.append("names" if _is_names(kind) else _WORDS.get(kind, "none"))
    return " or ".join(parts)
