"""One HTTP request: its bytes from a client, the bytes of what an application answers to it."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatchcase
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["HEADERS", "is_ours", "read_head", "reply"]

HEADERS: Final = (
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
"""What keeps a browser from guessing, in every answer."""

_LONGEST_HEAD: Final = 16 * 1024
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._-]+))(?::[0-9]*)?")


async def read_head(client: socket.socket) -> bytes:
    """What a client sends, up to the empty line behind the headers.

    Raises
    ------
    ConnectionError
        It ends before, or has more than 16 KiB.
    """
    loop, head = asyncio.get_running_loop(), b""
    while _HEAD_END.search(head) is None:
        data = await loop.sock_recv(client, _LONGEST_HEAD)
        head += data
        if not data or len(head) > _LONGEST_HEAD:
            raise ConnectionError
    return head


def reply(
    head: bytes, client: object, server: tuple[str, int], application: WSGIApplication
) -> bytes:
    """What ``application`` answers to a request, as it goes to the client: HEAD without its body.

    Parameters
    ----------
    head
        The request, headers included; there is no body.
    client, server
        Addresses of the two.
    application
        Is not asked where the request is no HTTP.
    """
    around = {"SERVER_NAME": server[0], "SERVER_PORT": str(server[1]), "SCRIPT_NAME": ""}
    asked = SimpleNamespace(base_environ=around, get_app=lambda: application)
    return _Handler(head, client, asked).reply


def is_ours(host: str, names: Iterable[str]) -> bool:
    """Whether a Host header names this server, and no stranger's domain that points at it.

    ``names``: patterns of other names it goes by, in lower case.

    Examples
    --------
    >>> [is_ours(host, ()) for host in ("10.0.0.7:9100", "[::1]", "consumer:9100")]
    [True, True, True]
    >>> [is_ours("A.example.com.", [name]) for name in ("a.example.com", "*.com", "b.com")]
    [True, True, False]
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    if match[1] is not None:
        return True
    name = match[2].lower().removesuffix(".")
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    # Nobody can register a name without a dot; services of Docker and Kubernetes have those.
    return "." not in name or any(fnmatchcase(name, pattern) for pattern in names)


class _Handler(WSGIRequestHandler):
    """The standard library's reading of a request, on bytes in place of a socket."""

    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"

    def __init__(self, head: Any, client: Any, server: Any) -> None:
        self.reply = b""
        super().__init__(head, client, server)

    def setup(self) -> None:
        self.rfile, self.wfile = BytesIO(self.request), BytesIO()

    def finish(self) -> None:
        self.wfile.seek(0)
        head, end, body = self.wfile.read().partition(b"\r\n\r\n")
        self.reply = head + end + (b"" if self.command == "HEAD" else body)

    def end_headers(self) -> None:  # of what is no HTTP, for which no application is asked
        for name, value in HEADERS:
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: standard error belongs to the run."""
