"""FilePart and ReceivedFile: the files that the spacecraft sent."""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar, NamedTuple, Self

from pipeline.product import Arrival, Completeness, Entry, Facts, Key, Product, Recognition, Sink, Source
from stages.products.chunk import Place, part_of, told_place
from stages.products.packed import read_packed, write_packed

__all__ = ["FilePart", "ReceivedFile", "Segment"]


MOST_HOLES = 60
"""That a file's facts tell of."""


class Segment(NamedTuple):
    """A stretch of a file that came in one packet."""

    offset: int
    """Byte of the file."""
    data: bytes
    good: bool
    """Whether its checksum holds; True where the protocol has none."""
    position: int
    """Bit of the pass at which the packet's first frame begins; of the numbered part, where the chunk lies in one."""
    frames: int
    """That the packet lay in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart(Product):
    """The pieces of one file that one chunk brought."""

    KEY: ClassVar[tuple[str, ...]] = ("file", "pass", "chunk")
    INTERMEDIATE: ClassVar[bool] = True
    PACKED: ClassVar[bool] = True

    file: str
    """Identity of the transfer: what every one of its packets says, so never the file's name."""
    pass_: str
    chunk: str
    segments: tuple[Segment, ...] = ()
    meta: Facts = field(default_factory=dict)
    """What the metadata packet says, if this chunk brought it: {name, clock, ...}."""
    size: int | None = None
    """Bytes of the whole file, if this chunk brought the end record."""
    refused: int = 0
    """Packets of it that could not be read to their end."""

    def save(self, sink: Sink) -> None:
        """Write a line of JSON, then the segments' bytes."""
        rows = [[part.offset, len(part.data), part.good, part.position, part.frames] for part in self.segments]
        known = {"segments": rows, "meta": self.meta, "size": self.size, "refused": self.refused}
        write_packed(sink, known, b"".join(part.data for part in self.segments))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        value, body = read_packed(source)
        segments, at = [], 0
        for offset, length, good, position, frames in value["segments"]:
            segments.append(Segment(offset, body[at : at + length], good, position, frames))
            at += length
        key = source.key
        return cls(
            file=key["file"],
            pass_=key["pass"],
            chunk=key["chunk"],
            segments=tuple(segments),
            meta=value["meta"],
            size=value["size"],
            refused=value["refused"],
        )

    def completeness(self) -> Completeness:
        """Count the bytes; what is missing is the whole file's to say."""
        caveats = (f"{self.refused} packets could not be read",) if self.refused else ()
        return Completeness(received=sum(len(part.data) for part in self.segments), caveats=caveats)

    def facts(self) -> Facts:
        """What it knows of the whole file."""
        return {"size": self.size, "name": self.meta.get("name")}

    def story(self) -> list[str]:
        """Tell each segment's place in the pass."""
        where = part_of(self.chunk)
        return [
            f"bytes {part.offset:,}-{part.offset + len(part.data):,} from pass {self.pass_}, {told_place([part.position], where)}"
            f" ({part.frames} transfer frames)" + ("" if part.good else ", checksum wrong")
            for part in self.segments
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFile(Product):
    """A file as far as it has come, or a media file from outside."""

    KEY: ClassVar[tuple[str, ...]] = ("file",)
    LEVELS: ClassVar[tuple[str, ...]] = ("media",)

    file: str
    data: bytes
    """What is lost is zero."""
    size: int | None = None
    """Bytes that were sent, if known; `data` is as long, or ends with the last byte received."""
    gaps: tuple[tuple[int, int], ...] = ()
    """[start, stop) of bytes that are lost, end included where the size is known."""
    checksums: tuple[int, int] = (0, 0)
    """Segments whose checksum holds, and those whose does not (their bytes are lost)."""
    meta: Facts = field(default_factory=dict)
    """What the spacecraft said of it: name, clock (seconds of acquisition), width ...; for an archive's file: its name."""
    sources: tuple[tuple[int, int, str, str, int], ...] = ()
    """(start, stop, pass, part, bit) of each stretch, in file order. Bits count in the numbered part; in the pass if that is nothing."""
    overruled: int = 0
    """Segments with a checksum that holds whose bytes were not all taken: others with one, or the end record, contradict them."""
    refused: int = 0
    """Packets of it that could not be read to their end."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """files/FILE."""
        return f"files/{key['file']}"

    @property
    def name(self) -> str:
        """Its name on board or in the archive; the transfer's identity where it is not known."""
        return str(self.meta.get("name") or self.file)

    def save(self, sink: Sink) -> None:
        """Write the bytes, and what is known of them (.json)."""
        sink.path("").write_bytes(self.data)
        record = {
            "name": self.name,
            "size": self.size,
            "received": len(self.data) - sum(stop - start for start, stop in self.gaps),
            "gaps": self.gaps,
            "checksums": {"good": self.checksums[0], "bad": self.checksums[1]},
            "meta": self.meta,
            "sources": self.sources,
            "overruled": self.overruled,
            "refused": self.refused,
        }
        sink.path(".json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote, or a media file from outside."""
        if ".json" not in source.files:
            data = source.read()
            return cls(file=source.key["file"], data=data, size=len(data), meta=dict(source.facts))
        record = json.loads(source.read(".json"))
        return cls(
            file=source.key["file"],
            data=source.read(),
            size=record["size"],
            gaps=tuple((start, stop) for start, stop in record["gaps"]),
            checksums=(record["checksums"]["good"], record["checksums"]["bad"]),
            meta=record["meta"],
            sources=tuple((start, stop, name, part, bit) for start, stop, name, part, bit in record["sources"]),
            overruled=record["overruled"],
            refused=record["refused"],
        )

    def completeness(self) -> Completeness:
        """Count bytes; the gaps are byte ranges."""
        received = len(self.data) - sum(min(stop, len(self.data)) - start for start, stop in self.gaps if start < len(self.data))
        caveats = [f"{self.checksums[1]} segments with a wrong checksum were left out"] if self.checksums[1] else []
        if self.overruled:
            caveats.append(f"{self.overruled} segments with a good checksum contradict others or the end record, and were left out")
        if self.refused:
            caveats.append(f"{self.refused} packets of it could not be read")
        if len(self.gaps) > Completeness.MAX_GAPS:
            caveats.append(f"{len(self.gaps) - Completeness.MAX_GAPS} more gaps are not listed")
        gaps = self.gaps[: Completeness.MAX_GAPS]
        return Completeness(received=received, expected=self.size, gaps=gaps, caveats=tuple(caveats))

    def facts(self) -> Facts:
        """Name, checksums, and what traces its losses.

        passes  [pass, first place, last place] of each pass that brought any of it: where its packets' first frames begin, as
                [part, bit]; bits count in the numbered part, or in the pass if that is nothing
        holes   [start, stop, pass, place before, place after] of each gap and pass: the losses that cost these bytes lie between the
                two, of which None says that the pass brought nothing of the file on that side
        """
        return {
            "name": self.name,
            "size": self.size,
            "checksums": list(self.checksums),
            "meta": self.meta,
            "passes": [[name, list(min(places)), list(max(places))] for name, (_, places) in self._stretches().items()],
            "holes": [[*hole[:3], *(place and list(place) for place in hole[3:])] for hole in islice(self._holes(), MOST_HOLES)],
        }

    def _stretches(self) -> dict[str, tuple[list[int], list[Place]]]:
        """Give starts in the file and places in the pass, by pass, in file order."""
        found: dict[str, tuple[list[int], list[Place]]] = {}
        for start, _, name, part, bit in self.sources:
            starts, places = found.setdefault(name, ([], []))
            starts.append(start)
            places.append((part, bit))
        return dict(sorted(found.items()))

    def _holes(self) -> Iterator[tuple[int, int, str, Place | None, Place | None]]:
        found = self._stretches()
        for start, stop in self.gaps[:MOST_HOLES]:
            for name, (starts, places) in found.items():
                at = bisect.bisect_left(starts, start)
                yield start, stop, name, places[at - 1] if at else None, places[at] if at < len(places) else None

    def story(self) -> list[str]:
        """Tell where in the downlink each stretch came, and between what the lost ones would have."""
        lines = []
        for start, stop, name, part, bits in self._runs():
            lines.append((start, f"bytes {start:,}-{stop:,} from pass {name}, {told_place(bits, part)}"))
        for start, stop, name, before, behind in self._holes():
            lines.append((start, f"bytes {start:,}-{stop:,} are lost; pass {name} would have brought them {_between(before, behind)}"))
        return [line for _, line in sorted(lines)]

    def _runs(self) -> Iterator[tuple[int, int, str, str, list[int]]]:
        """Join stretches that follow each other in the file and in one part: (start, stop, pass, part, bits where they came)."""
        run: tuple[int, int, str, str, list[int]] | None = None
        for start, stop, name, part, bit in self.sources:
            if run is not None and run[1:4] == (start, name, part) and run[4][-1] <= bit:
                run = (run[0], stop, name, part, [*run[4], bit])
                continue
            if run is not None:
                yield run
            run = (start, stop, name, part, [bit])
        if run is not None:
            yield run

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Count complete and partial files. One whose size is not known is partial: its end may still come."""
        whole = [entry.completeness.expected is not None and not entry.completeness.partial for entry in entries]
        return {"files": {"complete": sum(whole), "partial": len(whole) - sum(whole)}}

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Know media files by their first bytes."""
        from stages.recognise import recognise_media

        return recognise_media(arrival, sections)


def _between(before: Place | None, behind: Place | None) -> str:
    """Say between what of a pass a file's lost bytes would have come."""
    ends = [(part, bit) for part, bit in filter(None, (before, behind))]
    if len({part for part, _ in ends}) > 1:
        return "between " + " and ".join(told_place([bit], part) for part, bit in ends)
    word = "before" if before is None else "behind" if behind is None else "between"
    return f"{word} {told_place([bit for _, bit in ends], ends[0][0], 'and')}"
