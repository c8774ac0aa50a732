"""A small HTTP server for what a run shows of itself: read-only, a thread beside the run."""

from __future__ import annotations

import abc
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from streamml.errors import ConfigError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Listening", "Routes", "Served", "WebServer", "answer", "url_host"]

Routes = Mapping[str, "WSGIApplication"]
"""Path -> what answers there."""

_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    # Nothing but this server's own files, no inline script: names in the stream stay names.
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
_PATIENCE: Final = 10.0
_MOST_AT_ONCE: Final = 32


def answer(
    start: StartResponse,
    body: bytes,
    content_type: str,
    status: HTTPStatus = HTTPStatus.OK,
) -> Iterable[bytes]:
    """Answer a request with ``body`` and the headers that keep a browser from guessing."""
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), *_HEADERS]
    start(f"{status.value} {status.phrase}", headers)
    return [body]


def url_host(host: str) -> str:
    """A host as it stands in a URL: IPv6 addresses in brackets.

    Examples
    --------
    >>> url_host("127.0.0.1"), url_host("::1")
    ('127.0.0.1', '[::1]')
    """
    return f"[{host}]" if ":" in host else host


class Listening(abc.ABC):
    """What listens at a port from :meth:`start` to :meth:`close`, or within a ``with``."""

    @property
    @abc.abstractmethod
    def port(self) -> int:
        """The port listened on; before :meth:`start`, the one asked for."""

    @abc.abstractmethod
    def start(self) -> int:
        """Listen, in a thread of its own; gives the port."""

    @abc.abstractmethod
    def close(self) -> None:
        """Stop listening and wait for the thread; safe to call twice."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Served(Listening):
    """What listens through a server that it sets as ``_server``."""

    _server: Listening

    @property
    def port(self) -> int:
        """The port listened on; before :meth:`start`, the one asked for."""
        return self._server.port

    def start(self) -> int:
        """Listen, in a thread of its own; gives the port."""
        return self._server.start()

    def close(self) -> None:
        """Stop listening and wait for the thread; safe to call twice."""
        self._server.close()


class WebServer(Listening):
    """Serves ``routes`` from a thread of its own.

    Only GET and HEAD are answered, a slow client is dropped after 10 seconds, and at most
    32 are served at a time.

    Parameters
    ----------
    routes
        Path -> WSGI application; they run in the server's threads.
    host, port
        Where to listen; port 0 takes a free one.

    Raises
    ------
    ConfigError
        The port is none, or :meth:`start` cannot listen there.

    Examples
    --------
    >>> from urllib.request import urlopen
    >>> hello = {"/": lambda request, start: answer(start, b"hello", "text/plain")}
    >>> with WebServer(hello) as server, urlopen(f"http://127.0.0.1:{server.port}/") as page:
    ...     page.read()
    b'hello'
    """

    def __init__(self, routes: Routes, host: str = "127.0.0.1", port: int = 0) -> None:
        if not 0 <= port <= 65535:
            raise ConfigError(f"A port lies in 0 to 65535, {port} does not: 0 takes a free one.")
        self.host = host
        self._port = port
        self._routes = dict(routes)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port listened on; before :meth:`start`, the one asked for."""
        return self._port if self._server is None else self._server.server_port

    @property
    def address(self) -> str:
        """The address listened on; before :meth:`start`, the one asked for."""
        return self.host if self._server is None else str(self._server.server_address[0])

    def start(self) -> int:
        """Listen, in a thread of its own; gives the port."""
        if self._server is None:
            kind = _Server6 if _is_ipv6(self.host) else _Server
            try:
                server = make_server(self.host, self._port, self._dispatch, kind, _Handler)
            except OSError as error:
                raise ConfigError(
                    f"Metrics cannot be served at {url_host(self.host)}:{self._port} "
                    f"({error.strerror or error}): choose another port, or 0 for a free one."
                ) from error
            self._server = server
            self._thread = threading.Thread(
                target=server.serve_forever, name="streamml-http", daemon=True
            )
            self._thread.start()
        return self.port

    def close(self) -> None:
        """Stop listening and wait for the thread; safe to call twice."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._port = self._server.server_port
        self._server = self._thread = None

    def _dispatch(self, request: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if request["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return answer(start, b"Only GET.\n", "text/plain", HTTPStatus.METHOD_NOT_ALLOWED)
        route = self._routes.get(request.get("PATH_INFO", "/"))
        if route is None:
            known = "".join(f"{path}\n" for path in self._routes)
            body = f"There is nothing here. There is:\n{known}".encode()
            return answer(start, body, "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)
        found = route(request, start)
        return [b""] if request["REQUEST_METHOD"] == "HEAD" else found


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, no more than a few at once, none that outlives the process."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Callable[..., WSGIRequestHandler]):
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # Not WSGIServer's: that asks the name server for our own name, which may take long.
        socket_address = self.server_address
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, *_: object) -> None:
        """Say nothing: standard error belongs to the run."""
