"""Chunk, Frames, Packets and Carry: what a pass brought, from bits to packets."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import Arrival, Completeness, Entry, Facts, Key, Product, Recognition, Sink, Source

__all__ = ["FRAME_DTYPE", "GAP_DTYPE", "PACKET_DTYPE", "Carry", "ChannelState", "Chunk", "Frames", "Packets"]

Bytes: TypeAlias = NDArray[np.uint8]

FRAME_DTYPE = np.dtype(
    [
        (
            "bit_offset",
            "<i8",
        ),  # of the frame's first bit (its marker's, at level bits), from the chunk's first bit; negative in the margin
        ("inverted", "?"),
        ("marker_errors", "u1"),  # bits
        ("corrected", "<i4"),  # symbols that Reed-Solomon put right, -1 if it could not, 0 without the code
        ("good", "?"),  # code, error control field and header agree
    ]
)
"""A row a frame, in the order received."""

PACKET_DTYPE = np.dtype(
    [
        ("apid", "<u2"),
        ("flags", "u1"),  # sequence flags: 3 unsegmented, 1 first, 0 continuation, 2 last
        ("sequence", "<u2"),
        ("offset", "<i8"),  # of the packet in the packet bytes
        ("length", "<u4"),  # octets, header included
        ("virtual_channel", "u1"),
        ("position", "<i8"),  # bit of the pass at which the packet's first frame begins
        ("frames", "<u2"),  # that it lay in
    ]
)
"""A row a complete packet, in the order completed."""

GAP_DTYPE = np.dtype(
    [
        ("virtual_channel", "u1"),
        ("after", "<i8"),  # counter of the last good frame before
        ("before", "<i8"),  # counter of the first good frame after
        ("lost", "<i8"),  # frames
        ("position", "<i8"),  # bit of the pass at which the frame after it begins
    ]
)
"""A row a jump of a virtual channel's counter between good frames."""

MOST_GAPS = 1000
"""That a chunk's facts list."""


