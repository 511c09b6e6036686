"""Pieces of a pass on disk: written under an unfinished name, synced, then renamed to NAME.atOFFSET.bin, by which they have arrived.

Nothing that was recorded is ever overwritten: a pass takes a name that the folder does not have yet. What a crash left under an unfinished
name is taken over as far as it was written.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
from pathlib import Path
from typing import IO

__all__ = ["Recording", "adopt_leftovers"]

SUFFIX = ".bin"
PART = ".part"
_LEFTOVER = re.compile(rf".+\.at\d{{15}}{re.escape(SUFFIX)}{re.escape(PART)}")


class Recording:
    """A pass that is being recorded into a folder, piece after piece."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.bytes = 0
        """Of the pieces that have arrived."""
        self.name = ""
        """The first of NAME, NAME-2, NAME-3, ... that the folder does not have."""
        for number in itertools.count(1):
            self.name = name if number == 1 else f"{name}-{number}"
            if not any(folder.glob(f"{_literal(self.name)}.at*")):
                try:
                    self._stream = self._open()
                except FileExistsError:
                    continue  # another recorder was quicker
                return

    def write(self, data: bytes) -> None:
        """Add to the piece."""
        self._stream.write(data)

    @property
    def length(self) -> int:
        """Bytes of the piece so far."""
        return self._stream.tell()

    def finish_piece(self) -> None:
        """Let the piece arrive, and begin the next one."""
        self._arrive()
        self._stream = self._open()

    def close(self) -> None:
        """Let the last piece arrive."""
        self._arrive()

    def _place(self) -> Path:
        return self._folder / f"{self.name}.at{self.bytes:015d}{SUFFIX}"

    def _open(self) -> IO[bytes]:
        place = self._place()
        stream = place.with_name(place.name + PART).open("xb")
        fcntl.flock(stream, fcntl.LOCK_EX)  # tells a piece that is being written from one that a crash left
        return stream

    def _arrive(self) -> None:
        place = self._place()
        with self._stream as stream:
            length = stream.tell()
            if length:
                stream.flush()
                os.fsync(stream.fileno())
                place.with_name(place.name + PART).rename(place)
            else:
                place.with_name(place.name + PART).unlink()
        self.bytes += length


def adopt_leftovers(folder: Path) -> list[Path]:
    """Let the pieces arrive that a recorder which is gone left unfinished; return them."""
    adopted = []
    for part in sorted(path for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name)):
        with part.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            place = part.with_name(part.name.removesuffix(PART))
            if not os.fstat(stream.fileno()).st_size:
                part.unlink()
            elif not place.exists():
                part.rename(place)
                adopted.append(place)
    return adopted


def _literal(name: str) -> str:
    """Let a name stand for itself in a glob."""
    return re.sub(r"([*?[])", r"[\1]", name)
