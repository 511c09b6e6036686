"""How wide the channels of Mars 2020 are, read out of its own packets.

    python docs/reference/mars2020_channel_widths.py aos_frames_xband_2020-07-31.u8

The frames are those of D. Estevez, github daniestevez/jupyter_notebooks, Mars2020/mars2020_frames.u8. Prints the table `[unnamed]` of
stages/missions/mars2020_dictionary.toml.

A block of channels is a run of [u16 index][value]; the indexes ascend, and the last value ends with the block. No width is written
anywhere, but few choices of widths let every block be read: where all readings of a block pass through one octet with one width there, that
width is certain, and it rules out readings of the other blocks. This is repeated until nothing changes.
"""

from __future__ import annotations

import math
import struct
import sys
import textwrap
from binascii import crc_hqx
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.files.m2020_data_products import read_pieces
from stages.packets.extract import extract_packets
from stages.profile import Link

WIDTHS = (1, 2, 4, 8)
Domains = dict[int, tuple[int, ...]]


def blocks_of(path: Path) -> Iterator[bytes]:
    """Channel blocks: the packets of APID 9, and the records in the data product of APID 247."""
    frames = np.fromfile(path, np.uint8).reshape(-1, 1115)
    good = np.array([crc_hqx(frame.tobytes(), 0xFFFF) == 0 for frame in frames])
    table, data, _ = extract_packets(frames[good], link=Link.from_mapping({"spacecraft": 168}))
    for row in table:
        body = data[row["offset"] + 12 : row["offset"] + row["length"]].tobytes()
        if row["apid"] == 9:
            yield body
        if row["apid"] == 247 and body[0] == 1:
            # u32 clock, u32 0, u16 length, block.
            yield from (octets[10:] for _, octets, _ in read_pieces(body, 1 << 24)[0])


def index_at(block: bytes, at: int) -> int:
    """Read a channel's index."""
    return int.from_bytes(block[at : at + 2], "big")


def readings(block: bytes, domains: Domains) -> dict[int, list[int]]:
    """Give for each octet at which some reading of the whole block has an index the widths that its readings use there."""
    size = len(block)
    # The smallest index with which a reading can reach an octet, and the largest with which one can go on to the end from it.
    reach, leave = [math.inf] * (size + 1), [-1.0] * (size + 1)
    reach[0], leave[size] = -1, math.inf
    for at in range(size - 2):
        if reach[at] < index_at(block, at):
            for width in domains.get(index_at(block, at), WIDTHS):
                if at + 2 + width <= size:
                    reach[at + 2 + width] = min(reach[at + 2 + width], index_at(block, at))
    found: dict[int, list[int]] = {}
    for at in range(size - 3, -1, -1):
        index = index_at(block, at)
        fits = [width for width in domains.get(index, WIDTHS) if at + 2 + width <= size and leave[at + 2 + width] > index]
        if fits:
            leave[at] = max(leave[at], index)
            if reach[at] < index:
                found[at] = fits
    return found


def certain(found: dict[int, list[int]]) -> Iterator[int]:
    """Give the octets that every reading passes through: no reading jumps over them."""
    furthest = 0
    for at in sorted(found):
        if at >= furthest:
            yield at
        furthest = max(furthest, *(at + 2 + width for width in found[at]))


def narrow(blocks: list[bytes]) -> Domains:
    """Rule widths out until nothing changes."""
    domains: Domains = {}
    while True:
        new = dict(domains)
        for block in blocks:
            found = readings(block, domains)
            for at in certain(found):
                index = index_at(block, at)
                new[index] = tuple(width for width in new.get(index, WIDTHS) if width in found[at])
        if new == domains:
            return domains
        domains = new


def finest(block: bytes, domains: Domains) -> Iterator[tuple[int, bytes]]:
    """Read a block with the most channels that the domains allow.

    Where two readings are left, they differ in one block: as one wide value, or as narrow ones whose indexes happen to ascend between
    their neighbours'. Of a wide value's octets that would be a rare accident.
    """
    size = len(block)
    best: dict[int, tuple[int, int]] = {size: (0, 0)}
    for at in range(size - 3, -1, -1):
        index = index_at(block, at)
        for width in domains.get(index, WIDTHS):
            after = at + 2 + width
            ascends = after == size or (after in best and index_at(block, after) > index)
            if ascends and best[after][0] + 1 > best.get(at, (0, 0))[0]:
                best[at] = (best[after][0] + 1, width)
    at = 0
    while at < size:
        width = best[at][1]
        yield index_at(block, at), block[at + 2 : at + 2 + width]
        at += 2 + width


def kind_of(values: list[bytes]) -> str:
    """Name the type: a real number if all values that are not zero are plausible as one, else unsigned."""
    width = len(values[0])
    if width >= 4:
        numbers = [struct.unpack(">f" if width == 4 else ">d", value)[0] for value in values if any(value)]
        if numbers and all(math.isfinite(number) and 1e-12 < abs(number) < 1e13 for number in numbers):
            return f"f{8 * width}"
    return f"u{8 * width}"


def main(path: Path) -> None:
    """Print the table."""
    blocks = list(blocks_of(path))
    domains = narrow(blocks)
    values: dict[int, list[bytes]] = {}
    for block in blocks:
        for index, value in finest(block, domains):
            values.setdefault(index, []).append(value)
    single = sum(len(domains.get(index, WIDTHS)) == 1 for index in values)
    several = sum(len({len(value) for value in seen}) > 1 for seen in values.values())
    print(f"# {len(blocks)} blocks, {len(values)} channels, {single} of one possible width, {several} of two at once")
    kinds: dict[str, list[int]] = {}
    for index in sorted(values):
        kinds.setdefault(kind_of(values[index]), []).append(index)
    print("[unnamed]")
    for kind in ("u8", "u16", "u32", "u64", "f32", "f64"):
        listed = ", ".join(f"0x{index:04X}" for index in kinds.get(kind, []))
        print(f"{kind} = [\n{textwrap.fill(listed, 120, initial_indent='  ', subsequent_indent='  ')},\n]")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
