"""Places fixed-length transfer frames in octets that carry no markers, where octets may be missing or too many.

Frames are taken to follow one another without a break from where the first is said to begin. Where two or more in a row do not prove
themselves, every octet is tried as the beginning of one. A frame proves itself by header and error control field; without that field
by a counter that others in step carry on. What lies between frames that do is filled with frames that do not, as many as find room.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stages.formats.octets import Bytes, byte_stream
from stages.frames.check import header_identity, plausible_headers
from stages.frames.crc import CRC_TABLE, crc16
from stages.profile import Link

__all__ = ["place_fixed_frames"]

Numbers: TypeAlias = NDArray[np.int64]


class Proof(NamedTuple):
    """What a frame proves itself by, as the kernels take it."""

    length: int
    mask: int
    value: int
    """Of the first 16 bits under the mask."""
    channel: int
    """Mask of what frames that share a counter have in common."""
    counter_octets: int
    """Of the counter, from the third octet on: AOS virtual channel frame count, TM master channel frame count."""
    fecf: bool
    step: NDArray[np.uint16]
    """(256,): what an octet leaves in the check register."""
    leaving: NDArray[np.uint16]
    """(256,): what is left of it when `length` more have followed."""
    remainder: int
    """Of a good frame, with the register cleared first."""


def place_fixed_frames(data: Bytes, link: Link, *, first: int = 0) -> Numbers:
    """Return the offset of every frame in data, (frames,) int64, ascending; those that prove themselves and those that do not.

    data   (n,) uint8
    first  octet at which a frame is said to begin, less than a frame length

    Frames lie side by side; octets between them belong to none.
    """
    stream = byte_stream(data, "data")
    proof = _proof(link)
    anchors = _in_step(stream, link, proof, first)
    length = link.frame_length
    starts = np.concatenate([[0], anchors + length])
    stops = np.concatenate([anchors, [stream.size]])
    # A room of exactly one frame has been tried.
    rooms = [(int(a), int(b)) for a, b in zip(starts, stops, strict=True) if b - a > length]
    moved = [_search(stream, a, b, proof) for a, b in rooms]
    proven = np.sort(np.concatenate([anchors, *moved]))
    return _fill(proven, stream.size, length, first)


def _proof(link: Link) -> Proof:
    length = link.frame_length
    mask, value = header_identity(link)
    rows = np.zeros((256, length + 1 if link.fecf else 1), np.uint8)
    rows[:, 0] = np.arange(256)
    sums = crc16(rows)
    return Proof(
        length=length,
        mask=mask,
        value=value,
        channel=0xFFFF if link.frame == "aos" else 0xFFF0,
        counter_octets=3 if link.frame == "aos" else 1,
        fecf=link.fecf,
        step=CRC_TABLE[0],
        leaving=sums ^ sums[0],
        remainder=int(crc16(np.zeros((1, length), np.uint8))[0]),
    )


def _in_step(stream: Bytes, link: Link, proof: Proof, first: int) -> Numbers:
    """Return the offsets of the frames at the implied places that prove themselves."""
    count = max(stream.size - first, 0) // link.frame_length
    places = first + link.frame_length * np.arange(count)
    if not link.fecf:
        proven = _prove_each(stream, places, proof)
    else:
        frames = stream[first : first + count * link.frame_length].reshape(count, link.frame_length)
        proven = plausible_headers(frames, link) & (crc16(frames) == 0)
    anchors: Numbers = places[proven]
    return anchors


def _search(stream: Bytes, start: int, stop: int, proof: Proof) -> Numbers:
    found = np.empty((stop - start) // proof.length, np.int64)
    return found[: _search_room(stream, start, stop, proof, found)]


def _fill(proven: Numbers, size: int, length: int, first: int) -> Numbers:
    """Add frames in step with the proven one before them; before the first one, in step with that."""
    if len(proven) == 0:
        return first + length * np.arange(max(size - first, 0) // length)
    ends = np.append(proven[1:], size)
    counts = (ends - proven) // length
    owner = np.repeat(np.arange(len(proven)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    leading = proven[0] - length * np.arange(proven[0] // length, 0, -1)
    return np.concatenate([leading, proven[owner] + length * place])


@njit(cache=True, nogil=True)
def _header(data: Bytes, at: int) -> np.int64:
    return np.int64(data[at]) << 8 | np.int64(data[at + 1])


@njit(cache=True, nogil=True)
def _register(data: Bytes, at: int, proof: Proof) -> np.uint16:
    register = np.uint16(0)
    for i in range(at, at + proof.length):
        register = np.uint16(register << 8) ^ proof.step[np.uint8(register >> 8) ^ data[i]]
    return register


@njit(cache=True, nogil=True)
def _counter(data: Bytes, at: int, proof: Proof) -> np.int64:
    value = np.int64(0)
    for i in range(2, 2 + proof.counter_octets):
        value = value << 8 | np.int64(data[at + i])
    return value


@njit(cache=True, nogil=True)
def _carried_on(data: Bytes, at: int, proof: Proof) -> bool:
    """Say whether two frames in step, up to four away, count as this one does, one of them behind it; fewer if there are fewer.

    A header that merely repeats is no proof: octets of fill repeat at any phase. Nor are frames before it alone: the frame may be cut.
    """
    before = after = there = there_after = 0
    cycle = 1 << 8 * proof.counter_octets
    for step in range(1, 5):
        for side in (-1, 1):
            place = at + side * step * proof.length
            if place < 0 or place + proof.length > data.size:
                continue
            there += 1
            there_after += side > 0
            same = (_header(data, place) ^ _header(data, at)) & proof.channel == 0
            advance = side * (_counter(data, place, proof) - _counter(data, at, proof)) % cycle
            if same and 1 <= advance <= step:
                before += side < 0
                after += side > 0
    return before + after >= min(there, 2) and after >= min(there_after, 1)


@njit(cache=True, nogil=True)
def _proves(data: Bytes, at: int, proof: Proof) -> bool:
    if _header(data, at) & proof.mask != proof.value:
        return False
    return _register(data, at, proof) == proof.remainder if proof.fecf else _carried_on(data, at, proof)


@njit(cache=True, nogil=True)
def _prove_places(data: Bytes, places: Numbers, proof: Proof, out: NDArray[np.bool_]) -> None:
    for k in range(places.size):
        out[k] = _proves(data, places[k], proof)


def _prove_each(stream: Bytes, places: Numbers, proof: Proof) -> NDArray[np.bool_]:
    proven = np.zeros(len(places), np.bool_)
    _prove_places(stream, places, proof, proven)
    return proven


@njit(cache=True, nogil=True)
def _next_proven(data: Bytes, start: int, stop: int, proof: Proof) -> int:
    """Return the first place in [start, stop) that proves itself, else `stop`. The check register moves on an octet at a time."""
    if start >= stop:
        return stop
    register = _register(data, start, proof) if proof.fecf else np.uint16(0)
    for at in range(start, stop):
        if _header(data, at) & proof.mask == proof.value and (register == proof.remainder if proof.fecf else _carried_on(data, at, proof)):
            return at
        if proof.fecf and at + 1 < stop:
            entering = proof.step[np.uint8(register >> 8) ^ data[at + proof.length]]
            register = np.uint16(register << 8) ^ entering ^ proof.leaving[data[at]]
    return stop


@njit(cache=True, nogil=True)
def _search_room(data: Bytes, start: int, stop: int, proof: Proof, found: Numbers) -> int:
    """Find proven frames side by side in data[start:stop]; one that the next in step confirms goes before one that it does not."""
    length = proof.length
    count = 0
    at = start
    while True:
        at = _next_proven(data, at, stop - length + 1, proof)
        if at > stop - length:
            return count
        confirmed = at + 2 * length > stop or _proves(data, at + length, proof)
        rival = at
        end = min(at + length, stop - 2 * length + 1)
        while not confirmed and rival < end:
            rival = _next_proven(data, rival + 1, end, proof)
            confirmed = rival < end and _proves(data, rival + length, proof)
        found[count] = rival if confirmed and rival < end else at
        at = found[count] + length
        count += 1
