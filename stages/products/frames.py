"""Transfer frames and their table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source
from stages.products.tables import from_npy, to_npy

__all__ = ["FRAME_DTYPE", "Frames"]

Bytes: TypeAlias = NDArray[np.uint8]


FRAME_DTYPE = np.dtype(
    [
        # From the chunk's first bit to the frame's first (its marker's, at level bits); negative in the margin.
        ("bit_offset", "<i8"),
        ("inverted", "?"),
        ("marker_errors", "u1"),  # bits
        ("corrected", "<i4"),  # symbols that Reed-Solomon put right, -1 if it could not, 0 without the code
        ("good", "?"),  # code, error control field and header agree
    ]
)
"""A row a frame, in the order received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames(Product):
    """The transfer frames whose last bit lies in a chunk."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    INTERMEDIATE: ClassVar[bool] = True

    pass_: str
    chunk: str
    data: Bytes
    """(n, length) uint8, corrected, in the order received, bad ones included."""
    table: NDArray[Any]
    """(n,) FRAME_DTYPE."""
    position: int = 0
    """Bit of the pass, or of the numbered part of it (`part_of`), at which the chunk begins."""
    skipped: int = 0
    """Bits of the chunk that belong to no frame."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """frames/PASS/CHUNK."""
        return f"frames/{key['pass']}/{key['chunk']}"

    def save(self, sink: Sink) -> None:
        """Write the frames one after the other (.bin) and the table (.npy)."""
        sink.path(".bin").write_bytes(self.data.tobytes())
        sink.path(".npy").write_bytes(to_npy(self.table))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        table = from_npy(source.read(".npy"), FRAME_DTYPE)
        length = source.facts["length"]
        return cls(
            pass_=source.key["pass"],
            chunk=source.key["chunk"],
            data=np.frombuffer(source.read(".bin"), np.uint8).reshape(len(table), length),
            table=table,
            position=source.facts["position"],
            skipped=source.facts["skipped"],
        )

    def completeness(self) -> Completeness:
        """Count good frames of those found; frames that never came are the packets' to count, who know the counters."""
        return Completeness(received=int(self.table["good"].sum()), expected=len(self.table), unit="frames")

    def facts(self) -> Facts:
        """Counts for the link's health."""
        corrected = self.table["corrected"]
        return {
            "length": int(self.data.shape[1]),
            "position": self.position,
            "skipped": self.skipped,
            "frames": int(self.table["good"].sum()),
            "bad": int((~self.table["good"]).sum()),
            "corrected_symbols": int(corrected[corrected > 0].sum()),
            "uncorrectable": int((corrected < 0).sum()),
            "inverted": int(self.table["inverted"].sum()),
        }
