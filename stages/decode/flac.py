"""FLAC files with parts missing (RFC 9639).

A frame says where it belongs and ends in a checksum, so every frame that came in full can be used, wherever the gaps are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["Salvage", "salvage_flac"]

SYNC = re.compile(rb"\xff[\xf8\xf9]")
BLOCK_SIZES = {1: 192, **{code: 576 << (code - 2) for code in range(2, 6)}, **{code: 256 << (code - 8) for code in range(8, 16)}}
"""By the header's four bits (section 9.1.1); 6 and 7 stand for a number behind the header."""
MOST_SAMPLES = 1 << 26
"""In memory at once, over all channels."""
SPREAD = 8
"""Samples that a lost byte is granted at most: what lies behind it cannot be further away."""
STREAM_INFO = 42
"""Bytes of the signature and the first metadata block (section 8.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """What could be decoded."""

    samples: NDArray[np.int32]
    """(frames, channels), left-justified; 0 where lost."""
    mask: NDArray[np.bool_]
    rate: int
    bits: int


@dataclass(frozen=True, slots=True)
class _Header:
    start: int
    """Sample of the stream at which the frame begins."""
    length: int
    """Samples."""
    number: tuple[int, int]
    """Bytes of the header in which the coded number stands, [start, stop)."""
    size: int
    """Bytes, checksum included."""


@dataclass(frozen=True, slots=True)
class _Frame:
    offset: int
    header: _Header
    data: bytes

    @property
    def start(self) -> int:
        return self.header.start

    @property
    def stop(self) -> int:
        return self.header.start + self.header.length


def salvage_flac(data: bytes, name: str, gaps: Sequence[tuple[int, int]], size: int) -> Salvage | None:
    """Decode the frames that came in full.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes of it that are lost
    size  of the whole file, as far as is known

    Returns None if the stream's description is lost. DataError if it is broken, or if more than MOST_SAMPLES came.
    """
    if len(data) < STREAM_INFO or any(start < STREAM_INFO for start, _ in gaps):
        return None
    if data[4] & 0x7F or int.from_bytes(data[5:8], "big") != 34:
        raise DataError("does not begin with a description of the stream", where=f"{name} at byte 4", remedy="Fetch the file again")
    packed = int.from_bytes(data[18:26], "big")
    rate, channels, bits, total = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & (1 << 36) - 1
    nominal = int.from_bytes(data[10:12], "big")
    frames = list(_in_place(_frames(data, nominal, gaps)))
    end = frames[-1].stop if frames else 0
    lost = size - (frames[-1].offset + len(frames[-1].data) if frames else STREAM_INFO)
    end = max(end, min(total, end + SPREAD * lost, MOST_SAMPLES // channels))
    if end * channels > MOST_SAMPLES:
        raise DataError(f"has gaps and holds {end} samples in {channels} channels", where=name, remedy="Wait for the rest of it")
    samples, mask = np.zeros((end, channels), np.int32), np.ones(end, np.bool_)
    for run in _runs(frames):
        decoded = _decode(data[:STREAM_INFO], run, channels)
        start = run[0].start
        samples[start : start + len(decoded)] = decoded
        mask[start : start + len(decoded)] = False
    return Salvage(samples=samples, mask=mask, rate=rate, bits=bits)


def _frames(data: bytes, nominal: int, gaps: Sequence[tuple[int, int]]) -> Iterator[_Frame]:
    """Find the frames between the gaps; one ends where another begins, and where its checksum says so."""
    edges = [0, *(edge for gap in gaps for edge in gap if edge < len(data)), len(data)]
    for low, high in zip(edges[::2], edges[1::2], strict=False):
        starts = [match.start() for match in SYNC.finditer(data, low, high)]
        headers = [(start, head) for start in starts if (head := _header(data[start : min(start + 16, high)], nominal))]
        position = 0
        while position < len(headers):
            offset, header = headers[position]
            # Few bytes of a frame look like the header of another one by chance: the next places are tried, not all.
            ends = [*(other for other, _ in headers[position + 1 : position + 4]), high]
            stop = next((end for end in ends if end - offset > 4 and not _crc16(np.frombuffer(data[offset:end], np.uint8))), 0)
            if not stop:
                position += 1
                continue
            yield _Frame(offset, header, data[offset:stop])
            position = next((place for place, (other, _) in enumerate(headers) if other >= stop), len(headers))


def _header(head: bytes, nominal: int) -> _Header | None:
    """Read a frame header (section 9.1); None if it is none."""
    if len(head) < 6 or head[3] & 1 or head[2] >> 4 == 0 or head[2] & 15 == 15:
        return None
    lead = head[4]
    extra = 0 if lead < 0x80 else next((count for count in range(1, 7) if lead >> (6 - count) == (1 << (count + 2)) - 2), -1)
    if extra < 0 or len(head) < 5 + extra:
        return None
    number = lead if not extra else lead & (1 << (6 - extra)) - 1
    for octet in head[5 : 5 + extra]:
        number = number << 6 | octet & 0x3F
    at = 5 + extra
    code, rate = head[2] >> 4, head[2] & 15
    wide = {6: 1, 7: 2}.get(code, 0)
    length = int.from_bytes(head[at : at + wide], "big") + 1 if wide else BLOCK_SIZES[code]
    at += wide + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if len(head) <= at or _crc8(head[:at]) != head[at]:
        return None
    return _Header(number if head[1] & 1 else number * nominal, length, (4, 5 + extra), at + 1)


def _in_place(frames: Iterator[_Frame]) -> Iterator[_Frame]:
    """Leave out frames that cannot be where they say, given the bytes before them that came to nothing."""
    end, behind = 0, STREAM_INFO
    for frame in frames:
        if end <= frame.start <= end + SPREAD * (frame.offset - behind):
            yield frame
            end, behind = frame.stop, frame.offset + len(frame.data)


def _runs(frames: Sequence[_Frame]) -> Iterator[list[_Frame]]:
    """Join frames that follow one another."""
    run: list[_Frame] = []
    for frame in frames:
        if run and frame.start != run[-1].stop:
            yield run
            run = []
        run.append(frame)
    if run:
        yield run


def _decode(head: bytes, run: Sequence[_Frame], channels: int) -> NDArray[np.int32]:
    """Have the library decode a run as a stream of its own, of known length and without the whole stream's digest."""
    import soundfile

    length = run[-1].stop - run[0].start
    packed = int.from_bytes(head[18:26], "big") >> 36 << 36 | length
    frames = [_renumbered(frame, index, frame.start - run[0].start) for index, frame in enumerate(run)]
    stream = b"fLaC\x80" + head[5:18] + packed.to_bytes(8, "big") + bytes(16) + b"".join(frames)
    try:
        decoded: NDArray[np.int32] = soundfile.read(io.BytesIO(stream), dtype="int32", always_2d=True)[0]
    except soundfile.LibsndfileError:
        return np.zeros((0, channels), np.int32)
    return decoded[:length]


