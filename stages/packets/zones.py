"""Packet zones to packets: where each one begins, how long it is and through which frames it runs (732.0-B section 4.1.4.2)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.packets.headers import NO_PACKET_START, ONLY_IDLE
from stages.packets.sequence import JUMPED, USED

__all__ = ["copy_packets", "find_packets"]

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]

STRICT = 0
"""Index of the gap policy that drops the open packet at a jump."""

# The small kernels are set in where they are called: a call counts references to each array, which took a third of the time.

# Columns of the state of a channel.
HAVE, NEED, ROW, PLACE, SPAN, SYNCHRONISED, LAST_ROW, FIRST_ROW = range(8)
# Columns of a channel's count of what went wrong.
TRUNCATED, CONFLICTS = range(2)


@njit(cache=True, nogil=True, inline="always")
def drop(states: Integers, c: int, counts: Integers) -> None:
    """Give the open packet up."""
    if states[c, HAVE]:
        counts[c, TRUNCATED] += 1
    states[c, HAVE] = 0
    states[c, SYNCHRONISED] = 0


@njit(cache=True, nogil=True, inline="always")
def complete_header(frames: Bytes, i: int, base: int, size: int, have: int, headers: Bytes, c: int) -> Any:
    """Add the zone's first octets to a packet's header; return the packet's length once all six are there, else 0."""
    for place in range(have, min(6, have + size)):
        headers[c, place] = frames[i, base + place - have]
    return 7 + (np.int64(headers[c, 4]) << 8 | np.int64(headers[c, 5])) if have + size >= 6 else 0


@njit(cache=True, nogil=True, inline="always")
def continue_packet(
    frames: Bytes, i: int, base: int, size: int, pointer: int, states: Integers, c: int, headers: Bytes, following: Integers
) -> Any:
    """Go on with the open packet in frame i.

    Returns the octet of the zone after its end, the zone's size and one more if it goes on, or -1 if the first header pointer contradicts
    it: then the frame does not follow the one before, whatever the counter says.
    """
    have = states[c, HAVE]
    if not states[c, NEED]:
        states[c, NEED] = complete_header(frames, i, base, size, have, headers, c)
    end = size + 1 if not states[c, NEED] else min(states[c, NEED] - have, size + 1)
    if pointer != (NO_PACKET_START if end >= size else end):
        return -1
    if states[c, LAST_ROW] >= 0:
        following[states[c, LAST_ROW]] = i
    else:
        states[c, FIRST_ROW] = i
    states[c, LAST_ROW] = i
    states[c, SPAN] += 1
    states[c, HAVE] = have + min(end, size)
    return end


@njit(cache=True, nogil=True, inline="always")
def enter_zone(
    frames: Bytes,
    i: int,
    base: int,
    size: int,
    pointer: int,
    states: Integers,
    c: int,
    headers: Bytes,
    counts: Integers,
    following: Integers,
) -> Any:
    """Bring open packet and first header pointer together; return where the next packet begins, past the end if nowhere."""
    at = 0 if pointer == 0 or not states[c, SYNCHRONISED] else -1
    if states[c, HAVE]:
        at = continue_packet(frames, i, base, size, pointer, states, c, headers, following)
    if at < 0:
        counts[c, CONFLICTS] += 1
        drop(states, c, counts)
    if states[c, SYNCHRONISED]:
        return at
    if pointer == NO_PACKET_START or pointer >= size:
        return size
    states[c, SYNCHRONISED] = 1
    return pointer


@njit(cache=True, nogil=True, inline="always")
def walk_zone(
    frames: Bytes,
    i: int,
    base: int,
    size: int,
    at: int,
    states: Integers,
    c: int,
    headers: Bytes,
    counts: Integers,
    packets: Integers,
    found: int,
) -> int:
    """Find the packets that begin in a zone, from octet `at` on; return how many there are in all."""
    while at < size:
        if frames[i, base + at] >> 5:
            # Not a packet of version 0: what the pointer of a later frame names will be.
            states[c, SYNCHRONISED] = 0
            counts[c, CONFLICTS] += 1
            break
        left = size - at
        length: Any = 0 if left < 6 else 7 + (np.int64(frames[i, base + at + 4]) << 8 | np.int64(frames[i, base + at + 5]))
        if length == 0 or length > left:
            complete_header(frames, i, base + at, left, 0, headers, c)
            states[c, HAVE], states[c, NEED], states[c, ROW], states[c, PLACE] = left, length, i, at
            states[c, SPAN], states[c, LAST_ROW], states[c, FIRST_ROW] = 1, i, -1
            break
        packets[found, 0], packets[found, 1], packets[found, 2] = i, at, length
        packets[found, 3], packets[found, 4], packets[found, 5] = c, 1, -1
        found += 1
        at += length
    return found


