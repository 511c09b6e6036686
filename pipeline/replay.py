"""Feeds a recording into a landing folder as if it arrived: for rehearsals and tests.

Each piece is written under an unfinished name and renamed, and carries pass and offset in its name: ``PASS.at000000001048576.EXT``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Piece", "cut", "replay"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a recording."""

    source: Path
    offset: int
    """Byte of the recording."""
    length: int

    @property
    def name(self) -> str:
        """Name that it lands under."""
        return f"{self.source.stem}.at{self.offset:015d}{self.source.suffix}"


def cut(recordings: Sequence[Path], piece_bytes: int) -> Iterator[Piece]:
    """Cut recordings into pieces of so many bytes, in order."""
    for path in recordings:
        size = path.stat().st_size
        for offset in range(0, size, piece_bytes):
            yield Piece(path, offset, min(piece_bytes, size - offset))


def replay(
    recordings: Sequence[Path],
    landing: Path,
    *,
    rate: float,
    piece_bytes: int,
    seed: int | None = None,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Piece]:
    """Let the pieces land, at `rate` bits a second (0: at once), shuffled if there is a seed; give each when it has landed."""
    pieces = list(cut(recordings, piece_bytes))
    if seed is not None:
        random.Random(seed).shuffle(pieces)
    landing.mkdir(parents=True, exist_ok=True)
    begin, sent = clock(), 0
    for piece in pieces:
        sent += piece.length
        if rate > 0 and (ahead := begin + sent * 8 / rate - clock()) > 0:
            pause(ahead)
        _land(piece, landing)
        yield piece


def _land(piece: Piece, landing: Path) -> None:
    part = landing / f"{piece.name}.part"
    with piece.source.open("rb") as stream, part.open("wb") as target:
        stream.seek(piece.offset)
        target.write(stream.read(piece.length))
    part.replace(landing / piece.name)
