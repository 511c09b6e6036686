"""Space packets, their table, and what the frames of each virtual channel lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Arrival, Completeness, Entry, Facts, Key, Product, Recognition, Sink, Source
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
