"""SoundBlock, Recording and Spectrogram: what the microphone heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Entry, Facts, Key, Product, Sink, Source
from stages.products.packed import read_packed, split_masked, write_masked

__all__ = ["Recording", "SoundBlock", "Spectrogram", "runs"]


def runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give the runs of True as (n, 2) rows of [start, stop)."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges.reshape(-1, 2).astype(np.int64)


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
        """Write the facts as a line of JSON, then samples and mask (a bit a frame)."""
        write_masked(sink, self.facts(), self.samples, self.mask, "<i4")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        head, body = read_packed(source)
        length, channels = head.pop("length"), head.pop("channels")
        samples, mask = split_masked(source, body, "<i4", (length, channels), (length,))
        key = source.key
        return cls(file=key["file"], microphone=key["microphone"], block=key["block"], samples=samples, mask=mask, **head)

    def completeness(self) -> Completeness:
        """Count samples of the block."""
        gaps = runs(self.mask)
        lost = int(np.count_nonzero(self.mask))
        return Completeness(
            received=self.mask.size - lost,
            expected=self.mask.size,
            unit="samples",
            gaps=tuple((int(start), int(stop)) for start, stop in gaps[: Completeness.MAX_GAPS]),
        )

    def facts(self) -> Facts:
        """All that its place in the recording depends on: a recording is laid out before any block is loaded."""
        return {
            "length": self.samples.shape[0],
            "channels": self.samples.shape[1],
            "rate": self.rate,
            "bits": self.bits,
            "start": self.start,
            "source": self.source,
            "clock": self.clock,
        }


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
    title: str = ""
    """The microphone's."""
    caveats: tuple[str, ...] = ()
    meta: Facts = field(default_factory=dict)
    """sources: the products that it was made from."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """audio/MICROPHONE."""
        return f"audio/{key['microphone']}"

    def save(self, sink: Sink) -> None:
        """Write .flac and .json (length, rate, gaps, clock); .wav or .w64 where FLAC cannot hold it."""
        from stages.formats.sound import container, write_sound

        suffix = container(bits=self.bits, channels=self.channels, rate=self.rate, length=self.length)
        tags = {"title": self.title or self.microphone, "comment": ", ".join(self.meta.get("sources", ()))[:4000]}
        write_sound(sink.path(suffix), self.blocks(), rate=self.rate, channels=self.channels, bits=self.bits, tags=tags)
        record = {
            "microphone": self.microphone,
            "title": self.title,
            "rate": self.rate,
            "channels": self.channels,
            "bits": self.bits,
            "length": self.length,
            "seconds": self.length / self.rate,
            "clock": self.clock,
            "utc": self.utc,
            "gaps": [list(gap) for gap in self.gaps],
            "caveats": list(self.caveats),
            "meta": self.meta,
        }
        sink.path(".json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Open what `save` wrote; the sound is read when asked for."""
        from stages.formats.sound import SUFFIXES, read_blocks

        record = json.loads(source.read(".json"))
        path = source.path(next(suffix for suffix in SUFFIXES if suffix in source.files))
        return cls(
            microphone=source.key["microphone"],
            rate=record["rate"],
            channels=record["channels"],
            bits=record["bits"],
            length=record["length"],
            blocks=lambda: read_blocks(path),
            gaps=tuple((start, stop) for start, stop in record["gaps"]),
            clock=record["clock"],
            utc=record["utc"],
            title=record["title"],
            caveats=tuple(record["caveats"]),
            meta=record["meta"],
        )

    def completeness(self) -> Completeness:
        """Count samples."""
        missing = sum(stop - start for start, stop in self.gaps)
        caveats = self.caveats
        if len(self.gaps) > Completeness.MAX_GAPS:
            caveats = (*caveats, f"there are {len(self.gaps)} gaps; all of them stand in the recording's JSON file")
        return Completeness(
            received=self.length - missing,
            expected=self.length,
            unit="samples",
            gaps=self.gaps[: Completeness.MAX_GAPS],
            caveats=caveats,
        )

    def facts(self) -> Facts:
        """Rate, length and gaps."""
        missing = sum(stop - start for start, stop in self.gaps)
        return {
            "title": self.title,
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
    """Where the plot lies in the picture, for a cursor: left, right, top, bottom as fractions of width and height; width and height in
    pixels; seconds, hertz; peak and rms in dB of full scale, None of silence."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """audio/MICROPHONE-spectrogram."""
        return f"audio/{key['microphone']}-spectrogram"

    def save(self, sink: Sink) -> None:
        """Write .png."""
        from stages.formats.png import png_parts

        sink.put(".png", png_parts(self.samples))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        from stages.formats.images import read_image

        facts = dict(source.facts)
        received, expected = facts.pop("received"), facts.pop("expected")
        samples = np.asarray(read_image(source.path(".png")).samples, np.uint8)
        return cls(microphone=source.key["microphone"], samples=samples, received=received, expected=expected, meta=facts)

    def completeness(self) -> Completeness:
        """As the recording's."""
        return Completeness(received=self.received, expected=self.expected, unit="samples")

    def facts(self) -> dict[str, Any]:
        """Where the plot lies in the picture."""
        return {**self.meta, "received": self.received, "expected": self.expected}
