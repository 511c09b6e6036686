"""Levels of a recording by time and frequency: a short-time Fourier transform that needs the memory of one block.

Windows are periodic Hann windows of nfft samples, centred on multiples of the hop. Power is scaled so that a sine of full scale has 0 dB
(its peak in the spectrum is half the window's sum), and pooled: columns take the mean or the largest of their windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Levels", "Losses", "measure"]

BATCH = 256
"""Windows that are transformed at once."""
SILENCE = -200.0
"""dB; what has no power at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What was measured."""

    power: NDArray[np.float32]
    """(columns, nfft // 2 + 1), dB of a full-scale sine; NaN where too little sound came to tell."""
    low: NDArray[np.float32]
    """(columns,): smallest sample, -1 to 1."""
    high: NDArray[np.float32]
    peak: float
    """Largest absolute sample, 0 to 1."""
    rms: float
    """Of the samples that came."""


class Losses:
    """Counts the lost samples in any stretch."""

    def __init__(self, gaps: Sequence[tuple[int, int]]) -> None:
        edges = np.array(gaps, np.int64).reshape(-1, 2)
        self._starts = edges[:, 0]
        self._stops = edges[:, 1]
        self._before = np.concatenate([[0], np.cumsum(edges[:, 1] - edges[:, 0])])

    def count(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count in each [start, stop)."""
        return self._until(stops) - self._until(starts)

    def _until(self, position: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self._starts.size:
            return np.zeros_like(position)
        gap = np.searchsorted(self._starts, position, side="right") - 1
        inside = np.where(gap >= 0, np.minimum(position, self._stops[gap]) - self._starts[gap], 0)
        until: NDArray[np.int64] = self._before[np.maximum(gap, 0)] + inside
        return until


def measure(
    blocks: Iterable[NDArray[np.int32]], length: int, gaps: Sequence[tuple[int, int]], *, nfft: int, columns: int, largest: bool
) -> Levels:
    """Measure a recording of `length` samples.

    blocks   (frames, channels) in order, left-justified int32; the power of channels is averaged
    columns  of the result; fewer for recordings of fewer samples
    largest  whether a column takes the largest of its windows instead of the mean

    Windows that touch a gap count only where a column has no others, and not at all if half of them is lost.
    """
    columns = min(columns, length)
    hop = max(1, min(nfft // 2, length // columns))
    losses = Losses(gaps)
    clean, torn = Pool(columns, nfft, largest=largest), Pool(columns, nfft, largest=largest)
    envelope = Envelope(columns, length)
    for first, power in transform(envelope.watch(blocks), nfft, hop, length):
        centres = (first + np.arange(len(power))) * hop
        lost = losses.count(np.maximum(centres - nfft // 2, 0), np.minimum(centres + nfft // 2, length))
        column = centres * columns // length
        clean.add(column[lost == 0], power[lost == 0])
        some = (lost > 0) & (2 * lost < nfft)
        torn.add(column[some], power[some])
    received = length - int(losses.count(np.array([0]), np.array([length]))[0])
    return Levels(
        power=np.where(clean.counts[:, None] > 0, clean.decibels(), torn.decibels()),
        low=envelope.low,
        high=envelope.high,
        peak=envelope.peak,
        rms=float(np.sqrt(envelope.squares / max(1, received * envelope.channels))),
    )


def transform(blocks: Iterable[NDArray[np.int32]], nfft: int, hop: int, length: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Give (number of the first window, power (windows, nfft // 2 + 1)) for all windows centred on a sample, in order."""
    from scipy import fft

    window = np.float32(0.5) - np.float32(0.5) * np.cos(2 * np.pi * np.arange(nfft) / nfft).astype(np.float32)
    # 2**31 is full scale; a sine's peak in the spectrum is half the window's sum.
    window *= np.float32(2 / window.sum() / (1 << 31))
    number = 0
    for stretch in windows_of(blocks, nfft, hop, -(-length // hop)):
        for at in range(0, stretch.shape[0], BATCH):
            batch = stretch[at : at + BATCH]
            power = np.zeros((len(batch), nfft // 2 + 1), np.float32)
            for channel in range(batch.shape[1]):
                spectrum = fft.rfft(batch[:, channel] * window, axis=1)
                power += spectrum.real**2 + spectrum.imag**2
            yield number, power / np.float32(batch.shape[1])
            number += len(batch)


def windows_of(blocks: Iterable[NDArray[np.int32]], nfft: int, hop: int, count: int) -> Iterator[NDArray[np.float32]]:
    """Give (windows, channels, nfft) views, block by block; half a window of zeros stands before the first sample and after the last."""
    rest: NDArray[np.float32] | None = None
    left = count
    for block in pad(blocks, nfft // 2):
        data = block.astype(np.float32)
        rest = data if rest is None else np.concatenate([rest, data])
        ready = min(left, (len(rest) - nfft) // hop + 1)
        if ready > 0:
            yield np.lib.stride_tricks.sliding_window_view(rest, nfft, axis=0)[::hop][:ready]
            rest = rest[ready * hop :]
            left -= ready


def pad(blocks: Iterable[NDArray[np.int32]], margin: int) -> Iterator[NDArray[np.int32]]:
    """Put zeros before the first block and after the last."""
    channels = 0
    for block in blocks:
        if not channels:
            channels = block.shape[1]
            yield np.zeros((margin, channels), np.int32)
        yield block
    if channels:
        yield np.zeros((margin, channels), np.int32)


class Pool:
    """Gathers the power of windows in columns."""

    def __init__(self, columns: int, nfft: int, *, largest: bool) -> None:
        self.counts = np.zeros(columns, np.int64)
        self._power = np.zeros((columns, nfft // 2 + 1), np.float64 if not largest else np.float32)
        self._largest = largest

    def add(self, column: NDArray[np.int64], power: NDArray[np.float32]) -> None:
        """Add windows; their columns ascend."""
        if not column.size:
            return
        where, first, counts = np.unique(column, return_index=True, return_counts=True)
        if self._largest:
            self._power[where] = np.maximum(self._power[where], np.maximum.reduceat(power, first, axis=0))
        else:
            self._power[where] += np.add.reduceat(power, first, axis=0)
        self.counts[where] += counts

    def decibels(self) -> NDArray[np.float32]:
        """Give the levels; NaN where nothing was added."""
        share = self._power if self._largest else self._power / np.maximum(self.counts, 1)[:, None]
        level = 10 * np.log10(np.maximum(share, 10 ** (SILENCE / 10)))
        decibels: NDArray[Any] = np.where(self.counts[:, None] > 0, level, np.nan).astype(np.float32)
        return decibels


class Envelope:
    """Watches samples go by: the range in each column, peak and power."""

    def __init__(self, columns: int, length: int) -> None:
        self.low = np.zeros(columns, np.float32)
        self.high = np.zeros(columns, np.float32)
        self.squares = 0.0
        self.channels = 1
        self._length = length

    @property
    def peak(self) -> float:
        """Largest absolute sample, 0 to 1."""
        return float(max(self.high.max(initial=0), -self.low.min(initial=0)))

    def watch(self, blocks: Iterable[NDArray[np.int32]]) -> Iterator[NDArray[np.int32]]:
        """Pass the blocks on."""
        at, columns = 0, len(self.low)
        for block in blocks:
            first = at * columns // self._length
            last = (at + len(block) - 1) * columns // self._length
            # Column c begins at the first sample whose column it is: ceil(c * length / columns).
            begins = -(-np.arange(first, last + 1) * self._length // columns) - at
            edges = np.maximum(begins, 0)
            low = np.minimum.reduceat(block.min(axis=1), edges) / np.float32(1 << 31)
            high = np.maximum.reduceat(block.max(axis=1), edges) / np.float32(1 << 31)
            self.low[first : last + 1] = np.minimum(self.low[first : last + 1], low)
            self.high[first : last + 1] = np.maximum(self.high[first : last + 1], high)
            self.squares += float(np.square(block / np.float32(1 << 31), dtype=np.float32).sum(dtype=np.float64))
            self.channels = block.shape[1]
            at += len(block)
            yield block
