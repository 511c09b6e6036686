"""A landing folder: which of its files are complete.

A scan of the folder is the truth; events only wake it up early. A file is complete when the sender says so, else when it has stopped
changing:

1. a mark beside it, ``NAME.ready`` or ``NAME.done``, or a manifest ``NAME.sha256`` in the form of sha256sum;
2. it was seen under a name that says "unfinished" (``.part``, ``.tmp``, a leading dot) and has been renamed;
3. its size and time have not changed for `settle` seconds.

A file that grows after it was taken is taken again, as other bytes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.arrivals import OUTPUT, UNFINISHED

__all__ = ["Landing", "Waker"]

MARKS = (".ready", ".done", ".sha256")


@dataclass(slots=True)
class _Seen:
    """What the last scans saw of a file."""

    size: int
    mtime_ns: int
    inode: int
    since: float
    """Monotonic seconds at which it was first seen like this."""
    taken: bool = False


class Landing:
    """The folders that are watched."""

    def __init__(self, folders: Iterable[Path], *, settle: float = 2.0) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._settle = settle
        self._seen: dict[str, _Seen] = {}
        self._unfinished: set[int] = set()
        self._were_unfinished: set[int] = set()
        """Inodes of files with a name that says so: of the last scan, and of the one before. No older ones: numbers are given out again."""

    def poll(self, now: float | None = None, wall: float | None = None) -> list[Path]:
        """Scan once; return the files that have become complete since the last time, the oldest first.

        now, wall  monotonic and wall-clock seconds; given by tests
        """
        now = time.monotonic() if now is None else now
        wall = time.time() if wall is None else wall
        complete: list[tuple[int, Path]] = []
        self._were_unfinished, self._unfinished = self._unfinished, set()
        present: set[str] = set()
        for entry, marked in self._scan():
            present.add(entry.path)
            status = entry.stat()
            shape = (status.st_size, status.st_mtime_ns, status.st_ino)
            seen = self._seen.get(entry.path)
            if seen is None or (seen.size, seen.mtime_ns, seen.inode) != shape:
                renamed = seen is None and status.st_ino in self._were_unfinished | self._unfinished
                # A file that came while nobody watched has been still for as long as its time is old.
                age = 0.0 if seen is not None else max(0.0, wall - status.st_mtime)
                seen = self._seen[entry.path] = _Seen(*shape, since=now - (age if age >= self._settle else 0.0))
                if renamed:
                    seen.since = now - self._settle
            if not seen.taken and (marked or now - seen.since >= self._settle):
                seen.taken = True
                complete.append((status.st_mtime_ns, Path(entry.path)))
        for path in self._seen.keys() - present:
            del self._seen[path]
        return [path for _, path in sorted(complete)]

    @property
    def pending(self) -> int:
        """How many files are there that are not complete yet."""
        return sum(not seen.taken for seen in self._seen.values())

    def _scan(self) -> Iterator[tuple[os.DirEntry[str], bool]]:
        stack = [str(folder) for folder in self._folders]
        while stack:
            try:
                with os.scandir(stack.pop()) as listing:
                    entries = list(listing)
            except FileNotFoundError:
                continue
            names = {entry.name for entry in entries}
            if OUTPUT in names:
                continue
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            stack.append(entry.path)
                    elif entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
                        self._unfinished.add(entry.inode())
                    elif not entry.name.endswith(MARKS) and entry.is_file():
                        yield entry, any(f"{entry.name}{mark}" in names for mark in MARKS)
                except FileNotFoundError:
                    continue


class Waker:
    """Waits for something to happen in folders, or for a time to pass."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._woken = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=([str(folder) for folder in folders],), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Return when a file has changed, or after so many seconds."""
        self._woken.wait(seconds)
        self._woken.clear()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self._woken.set()
        self._thread.join(timeout=5)

    def _listen(self, folders: list[str]) -> None:
        import watchfiles

        # Events may be missed (network file systems have none at all): the scans between them find everything.
        for _ in watchfiles.watch(
            *folders, stop_event=self._stop, debounce=50, step=20, rust_timeout=1000, yield_on_timeout=False, raise_interrupt=False
        ):
            self._woken.set()