def _renumbered(frame: _Frame, index: int, start: int) -> bytes:
    """Give the frame the number of its place in a stream of its own: libraries want the first to be 0."""
    first, stop = frame.header.number
    header = frame.data[:first] + _coded(start if frame.data[1] & 1 else index) + frame.data[stop : frame.header.size - 1]
    body = header + bytes([_crc8(header)]) + frame.data[frame.header.size : -2]
    return body + _crc16(np.frombuffer(body, np.uint8)).to_bytes(2, "big")


def _coded(number: int) -> bytes:
    """Code a number as UTF-8 codes characters, on to 36 bits (section 9.1.5)."""
    if number < 0x80:
        return bytes([number])
    extra = next(count for count in range(1, 7) if number < 1 << (6 + 5 * count))
    lead = (0xFF00 >> (extra + 1)) & 0xFF | number >> (6 * extra)
    return bytes([lead, *(0x80 | number >> (6 * place) & 0x3F for place in reversed(range(extra)))])


def _crc8(data: bytes) -> int:
    """CRC-8 of a frame header, polynomial 0x07 (section 9.1.8)."""
    register = 0
    for octet in data:
        register ^= octet
        for _ in range(8):
            register = (register << 1 ^ (0x07 if register & 0x80 else 0)) & 0xFF
    return register


@njit(cache=True, nogil=True)
def _crc16(data: NDArray[np.uint8]) -> int:
    """CRC-16 of a frame, polynomial 0x8005 (section 9.3); 0 over a whole frame with its checksum."""
    register = 0
    for octet in data:
        register ^= int(octet) << 8
        for _ in range(8):
            register = (register << 1 ^ (0x8005 if register & 0x8000 else 0)) & 0xFFFF
    return register
