"""Where a call of `perform` writes: a folder of its own, with a sink for each product, and a pack for all that are small.

Nothing here is in its place yet; the driver renames what is to stay.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import ContractError, DataError
from pipeline.receipt import FileRecord

__all__ = ["FileSink", "Folder", "Pack", "forget", "sync"]


class Folder:
    """The staging folder of a call: files side by side, so that there is one folder to make and to remove."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at_hand: list[str] = []
        """Files of products that are still in this process's memory too."""
        self._count = 0

    def name(self, suffix: str) -> Path:
        """Name a new file; what tells its format from its name finds the suffix."""
        self._count += 1
        return self.path / f"{self._count:06d}{suffix.replace('/', '~')}"


class FileSink:
    """Collects the files of one product."""

    def __init__(self, folder: Folder, stem: str) -> None:
        self._folder = folder
        self._stem = stem
        self.files: dict[str, Path] = {}
        self.digests: dict[str, str] = {}
        """SHA-256 by suffix, of the files that were put here whole."""

    def path(self, suffix: str) -> Path:
        """Name a file to write; DataError for one that would lead out of the output folder."""
        self.digests.pop(suffix, None)
        if ".." in Path(f"{self._stem}{suffix}").parts or f"{self._stem}{suffix}".startswith("/"):
            raise DataError(f"{suffix!r} would lead out of the output folder", where=self._stem)
        if suffix not in self.files:
            self.files[suffix] = self._folder.name(suffix)
        return self.files[suffix]

    def put(self, suffix: str, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """Write a file from its parts."""
        digest = hashlib.sha256()
        with self.path(suffix).open("wb") as stream:
            for part in parts:
                digest.update(part)
                stream.write(part)
        self.digests[suffix] = digest.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append to the product's one file."""
        with self.path("").open("ab") as stream:
            stream.write(data)


class Pack:
    """The one file of a batch that holds all packed products of a stage; a sink for each in turn."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path_of_all = folder / f"{name}.pack"
        self.final = f".skycrane/packs/{name}.pack"
        self.stream: BinaryIO = self.path_of_all.open("wb")
        self._digest = hashlib.sha256()

    def path(self, suffix: str) -> Path:
        """Raise ContractError."""
        raise ContractError(f"a packed product has no file {suffix!r} of its own", remedy="Use sink.write")

    def put(self, suffix: str, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        """Raise ContractError."""
        del parts
        self.path(suffix)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append to the product."""
        self._digest.update(data)
        self.stream.write(data)

    def begin(self) -> int:
        """Begin a product; return where."""
        self._digest = hashlib.sha256()
        return self.stream.tell()

    def cut(self, start: int) -> None:
        """Take back what was written since `start`."""
        self.stream.seek(start)
        self.stream.truncate()

    def record(self, start: int) -> FileRecord:
        """Describe what was written since `start`."""
        length = self.stream.tell() - start
        return FileRecord(suffix="", path=self.final, size=length, sha256=self._digest.hexdigest(), offset=start, whole=False)


def sync(paths: Sequence[str]) -> None:
    """Wait until the disk has these files: one call for many, where the system offers it."""
    if len(paths) > 4 and _syncfs(paths[0]):
        return
    for path in paths:
        with open(path, "rb") as stream:  # noqa: PTH123  thousands of paths that are text already
            os.fsync(stream.fileno())


def forget(paths: Sequence[str]) -> None:
    """Tell the system that nobody will read these soon, which the disk has: its memory is for files that somebody will."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        with open(path, "rb") as stream:  # noqa: PTH123  as above
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _syncfs(path: str) -> bool:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        with open(path, "rb") as stream:  # noqa: PTH123  as above
            return bool(libc.syncfs(stream.fileno()) == 0)
    except (OSError, AttributeError):
        return False
