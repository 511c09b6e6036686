"""A stretch of a pass as it was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Arrival, Completeness, Product, Recognition, Sink, Source

__all__ = ["Chunk", "Place", "begins", "part_of", "told_place"]

Bytes: TypeAlias = NDArray[np.uint8]

Place: TypeAlias = tuple[str, int]
"""Of a pass: the numbered part, or nothing, and the bit of that, or of the pass. Parts are in order of their names."""


def part_of(chunk: str) -> str:
    """Name what the bits of a chunk are counted in: a numbered part of its pass, or, by nothing, the pass.

    A chunk is called by its first byte of the pass, or by the number of a part (p000002) and, behind a +, its first byte of that: where a
    numbered part begins in the pass nobody knows.
    """
    return "" if chunk.isdigit() else chunk.partition("+")[0]


def begins(chunk: str, position: int | None) -> int:
    """Give the byte at which a chunk begins, of the pass or of the numbered part.

    position  byte of the pass, where it is known
    """
    behind = chunk.partition("+")[2]
    return position if position is not None else int(behind) if behind.isdigit() else 0


def told_place(bits: Sequence[int], part: str, joined: str = "to") -> str:
    """Say where bits lie, of which only the first and the last count: bytes 10 to 20 of part p000002; without a part byte 10."""
    first, last = bits[0] // 8, bits[-1] // 8
    place = f"byte {first:,}" if first == last else f"bytes {first:,} {joined} {last:,}"
    return f"{place} of part {part}" if part else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk(Product):
    """A stretch of a pass as it was recorded, by reference; never written."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    LEVELS: ClassVar[tuple[str, ...]] = ("bits", "frames")

    pass_: str
    chunk: str
    data: Bytes
    """(n,) uint8: the margin, then the chunk's own bytes."""
    margin: int = 0
    """How many of them, in front, belong to the chunks before: up to four frames."""
    level: str = "bits"
    """"bits" (CADUs) or "frames" (transfer frames without marker or parity)."""
    position: int | None = 0
    """Byte of the pass at which the chunk's own bytes begin; None if chunks are numbered and it is not known."""

    @property
    def begins(self) -> int:
        """Byte at which its own bytes begin, of the pass or of the numbered part that it lies in."""
        return begins(self.chunk, self.position)

    def save(self, sink: Sink) -> None:
        """Write the chunk's own bytes: only tests do."""
        sink.write(self.data[self.margin :].tobytes())

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read margin and chunk from the files that arrived."""
        pieces = [source.read(suffix) for suffix in sorted(source.files)]
        own = pieces.pop(0)
        margin = b"".join(pieces)
        return cls(
            pass_=source.key["pass"],
            chunk=source.key["chunk"],
            data=np.frombuffer(margin + own, np.uint8),
            margin=len(margin),
            level=source.facts.get("level", "bits"),
            position=source.facts.get("position"),
        )

    def completeness(self) -> Completeness:
        """Complete by definition: what arrived is what there is."""
        own = self.data.size - self.margin
        return Completeness(received=own, expected=own)

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Look for markers, else for transfer frame headers and their error control."""
        from stages.recognise import recognise_stream

        return recognise_stream(arrival, sections)