def to_npy(table: NDArray[Any]) -> bytes:
    """Give an array as the bytes of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    return stream.getvalue()


def from_npy(data: bytes, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """Read what `to_npy` wrote."""
    table: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    if dtype is not None and table.dtype != dtype:
        raise DataError(f"holds {table.dtype} where {dtype} belongs", remedy="Run `skycrane verify --repair` on the output folder")
    return table


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames(Product):
    """The transfer frames whose last bit lies in a chunk."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")

    pass_: str
    chunk: str
    data: Bytes
    """(n, length) uint8, corrected, in the order received, bad ones included."""
    table: NDArray[Any]
    """(n,) FRAME_DTYPE."""
    position: int = 0
    """Bit of the pass at which the chunk begins; 0 if not known."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets(Product):
    """The space packets that a chunk completed (CCSDS 133.0-B)."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    LEVELS: ClassVar[tuple[str, ...]] = ("packets",)

    pass_: str
    chunk: str
    data: Bytes
    """(n,) uint8: the packets, one after the other."""
    table: NDArray[Any]
    """(p,) PACKET_DTYPE."""
    gaps: NDArray[Any] = field(default_factory=lambda: np.zeros(0, GAP_DTYPE))
    """(g,) GAP_DTYPE."""
    link: tuple[Mapping[str, Any], ...] = ()
    """For each spacecraft and virtual channel: {spacecraft, virtual_channel, frames, bad, gaps, lost, truncated_packets,
    duplicates, missing_packets, pointer_conflicts}. frames are the good ones, each once; missing_packets those that sequence
    counts name; pointer_conflicts are frames whose first header pointer contradicts the packet before."""
    left_over: int = 0
    """Octets of a file from outside, from the first one on where no packet header stands."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """packets/PASS/CHUNK."""
        return f"packets/{key['pass']}/{key['chunk']}"

    def save(self, sink: Sink) -> None:
        """Write the packets (.bin, as any CCSDS reader takes them), their table (.npy) and the gaps (.gaps.npy)."""
        sink.path(".bin").write_bytes(self.data.tobytes())
        sink.path(".npy").write_bytes(to_npy(self.table))
        sink.path(".gaps.npy").write_bytes(to_npy(self.gaps))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote, or packets that came from outside."""
        if "" in source.files:
            from stages.recognise import packets_from_outside

            data, table, left_over = packets_from_outside(source)
            return cls(pass_=source.key["pass"], chunk=source.key["chunk"], data=data, table=table, left_over=left_over)
        return cls(
            pass_=source.key["pass"],
            chunk=source.key["chunk"],
            data=np.frombuffer(source.read(".bin"), np.uint8),
            table=from_npy(source.read(".npy"), PACKET_DTYPE),
            gaps=from_npy(source.read(".gaps.npy"), GAP_DTYPE),
            link=tuple({name: value for name, value in row.items() if name != "packets"} for row in source.facts["link"]),
            left_over=source.facts.get("left_over", 0),
        )

    def completeness(self) -> Completeness:
        """Count frames: received of those that the counters say were sent."""
        received = sum(int(row["frames"]) for row in self.link)
        caveats = (f"{self.left_over} octets at its end are not packets",) if self.left_over else ()
        expected = received + sum(int(row["lost"]) for row in self.link)
        return Completeness(received=received, expected=expected, unit="frames", caveats=caveats)

    def facts(self) -> Facts:
        """The link's health, with the packets of each APID; and its gaps: [virtual channel, frames lost, bit of the pass behind it]."""
        rows = []
        for row in self.link:
            mine = self.table[self.table["virtual_channel"] == row["virtual_channel"]]
            apids, counts = np.unique(mine["apid"], return_counts=True)
            packets = {str(apid): int(count) for apid, count in zip(apids.tolist(), counts.tolist(), strict=True)}
            rows.append({**row, "packets": packets})
        gaps = self.gaps[:MOST_GAPS]
        known = zip(gaps["virtual_channel"].tolist(), gaps["lost"].tolist(), gaps["position"].tolist(), strict=True)
        return {"link": rows, "packets": len(self.table), "left_over": self.left_over, "gaps": [list(gap) for gap in known]}

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Sum the link's health up by pass and virtual channel."""
        sums: dict[tuple[str, int | None, int], dict[str, Any]] = {}
        for entry in entries:
            for row in entry.facts.get("link", ()):
                which = (entry.key["pass"], row["spacecraft"], row["virtual_channel"])
                total = sums.setdefault(which, {"pass": which[0], "spacecraft": which[1], "virtual_channel": which[2], "packets": {}})
                for name, value in row.items():
                    if name == "packets":
                        for apid, count in value.items():
                            total["packets"][apid] = total["packets"].get(apid, 0) + count
                    elif name not in {"spacecraft", "virtual_channel"}:
                        total[name] = total.get(name, 0) + value
        for total in sums.values():
            total["packets"] = dict(sorted(total["packets"].items(), key=lambda item: (-item[1], item[0])))
        return {"link": [sums[which] for which in sorted(sums, key=lambda key: (key[0], key[1] or 0, key[2]))]}

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Walk packet headers from the first byte on."""
        from stages.recognise import recognise_packets

        return recognise_packets(arrival, sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What one virtual channel hands on from chunk to chunk."""

    counter: int | None = None
    """Of its last good frame."""
    open: bytes = b""
    """Start of the packet that is not complete yet; empty if there is none or its start was lost."""
    synchronised: bool = False
    """Whether the open packet (or the next octet) continues in the next frame; False: wait for a first header pointer."""
    position: int = 0
    """Bit of the pass at which the open packet's first frame begins."""
    frames: int = 0
    """That the open packet lies in so far."""
    recent: tuple[tuple[int, int], ...] = ()
    """Counter and digest of its last good frames, oldest first: a frame that comes again is known by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry(Product):
    """What the next chunk of a pass needs to know; nothing cumulative, so that an unchanged carry stops a rerun."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")

    pass_: str
    chunk: str
    channels: Mapping[int, ChannelState] = field(default_factory=dict)
    """By global virtual channel: spacecraft * 64 + virtual channel."""
    sequences: Mapping[int, int] = field(default_factory=dict)
    """By APID: the last sequence count."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """packets/PASS/CHUNK, beside the packets."""
        return f"packets/{key['pass']}/{key['chunk']}"

    def save(self, sink: Sink) -> None:
        """Write JSON."""
        channels = {
            str(number): {
                "counter": state.counter,
                "open": state.open.hex(),
                "synchronised": state.synchronised,
                "position": state.position,
                "frames": state.frames,
                "recent": state.recent,
            }
            for number, state in sorted(self.channels.items())
        }
        sequences = {str(apid): count for apid, count in sorted(self.sequences.items())}
        sink.path(".carry.json").write_text(json.dumps({"channels": channels, "sequences": sequences}) + "\n")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        value = json.loads(source.read(".carry.json"))
        return cls(
            pass_=source.key["pass"],
            chunk=source.key["chunk"],
            channels={
                int(number): ChannelState(
                    **(
                        state
                        | {
                            "open": bytes.fromhex(state["open"]),
                            "recent": tuple((counter, digest) for counter, digest in state["recent"]),
                        }
                    )
                )
                for number, state in value["channels"].items()
            },
            sequences={int(apid): count for apid, count in value["sequences"].items()},
        )

    def completeness(self) -> Completeness:
        """Count the octets that wait."""
        waiting = sum(len(state.open) for state in self.channels.values())
        return Completeness(received=waiting, expected=waiting)
