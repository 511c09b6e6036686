"""Space packets, their table, and what the frames of each virtual channel lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Arrival, Completeness, Entry, Facts, Key, Product, Recognition, Sink, Source
from stages.products.chunk import part_of
from stages.products.tables import from_npy, to_npy

__all__ = ["GAP_DTYPE", "PACKET_DTYPE", "Packets"]

Bytes: TypeAlias = NDArray[np.uint8]


PACKET_DTYPE = np.dtype(
    [
        ("apid", "<u2"),
        ("flags", "u1"),  # sequence flags: 3 unsegmented, 1 first, 0 continuation, 2 last
        ("sequence", "<u2"),
        ("offset", "<i8"),  # of the packet in the packet bytes
        ("length", "<u4"),  # octets, header included
        ("virtual_channel", "u1"),
        ("position", "<i8"),  # bit at which the packet's first frame begins: of the pass, or of the numbered part
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
        ("position", "<i8"),  # bit at which the frame after it begins, likewise
    ]
)
"""A row a jump of a virtual channel's counter between good frames."""


MOST_GAPS = 1000
"""That a chunk's facts list."""

TOLD_GAPS = 12
"""That a story names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets(Product):
    """The space packets that a chunk completed (CCSDS 133.0-B)."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    INTERMEDIATE: ClassVar[bool] = True
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
    """For each spacecraft and virtual channel: {spacecraft, virtual_channel, frames, gaps, lost, truncated_packets, duplicates,
    missing_packets, pointer_conflicts, corrected_symbols}. frames are the good ones, each once; missing_packets those that
    sequence counts name; pointer_conflicts are frames whose first header pointer contradicts the packet before."""
    bad: Mapping[int, int] = field(default_factory=dict)
    """Bad frames by the global virtual channel (spacecraft << 6 | virtual channel) that their header claims, -1 for none of this
    link. That header may be wrong too: whom they are put down to is for the whole pass to say (`tally`)."""
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
    def cuts(cls, path: Path, step: int) -> Sequence[int]:
        """Between packets only."""
        from stages.formats.packets import cut_between_packets

        return cut_between_packets(path, step)

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
            bad={int(channel): count for channel, count in source.facts["bad"].items()},
            left_over=source.facts.get("left_over", 0),
        )

    def completeness(self) -> Completeness:
        """Count frames: received of those that the counters say were sent."""
        received = sum(int(row["frames"]) for row in self.link)
        caveats = (f"{self.left_over} octets at its end are not packets",) if self.left_over else ()
        expected = received + sum(int(row["lost"]) for row in self.link)
        return Completeness(received=received, expected=expected, unit="frames", caveats=caveats)

    def facts(self) -> Facts:
        """The link's health, with the packets of each APID; bad frames by claim; gaps as [virtual channel, frames lost, bit behind]."""
        rows = []
        for row in self.link:
            mine = self.table[self.table["virtual_channel"] == row["virtual_channel"]]
            apids, counts = np.unique(mine["apid"], return_counts=True)
            packets = {str(apid): int(count) for apid, count in zip(apids.tolist(), counts.tolist(), strict=True)}
            rows.append({**row, "packets": packets})
        gaps = self.gaps[:MOST_GAPS]
        known = zip(gaps["virtual_channel"].tolist(), gaps["lost"].tolist(), gaps["position"].tolist(), strict=True)
        bad = {str(channel): count for channel, count in self.bad.items()}
        return {"link": rows, "bad": bad, "packets": len(self.table), "left_over": self.left_over, "gaps": [list(gap) for gap in known]}

    def story(self) -> list[str]:
        """Tell what each virtual channel lost, and where."""
        lines = []
        where = f"part {part}" if (part := part_of(self.chunk)) else "the pass"
        for channel in np.unique(self.gaps["virtual_channel"]).tolist():
            mine = self.gaps[self.gaps["virtual_channel"] == channel]
            places = ", ".join(f"{bit // 8:,}" for bit in mine["position"][:TOLD_GAPS].tolist()) + (" ..." if len(mine) > TOLD_GAPS else "")
            lines.append(f"virtual channel {channel} lost {int(mine['lost'].sum()):,} frames, before byte {places} of {where}")
        return lines

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Sum the link's health up by pass and virtual channel."""
        sums: dict[str, dict[tuple[int, int], dict[str, Any]]] = {}
        claims: dict[str, Counter[int]] = {}
        for entry in entries:
            name = entry.key["pass"]
            for row in entry.facts.get("link", ()):
                add_up(sums.setdefault(name, {}), row)
            for channel, number in entry.facts.get("bad", {}).items():
                claims.setdefault(name, Counter())[int(channel)] += number
        rows = []
        for name, channels in sorted(sums.items()):
            put_down(channels, claims.get(name, Counter()))
            for _, row in sorted(channels.items()):
                packets = dict(sorted(row["packets"].items(), key=lambda item: (-item[1], item[0])))
                rows.append({"pass": name, **row, "packets": packets})
        return {"link": rows}

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Walk packet headers from the first byte on."""
        from stages.recognise import recognise_packets

        return recognise_packets(arrival, sections)


def add_up(channels: dict[tuple[int, int], dict[str, Any]], row: Mapping[str, Any]) -> None:
    """Add a chunk's account of a virtual channel to those of its pass."""
    known = {"spacecraft": row["spacecraft"], "virtual_channel": row["virtual_channel"], "packets": {}, "bad": 0}
    total = channels.setdefault((row["spacecraft"] or 0, row["virtual_channel"]), known)
    for name, value in row.items():
        if name == "packets":
            for apid, count in value.items():
                total["packets"][apid] = total["packets"].get(apid, 0) + count
        elif name not in {"spacecraft", "virtual_channel"}:
            total[name] = total.get(name, 0) + value


def put_down(channels: dict[tuple[int, int], dict[str, Any]], claims: Mapping[int, int]) -> None:
    """Put bad frames down to the channel that they claim, if good frames of it came in the pass as well; else to the busiest one.

    An account without good frames stands for a pass, or a chunk of it, that has none at all.
    """
    for which in [which for which, row in channels.items() if not row["frames"]]:
        if len(channels) > 1:
            del channels[which]
    busiest = max(channels, key=lambda which: (channels[which]["frames"], which))
    for channel, count in claims.items():
        which = (channel >> 6, channel & 63)
        channels[which if which in channels else busiest]["bad"] += count
