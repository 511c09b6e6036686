"""PNG files read as far as they go (W3C PNG, third edition; RFC 1950).

Decoders stop with an error where a file is cut. Rows of PNG come in order and depend on nothing after them, so here they stay.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from isal import isal_zlib
from isal.igzip_lib import IsalError
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.png_rows import unfilter
from stages.formats.raster import Raster, check_extent, from_channels, nothing_lost

__all__ = ["SIGNATURE", "decode_png", "is_plain_png", "read_header"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""By colour type (section 11.2.1); type 3 is a palette."""
LONGEST_TEXT = 1 << 20
REMEDY = "Fetch the file again"


class Header(NamedTuple):
    """The IHDR chunk."""

    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filtering: int
    interlace: int


class Chunk(NamedTuple):
    """A chunk, whole or cut by the end of the file."""

    kind: bytes
    offset: int
    data: memoryview
    checksum: bytes
    whole: bool


def is_plain_png(data: bytes, name: str) -> bool:
    """Say whether `decode_png` reads it: 8 or 16 bits a sample, in rows; DataError if its header is broken or claims too much."""
    header = read_header(data, name)
    return header.depth in {8, 16} and header.colour in CHANNELS and not header.interlace


def decode_png(data: bytes, name: str) -> Raster:
    """Read a PNG file of 8 or 16 bits a sample that is not interlaced; rows behind a cut end are lost.

    data  the file, or its beginning
    name  for messages

    Raises DataError, naming the byte, for anything that breaks the format other than its end.
    """
    header = read_header(data, name)
    packed: list[Chunk] = []
    text, transparent = {}, None
    for chunk in _chunks(data):
        if chunk.kind == b"IDAT":
            packed.append(chunk)
            continue
        _check(chunk, name)
        if chunk.kind == b"tRNS" and chunk.whole:
            transparent = np.frombuffer(chunk.data[: len(chunk.data) // 2 * 2], ">u2")
        elif chunk.kind in {b"tEXt", b"zTXt", b"iTXt"} and chunk.whole:
            text.update(_text(chunk))
    pixel = CHANNELS[header.colour] * header.depth // 8
    stride = header.width * pixel
    filtered, received = _inflate(packed, header.height * (stride + 1), name)
    rows = np.empty((header.height, stride), np.uint8)
    bad = unfilter(filtered.reshape(header.height, stride + 1), pixel, received, rows)
    if bad >= 0:
        raise DataError(f"has an unknown filter in row {bad}", where=f"{name} at byte {packed[0].offset}", remedy=REMEDY)
    return _raster(header, rows, received, transparent, text)


def read_header(data: bytes, name: str) -> Header:
    """Read the header; DataError if it is broken or claims too many pixels."""
    if len(data) < 33 or data[12:16] != b"IHDR" or not data.startswith(SIGNATURE):
        raise DataError("has no PNG header", where=f"{name} at byte 0", remedy=REMEDY)
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:33], "big"):
        raise DataError("has a PNG header with a wrong checksum", where=f"{name} at byte 8", remedy=REMEDY)
    header = Header(*struct.unpack(">IIBBBBB", data[16:29]))
    check_extent(header.width, header.height, name, 16)
    if header.compression or header.filtering or header.interlace > 1:
        raise DataError("has a PNG header of no known version", where=f"{name} at byte 26", remedy=REMEDY)
    return header


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Give the chunks after the header; the last may be cut."""
    view, offset = memoryview(data), 33
    while offset + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = view[offset + 8 : offset + 8 + length]
        whole = offset + 12 + length <= len(data)
        checksum = data[offset + 8 + length : offset + 12 + length]
        yield Chunk(kind, offset, body, checksum, whole)
        if kind == b"IEND":
            return
        offset += 12 + length


def _check(chunk: Chunk, name: str) -> None:
    if chunk.whole and isal_zlib.crc32(chunk.data, zlib.crc32(chunk.kind)) != int.from_bytes(chunk.checksum, "big"):
        raise DataError(f"has a chunk {chunk.kind!r} with a wrong checksum", where=f"{name} at byte {chunk.offset}", remedy=REMEDY)


def _inflate(packed: list[Chunk], size: int, name: str) -> tuple[NDArray[np.uint8], int]:
    """Give `size` bytes, zero where the stream ends early, and how many there were."""
    out = np.empty(size, np.uint8)
    try:
        # A whole stream at once, by the fastest decoder; what it does not like is looked at bit by bit.
        stream = b"".join(chunk.data for chunk in packed)
        whole = len(imagecodecs.deflate_decode(stream, out=memoryview(out))) == size  # type: ignore[arg-type]  # see deflate.py
    except (imagecodecs.DeflateError, ValueError):
        whole = False
    if whole:
        # The stream's own checksum, of all that it gave, was right: those of its pieces, which may be hundreds, say no more.
        return out, size
    for chunk in packed:
        _check(chunk, name)
    return _inflate_cut(packed, out, name)


def _inflate_cut(packed: list[Chunk], out: NDArray[np.uint8], name: str) -> tuple[NDArray[np.uint8], int]:
    stream, received = isal_zlib.decompressobj(), 0
    out[:] = 0
    try:
        for chunk in packed:
            if received == out.size:
                break
            piece = stream.decompress(chunk.data, out.size - received)
            out[received : received + len(piece)] = np.frombuffer(piece, np.uint8)
            received += len(piece)
    except IsalError as error:  # type: ignore[misc]  # the library's stub calls the class a value
        where = f"{name} at byte {packed[0].offset}"
        raise DataError(f"has compressed rows that are no zlib stream: {error}", where=where, remedy=REMEDY) from None
    return out, received


def _raster(header: Header, rows: NDArray[np.uint8], received: int, transparent: NDArray[Any] | None, text: dict[str, str]) -> Raster:
    channels = CHANNELS[header.colour]
    values = np.ascontiguousarray(rows).view(">u2" if header.depth == 16 else np.uint8)
    native = np.uint16 if header.depth == 16 else np.uint8
    pixels = values.reshape(header.height, header.width, channels).astype(native, copy=False)
    mask = nothing_lost((header.height, header.width))
    whole, rest = divmod(received, rows.shape[1] + 1)
    if whole < header.height:
        mask = mask.copy()
        mask[whole:] = True
        mask[whole, : max(0, rest - 1) * header.width // rows.shape[1]] = False
    if transparent is not None and transparent.size == channels:
        mask = mask | (pixels == transparent).all(axis=2)
    samples, mask = from_channels(pixels, mask)
    return Raster(samples, mask, {"format": "png", "bits": header.depth, "lossless": True, "text": text})


def _text(chunk: Chunk) -> dict[str, str]:
    """Read a text chunk (section 11.3.3); one that is broken says nothing."""
    keyword, _, rest = bytes(chunk.data).partition(b"\0")
    try:
        if chunk.kind == b"tEXt":
            return {keyword.decode("latin-1"): rest.decode("latin-1")}
        if chunk.kind == b"zTXt":
            return {keyword.decode("latin-1"): _unpack(rest[1:]).decode("latin-1")}
        _, _, body = rest[2:].partition(b"\0")
        _, _, body = body.partition(b"\0")
        return {keyword.decode("latin-1"): (_unpack(body) if rest[:1] == b"\1" else body).decode()}
    except (zlib.error, UnicodeDecodeError):
        return {}


def _unpack(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, LONGEST_TEXT)
