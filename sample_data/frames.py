"""AOS transfer frames: packets of one virtual channel laid end to end, and frames of all channels in the order they are sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sample_data.coding import crc16, randomiser
from sample_data.packets import Packet, Sender

__all__ = ["FRAME", "ZONE", "Channel", "Framer", "idle_zone"]

FRAME = 1115
ZONE = FRAME - 6 - 2 - 2
"""Octets of packets in a frame: less header, first header pointer, error control field."""
SPACECRAFT = 168
NO_START, ONLY_IDLE = 0x7FF, 0x7FE
LEAST_IDLE = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """All frames of one virtual channel in one pass, and where its packets lie in them."""

    number: int
    frames: NDArray[np.uint8]
    """(n, 1115)."""
    counters: NDArray[np.int64]
    """(n,) of 24 bits."""
    packets: tuple[Packet, ...]
    spans: NDArray[np.int64]
    """(packets, 2): first and last frame of each, as rows of `frames`."""


@dataclass(slots=True)
class Framer:
    """Numbers frames; one for the whole life of the spacecraft."""

    counters: Counter[int] = field(default_factory=Counter)

    def lay(self, number: int, packets: list[Packet], sender: Sender, clock_ticks: int) -> Channel:
        """Fill frames of a virtual channel with packets; idle packets fill up the last one (732.0-B section 4.1.4)."""
        packets = list(packets)
        length = sum(len(packet.data) for packet in packets)
        if left := -length % ZONE:
            packets.append(sender.idle(left if left >= LEAST_IDLE else left + ZONE, clock_ticks))
        lengths = np.array([len(packet.data) for packet in packets], np.int64)
        starts = np.cumsum(lengths) - lengths
        stream = np.frombuffer(b"".join(packet.data for packet in packets), np.uint8)
        zones = stream.reshape(-1, ZONE)
        spans = np.stack([starts // ZONE, (starts + lengths - 1) // ZONE], -1)
        pointers = np.full(len(zones), NO_START, np.int64)
        # The first packet to begin in a frame is the one that counts.
        first, places = np.unique(spans[:, 0], return_index=True)
        pointers[first] = starts[places] % ZONE
        counters = self._count(number, len(zones))
        return Channel(
            number=number,
            frames=_frames(number, counters, pointers, zones),
            counters=counters,
            packets=tuple(packets),
            spans=spans,
        )

    def idle(self, count: int) -> Channel:
        """Make frames of channel 63, which hold nothing."""
        counters = self._count(63, count)
        zones = np.tile(idle_zone(), (count, 1))
        frames = _frames(63, counters, np.full(count, ONLY_IDLE, np.int64), zones)
        return Channel(number=63, frames=frames, counters=counters, packets=(), spans=np.zeros((0, 2), np.int64))

    def _count(self, number: int, count: int) -> NDArray[np.int64]:
        first = self.counters[number]
        self.counters[number] += count
        return (first + np.arange(count, dtype=np.int64)) & 0xFFFFFF


def idle_zone() -> NDArray[np.uint8]:
    """What stands in the packet zone of an idle frame."""
    return np.resize(randomiser(), ZONE)


def _frames(number: int, counters: NDArray[np.int64], pointers: NDArray[np.int64], zones: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put header, pointer and error control field round packet zones (732.0-B section 4.1)."""
    frames = np.empty((len(zones), FRAME), np.uint8)
    frames[:, :2] = np.frombuffer((1 << 14 | SPACECRAFT << 6 | number).to_bytes(2, "big"), np.uint8)
    for column, shift in ((2, 16), (3, 8), (4, 0)):
        frames[:, column] = counters >> shift & 0xFF
    frames[:, 5] = 0
    frames[:, 6], frames[:, 7] = pointers >> 8, pointers & 0xFF
    frames[:, 8:-2] = zones
    check = crc16(frames[:, :-2])
    frames[:, -2], frames[:, -1] = check >> 8, check & 0xFF
    return frames
