"""Records what comes over TCP, before anything else is done with it.

Each connection is a pass. Its bytes go to disk in pieces that carry pass and offset in their names; a piece arrives, like any other file,
when it is full, when it is old, or when the sender goes.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import StorageError, UsageError
from pipeline.product import safe_value
from pipeline.recording import Recording, adopt_leftovers

__all__ = ["Recorder", "parse_address"]

PIECE_BYTES = 4 << 20
PIECE_SECONDS = 2.0
PATIENCE = 1.0
"""Seconds until a listener that could not accept a sender tries again."""


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
        tell: Callable[[str], None],
        on_failure: Callable[[], None] = lambda: None,
        limit: int = PIECE_BYTES,
    ) -> None:
        """Begin to listen; UsageError if that cannot be.

        name        of the passes; else the time of each connection
        tell        hears what happens
        on_failure  is called once the disk no longer takes what comes; `close` then raises StorageError
        limit       bytes of a piece
        """
        self._folder = folder
        self._name = name
        self._tell = tell
        self._on_failure = on_failure
        self._limit = limit
        self._stop = threading.Event()
        self._failure: StorageError | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for path in adopt_leftovers(folder):
            tell(f"{path.name} was left unfinished by a recorder that is gone, and has arrived now")
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._server = socket.create_server(address, family=family)
        except OSError as error:
            raise UsageError(f"cannot listen: {error.strerror}", where=f"{address[0]}:{address[1]}", remedy="Choose another port") from None
        self._server.settimeout(0.2)
        self.port = int(self._server.getsockname()[1])
        self._listener = threading.Thread(target=self._accept, daemon=True)
        self._senders: list[threading.Thread] = []
        self._listener.start()

    def close(self) -> None:
        """Stop listening; what was received stands on disk when this returns. Raises StorageError if some of it does not."""
        self._stop.set()
        for thread in (self._listener, *self._senders):
            thread.join(timeout=10)
        self._server.close()
        if self._failure is not None:
            raise self._failure

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, peer = self._server.accept()
            except TimeoutError:
                continue
            except OSError as error:  # as many connections as this process may have, for instance
                self._tell(f"cannot take a sender: {error.strerror}; trying again")
                self._stop.wait(PATIENCE)
                continue
            self._senders = [thread for thread in self._senders if thread.is_alive()]
            thread = threading.Thread(target=self._record, args=(connection, peer[0]), daemon=True)
            self._senders.append(thread)
            thread.start()

    def _record(self, connection: socket.socket, peer: str) -> None:
        connection.settimeout(0.2)
        with connection:
            try:
                name = self._name or datetime.now(UTC).strftime("tcp-%Y%m%dT%H%M%S.%fZ")
                recording = Recording(self._folder, safe_value(name))
                self._tell(f"{peer} sends; recorded as pass {recording.name}")
                self._fill(recording, connection)
                recording.close()
            except OSError as error:
                self._fail(error)
                return
        self._tell(f"pass {recording.name} has ended: {recording.bytes:,} bytes")

    def _fill(self, recording: Recording, connection: socket.socket) -> None:
        """Record until the sender has ended or gone, or until the listener stops."""
        begin = time.monotonic()
        while not self._stop.is_set():
            try:
                data = connection.recv(min(1 << 18, self._limit - recording.length))
            except TimeoutError:
                data = None
            except OSError:  # the sender is gone, or the way to it
                return
            if data is not None:
                if not data:
                    return
                recording.write(data)
            if recording.length >= self._limit or (recording.length and time.monotonic() - begin > PIECE_SECONDS):
                recording.finish_piece()
                begin = time.monotonic()

    def _fail(self, error: OSError) -> None:
        message = f"the disk does not take what is sent: {error.strerror}"
        remedy = "Make room, then listen again: what had been written arrives then; the sender has to send the rest again"
        self._failure = StorageError(message, where=str(self._folder), remedy=remedy)
        self._stop.set()
        self._tell(str(self._failure))
        self._on_failure()
