"""The live status page, the document it shows, and the answers for probes.

The files of the page are plain HTML, CSS and JavaScript beside this module; the run only
hands over a new document now and then, and the server's threads serve the newest one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec

from streamml_connectors.health import Check, Health, healthy
from streamml_connectors.serving import Routes, answer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["StatusPage"]

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_JSON: Final = "application/json"


class StatusPage:
    """Answers ``/``, ``/state.json``, ``/healthz`` and ``/readyz``.

    Parameters
    ----------
    health
        Judges the run when somebody asks.

    Examples
    --------
    >>> page = StatusPage(Health())
    >>> page.show(b'{"events": 3}')
    >>> sorted(page.routes())[:3]
    ['/', '/charts.js', '/healthz']
    """

    def __init__(self, health: Health) -> None:
        self.health = health
        self._state: tuple[float, bytes] = (time.monotonic(), b"null")

    def show(self, state: bytes) -> None:
        """Serve ``state``, a JSON document, from now on; safe beside requests."""
        self._state = (time.monotonic(), state)

    def routes(self) -> Routes:
        """Path -> what answers there."""
        folder = files(__package__)
        pages = {
            path: partial(_serve, (folder / name).read_bytes(), kind)
            for path, (name, kind) in _FILES.items()
        }
        return {
            **pages,
            "/state.json": self._serve_state,
            "/healthz": lambda _, start: _report(start, self.health.alive()),
            "/readyz": lambda _, start: _report(start, self.health.ready()),
        }

    def _serve_state(self, _: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The newest document, with its age and the health of this moment around it."""
        told, state = self._state
        around = {
            "age": time.monotonic() - told,
            "health": [asdict(check) for check in self.health.ready()],
            "state": msgspec.Raw(state),
        }
        return answer(start, msgspec.json.encode(around), _JSON)


def _serve(body: bytes, kind: str, _: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    return answer(start, body, kind)


def _report(start: StartResponse, checks: list[Check]) -> Iterable[bytes]:
    ok = healthy(checks)
    body = {"ok": ok, "checks": [asdict(check) for check in checks]}
    status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return answer(start, msgspec.json.encode(body) + b"\n", _JSON, status)
