"""Records what comes over TCP, before anything else is done with it.

Each connection is a pass. Its bytes go to disk in pieces that carry pass and offset in their names; a piece is renamed to its final name
when it is full, when it is old, or when the sender goes, and then it has arrived like any other file.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.product import safe_value

__all__ = ["Recorder", "parse_address"]

PIECE_BYTES = 4 << 20
PIECE_SECONDS = 2.0


def parse_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT or :PORT (loopback); UsageError says what would do."""
    host, colon, port = text.removeprefix("tcp://").rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is not an address", remedy="Write HOST:PORT; :PORT listens on loopback only")
    return host.strip("[]") or "127.0.0.1", int(port)


class Recorder:
    """Listens on an address, and records every sender into a folder."""

    def __init__(
        self,
        address: tuple[str, int],
        folder: Path,
        *,
        name: str = "",
        suffix: str = ".bin",
        tell: Callable[[str], None],
        limit: int = PIECE_BYTES,
    ) -> None:
        self._folder = folder
        self._name = name
        self._suffix = suffix
        self._tell = tell
        self._limit = limit
        self._count = 0
        self._stop = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._server = socket.create_server(address, family=family)
        except OSError as error:
            raise UsageError(f"cannot listen: {error.strerror}", where=f"{address[0]}:{address[1]}", remedy="Choose another port") from None
        self._server.settimeout(0.2)
        self.port = int(self._server.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop listening; what was received stands on disk when this returns."""
        self._stop.set()
        for thread in list(self._threads):
            thread.join(timeout=10)
        self._server.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, peer = self._server.accept()
                self._count += 1
                name = self._name or datetime.now(UTC).strftime("tcp-%Y%m%dT%H%M%S.%fZ")
                name = safe_value(f"{name}-{self._count}" if self._name and self._count > 1 else name)
                self._tell(f"{peer[0]} sends; recorded as pass {name}")
                thread = threading.Thread(target=self._record, args=(connection, name), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _record(self, connection: socket.socket, name: str) -> None:
        offset = 0
        connection.settimeout(0.2)
        with connection:
            going = True
            while going:
                path = self._folder / f"{name}.at{offset:015d}{self._suffix}"
                part = path.with_name(f"{path.name}.part")
                length, going = self._fill(connection, part)
                if length:
                    part.replace(path)
                else:
                    part.unlink(missing_ok=True)
                offset += length
        self._tell(f"pass {name} has ended: {offset:,} bytes")

    def _fill(self, connection: socket.socket, part: Path) -> tuple[int, bool]:
        """Write one piece; return its length and whether more may come."""
        length, begin = 0, time.monotonic()
        going = True
        with part.open("wb") as stream:
            while going and length < self._limit and not (length and time.monotonic() - begin > PIECE_SECONDS):
                if self._stop.is_set():
                    going = False
                    break
                try:
                    data = connection.recv(min(1 << 18, self._limit - length))
                except TimeoutError:
                    continue
                except OSError:
                    data = b""
                going = bool(data)
                stream.write(data)
                length += len(data)
            stream.flush()
            os.fsync(stream.fileno())
        return length, going
