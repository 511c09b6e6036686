"""What happens in a run, told to those who listen: a log of JSON lines, and a command of the operator's.

Events are: run begun, run ended, input taken, input refused, batch done, batch lost, product, gap, quarantined, withdrawn, disk low. A
listener never stops a run: what goes wrong while listening is the listener's to note.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

__all__ = ["Command", "DiskWatch", "Listener", "Log"]

Facts = Mapping[str, Any]

KEPT_LOGS = 50
LARGEST_LOG = 16 << 20
"""Bytes; a run that writes more goes on in another file."""

LARGEST_QUEUE = 10_000
PATIENCE = 30.0
"""Seconds that a run waits at its end for the operator's command."""

FOR_COMMANDS = frozenset({"product", "gap", "quarantined", "disk low"})
NOT_LOGGED = frozenset({"product", "gap"})
"""They stand in the receipts, each with all that is known of it."""


class Listener(Protocol):
    """Who is told of events."""

    def hear(self, event: str, facts: Facts) -> None:
        """Take in an event at once, and raise nothing."""

    def close(self) -> None:
        """The run has ended."""


def _line(event: str, facts: Facts) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": now, "event": event, **facts}, default=str) + "\n"


class Log:
    """Writes a run's events into a file of a folder, START-PID.jsonl; of such files the last fifty are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: TextIO | None = None
        self._number = 0

    def hear(self, event: str, facts: Facts) -> None:
        """Write a line; where the disk takes none, the run goes on without."""
        if event in NOT_LOGGED:
            return
        with contextlib.suppress(OSError):
            if self._stream is None or self._stream.tell() > LARGEST_LOG:
                self._stream = self._open()
            self._stream.write(_line(event, facts))
            self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None

    def _open(self) -> TextIO:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(self._folder.glob("*.jsonl"))[: -(KEPT_LOGS - 1)]:
            old.unlink(missing_ok=True)
        self._number += 1
        start = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return (self._folder / f"{start}-{os.getpid()}-{self._number:03d}.jsonl").open("a", encoding="utf-8")


class Command:
    """Runs the operator's command with events as JSON lines on its standard input.

    One at a time: what happens while it runs is handed to it together when it is run next. Its failures are noted, once for each reason
    in turn, and the run goes on.

    note  is told, as text, of what the operator should know
    """

    def __init__(self, command: str, *, note: Callable[[str], None]) -> None:
        self._command = command
        self._environment = os.environ.copy()
        """As the operator has it: executors set what their worker processes are to have."""
        self._note = note
        self._queue: queue.Queue[str | None] = queue.Queue(maxsize=LARGEST_QUEUE)
        self._complaint = ""
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def hear(self, event: str, facts: Facts) -> None:
        """Queue an event; of a command that cannot keep up, the newest are left out."""
        if event not in FOR_COMMANDS:
            return
        try:
            self._queue.put_nowait(_line(event, facts))
        except queue.Full:
            self._complain(f"more than {LARGEST_QUEUE:,} events wait for the command; further ones are left out")

    def close(self) -> None:
        """Let the command take what waits, and end it if it does not."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=PATIENCE)
        self._thread.join(timeout=PATIENCE)
        process = self._process
        if self._thread.is_alive() and process is not None:
            self._complain(f"did not end within {PATIENCE:g} s and was stopped")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _serve(self) -> None:
        last = False
        while not last:
            lines = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    lines.append(self._queue.get_nowait())
            last = None in lines
            text = "".join(line for line in lines if line is not None)
            if text:
                self._run(text)

    def _run(self, text: str) -> None:
        try:
            # It is the operator's own command line, pipes and all; an interrupt of the run is not meant for it.
            self._process = subprocess.Popen(  # noqa: S602  it is meant for a shell
                self._command,
                shell=True,
                env=self._environment,
                start_new_session=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            _, said = self._process.communicate(text)
        except OSError as error:
            self._complain(f"cannot be run: {error}")
            return
        if self._process.returncode:
            self._complain(f"ended with {self._process.returncode}: {said.strip()[-200:]}")
        else:
            self._complaint = ""

    def _complain(self, problem: str) -> None:
        if problem != self._complaint:
            self._complaint = problem
            self._note(f"the command on events ({self._command}) {problem}")


class DiskWatch:
    """Tells when the disk of a folder runs low: once, until there is room again."""

    def __init__(self, folder: Path, tell: Callable[..., None], *, least: int = 2 << 30, pause: float = 10.0) -> None:
        self._folder = folder
        self._tell = tell
        self._least = least
        self._pause = pause
        self._looked = -1e9
        self._low = False

    def look(self) -> None:
        """Look, if the last look was some seconds ago."""
        if time.monotonic() - self._looked < self._pause:
            return
        self._looked = time.monotonic()
        free = shutil.disk_usage(self._folder).free
        if free < self._least and not self._low:
            self._tell("disk low", free=free, least=self._least, path=str(self._folder))
        self._low = free < self._least
