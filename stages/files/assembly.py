"""Pieces of a file to the file: in any order, repeated, overlapping, with holes."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from stages.products.chunk import part_of
from stages.products.files import FilePart, ReceivedFile

__all__ = ["Coverage", "assemble_file", "most_voted"]

T = TypeVar("T")
Source: TypeAlias = tuple[int, int, str, str, int]


@dataclass(slots=True)
class Piece:
    """Octets that came with a checksum that holds."""

    offset: int
    data: bytes
    pass_: str
    part: str
    position: int
    votes: int = 1


@dataclass(slots=True)
class Coverage:
    """What of a file is there, as ascending ranges that do not touch."""

    starts: list[int] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)

    def add(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Add a range; return the parts of it that are new."""
        first = bisect.bisect_left(self.stops, start)
        last = bisect.bisect_right(self.starts, stop)
        new = [(max(start, low), min(stop, high)) for low, high in self._between(first, last, start, stop)]
        if first < last:
            start, stop = min(start, self.starts[first]), max(stop, self.stops[last - 1])
        self.starts[first:last] = [start]
        self.stops[first:last] = [stop]
        return [(low, high) for low, high in new if low < high]

    def _between(self, first: int, last: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
        edges = [start, *(edge for at in range(first, last) for edge in (self.starts[at], self.stops[at])), stop]
        return zip(edges[::2], edges[1::2], strict=True)

    def covers(self, start: int, stop: int) -> bool:
        """Say whether all of a range is there."""
        at = bisect.bisect_right(self.starts, start) - 1
        return start >= stop or (at >= 0 and stop <= self.stops[at])

    def gaps(self, size: int) -> tuple[tuple[int, int], ...]:
        """Give the ranges of [0, size) that are not there."""
        return tuple((low, high) for low, high in zip([0, *self.stops], [*self.starts, size], strict=True) if low < high)


def assemble_file(parts: Sequence[FilePart]) -> ReceivedFile:
    """Put a file together.

    parts  of one file, in key order

    A piece whose checksum is wrong is not used. Of pieces that overlap, the one that came most often holds, then the one first in key
    order. The end record's size holds over pieces beyond it; without one the file ends with the last octet received.
    """
    pieces, bad = collect(parts)
    size = most_voted(part.size for part in parts if part.size is not None)
    coverage = Coverage()
    stop = max((piece.offset + len(piece.data) for piece in pieces), default=0)
    data = bytearray(stop if size is None else min(stop, size))
    stretches = []
    for piece in sorted(pieces, key=lambda piece: -piece.votes):
        end = min(piece.offset + len(piece.data), len(data))
        if piece.offset >= end:
            continue
        for low, high in coverage.add(piece.offset, end):
            data[low:high] = piece.data[low - piece.offset : high - piece.offset]
            stretches.append((low, high, piece.pass_, piece.part, piece.position))
    overruled = sum(data[piece.offset : piece.offset + len(piece.data)] != piece.data for piece in pieces)
    return ReceivedFile(
        file=parts[0].file,
        data=bytes(data),
        size=size,
        gaps=coverage.gaps(len(data) if size is None else size),
        checksums=(len(pieces), sum(not coverage.covers(low, high if size is None else min(high, size)) for low, high in bad)),
        meta=json.loads(most_voted(json.dumps(part.meta, sort_keys=True) for part in parts if part.meta) or "{}"),
        sources=tuple(joined(sorted(stretches))),
        overruled=overruled,
        refused=sum(part.refused for part in parts),
    )


def collect(parts: Iterable[FilePart]) -> tuple[list[Piece], list[tuple[int, int]]]:
    """Gather the pieces, equal ones once with their votes; and the ranges of those whose checksum is wrong, each once."""
    pieces: dict[tuple[int, bytes], Piece] = {}
    bad: dict[tuple[int, int], None] = {}
    for part in parts:
        for segment in part.segments:
            if not segment.good:
                bad[segment.offset, segment.offset + len(segment.data)] = None
            elif known := pieces.get((segment.offset, segment.data)):
                known.votes += 1
            else:
                piece = Piece(segment.offset, segment.data, part.pass_, part_of(part.chunk), segment.position)
                pieces[segment.offset, segment.data] = piece
    return list(pieces.values()), list(bad)


def most_voted(values: Iterable[T]) -> T | None:
    """Give the most frequent value, of equally frequent ones the first; None if there is none."""
    votes: dict[T, int] = {}
    for value in values:
        votes[value] = votes.get(value, 0) + 1
    return max(votes, key=lambda value: votes[value]) if votes else None


def joined(stretches: Iterable[Source]) -> Iterator[Source]:
    """Join stretches that follow each other out of the same frame."""
    last: Source | None = None
    for stretch in stretches:
        if last is not None and last[1:] == (stretch[0], *stretch[2:]):
            last = (last[0], stretch[1], *last[2:])
            continue
        if last is not None:
            yield last
        last = stretch
    if last is not None:
        yield last
