"""The radio link of a run: what came through, pass by pass and channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.product import Entry
from stages.products import Packets

__all__ = ["ChannelHealth", "PassHealth", "link_health"]

APIDS = 8
"""That are named; the rest is summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """A virtual channel of a pass."""

    spacecraft: str
    channel: int
    frames: int
    bad: int
    lost: int
    gaps: int
    truncated: int
    packets: int
    apids: str

    @property
    def fraction(self) -> float:
        """Good frames of those that the counters say were sent."""
        return self.frames / (self.frames + self.lost) if self.frames + self.lost else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PassHealth:
    """A pass."""

    name: str
    frames: int
    bad: int
    corrected: int
    uncorrectable: int
    channels: tuple[ChannelHealth, ...]

    @property
    def lost(self) -> int:
        """Frames that the counters miss."""
        return sum(channel.lost for channel in self.channels)

    @property
    def fraction(self) -> float:
        """Good frames of those that were sent."""
        good = sum(channel.frames for channel in self.channels)
        return good / (good + self.lost) if good + self.lost else 1.0


def link_health(frames: Sequence[Entry], packets: Sequence[Entry]) -> list[PassHealth]:
    """Sum frames and packets up by pass."""
    channels: dict[str, list[ChannelHealth]] = {}
    for row in Packets.tally(packets)["link"]:
        apids = list(row["packets"].items())
        named = ", ".join(f"{apid}: {number:,}" for apid, number in apids[:APIDS])
        rest = f" and {len(apids) - APIDS} more" if len(apids) > APIDS else ""
        health = ChannelHealth(
            spacecraft="" if row["spacecraft"] is None else str(row["spacecraft"]),
            channel=row["virtual_channel"],
            frames=row.get("frames", 0),
            bad=row.get("bad", 0),
            lost=row.get("lost", 0),
            gaps=row.get("gaps", 0),
            truncated=row.get("truncated_packets", 0),
            packets=sum(row["packets"].values()),
            apids=named + rest,
        )
        channels.setdefault(row["pass"], []).append(health)
    sums: dict[str, dict[str, int]] = {}
    for entry in frames:
        total = sums.setdefault(entry.key["pass"], {})
        for name in ("frames", "bad", "corrected_symbols", "uncorrectable"):
            total[name] = total.get(name, 0) + entry.facts.get(name, 0)
    return [
        PassHealth(
            name=name,
            frames=sums.get(name, {}).get("frames", sum(channel.frames for channel in channels.get(name, ()))),
            bad=sums.get(name, {}).get("bad", 0),
            corrected=sums.get(name, {}).get("corrected_symbols", 0),
            uncorrectable=sums.get(name, {}).get("uncorrectable", 0),
            channels=tuple(channels.get(name, ())),
        )
        for name in sorted({*channels, *sums})
    ]