@njit(cache=True, nogil=True)
def find_packets(
    frames: Bytes,
    status: Bytes,
    channel: Integers,
    start: Integers,
    stop: Integers,
    pointer: Integers,
    policy: Integers,
    idle: NDArray[np.bool_],
    states: Integers,
    headers: Bytes,
    counts: Integers,
    following: Integers,
    packets: Integers,
    begin: int,
) -> tuple[int, int]:
    """Walk the packet zones in the order received, from row `begin` on, until the table of packets might not hold another frame's.

    states     (c, 8) of each channel, brought up to date: octets of the open packet, its length (0 while not known), row it begins in
               (-1: an earlier chunk's), place in that row's zone, frames it lies in, whether synchronised, last row it ran through,
               and first row here of a packet of an earlier chunk
    headers    (c, 6) first octets of the open packet
    counts     (c, 2) gets open packets dropped, and frames whose pointer contradicts the packet before
    following  (n,) gets the row in which a packet goes on
    packets    (m, 6) gets row, place, length, channel, frames and first row here of each complete packet

    Returns how many packets there are, and the row to go on with.
    """
    found = 0
    for i in range(begin, channel.size):
        c = channel[i]
        if (status[i] != USED and status[i] != JUMPED) or idle[c]:
            continue
        size = stop[i] - start[i]
        if found + size // 7 + 2 > len(packets):
            return found, i
        if status[i] == JUMPED and (policy[c] == STRICT or not states[c, HAVE]):
            drop(states, c, counts)
        if pointer[i] == ONLY_IDLE:
            continue
        at = enter_zone(frames, i, start[i], size, pointer[i], states, c, headers, counts, following)
        if states[c, HAVE] and at <= size:
            packets[found, 0], packets[found, 1], packets[found, 2] = states[c, ROW], states[c, PLACE], states[c, HAVE]
            packets[found, 3], packets[found, 4], packets[found, 5] = c, states[c, SPAN], states[c, FIRST_ROW]
            found += 1
            states[c, HAVE] = 0
        found = walk_zone(frames, i, start[i], size, at, states, c, headers, counts, packets, found)
    return found, channel.size


@njit(cache=True, nogil=True)
def copy_octets(target: Bytes, source: Bytes) -> None:
    """Copy source to target; four times as fast as a slice assignment, which first looks whether the two overlap."""
    for place in range(min(target.size, source.size)):
        target[place] = source[place]


@njit(cache=True, nogil=True)
def copy_packets(
    frames: Bytes,
    start: Integers,
    stop: Integers,
    following: Integers,
    packets: Integers,
    offsets: Integers,
    carried: Bytes,
    carried_offsets: Integers,
    out: Bytes,
) -> None:
    """Copy packets out of the zones they run through.

    packets          (m, 6) as `find_packets` gives them
    offsets          (m,) of each in `out`
    carried          octets of the packets that earlier chunks began, one channel after the other
    carried_offsets  (c + 1,)
    """
    for number in range(offsets.size):
        to = offsets[number]
        left = packets[number, 2]
        row = packets[number, 0]
        place = packets[number, 1]
        if row < 0:
            c = packets[number, 3]
            # Nothing is left of a packet that was completed or dropped here.
            size = min(left, carried_offsets[c + 1] - carried_offsets[c])
            copy_octets(out[to : to + size], carried[carried_offsets[c] : carried_offsets[c] + size])
            to += size
            left -= size
            row = packets[number, 5]
            place = 0
        while left > 0:
            size = min(left, stop[row] - start[row] - place)
            begin = start[row] + place
            copy_octets(out[to : to + size], frames[row, begin : begin + size])
            to += size
            left -= size
            row = following[row]
            place = 0
