"""Image files of every kind, read into samples and a mask.

PNG, JPEG, JPEG-LS and our own TIFF are read as far as they go when they are cut or have gaps; BMP, GIF, WebP and the rarer sorts of
PNG are read whole or refused. imageio reads JPEG and those; it is not asked for colour of 16 bits, which it would narrow to 8.
Pictures of the planetary archives have readers of their own (`stages.formats.archive`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.archive import archive_format, read_archive, read_beside
from stages.formats.jpeg_markers import Gaps
from stages.formats.raster import LARGEST, Raster, check_extent, from_channels

__all__ = ["LARGEST", "Raster", "image_format", "read_image", "read_image_bytes"]

SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
JPEG_LS_FRAME = b"\xff\xf7"
LONGEST_HEADER = 1 << 16
REMEDY = "Fetch the file again, or convert it to PNG or TIFF"


def image_format(head: bytes) -> str | None:
    """Name the format of an image file by its first bytes (64 KiB tell JPEG-LS from JPEG); None if it is none that is read."""
    name = next((kind for signature, kind in SIGNATURES if head.startswith(signature)), None)
    if name is None:
        return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else archive_format(head)
    if name == "bmp" and (len(head) < 30 or head[6:10] != bytes(4)):
        return None
    return "jpeg-ls" if name == "jpeg" and _is_jpeg_ls(head[:LONGEST_HEADER]) else name


def _is_jpeg_ls(head: bytes) -> bool:
    """Go from segment to segment up to the first frame."""
    offset = 2
    while offset + 4 <= len(head) and head[offset] == 0xFF:
        if head[offset : offset + 2] == JPEG_LS_FRAME:
            return True
        if head[offset + 1] in {0xC0, 0xC1, 0xC2, 0xC3, 0xDA}:
            return False
        offset += 2 + max(2, int.from_bytes(head[offset + 2 : offset + 4], "big"))
    return False


def read_image(path: str | Path) -> Raster:
    """Read an image file, or the one that a label beside it describes; `path` may name either of the two.

    Returns samples (h, w) or (h, w, 3), uint8 or uint16 (from archives also other numbers, see `Raster`); mask (h, w), True where lost:
    transparent, behind the end of a file that was cut, or so marked; and what else the file says.

    Raises DataError, naming file and byte, for a file that is no image, is broken, or claims more than LARGEST pixels.
    """
    data = Path(path).read_bytes()
    if image_format(data[:LONGEST_HEADER]) is None and (described := read_beside(Path(path), data)) is not None:
        return described
    return read_image_bytes(data, str(path))


def read_image_bytes(data: bytes, name: str, gaps: Gaps = ()) -> Raster:
    """Read an image file from memory.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes that are lost

    Returns and raises as `read_image`; a gap in a file of BMP, GIF, WebP or TIFF raises too.
    """
    gaps = sorted((start, min(stop, len(data))) for start, stop in gaps if start < min(stop, len(data)))
    kind = image_format(data[:LONGEST_HEADER])
    if kind == "png":
        return _read_png(data, name, gaps)
    if kind == "jpeg":
        from stages.formats.jpeg import decode_jpeg

        return decode_jpeg(data, name, gaps)
    if kind == "jpeg-ls":
        from stages.formats.jpeg_ls import decode_jpeg_ls

        return decode_jpeg_ls(data, name, gaps)
    if kind in {"vicar", "pds3"}:
        return read_archive(data, name, gaps, kind)
    if kind is None:
        raise DataError("is no image file of a known kind", where=f"{name} at byte 0", remedy=REMEDY)
    if gaps:
        raise DataError(f"is a {kind} file with a gap", where=f"{name} at byte {gaps[0][0]}", remedy="Wait for the rest of it")
    if kind == "tiff":
        from stages.formats.tiff_reader import read_tiff

        return read_tiff(data, name)
    return _read_other(data, name, kind)


def _read_png(data: bytes, name: str, gaps: Gaps) -> Raster:
    from stages.formats.png_reader import decode_png, is_plain_png, read_header

    known = data[: gaps[0][0]] if gaps else data
    if is_plain_png(known, name):
        return decode_png(known, name)
    return _read_other(known, name, "png", deep=read_header(known, name).depth == 16)


def _read_other(data: bytes, name: str, kind: str, *, deep: bool = False) -> Raster:
    """Let a library read it; `deep` is for 16 bits."""
    try:
        channels = _read_deep(data) if deep else _read_shallow(data, name, kind)
    except DataError:
        raise
    except Exception as error:  # a hostile file can make the libraries raise anything
        raise DataError(f"is no {kind} file that can be read: {error}", where=f"{name} at byte 0", remedy=REMEDY) from error
    samples, mask = from_channels(_unsigned(channels, name))
    return Raster(samples, mask, {"format": kind, "bits": 8 * samples.itemsize, "lossless": kind != "webp"})


def _read_deep(data: bytes) -> NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(data))


def _read_shallow(data: bytes, name: str, kind: str) -> NDArray[Any]:
    import imageio.v3 as imageio

    with imageio.imopen(data, "r", plugin="pillow", extension=f".{kind}") as file:
        shape = file.properties(index=0).shape
        check_extent(shape[1], shape[0], name)
        return np.asarray(file.read(index=0))


def _unsigned(channels: NDArray[Any], name: str) -> NDArray[Any]:
    if channels.dtype == np.bool_:
        return channels.astype(np.uint8) * np.uint8(255)
    if channels.dtype not in (np.uint8, np.uint16) or channels.ndim not in {2, 3}:
        raise DataError(f"holds {channels.dtype} of shape {channels.shape}", where=f"{name} at byte 0", remedy=REMEDY)
    return channels
