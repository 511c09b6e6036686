"""The report over HTTP: read-only, for this machine unless told otherwise, and live.

A page from a file and a page from here are the same bytes. Here it may also listen to /events (server-sent events, HTML standard section
9.2): what was made since the page was, and when there is a new page.

Three doors are closed. A name in the Host header that is not ours is refused, because a stranger's page could give its own name our
address (DNS rebinding). Nothing but public files is read (`pipeline.public`). And no page from here may load anything from elsewhere, run
anything that stands in its text, or be framed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from pipeline.errors import UsageError
from pipeline.news import News
from pipeline.public import PublicFile, PublicTree, RangeError, byte_range

__all__ = ["SAFETY", "Server", "serving"]

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Headers of every answer."""
MOST_LISTENERS = 32
BEAT = 15.0
"""Seconds after which a silent stream says that it is alive: a reader that has gone is noticed then."""
PATIENCE = 30.0
"""Seconds that a connection may say nothing."""


class Server(ThreadingHTTPServer):
    """Serves an output folder.

    host, port  where; port 0 takes any that is free
    Raises UsageError if the address cannot be had.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, tree: PublicTree, news: News, *, host: str = "127.0.0.1", port: int = 0, beat: float = BEAT) -> None:
        self.tree, self.news, self.beat = tree, news, beat
        self.names = {"localhost", host.lower()}
        self.listeners = threading.BoundedSemaphore(MOST_LISTENERS)
        try:
            self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"cannot be served at: {getattr(error, 'strerror', None) or error}",
                where=f"{host}:{port}",
                remedy="Name another with --port, or --port 0 for any that is free",
            ) from error

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}/"

    def ours(self, host: str) -> bool:
        """Say whether a Host header names us: by address, which no stranger's name can be, or by our own name."""
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:[0-9]{1,5})?", host.strip())
        if match is None:
            return False
        name = match[1].strip("[]").lower()
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(name)
            return True
        return name in self.names

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of readers that leave in the middle of an answer; all else is told."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "skycrane"
    sys_version = ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Send a file, a part of one, or the news."""
        if not self._allowed():
            return
        parts = urlsplit(self.path)
        if parts.path == "/events":
            self._tell(frozenset(parse_qs(parts.query).get("kind", ())))
            return
        with self.server.tree.open(parts.path) as file:
            if file is None:
                self._refuse(HTTPStatus.NOT_FOUND)
            else:
                self._send(file, page=parts.path in {"/", "/index.html"})

    do_HEAD = do_GET  # noqa: N815  same

    def _allowed(self) -> bool:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1:
            self._refuse(HTTPStatus.BAD_REQUEST)
        elif not self.server.ours(hosts[0]):
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
        elif self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.BAD_REQUEST)
        else:
            return True
        return False

    def _refuse(self, status: HTTPStatus, **headers: str) -> None:
        # A request that was not understood may have a body: what follows it is not the next request.
        self.close_connection = True
        body = f"{status.value} {status.phrase}\n".encode()
        self._head(
            status, {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close", **headers}
        )
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself refuses, without repeating a word of it."""
        del message, explain
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = self.protocol_version
        self._refuse(HTTPStatus(code), **({"Allow": "GET, HEAD"} if code == HTTPStatus.NOT_IMPLEMENTED else {}))

    def _head(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {**SAFETY, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, file: PublicFile, *, page: bool) -> None:
        headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Accept-Ranges": "bytes"}
        if page:
            # A script cannot see the tag of its own page otherwise.
            headers["Server-Timing"] = f"report;desc={file.tag}"
        if _matches(self.headers.get("If-None-Match"), file.tag):
            self._head(HTTPStatus.NOT_MODIFIED, headers)
            return
        start, stop, status = 0, file.size, HTTPStatus.OK
        if (wanted := self.headers.get("Range")) and self.headers.get("If-Range", file.tag) == file.tag:
            try:
                part = byte_range(wanted, file.size)
            except RangeError:
                self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, **{"Content-Range": f"bytes */{file.size}"})
                return
            if part is not None:
                (start, stop), status = part, HTTPStatus.PARTIAL_CONTENT
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
        if file.download:
            headers["Content-Disposition"] = "attachment"
        self._head(status, {**headers, "Content-Type": file.type, "Content-Length": str(stop - start)})
        if self.command != "HEAD":
            self._copy(file.stream, start, stop)

    def _copy(self, stream: BinaryIO, start: int, stop: int) -> None:
        stream.seek(start)
        while start < stop and (block := stream.read(min(1 << 18, stop - start))):
            self.wfile.write(block)
            start += len(block)
        if start < stop:
            # The file was cut while it was read: the reader must not take what comes next for the rest of it.
            self.close_connection = True

    def _tell(self, kinds: frozenset[str]) -> None:
        """Send the news until the reader goes."""
        if not self.server.listeners.acquire(blocking=False):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, **{"Retry-After": "10"})
            return
        self.close_connection = True
        try:
            self._head(HTTPStatus.OK, {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "Connection": "close"})
            if self.command != "HEAD":
                with contextlib.suppress(ConnectionError, TimeoutError):
                    for message in _messages(self.server.news, kinds, self.headers.get("Last-Event-ID", ""), self.server.beat):
                        self.wfile.write(message)
        finally:
            self.server.listeners.release()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is http.server's
        """Keep standard error for what an operator must know."""


def _messages(news: News, kinds: frozenset[str], last: str, beat: float) -> Iterator[bytes]:
    """Give the events of a stream: `made` for each product, `state` when page or counts have changed, a comment when nothing has."""
    told: dict[str, Any] = {}
    seen, after = 0, int(last) if last.isdecimal() and len(last) < 20 else 0
    yield b"retry: 2000\n\n"
    while (heard := news.wait(seen, after, beat)) is not None:
        quiet, (seen, state, items) = heard[0] == seen, heard
        for item in items:
            after = item.number
            if item.kind in kinds:
                yield f"id: {item.number}\nevent: made\ndata: {json.dumps(item.value)}\n\n".encode()
        if state != told:
            told = state
            yield f"event: state\ndata: {json.dumps(state)}\n\n".encode()
        elif quiet:
            yield b": alive\n\n"


def _matches(header: str | None, tag: str) -> bool:
    """Compare tags as If-None-Match does: weakly, any of a list, or `*` for any at all."""
    if header is None:
        return False
    return header.strip() == "*" or tag in {item.strip().removeprefix("W/") for item in header.split(",")}


@contextlib.contextmanager
def serving(server: Server, *, seconds: float = 0.5) -> Iterator[None]:
    """Serve in the background.

    seconds  between two looks at the journal
    """
    stop = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": min(0.1, seconds)}, name="serve", daemon=True),
        threading.Thread(target=server.news.follow, args=(stop,), kwargs={"seconds": seconds}, name="news", daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
