"""Portable Network Graphics, written fast and read as far as they go (W3C PNG, third edition; RFC 1950, 1951).

The filter of each row is Sub, Up or Average, whichever leaves the smallest residuals: all three run in vectors, and on demosaiced
pictures this compresses as well as a choice among all five. What noise leaves of a camera's picture hardly repeats: Huffman codes
alone make it as small as the usual writers do, in a tenth of their time or less. Where a few of its rows show that repeats are worth
looking for, in drawings, thumbnails and what has been through JPEG, they are looked for.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from isal import isal_zlib
from numba import njit
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.deflate import (
    compress,
    compress_literal_part,
    compress_literals,
    compress_part,
    literal_size,
    searched_size,
    tried_strips,
)

__all__ = ["encode_png", "pack_png", "png_file", "png_parts", "write_png", "write_sheet"]

Buffer: TypeAlias = bytes | memoryview

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""By the count of channels: grey, grey and alpha, RGB, RGB and alpha (section 11.2.1)."""
SUB, UP, AVERAGE = 1, 2, 3
"""Filter types (section 9.2)."""
SUMMED = 256
"""Residuals, none above 128, that a sum of 16 bits surely holds."""
LONGEST_CHUNK = (1 << 31) - 1
ZLIB_HEADER, LAST_BLOCK = b"\x78\x01", b"\x03\x00"
"""RFC 1950 section 2.2; RFC 1951 section 3.2.6, a block of nothing."""
BAND = struct.Struct(">IQ")
"""Adler-32 and length of a band's filtered rows."""
WORTH = 1.06
"""Looking for repeats takes two to three times as long; it has to save more than this."""
STRETCH, TRIED = 64, 2
"""Rows of a band that are written in the same way, and of how many in their middle that is told."""
SLAB = 512
"""Rows of a sheet that are a band: what their filters leave is still near the processor when it is compressed."""


def write_png(path: str | Path, image: NDArray[Any], *, text: Mapping[str, str] | None = None) -> None:
    """Write a picture, as `png_parts` gives it."""
    # What is refused leaves no file behind, and empties none.
    parts = png_parts(image, text=text)
    with Path(path).open("wb") as stream:
        stream.writelines(parts)


