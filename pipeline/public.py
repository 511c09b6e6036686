"""What of an output folder anyone may read over the network: which files, as what, and which bytes of them.

Everything in OUT but what is hidden is public. Names come from a stranger: nothing outside OUT is ever opened, whatever the name says,
whatever links stand in the folder. What the spacecraft sent (files/) may hold anything, so no browser is told that it is a page.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

__all__ = ["PublicFile", "PublicTree", "RangeError", "byte_range"]

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".flac": "audio/flac",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".sha256": "text/plain; charset=utf-8",
    ".tif": "image/tiff",
    ".wav": "audio/wav",
}
ACTIVE = {".css", ".html", ".js"}
"""A browser runs or obeys these: they are ours only where the report has them."""
OCTETS = "application/octet-stream"

_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))[ \t]*")


class RangeError(ValueError):
    """None of the bytes that were asked for exist."""


@dataclass(frozen=True, slots=True)
class PublicFile:
    """An open file: what is read from it stays of one piece, even when a new one takes its name."""

    stream: BinaryIO
    size: int
    """Bytes."""
    tag: str
    """Entity tag, of size and time (RFC 9110 section 8.8.3)."""
    type: str
    download: bool
    """Whether a browser should keep it rather than show it."""


class PublicTree:
    """The public files of an output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out.resolve()

    @contextlib.contextmanager
    def open(self, target: str) -> Iterator[PublicFile | None]:
        """Open the file that the path of a URL names; None if there is none, or none that is public."""
        path = self.find(target)
        handle = -1
        if path is not None:
            with contextlib.suppress(OSError):
                # A pipe that nobody writes to must not hold us, nor a link that took the file's place lead us away.
                handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if path is None or handle < 0:
            yield None
            return
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            yield None
            return
        kind, download = self.type_of(path)
        with os.fdopen(handle, "rb") as stream:
            yield PublicFile(stream, status.st_size, tag_of(status), kind, download)

    def find(self, target: str) -> Path | None:
        """Turn the path of a URL, percent-encoded, into a path in OUT without links; None for what is not public or not there."""
        name = os.fsdecode(unquote_to_bytes(target.lstrip("/"))) or "index.html"
        parts = name.split("/")
        if "\0" in name or "\\" in name or any(not part or part.startswith(".") for part in parts):
            return None
        try:
            path = self.out.joinpath(*parts).resolve(strict=True)
            inside = path.relative_to(self.out).parts
        except (OSError, RuntimeError, ValueError):
            return None
        return path if inside and not any(part.startswith(".") for part in inside) else None

    def tag(self, target: str) -> str:
        """Give a file's entity tag; empty if there is none."""
        path = self.find(target)
        try:
            return "" if path is None else tag_of(path.stat())
        except OSError:
            return ""

    def type_of(self, path: Path) -> tuple[str, bool]:
        """Say what a file is, and whether to keep rather than show it."""
        inside = path.relative_to(self.out)
        ours = inside == Path("index.html") or (inside.parts[0] == "page" and path.suffix in {".css", ".js"})
        if inside.parts[0] == "files" or (path.suffix in ACTIVE and not ours):
            return OCTETS, True
        return TYPES.get(path.suffix, OCTETS), path.suffix not in TYPES


def tag_of(status: os.stat_result) -> str:
    """Make a file's entity tag."""
    return f'"{status.st_size:x}-{status.st_mtime_ns:x}"'


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range header (RFC 9110 section 14.1.2): [start, stop) of a file of so many bytes.

    None where the whole file is to be sent: several ranges and other units may be answered so. RangeError if the range is outside.
    """
    match = _RANGE.fullmatch(header)
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, stop = max(0, size - int(suffix)), size
    else:
        start = int(first)
        stop = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeError(header)
    return start, stop
