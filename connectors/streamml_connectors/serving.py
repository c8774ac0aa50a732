"""A small HTTP server for what a run shows of itself: read-only, a thread beside the run.

One event loop serves all clients, so one that is slow costs a socket and no thread. Sockets
are counted, too: where there are too many, the one that is open longest makes room, so that
whoever asks at once is answered whatever the others do.
"""

from __future__ import annotations

import abc
import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self

from streamml.errors import ConfigError
from streamml_connectors.http_request import HEADERS, is_ours, read_head, reply

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Listening", "Routes", "Served", "WebServer", "answer", "url_host"]

Routes = Mapping[str, "WSGIApplication"]
"""Path -> what answers there."""

_Clients = dict[socket.socket, "asyncio.Task[None]"]

_PATIENCE: Final = 10.0
_MOST_AT_ONCE: Final = 32


def answer(
    start: StartResponse,
    body: bytes,
    content_type: str,
    status: HTTPStatus = HTTPStatus.OK,
) -> Iterable[bytes]:
    """Answer a request with ``body``."""
    start(
        f"{status.value} {status.phrase}",
        [("Content-Type", content_type), ("Content-Length", str(len(body)))],
    )
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

    Only GET and HEAD are answered, one request a connection, its head 16 KiB at most. At
    most 32 clients are served at a time: one more takes the place of the one that has been
    there longest. A request whose Host header may be a stranger's domain, pointed at this
    server to read it from a browser, is refused (DNS rebinding); addresses, names without a
    dot, the name listened on and this machine's own are none.

    Parameters
    ----------
    routes
        Path -> WSGI application. They run one after another: each must be quick.
    host, port
        Where to listen; port 0 takes a free one.
    allowed_hosts
        Other names to be asked by, such as that of a proxy; ``*.example.com`` is all below.
    patience
        Seconds in which a request must be sent, and as many in which its answer must be taken.

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

    def __init__(
        self,
        routes: Routes,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        allowed_hosts: Sequence[str] = (),
        patience: float = _PATIENCE,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ConfigError(f"A port lies in 0 to 65535, {port} does not: 0 takes a free one.")
        self.host = host
        self._port = port
        self._routes = dict(routes)
        self._names = [name.lower() for name in (host, socket.gethostname(), *allowed_hosts)]
        self._patience = patience
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] = lambda: None

    @property
    def port(self) -> int:
        """The port listened on; before :meth:`start`, the one asked for."""
        return self._port if self._listener is None else int(self._listener.getsockname()[1])

    @property
    def address(self) -> str:
        """The address listened on; before :meth:`start`, the one asked for."""
        return self.host if self._listener is None else str(self._listener.getsockname()[0])

    def start(self) -> int:
        """Listen, in a thread of its own; gives the port."""
        if self._listener is None:
            try:
                self._listener = _listen(self.host, self._port)
            except OSError as error:
                raise ConfigError(
                    f"Metrics cannot be served at {url_host(self.host)}:{self._port} "
                    f"({error.strerror or error}): choose another port, or 0 for a free one."
                ) from error
            loop, stopped = asyncio.new_event_loop(), asyncio.Event()
            self._stop = partial(loop.call_soon_threadsafe, stopped.set)
            self._thread = threading.Thread(
                target=self._run, args=(loop, stopped), name="streamml-http", daemon=True
            )
            self._thread.start()
        return self.port

    def close(self) -> None:
        """Stop listening and wait for the thread; safe to call twice."""
        if self._listener is not None and self._thread is not None:
            self._stop()
            self._thread.join()
            self._port = self.port
            self._listener.close()
        self._listener = self._thread = None

    # -- in the thread -----------------------------------------------------------------

    def _run(self, loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
        clients: _Clients = {}  # who came first is first

        async def serve() -> None:
            assert self._listener is not None
            self._listen_on(loop, clients)
            await stopped.wait()
            loop.remove_reader(self._listener)

        with asyncio.Runner(loop_factory=lambda: loop) as runner:  # ends what is still served
            runner.run(serve())
        for client in clients:
            client.close()

    def _listen_on(self, loop: asyncio.AbstractEventLoop, clients: _Clients) -> None:
        assert self._listener is not None
        loop.add_reader(self._listener, self._accept, loop, clients)

    def _accept(self, loop: asyncio.AbstractEventLoop, clients: _Clients) -> None:
        """Serve the one who came, in a task of its own; others wait until that was begun."""
        assert self._listener is not None
        try:
            client, address = self._listener.accept()
        except BlockingIOError:  # it has gone again
            return
        except OSError:  # no file descriptor is free
            loop.remove_reader(self._listener)
            loop.call_later(0.1, self._listen_on, loop, clients)
            return
        client.setblocking(False)
        if len(clients) >= _MOST_AT_ONCE:
            clients.pop(next(iter(clients))).cancel()
        clients[client] = loop.create_task(self._serve(client, address))
        clients[client].add_done_callback(partial(_leave, clients, client))

    async def _serve(self, client: socket.socket, address: object) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # a client that goes away or is too slow is no news
            async with asyncio.timeout(self._patience):
                head = await read_head(client)
            async with asyncio.timeout(self._patience):
                here = self.address, self.port
                await loop.sock_sendall(client, reply(head, address, here, self._dispatch))

    def _dispatch(self, request: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start(status, [*headers, *HEADERS], *error)

        host = request.get("HTTP_HOST")
        if host is not None and not is_ours(host, self._names):
            said = f"{host[:100]!a} is no name of this server: ask by address, or allow the name"
            body = f"{said} (--allow-host).\n".encode()
            return answer(begin, body, "text/plain", HTTPStatus.MISDIRECTED_REQUEST)
        if request["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return answer(begin, b"Only GET.\n", "text/plain", HTTPStatus.METHOD_NOT_ALLOWED)
        route = self._routes.get(request.get("PATH_INFO", "/"))
        if route is None:
            known = "".join(f"{path}\n" for path in self._routes)
            body = f"There is nothing here. There is:\n{known}".encode()
            return answer(begin, body, "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)
        return route({**request, "REQUEST_METHOD": "GET"}, begin)  # of HEAD the body is cut off


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if _is_ipv6(host) else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def _leave(clients: _Clients, client: socket.socket, _: object) -> None:
    clients.pop(client, None)
    client.close()
