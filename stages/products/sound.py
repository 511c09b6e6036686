"""SoundBlock, Recording and Spectrogram: what the microphone heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Entry, Facts, Key, Product, Sink, Source

__all__ = ["Recording", "SoundBlock", "Spectrogram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBlock(Product):
    """A stretch of sound as it was sent."""

    KEY: ClassVar[tuple[str, ...]] = ("file", "microphone", "block")
    PACKED: ClassVar[bool] = True

    file: str
    microphone: str
    block: str
    """Sortable: its first sample, zero-padded; its number in the file where that is not known."""
    samples: NDArray[np.int32]
    """(frames, channels), left-justified in 32 bits, as soundfile gives them."""
    mask: NDArray[np.bool_]
    """(frames,), True where lost."""
    rate: int
    """Frames a second."""
    bits: int = 24
    """Of the samples on board."""
    start: int | None = None
    """Sample of the microphone's time line at which it begins; None: follows the block before."""
    source: str = ""
    clock: float | None = None
    """Clock seconds of the first sample, if known."""

    def save(self, sink: Sink) -> None:
        """Write a line of JSON, then mask and samples."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count samples."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Product):
    """All that one microphone recorded, at its true length; what is lost is silence and stands in the gaps."""

    KEY: ClassVar[tuple[str, ...]] = ("microphone",)

    microphone: str
    rate: int
    channels: int
    bits: int
    length: int
    """Frames, gaps included."""
    blocks: Callable[[], Iterator[NDArray[np.int32]]]
    """Gives the recording in order, (frames, channels) left-justified; no more than one block is in memory."""
    gaps: tuple[tuple[int, int], ...] = ()
    """[start, stop) in frames."""
    clock: float | None = None
    """Clock seconds of the first sample."""
    utc: str = ""
    meta: Facts = field(default_factory=dict)

    @classmethod
    def stem(cls, key: Key) -> str:
        """audio/MICROPHONE."""
        return f"audio/{key['microphone']}"

    def save(self, sink: Sink) -> None:
        """Write .flac and .json (length, rate, gaps, clock)."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Open what `save` wrote; the sound is read when asked for."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count samples."""
        missing = sum(stop - start for start, stop in self.gaps)
        return Completeness(
            received=self.length - missing, expected=self.length, unit="samples", gaps=self.gaps[: Completeness.MAX_GAPS]
        )

    def facts(self) -> Facts:
        """Rate, length and gaps."""
        missing = sum(stop - start for start, stop in self.gaps)
        return {
            "rate": self.rate,
            "channels": self.channels,
            "bits": self.bits,
            "seconds": self.length / self.rate,
            "gaps": len(self.gaps),
            "missing_seconds": missing / self.rate,
            "clock": self.clock,
            "utc": self.utc,
        }

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Sum up by microphone."""
        names = ("seconds", "gaps", "missing_seconds")
        return {"microphones": {entry.key["microphone"]: {name: entry.facts[name] for name in names} for entry in entries}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrogram(Product):
    """A recording's spectrogram as a picture with axes."""

    KEY: ClassVar[tuple[str, ...]] = ("microphone",)

    microphone: str
    samples: NDArray[np.uint8]
    """(height, width, 3)."""
    received: int
    expected: int
    """Samples of the recording."""
    meta: Facts = field(default_factory=dict)
    """Where the plot lies in the picture (fractions of width and height), for a cursor: {left, right, top, bottom}; seconds, hertz."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """audio/MICROPHONE-spectrogram."""
        return f"audio/{key['microphone']}-spectrogram"

    def save(self, sink: Sink) -> None:
        """Write .png."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """As the recording's."""
        return Completeness(received=self.received, expected=self.expected, unit="samples")

    def facts(self) -> dict[str, Any]:
        """Where the plot lies in the picture."""
        return self.meta