def write_sheet(path: str | Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, (h, w, 3), that is put together of others and of words, each stretch of rows in the way that suits it.

    Sheets take half as long as by `write_png`, and a twentieth more room. What is one picture takes no less time.
    """
    height, width = picture.shape[:2]
    with Path(path).open("wb") as stream:
        stream.writelines(png_file(width, height, (pack_png(picture[top : top + SLAB]) for top in range(0, height, SLAB))))


def encode_png(image: NDArray[Any], *, text: Mapping[str, str] | None = None) -> bytes:
    """Give the bytes that `write_png` writes."""
    return b"".join(png_parts(image, text=text))


def png_parts(image: NDArray[Any], *, text: Mapping[str, str] | None = None) -> list[Buffer]:
    """Give the bytes of a file, piece by piece; equal pictures give equal bytes.

    image  (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGB and alpha, uint8 or uint16
    text   keywords of 1 to 79 Latin-1 characters, and what they say: names, camera, ...

    Raises DataError for any other shape, dtype or keyword.
    """
    return list(_parts(image, text or {}))


def _parts(image: NDArray[Any], text: Mapping[str, str]) -> Iterator[Buffer]:
    rows, channels = _rows(image)
    height, width = image.shape[:2]
    yield SIGNATURE
    yield from _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * image.itemsize, COLOUR_TYPES[channels], 0, 0, 0))
    for keyword in sorted(text):
        yield from _text_chunk(keyword, text[keyword])
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    _filter(rows, channels * image.itemsize, filtered)
    data = memoryview(_compress(filtered))
    for start in range(0, len(data), LONGEST_CHUNK):
        yield from _chunk(b"IDAT", data[start : start + LONGEST_CHUNK])
    yield from _chunk(b"IEND", b"")


def _compress(filtered: NDArray[np.uint8]) -> Buffer:
    """Deflate by the way that suits the picture, as a few strips of its rows tell."""
    return compress_literals(filtered.ravel()) if _is_noise(tried_strips(filtered)) else compress(filtered.ravel())


def _is_noise(strips: NDArray[np.uint8]) -> bool:
    """Say whether looking for repeats in these, (strips, n), would not be worth it."""
    return literal_size(strips) <= WORTH * searched_size(strips)


def pack_png(rows: NDArray[np.uint8]) -> bytes:
    """Compress a band of a picture, (rows, width, 3) uint8, by itself: what `png_file` needs to know of it, and the data of a chunk.

    Its first row is filtered without the one above, and its data end with an octet: bands may be packed in any order, by several threads.
    """
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    filtered = np.empty((len(rows), flat.shape[1] + 1), np.uint8)
    _filter(flat, 3, filtered)
    filtered[0, 0], filtered[0, 1:4] = SUB, flat[0, :3]
    np.subtract(flat[0, 3:], flat[0, :-3], out=filtered[0, 4:])
    parts = [compress_literal_part(part.ravel()) if noise else compress_part(part.ravel()) for noise, part in _stretches(filtered)]
    return BAND.pack(isal_zlib.adler32(filtered), filtered.size) + b"".join(parts)


def _stretches(filtered: NDArray[np.uint8]) -> Iterator[tuple[bool, NDArray[np.uint8]]]:
    """Cut a band where it stops or begins to be noise: of a row of pictures on a sheet, the captions are hardly anything.

    They take so much less if repeats are looked for that a band with both would be searched as a whole.
    """

    def is_noise(begin: int) -> bool:
        stretch = filtered[begin : begin + STRETCH]
        return _is_noise(stretch[len(stretch) // 2 :][:TRIED].reshape(1, -1))

    for noise, group in itertools.groupby(range(0, len(filtered), STRETCH), is_noise):
        begins = list(group)
        yield noise, filtered[begins[0] : begins[-1] + STRETCH]


def png_file(width: int, height: int, packed: Iterable[bytes]) -> Iterator[Buffer]:
    """Give a file's bytes from its bands, as `pack_png` gives them, top to bottom: no two of them need be in memory."""
    yield SIGNATURE
    yield from _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[3], 0, 0, 0))
    yield from _chunk(b"IDAT", ZLIB_HEADER)
    low, high = 1, 0
    for band in packed:
        checksum, length = BAND.unpack_from(band)
        # Adler-32 of one stretch after the other (RFC 1950 section 8.2): the second begins with the first's sums, not with 1 and 0.
        high = (high + (checksum >> 16) + length * (low - 1)) % 65521
        low = (low + (checksum & 0xFFFF) - 1) % 65521
        yield from _chunk(b"IDAT", memoryview(band)[BAND.size :])
    yield from _chunk(b"IDAT", LAST_BLOCK + struct.pack(">HH", high, low))
    yield from _chunk(b"IEND", b"")


def _rows(image: Any) -> tuple[NDArray[np.uint8], int]:
    """Give the rows as bytes, high byte first, and the count of channels."""
    if not isinstance(image, np.ndarray):
        raise DataError(f"{type(image).__name__} is no array, and no picture for PNG", remedy="Give a NumPy array of uint8 or uint16")
    channels = image.shape[-1] if image.ndim == 3 else 1
    if image.ndim not in {2, 3} or channels not in {1, 3, 4} or image.dtype.kind != "u" or image.itemsize > 2 or not image.size:
        raise DataError(
            f"an array of {image.dtype} and shape {image.shape} is no picture for PNG",
            remedy="Give (height, width), or (height, width, 3 or 4), of uint8 or uint16",
        )
    ordered = np.ascontiguousarray(image, dtype=np.uint8 if image.itemsize == 1 else np.dtype(">u2"))
    return ordered.reshape(image.shape[0], -1).view(np.uint8), channels


