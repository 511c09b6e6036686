"""Packets: our index and extraction beside what others offer, in one run.

python tests/benchmarks/bench_packets.py
"""

from __future__ import annotations

import io

import ccsdspy.utils
import numpy as np
from spacepackets.ccsds.spacepacket import SpacePacketHeader
from timing import best

from stages.packets.extract import extract_packets
from stages.packets.space_packets import index_packets
from stages.profile import Link

PACKETS, OCTETS = 200_000, 1_000
ZONE = 1105


def stream() -> np.ndarray:
    """Packets of a hundred APIDs."""
    packets = np.random.default_rng(1).integers(0, 256, (PACKETS, OCTETS), np.uint8)
    number = np.arange(PACKETS)
    packets[:, 0], packets[:, 1] = 8, number % 100
    packets[:, 2], packets[:, 3] = 0xC0 | (number >> 8 & 0x3F), number & 0xFF
    packets[:, 4], packets[:, 5] = (OCTETS - 7) >> 8, (OCTETS - 7) & 0xFF
    return packets.reshape(-1)


def framed(octets: np.ndarray) -> np.ndarray:
    """AOS frames of 1115 octets that carry the stream."""
    zones = octets[: octets.size // ZONE * ZONE].reshape(-1, ZONE)
    frames = np.zeros((len(zones), 1115), np.uint8)
    number = np.arange(len(zones))
    frames[:, 0], frames[:, 1] = 0x6A, 0
    for place in range(3):
        frames[:, 2 + place] = number >> (16 - 8 * place) & 0xFF
    pointer = -number * ZONE % OCTETS
    frames[:, 6], frames[:, 7] = pointer >> 8, pointer & 0xFF
    frames[:, 8:1113] = zones
    return frames


def by_hand(octets: bytes) -> int:
    """The loop that one would write."""
    at = count = 0
    while at + 6 <= len(octets):
        at += 7 + (octets[at + 4] << 8 | octets[at + 5])
        count += 1
    return count


def join_by_hand(frames: np.ndarray) -> list[bytes]:
    """Extraction as one would write it, for one virtual channel and no gaps."""
    octets = b"".join(frame[8:1113].tobytes() for frame in frames)
    packets, at = [], 0
    while at + 6 <= len(octets):
        length = 7 + (octets[at + 4] << 8 | octets[at + 5])
        packets.append(octets[at : at + length])
        at += length
    return packets


def spacepackets_walk(octets: bytes) -> int:
    """Header objects of spacepackets."""
    at = count = 0
    while at < len(octets):
        at += SpacePacketHeader.unpack(octets[at : at + 6]).packet_len
        count += 1
    return count


def main() -> None:
    """Print the table."""
    octets = stream()
    plain, part = octets.tobytes(), octets[: 20_000 * OCTETS].tobytes()
    frames = framed(octets)
    target = np.empty_like(octets)
    link = Link.from_mapping({"spacecraft": 168})
    table, data, _ = extract_packets(frames, link=link)
    assert data.tobytes() == plain[: len(table) * OCTETS]
    copy = best(lambda: np.copyto(target, octets))
    rows = [
        ("index_packets", best(lambda: index_packets(octets)), PACKETS),
        ("index, a loop in Python", best(lambda: by_hand(plain), 2), PACKETS),
        ("index, ccsdspy iter_packet_bytes", best(lambda: sum(1 for _ in ccsdspy.utils.iter_packet_bytes(io.BytesIO(part))), 2), 20_000),
        ("index, spacepackets headers", best(lambda: spacepackets_walk(part), 2), 20_000),
        ("extract_packets", best(lambda: extract_packets(frames, link=link)), len(table)),
        ("extract, a loop in Python", best(lambda: join_by_hand(frames), 2), len(table)),
    ]
    print(f"{PACKETS:,} packets of {OCTETS} octets; a copy of them takes {1000 * copy:.1f} ms")
    print(f"{'':36}{'M packets/s':>12}{'MB/s':>10}{'x copy':>9}")
    for name, seconds, number in rows:
        each = seconds / number
        print(f"{name:36}{1e-6 / each:12.3f}{OCTETS * 1e-6 / each:10.0f}{each * PACKETS / copy:9.2f}")


if __name__ == "__main__":
    main()
