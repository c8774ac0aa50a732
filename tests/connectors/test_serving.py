"""The small HTTP server: what it answers, and clients that are slow or lie."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from streamml.cli.listening import ListeningOptions, open_monitor
from streamml.errors import ConfigError
from streamml_connectors.health import Health, HealthBounds
from streamml_connectors.page import StatusPage
from streamml_connectors.prometheus import PrometheusExporter
from streamml_connectors.serving import WebServer, answer

MOST = 32
BIG = bytes(6 * 2**20)  # more than the buffers of two sockets hold
SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}


def routes():
    return {
        **StatusPage(Health()).routes(),
        "/big": lambda _, start: answer(start, BIG, "application/octet-stream"),
    }


@pytest.fixture
def server() -> Iterator[WebServer]:
    with WebServer(routes()) as it:
        yield it


@pytest.fixture
def hasty() -> Iterator[WebServer]:
    """It waits a fifth of a second, not ten."""
    with WebServer(routes(), patience=0.2) as it:
        yield it


def connect(server: WebServer, sent: bytes = b"") -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(5)
    client.connect(("127.0.0.1", server.port))
    client.sendall(sent)
    return client


def read(client: socket.socket) -> bytes:
    found = b""
    while data := client.recv(65536):
        found += data
    return found


def ask(server: WebServer, path: str = "/healthz", *lines: str, method: str = "GET"):
    """Status, headers and body of an answer."""
    request = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
    with connect(server, request.encode()) as client:
        head, _, body = read(client).partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), dict(field.split(": ", 1) for field in fields), body


def is_dropped(client: socket.socket, within: float = 5.0) -> bool:
    """Whether the server hangs up on a client that goes on sending a byte now and then."""
    until = time.monotonic() + within
    try:
        while time.monotonic() < until:
            client.send(b"x")
            select.select([], [], [client], 0.02)
    except ConnectionError:
        return True
    return False


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as it:
            it.bind(("::1", 0))
    except OSError:
        return False
    return True


# -- slow clients -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"GET /big HTTP/1.1\r\n\r\n"],
    ids=["silent", "a byte now and then", "reads nothing"],
)
def test_slow_clients_do_not_take_the_probes_away(server: WebServer, sent: bytes) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server, sent)) for _ in range(MOST)]
        for path in ("/healthz", "/readyz", "/healthz", "/"):
            started = time.monotonic()
            assert ask(server, path)[0] in (200, 503)
            assert time.monotonic() - started < 2
            if sent.endswith(b": "):
                for client in slow[4:]:  # the first ones made room for who asked
                    client.send(b"x")


def test_the_client_that_is_there_longest_makes_room(server: WebServer) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server, b"GET /healthz ")) for _ in range(MOST + 1)]
        assert slow[0].recv(1) == b""
        for client in slow[1:]:
            client.sendall(b"HTTP/1.1\r\n\r\n")
            assert read(client).startswith(b"HTTP/1.0 200 ")


def test_who_is_answered_gives_the_place_back(server: WebServer) -> None:
    with connect(server, b"GET /healthz ") as slow:
        for _ in range(MOST + 8):
            assert ask(server)[0] == 200
        slow.sendall(b"HTTP/1.1\r\n\r\n")
        assert read(slow).startswith(b"HTTP/1.0 200 ")


def test_more_than_may_wait_are_answered_where_they_ask_at_once(server: WebServer) -> None:
    with ExitStack() as stack:
        request = b"GET /healthz HTTP/1.1\r\n\r\n"
        clients = [stack.enter_context(connect(server, request)) for _ in range(3 * MOST)]
        assert all(read(client).startswith(b"HTTP/1.0 200 ") for client in clients)


@pytest.mark.parametrize(
    "sent", [b"GET /", b"GET /big HTTP/1.1\r\n\r\n"], ids=["sends slowly", "reads nothing"]
)
def test_a_request_and_an_answer_have_a_deadline(hasty: WebServer, sent: bytes) -> None:
    """And not each of its bytes."""
    with connect(hasty, sent) as client:
        assert is_dropped(client)


def test_a_silent_client_is_dropped(hasty: WebServer) -> None:
    with connect(hasty) as client:
        assert client.recv(1) == b""


def test_a_head_has_a_bound(server: WebServer) -> None:
    fits = "X: " + "x" * 16_000
    assert ask(server, "/healthz", fits)[0] == 200
    with connect(server, b"x" * 20_000) as client:  # no line ever ends
        assert is_dropped(client)


@pytest.mark.parametrize(("more", "answered"), [(0, True), (1, False)])
def test_a_head_has_16_kib_at_most(server: WebServer, more: int, answered: bool) -> None:
    lines = b"GET /healthz HTTP/1.1\r\nX: ", b"\r\n\r\n"
    head = lines[0].ljust(16 * 1024 + more - len(lines[1]), b"x") + lines[1]
    with connect(server, head) as client:
        try:
            found = read(client)
        except ConnectionError:
            found = b""
    assert found.startswith(b"HTTP/1.0 200 ") is answered


def test_no_file_descriptor_costs_no_request(server: WebServer, monkeypatch) -> None:
    """Where a client cannot be accepted the server waits a little and goes on."""
    refused = []

    def accept(listener):
        if not refused:
            refused.append(listener)
            raise OSError(24, "Too many open files")
        return whole(listener)

    whole: Callable = socket.socket.accept
    monkeypatch.setattr(socket.socket, "accept", accept)
    ask(server)
    assert ask(server)[0] == 200
    assert refused


# -- what it answers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "path", "lines", "method"),
    [
        (200, "/", [], "GET"),
        (200, "/metrics", [], "GET"),
        (200, "/state.json", [], "HEAD"),
        (200, "/state.json", [], "GET"),
        (503, "/readyz", [], "GET"),
        (404, "/nowhere", [], "GET"),
        (405, "/", [], "POST"),
        (421, "/", ["Host: evil.example.com"], "GET"),
        (400, "/ /", [], "GET"),
    ],
)
def test_every_answer_keeps_a_browser_from_guessing(status, path, lines, method) -> None:
    with PrometheusExporter(routes=routes()) as exporter:
        found, headers, body = ask(exporter, path, *lines, method=method)
    assert found == status
    about = {"Date", "Server", "Connection", "Content-Type", "Content-Length"}
    assert {name: value for name, value in headers.items() if name not in about} == SAFE
    assert int(headers["Content-Length"]) == len(body) or method == "HEAD"
    assert "html" not in headers["Content-Type"] or path == "/"


@pytest.mark.parametrize("path", ["/metrics", "/", "/state.json", "/healthz", "/readyz", "/nope"])
def test_head_is_answered_as_get_is_without_the_body(path) -> None:
    """Uptime probes ask so (``curl -I``)."""
    with PrometheusExporter(routes=routes()) as exporter:
        got, of_get, body = ask(exporter, path)
        status, headers, nothing = ask(exporter, path, method="HEAD")
    assert (status, nothing) == (got, b"")
    assert headers.keys() == of_get.keys()
    assert headers["Content-Type"] == of_get["Content-Type"]
    assert of_get["Content-Length"] == str(len(body))
    if path not in ("/metrics", "/state.json"):  # which say how long the process has run
        assert headers["Content-Length"] == of_get["Content-Length"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9100", "localhost:9100", "LOCALHOST.", "[::1]:9100", "10.1.2.3", "consumer:9100",
     "my_service", "STREAMML.example.com:443", "a.ml.svc.cluster.local", socket.gethostname()],
)  # fmt: skip
def test_it_goes_by_addresses_plain_names_and_what_is_allowed(host: str) -> None:
    allowed = ["Streamml.example.com", "*.svc.cluster.local"]
    with WebServer(routes(), allowed_hosts=allowed) as server:
        assert ask(server, "/healthz", f"Host: {host}")[0] == 200


@pytest.mark.parametrize(
    "hosts",
    [["evil.example.com"], ["evil.example.com:9100"], ["127.0.0.1.evil.com"],
     ["localhost.evil.com"], ["streamml.example.com.evil.com"], ["localhost", "evil.com"],
     ["localhost,evil"], [""], ["[::1].evil.com"], ["evil.com/"], ["localhost evil"]],
)  # fmt: skip
def test_a_strangers_name_reads_nothing(hosts: Sequence[str]) -> None:
    """DNS rebinding: a page of theirs asks this server by their domain, from a browser here."""
    with WebServer(routes(), allowed_hosts=["streamml.example.com"]) as server:
        for path in ("/", "/state.json", "/healthz"):
            status, _, body = ask(server, path, *(f"Host: {host}" for host in hosts))
            assert status == 421
            assert body.decode().endswith("allow the name (--allow-host).\n")


def test_a_name_is_allowed_on_the_command_line() -> None:
    options = ListeningOptions(metrics_port=0, allow_host=("streamml.example.com",))
    with ExitStack() as stack:
        monitor = open_monitor(options, HealthBounds(), stack)
        assert monitor is not None
        assert ask(monitor, "/healthz", "Host: streamml.example.com")[0] == 200
        assert ask(monitor, "/healthz", "Host: other.example.com")[0] == 421


def test_the_name_listened_on_and_the_machines_are_its_own(monkeypatch) -> None:
    bind: Callable = socket.socket.bind
    monkeypatch.setattr(socket.socket, "bind", lambda it, at: bind(it, ("127.0.0.1", at[1])))
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.example.com")
    with WebServer(routes(), "page.example.com") as server:
        for name, status in (("page", 200), ("box", 200), ("other", 421)):
            assert ask(server, "/healthz", f"Host: {name}.example.com:9100")[0] == status


# -- where it listens ---------------------------------------------------------------------


def test_it_listens_once_and_may_be_started_again_at_its_port() -> None:
    server = WebServer(routes(), "localhost")
    server.close()  # nothing to do
    assert (server.address, server.port) == ("localhost", 0)
    port = server.start()
    assert (server.start(), server.address, server.port) == (port, "127.0.0.1", port)
    (thread,) = (t for t in threading.enumerate() if t.name == "streamml-http")
    assert thread.daemon  # it keeps no process from ending
    assert ask(server)[0] == 200  # which leaves the port in TIME_WAIT
    server.close()
    server.close()
    assert not thread.is_alive()
    assert (server.address, server.port) == ("localhost", port)
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", port))
    assert server.start() == port
    assert ask(server)[0] == 200
    server.close()


def test_an_application_is_told_where_it_was_asked() -> None:
    def where(request, start):
        said = f"{request['SERVER_NAME']} {request['SERVER_PORT']} {request['REMOTE_ADDR']}"
        return answer(start, said.encode(), "text/plain")

    with WebServer({"/": where}) as server:
        assert ask(server, "/")[2].decode() == f"127.0.0.1 {server.port} 127.0.0.1"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_it_listens_by_ipv6() -> None:
    with WebServer(routes(), "::1") as server:
        with socket.create_connection(("::1", server.port), 5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            assert read(client).startswith(b"HTTP/1.0 200 ")
        with pytest.raises(ConfigError, match=rf"at \[::1\]:{server.port} .*another port"):
            WebServer(routes(), "::1", server.port).start()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ConfigError, match=f"0 to 65535, {port} does not"):
        WebServer(routes(), port=port)
    assert [WebServer(routes(), port=least).port for least in (0, 65535)] == [0, 65535]
    assert WebServer(routes()).port == 0
