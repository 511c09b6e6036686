"""Joins blocks in their places into one recording: what came twice counts once, what never came is silence and a gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.audio.placement import Piece
from stages.products import SoundBlock
from stages.products.packed import REMEDY

__all__ = ["Mixer", "gaps_of", "overlaps"]

BLOCK_SAMPLES = 1 << 20
"""Of all channels together, in a block that is given out."""


class Mixer:
    """Gives any stretch of the recording; of the blocks that it touches one is in memory at a time."""

    def __init__(self, pieces: Sequence[Piece], load: Callable[[int], SoundBlock], channels: int) -> None:
        self._pieces = sorted(pieces, key=lambda piece: piece.start)
        self._load = load
        self._channels = channels
        self._held: tuple[int, SoundBlock] | None = None

    def blocks(self, length: int) -> Iterator[NDArray[np.int32]]:
        """Give the recording in order, (frames, channels)."""
        return (samples for samples, _ in self._walk([(0, length)]))

    def disputed(self) -> int:
        """Count the samples at which blocks that came differ."""
        return sum(disputed for _, disputed in self._walk(overlaps(self._pieces)))

    def _walk(self, stretches: Sequence[tuple[int, int]]) -> Iterator[tuple[NDArray[np.int32], int]]:
        """Go through stretches that ascend, in steps of bounded size."""
        step = max(1, BLOCK_SAMPLES // self._channels)
        active: list[Piece] = []
        position = 0
        for begin, end in stretches:
            for start in range(begin, end, step):
                stop = min(start + step, end)
                while position < len(self._pieces) and self._pieces[position].start < stop:
                    active.append(self._pieces[position])
                    position += 1
                active = [piece for piece in active if piece.stop > start]
                yield self._stretch(active, start, stop)

    def _stretch(self, pieces: Sequence[Piece], start: int, stop: int) -> tuple[NDArray[np.int32], int]:
        """Mix the pieces in [start, stop).

        Of blocks that differ the first in key order holds, which no order of arrival can change; a sample that came beats a lost one.
        """
        out = np.zeros((stop - start, self._channels), np.int32)
        filled = np.zeros(stop - start, np.bool_)
        disputed = np.zeros(stop - start, np.bool_)
        for piece in sorted(pieces, key=lambda piece: piece.index):
            low, high = max(piece.start, start), min(piece.stop, stop)
            if low >= high:
                continue
            block = self._block(piece)
            offset = piece.skip - piece.start
            samples, there = block.samples[low + offset : high + offset], ~block.mask[low + offset : high + offset]
            here = slice(low - start, high - start)
            if filled[here].any():
                both = there & filled[here]
                disputed[here] |= both & (samples != out[here]).any(axis=1)
                there &= ~filled[here]
            np.copyto(out[here], samples, where=True if there.all() else there[:, None])
            filled[here] |= there
        return out, int(np.count_nonzero(disputed))

    def _block(self, piece: Piece) -> SoundBlock:
        """Load a block, unless it is the one that the stretch before ended in."""
        if self._held is None or self._held[0] != piece.index:
            block = self._load(piece.index)
            if block.samples.shape[0] < piece.skip + piece.stop - piece.start or block.samples.shape[1] != self._channels:
                raise DataError("is not as long as the catalog says", where=block.key.text, remedy=REMEDY)
            self._held = piece.index, block
        return self._held[1]


def gaps_of(pieces: Sequence[Piece], lost: Callable[[int], Sequence[tuple[int, int]]], length: int) -> tuple[tuple[int, int], ...]:
    """List the [start, stop) in which no block has a sample.

    lost  gives the lost runs of a block, in its own samples
    """
    edges: list[tuple[int, int]] = []
    for piece in pieces:
        low, high = piece.skip, piece.skip + piece.stop - piece.start
        at = low
        for start, stop in [*lost(piece.index), (high, high)]:
            if min(start, high) > at:
                edges.append((at - low + piece.start, min(start, high) - low + piece.start))
            at = max(at, min(stop, high))
    out, reached = [], 0
    for start, stop in sorted(edges):
        if start > reached:
            out.append((reached, start))
        reached = max(reached, stop)
    return (*out, (reached, length)) if reached < length else tuple(out)


def overlaps(pieces: Sequence[Piece]) -> list[tuple[int, int]]:
    """List the [start, stop) in which more than one piece lies, joined."""
    out: list[tuple[int, int]] = []
    reached = 0
    for piece in sorted(pieces, key=lambda piece: piece.start):
        start, stop = piece.start, min(piece.stop, reached)
        reached = max(reached, piece.stop)
        if start >= stop:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], stop))
        else:
            out.append((start, stop))
    return out
