"""Channel packets of Mars 2020: pairs of a channel's index and its value, the indexes ascending.

[u16 index][value of 1, 2, 4 or 8 octets, big-endian] ... to the end of the packet; how wide a value is stands in the dictionary only.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.packets import read_u16
from stages.products.telemetry import CHANNEL_DTYPE
from stages.profile import Dictionary
from stages.telemetry.m2020_packets import BODY, choose_packets

__all__ = ["read_channels"]

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[Any]

TYPES = ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64")


def read_channels(data: Bytes, table: Table, dictionary: Dictionary) -> tuple[Table, int]:
    """Read the values of all channel packets.

    data, table  packets, as in `Packets`

    Returns (n,) CHANNEL_DTYPE in the order received, and how many packets the dictionary cannot explain: they hold a channel that it
    has not, indexes that do not ascend, or end within a value. Of those nothing is taken.
    """
    packets, ticks, refused = choose_packets(data, table, dictionary.channel_apids)
    types = np.zeros(1 << 16, np.uint8)
    for index, channel in dictionary.channels.items():
        types[index] = 1 + TYPES.index(channel["type"])
    widths = np.array([0, *(int(name[1:]) // 8 for name in TYPES)], np.int64)[types]
    starts, stops = packets["offset"] + BODY, packets["offset"] + packets["length"]
    counts = np.array([count_values(data[start:stop], widths) for start, stop in zip(starts, stops, strict=True)], np.int64)
    places = np.empty(int(counts.sum()), np.int64)
    place_values(data, starts, counts, widths, places)
    owner = np.repeat(np.arange(len(packets)), counts)
    out = np.zeros(len(places), CHANNEL_DTYPE)
    out["clock"] = ticks[owner]
    out["apid"], out["sequence"] = packets["apid"][owner], packets["sequence"][owner]
    out["channel"] = data[places].astype(np.uint16) << 8 | data[places + 1]
    out["value"] = decode(data, places + 2, types[out["channel"]])
    return out, refused + int((counts == 0).sum())


def decode(data: Bytes, places: Integers, types: Bytes) -> NDArray[np.float64]:
    """Read the numbers at these places; types are indexes of TYPES, from 1."""
    values = np.zeros(len(places), np.float64)
    for number, name in enumerate(TYPES, 1):
        here = types == number
        dtype = np.dtype(f">{name[0]}{int(name[1:]) // 8}")
        octets = data[places[here, None] + np.arange(dtype.itemsize)]
        values[here] = np.ascontiguousarray(octets).view(dtype)[:, 0]
    return values


@njit(cache=True, nogil=True)
def count_values(block: Bytes, widths: Integers) -> int:
    """Count the values of a block; 0 if it does not follow the grammar to its last octet."""
    at, last, count = 0, -1, 0
    while at < block.size:
        if at + 2 > block.size:
            return 0
        index = read_u16(block, at)
        if index <= last or widths[index] == 0 or at + 2 + widths[index] > block.size:
            return 0
        at += 2 + widths[index]
        last = index
        count += 1
    return count


@njit(cache=True, nogil=True)
def place_values(data: Bytes, starts: Integers, counts: Integers, widths: Integers, places: Integers) -> None:
    """Give the place of each index of the blocks, whose values were counted before."""
    number = 0
    for block in range(starts.size):
        at = starts[block]
        for _ in range(counts[block]):
            places[number] = at
            number += 1
            at += 2 + widths[read_u16(data, at)]
