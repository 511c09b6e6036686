"""A landing folder: which of its files are complete.

A scan of the folder is the truth; events only wake it up early, and say where to look until the next one. A file is complete when the
sender says so, else when it has stopped changing:

1. a mark beside it, ``NAME.ready`` or ``NAME.done``, or a manifest ``NAME.sha256`` in the form of sha256sum;
2. it was seen under a name that says "unfinished" (``.part``, ``.tmp``, a leading dot) and has been renamed;
3. its size and time have not changed for `settle` seconds.

A file that grows after it was taken is taken again, as other bytes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.folders import MARKS, OUTPUT, final_name, is_mark, is_unfinished

__all__ = ["Landing", "Waker"]

LEAST_REST = 1.0
"""Seconds between scans of everything, at least, where somebody tells of changes."""
SCAN_SHARE = 20
"""Times as long as a scan took, before the next one."""


@dataclass(slots=True)
class _Seen:
    """What the last scans saw of a file."""

    size: int
    mtime_ns: int
    inode: int
    mode: int
    """One that could not be read may be given the right to be."""
    ctime_ns: int
    """One that was refused because its inode changed while it was read is looked at again."""
    since: float
    """Monotonic seconds at which it was first seen like this; earlier where something says that it is complete."""


class Landing:
    """The folders that are watched.

    hears  whether somebody calls `hear` for each change: then most looks are at those files only, and a scan of everything comes now
           and then, the more seldom the longer it takes
    """

    def __init__(self, folders: Iterable[Path], *, settle: float = 2.0, hears: bool = False) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._settle = settle
        self._hears = hears
        self._heard: deque[str] = deque()
        self._scanned, self._rest = -1e9, 0.0
        self._seen: dict[str, _Seen] = {}
        self._open: set[str] = set()
        """Paths of files that are not complete yet."""
        self.closed: dict[str, str] = {}
        """Folders that the last scan of everything could not read, and why."""
        self._unfinished: set[int] = set()
        self._were_unfinished: set[int] = set()
        """Inodes of files with a name that says so: of the last scan, and of the one before. No older ones: numbers are given out again."""

    def hear(self, path: str) -> None:
        """Take a hint, from any thread: something has become of this path, absolute and without links."""
        self._heard.append(path)

    def poll(self, now: float | None = None, wall: float | None = None) -> list[Path]:
        """Look once; return the files that have become complete since the last time, the oldest first.

        now, wall  monotonic and wall-clock seconds; given by tests
        """
        now = time.monotonic() if now is None else now
        wall = time.time() if wall is None else wall
        renamed = self._look_at_heard(now, wall)
        if not self._hears or now - self._scanned >= self._rest:
            begin = time.monotonic()
            self._look_at_all(now, wall)
            self._scanned, self._rest = now, max(LEAST_REST, SCAN_SHARE * (time.monotonic() - begin))
        complete: list[tuple[int, Path]] = []
        for path in [path for path in self._open if path in renamed or now - self._seen[path].since >= self._settle]:
            self._open.discard(path)
            complete.append((self._seen[path].mtime_ns, Path(path)))
        return [path for _, path in sorted(complete)]

    @property
    def pending(self) -> int:
        """How many files are there that are not complete yet."""
        return len(self._open)

    def _look_at_all(self, now: float, wall: float) -> None:
        self._were_unfinished, self._unfinished = self._unfinished, set()
        present: set[str] = set()
        for path, status, marked in self._scan():
            present.add(path)
            self._look(path, status, now, wall, marked=marked)
        for path in self._seen.keys() - present:
            del self._seen[path]
            self._open.discard(path)

    def _look_at_heard(self, now: float, wall: float) -> set[str]:
        """Look at what something was heard of and at what is not complete; return paths that had an unfinished name and have it no more."""
        heard = {self._heard.popleft() for _ in range(len(self._heard))}
        names = {path: final_name(path) for path in heard}
        finished = {name for path, name in names.items() if name != path and not is_mark(path) and not os.path.exists(path)}  # noqa: PTH110  text
        for path in set(filter(self._is_ours, names.values())) | (self._open if self._hears else set()):
            try:
                status = os.stat(path)  # noqa: PTH116  text, for each file that arrives
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and not is_mark(path):
                marked = any(os.path.exists(f"{path}{mark}") for mark in MARKS)  # noqa: PTH110  as above
                self._look(path, status, now, wall, marked=marked)
        return finished

    def _is_ours(self, path: str) -> bool:
        """Whether a scan would come across this path."""
        for folder in self._folders:
            if path.startswith(f"{folder}/"):
                return not any(part.startswith(".") for part in path[len(str(folder)) :].split("/"))
        return False

    def _look(self, path: str, status: os.stat_result, now: float, wall: float, *, marked: bool) -> None:
        """Note how a file is now, and since when."""
        shape = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_mode, status.st_ctime_ns)
        seen = self._seen.get(path)
        if seen is None or (seen.size, seen.mtime_ns, seen.inode, seen.mode, seen.ctime_ns) != shape:
            renamed = seen is None and status.st_ino in self._were_unfinished | self._unfinished
            # A file that came while nobody watched has been still for as long as its time is old.
            age = 0.0 if seen is not None else max(0.0, wall - status.st_mtime)
            self._seen[path] = seen = _Seen(*shape, since=now - (age if age >= self._settle else 0.0))
            self._open.add(path)
            if renamed:
                seen.since = now - self._settle
        if marked and path in self._open:
            seen.since = min(seen.since, now - self._settle)

    def _scan(self) -> Iterator[tuple[str, os.stat_result, bool]]:
        """Give path and state of each file, and whether a mark stands beside it."""
        self.closed = {}
        stack = [str(folder) for folder in self._folders]
        while stack:
            folder = stack.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = list(listing)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.closed[folder] = error.strerror or str(error)
                continue
            names = {entry.name for entry in entries}
            if OUTPUT in names:
                continue
            for entry in entries:
                # Between the listing and this look anything may have become of it.
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            stack.append(entry.path)
                    elif is_unfinished(entry.name):
                        self._unfinished.add(entry.inode())
                    elif not is_mark(entry.name) and entry.is_file():
                        yield entry.path, entry.stat(), any(f"{entry.name}{mark}" in names for mark in MARKS)


class Waker:
    """Waits for something to happen in folders, or for a time to pass; `hear` is told of each path."""

    def __init__(self, folders: Iterable[Path], hear: Callable[[str], None] = lambda _: None) -> None:
        self._hear = hear
        self._woken = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=([str(folder.resolve()) for folder in folders],), daemon=True)
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
        for changes in watchfiles.watch(
            *folders,
            watch_filter=None,
            stop_event=self._stop,
            debounce=50,
            step=20,
            rust_timeout=1000,
            yield_on_timeout=False,
            raise_interrupt=False,
        ):
            for _, path in changes:
                self._hear(path)
            self._woken.set()
