"""Packet zones to packets: where each one begins, how long it is and through which frames it runs (732.0-B section 4.1.4.2)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.packets import read_u16

__all__ = ["copy_packets", "find_packets"]

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]

NO_PACKET_START, ONLY_IDLE = 0x7FF, 0x7FE
USED, JUMPED = 0, 3
STRICT = 0

# Columns of the state of a channel.
HAVE, NEED, ROW, PLACE, SPAN, SYNCHRONISED, LAST_ROW, FIRST_ROW = range(8)
# Columns of a channel's count of what went wrong.
TRUNCATED, CONFLICTS = range(2)


@njit(cache=True, nogil=True)
def drop(state: Integers, counts: Integers) -> None:
    """Give the open packet up."""
    if state[HAVE]:
        counts[TRUNCATED] += 1
    state[HAVE] = 0
    state[SYNCHRONISED] = 0


@njit(cache=True, nogil=True)
def take_header(header: Bytes, have: int, zone: Bytes, place: int) -> Any:
    """Add what the zone holds to a packet's first six octets; return the packet's length once they are whole, else 0."""
    for octet in range(have, min(6, have + zone.size - place)):
        header[octet] = zone[place + octet - have]
    return 7 + read_u16(header, 4) if have + zone.size - place >= 6 else 0


@njit(cache=True, nogil=True)
def continue_packet(i: int, zone: Bytes, pointer: int, state: Integers, header: Bytes, following: Integers) -> Any:
    """Go on with the open packet in frame i.

    Returns the octet after its end, the zone's size and one more if it goes on, or -1 if the first header pointer contradicts it:
    then the frame does not follow the one before, whatever the counter says.
    """
    have = state[HAVE]
    if not state[NEED]:
        state[NEED] = take_header(header, have, zone, 0)
    end = zone.size + 1 if not state[NEED] else min(state[NEED] - have, zone.size + 1)
    if pointer != (NO_PACKET_START if end >= zone.size else end):
        return -1
    if state[LAST_ROW] >= 0:
        following[state[LAST_ROW]] = i
    else:
        state[FIRST_ROW] = i
    state[LAST_ROW] = i
    state[SPAN] += 1
    state[HAVE] = have + min(end, zone.size)
    return end


@njit(cache=True, nogil=True)
def begin_packet(i: int, place: int, have: int, need: int, state: Integers) -> None:
    """Open the packet that begins in frame i."""
    state[HAVE], state[NEED], state[ROW], state[PLACE] = have, need, i, place
    state[SPAN], state[LAST_ROW], state[FIRST_ROW] = 1, i, -1


@njit(cache=True, nogil=True)
def keep(c: int, state: Integers, packets: Integers, found: int) -> int:
    """Add the open packet, which is complete, to the packets found; return how many there are."""
    packets[found, 0], packets[found, 1], packets[found, 2] = state[ROW], state[PLACE], state[HAVE]
    packets[found, 3], packets[found, 4], packets[found, 5] = c, state[SPAN], state[FIRST_ROW]
    state[HAVE] = 0
    return found + 1


@njit(cache=True, nogil=True)
def walk_zone(i: int, c: int, zone: Bytes, at: int, state: Integers, header: Bytes, counts: Integers, packets: Integers, found: int) -> int:
    """Find the packets that begin in a zone, from octet `at` on; return how many there are in all."""
    while at < zone.size:
        if zone[at] >> 5:
            # Not a packet of version 0: what the pointer of a later frame names will be.
            state[SYNCHRONISED] = 0
            counts[CONFLICTS] += 1
            break
        length = take_header(header, 0, zone, at)
        if length == 0 or at + length > zone.size:
            begin_packet(i, at, zone.size - at, length, state)
            break
        begin_packet(i, at, length, length, state)
        found = keep(c, state, packets, found)
        at += length
    return found


@njit(cache=True, nogil=True)
def enter_zone(i: int, zone: Bytes, pointer: int, state: Integers, header: Bytes, counts: Integers, following: Integers) -> Any:
    """Bring open packet and first header pointer together; return where the next packet begins, past the end if nowhere."""
    at = 0 if pointer == 0 or not state[SYNCHRONISED] else -1
    if state[HAVE]:
        at = continue_packet(i, zone, pointer, state, header, following)
    if at < 0:
        counts[CONFLICTS] += 1
        drop(state, counts)
    if state[SYNCHRONISED]:
        return at
    if pointer == NO_PACKET_START or pointer >= zone.size:
        return zone.size
    state[SYNCHRONISED] = 1
    return pointer


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
) -> int:
    """Walk the packet zones in the order received.

    states     (c, 8) of each channel, brought up to date: octets of the open packet, its length (0 while not known), row it
               begins in (-1: an earlier chunk's), place in that row's zone, frames it lies in, whether synchronised, last row it
               ran through, and first row here of a packet of an earlier chunk
    headers    (c, 6) first octets of the open packet
    counts     (c, 2) gets open packets dropped, and frames whose pointer contradicts the packet before
    following  (n,) gets the row in which a packet goes on
    packets    (m, 6) gets row, place, length, channel, frames and first row here of each complete packet

    Returns how many packets there are.
    """
    found = 0
    for i in range(channel.size):
        c = channel[i]
        if (status[i] != USED and status[i] != JUMPED) or idle[c]:
            continue
        state = states[c]
        if status[i] == JUMPED and (policy[c] == STRICT or not state[HAVE]):
            drop(state, counts[c])
        if pointer[i] == ONLY_IDLE:
            continue
        zone = frames[i, start[i] : stop[i]]
        at = enter_zone(i, zone, pointer[i], state, headers[c], counts[c], following)
        if state[HAVE] and at <= zone.size:
            found = keep(c, state, packets, found)
        found = walk_zone(i, c, zone, at, state, headers[c], counts[c], packets, found)
    return found


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
