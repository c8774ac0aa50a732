"""What earlier versions of streamml stored, as this one reads it: one numbered step a version.

``STEPS[n]`` makes version n + 1 of what version n of the file format held, in place. A step stays
for ever, and so do the states under ``tests/golden/states``, which show that it works. What a
state merely lacks needs no step: members, arrays and parameters are looked up by name, and those
that are new have a start value.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from streamml.state.configuration import told

__all__ = ["STEPS", "upgrade"]

Content = dict[str, Any]


def upgrade(kind: str, version: int, content: Content, to: int) -> Content:
    """Take the steps from ``version`` to version ``to``."""
    for number in range(version, to):
        STEPS[number](kind, content)
    return content


def _from_1(kind: str, content: Content) -> None:
    """Runs were compared by the text of the whole learner, not parameter by parameter."""
    about = content.get("about")
    if kind != "run" or not isinstance(about, dict):
        return
    run = content.get("run")
    described = run.get("learner") if isinstance(run, dict) else None
    about["learner"] = _configured_1(described, str(about.get("learner")))
    about["delay"] = _parsed(str(about.get("delay")))
    if "source" in about:
        about["source"] = {"name": str(about["source"]), "parameters": {}}


def _configured_1(described: Any, text: str) -> Content:
    """A learner's class and parameters; what was an object is not known."""
    if not isinstance(described, dict):
        return {"name": text.partition("(")[0].strip(), "parameters": None}
    saved = described.get("parameters")
    parameters = saved if isinstance(saved, dict) else {}
    return {
        "name": str(described.get("class")),
        "parameters": {
            str(k): None if _holds_object(v) else told(v) for k, v in parameters.items()
        },
    }


def _holds_object(value: Any) -> bool:
    if isinstance(value, Mapping):
        keys = {"$object", "$graph"}
        return bool(keys & set(value)) or any(map(_holds_object, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_object, value))


def _parsed(text: str) -> Content:
    """``"Delay(events=20, seconds=None)"`` by name; nothing of it is run."""
    if text == "None":
        return {"name": "none", "parameters": {}}
    name = text.partition("(")[0]
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # that of a function, say
        return {"name": name, "parameters": None}
    keywords = call.keywords if isinstance(call, ast.Call) else ()
    values = {str(k.arg): k.value for k in keywords if isinstance(k.value, ast.Constant)}
    return {"name": name, "parameters": {k: told(v.value) for k, v in values.items()}}


STEPS: Final[dict[int, Callable[[str, Content], None]]] = {1: _from_1}
"""Version -> the step from it to the next one."""
