"""The output folder: atomic publishing, digests, withdrawal, and the sweep of what a crash left.

Workers write into a staging folder of their own, and nowhere else. The driver renames what they made to its final name, then appends the
receipt; a reader never sees half a file, and a task that runs twice harms nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TextIO

from pipeline.errors import HeldError, UsageError, storage_errors
from pipeline.receipt import FileRecord

__all__ = ["Store", "digest_file", "storage_errors"]

HIDDEN = ".skycrane"

BLOCK = 8 << 20
"""Bytes that are read at a time, and digested: most pictures at once, for each time a thread has to ask for the interpreter again."""

LOCK_PATIENCE = 1.0
"""Seconds."""


def digest_file(path: Path, offset: int = 0, length: int | None = None) -> str:
    """SHA-256 of a file, or of a stretch of it."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        stream.seek(offset)
        left = os.fstat(stream.fileno()).st_size - offset if length is None else length
        while left > 0 and (block := stream.read(min(left, BLOCK))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


class Store:
    """An output folder and the files in it."""

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()
        self.hidden = self.out / HIDDEN
        self.staging = self.hidden / "staging"
        self.packs = self.hidden / "packs"
        self.receipts = self.hidden / "receipts"
        self.catalog = self.hidden / "catalog.sqlite"
        self.settings = self.hidden / "settings.toml"
        self.logs = self.hidden / "logs"
        self.manifest = self.out / "MANIFEST.sha256"
        self._lock: Any = None

    @property
    def exists(self) -> bool:
        """Whether this is an output folder of ours."""
        return self.hidden.is_dir()

    def require(self) -> Self:
        """Return the store; UsageError if the folder is none."""
        if not self.exists:
            raise UsageError(
                "is not an output folder of skycrane",
                where=str(self.out),
                remedy=f"Make one with `skycrane process INPUT --out {self.out}`",
            )
        return self

    def create(self) -> Self:
        """Make the folder; UsageError for one that holds other people's files."""
        if not self.exists and self.out.exists() and (not self.out.is_dir() or any(self.out.iterdir())):
            raise UsageError(
                "holds files that are not ours, and nothing of ours",
                where=str(self.out),
                remedy="Name a folder that is new or empty: what stands in an output folder belongs to skycrane",
            )
        try:
            with storage_errors(self.out):
                for folder in (self.staging, self.packs, self.receipts):
                    folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            remedy = "Name a folder whose parent is one, and can hold it"
            raise UsageError(f"cannot be made: {error.strerror}", where=str(self.out), remedy=remedy) from error
        return self

    def hold(self) -> None:
        """Take the folder for this process, if it has not yet; HeldError says who has it."""
        if self._lock is not None:
            return
        stream = (self.hidden / "lock").open("a+")
        if not _lock(stream):
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            stream.close()
            raise HeldError(
                f"is held by {holder}",
                where=str(self.out),
                remedy=f"Wait for it or stop it; `skycrane status {self.out}` can be read meanwhile",
            )
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {socket.gethostname()}")
        stream.flush()
        self._lock = stream

    def release(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    def stage(self, name: str) -> Path:
        """Make a staging folder."""
        folder = self.staging / f"{name}.call"
        folder.mkdir(parents=True)
        return folder

    def publish(self, staged: Path, path: str) -> FileRecord:
        """Give a staged file its final name; return how it is known from now on (suffix and digest are the caller's)."""
        final = self.out / path
        with storage_errors(final):
            try:
                staged.replace(final)
            except FileNotFoundError:
                final.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(final)
            status = final.stat()
        return FileRecord(suffix="", path=path, size=status.st_size, sha256="", mtime_ns=status.st_mtime_ns, inode=status.st_ino)

    def withdraw(self, paths: Iterable[str]) -> None:
        """Remove files that no receipt names any more, and folders that this empties."""
        for path in paths:
            final = self.out / path
            final.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                for folder in final.relative_to(self.out).parents:
                    if folder != Path() and folder.parts[0] != HIDDEN:
                        (self.out / folder).rmdir()

    def intact(self, record: FileRecord) -> bool:
        """Say whether a file is what its record says, by size, time and inode; by its digest where those have changed.

        One that cannot be read is not.
        """
        path = self.out / record.path
        try:
            status = path.stat()
        except OSError:
            return False
        if status.st_size < record.offset + record.size or (record.whole and status.st_size != record.size):
            return False
        # A pack is written once, under a name that is never used again: it carries no time.
        if (status.st_mtime_ns, status.st_ino) == (record.mtime_ns, record.inode) or not (record.whole or record.mtime_ns):
            return True
        try:
            return digest_file(path, record.offset, record.size) == record.sha256
        except OSError:
            return False

    def touched(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Give the rows (path, size, mtime_ns, inode) of files that are gone, or whose size, time or inode is another."""
        folder = f"{self.out}/"
        for row in rows:
            try:
                status = os.stat(folder + row["path"])  # noqa: PTH116  text, 100,000 times
            except OSError:
                yield row
                continue
            if (status.st_size, status.st_mtime_ns, status.st_ino) != (row["size"], row["mtime_ns"], row["inode"]):
                yield row

    def sweep(self, named: set[str], rooms: set[str]) -> list[str]:
        """Remove what a crash left: all staging, and files in our folders that no receipt names. Return their paths."""
        self.clear_staging()
        swept = []
        for room in sorted({*rooms, f"{HIDDEN}/packs"}):
            for folder, _, files in os.walk(self.out / room):
                for name in files:
                    path = os.path.relpath(os.path.join(folder, name), self.out)  # noqa: PTH118  os.walk gives text, 100,000 times
                    if path not in named:
                        swept.append(path)
        self.withdraw(swept)
        return swept

    def unstage(self, name: str) -> None:
        """Remove what was staged under a name, by however many calls."""
        folders: list[str] = []
        with contextlib.suppress(OSError):  # what cannot be looked at is swept by the next run
            folders = [entry.path for entry in os.scandir(self.staging) if entry.name.startswith(f"{name}.")]
        for folder in folders:
            try:
                os.rmdir(folder)  # noqa: PTH106  a text, once for each batch
            except OSError:
                # It is not empty: a stage failed, or made what stood there already.
                shutil.rmtree(folder, ignore_errors=True)

    def clear_staging(self) -> None:
        """Remove what was staged and never published."""
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir(parents=True, exist_ok=True)

    def write_text(self, path: Path, text: str) -> None:
        """Replace a small file of ours, atomically."""
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with storage_errors(path), part.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            part.replace(path)

    @property
    def crashed(self) -> bool:
        """Whether the last run that changed something did not end well."""
        return (self.hidden / "running").exists()

    @property
    def lost_power(self) -> bool:
        """Whether the machine went down under the last run: what was not synced may be torn."""
        try:
            note = json.loads((self.hidden / "running").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return self.crashed
        return not isinstance(note, dict) or note.get("boot") != _boot()

    def mark_running(self) -> None:
        """Note that files are about to change."""
        note = {"pid": os.getpid(), "host": socket.gethostname(), "boot": _boot()}
        self.write_text(self.hidden / "running", json.dumps(note) + "\n")
        # A manifest is true whenever nothing runs, even after a crash: so there is none while something runs.
        self.manifest.unlink(missing_ok=True)

    def mark_ended(self) -> None:
        """Note that the run ended well."""
        (self.hidden / "running").unlink(missing_ok=True)


def _lock(stream: TextIO) -> bool:
    """Take a lock; False if another one has it and keeps it: who only asks whether somebody has it lets it go at once."""
    until = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True


def _boot() -> str:
    """Name this life of the machine; empty where the system has no such name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