def _chunk(kind: bytes, data: Buffer) -> tuple[Buffer, ...]:
    checksum = isal_zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I4s", len(data), kind), data, struct.pack(">I", checksum)


def _text_chunk(keyword: str, value: str) -> tuple[Buffer, ...]:
    """Latin-1 text as tEXt, any other as iTXt (section 11.3.3)."""
    name = keyword.encode("latin-1", "replace")
    if not 1 <= len(name) <= 79 or name != name.strip() or b"\0" in name or "\0" in value:
        raise DataError(f"{keyword!r} cannot be a keyword of PNG text", remedy="Keywords have 1 to 79 Latin-1 characters")
    try:
        return _chunk(b"tEXt", name + b"\0" + value.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", name + b"\0\0\0\0\0" + value.encode("utf-8", "replace"))


@njit(cache=True, nogil=True)
def _filter(rows: NDArray[np.uint8], step: int, out: NDArray[np.uint8]) -> None:
    """Put before each row the type of its filter, and what the filter leaves of it; `step` is the bytes of a pixel."""
    above, nothing = np.zeros(rows.shape[1], np.uint8), np.zeros(step, np.uint8)
    for y in range(rows.shape[0]):
        row, filtered = rows[y], out[y, 1:]
        first, rest = _residuals(row[:step], nothing, above), _residuals(row[step:], row, above[step:])
        # The first pixel's bytes, which Sub leaves as they are, do not count for it.
        sub, up, average = rest[0], first[1] + rest[1], first[2] + rest[2]
        if average <= sub and average <= up:
            out[y, 0] = AVERAGE
            _subtract_mean(row[:step], nothing, above, filtered)
            _subtract_mean(row[step:], row, above[step:], filtered[step:])
        elif up < sub and y:
            out[y, 0] = UP
            _subtract(row, above, filtered)
        else:
            out[y, 0] = SUB
            filtered[:step] = row[:step]
            _subtract(row[step:], row, filtered[step:])
        above = row


@njit(cache=True, nogil=True)
def _mean(left: np.uint8, above: np.uint8) -> np.uint8:
    """Round down the mean of two bytes."""
    # Their common bits and half of the others: what fits into a byte at every step runs in vectors of bytes.
    return np.uint8(np.uint8(left & above) + np.uint8(np.uint8(left ^ above) >> np.uint8(1)))


@njit(cache=True, nogil=True)
def _subtract(row: NDArray[np.uint8], guesses: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    for x in range(row.size):
        out[x] = row[x] - guesses[x]


@njit(cache=True, nogil=True)
def _subtract_mean(row: NDArray[np.uint8], left: NDArray[np.uint8], above: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    for x in range(row.size):
        out[x] = row[x] - _mean(left[x], above[x])


@njit(cache=True, nogil=True)
def _residuals(row: NDArray[np.uint8], left: NDArray[np.uint8], above: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Sum up what Sub, Up and Average leave, each residual taken as a signed byte, as PNG's section 12.7 advises."""
    subs, ups, averages = 0, 0, 0
    for begin in range(0, row.size, SUMMED):
        values, lefts, uppers = row[begin : begin + SUMMED], left[begin : begin + SUMMED], above[begin : begin + SUMMED]
        sub, up, average = np.uint16(0), np.uint16(0), np.uint16(0)
        for x in range(values.size):
            # Cast back at each step, or numba widens them and a vector holds a quarter as many.
            sub = np.uint16(sub + _size(np.uint8(values[x] - lefts[x])))
            up = np.uint16(up + _size(np.uint8(values[x] - uppers[x])))
            average = np.uint16(average + _size(np.uint8(values[x] - _mean(lefts[x], uppers[x]))))
        subs, ups, averages = subs + int(sub), ups + int(up), averages + int(average)
    return subs, ups, averages


@njit(cache=True, nogil=True)
def _size(residual: np.uint8) -> np.uint16:
    return np.uint16(min(residual, np.uint8(-residual)))
