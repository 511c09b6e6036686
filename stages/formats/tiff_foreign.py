"""Tag Image File Format in all its variety, read by tifffile: of our files samples, mask and record, of others their picture."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.raster import Mask, Raster, check_extent, from_channels

__all__ = ["read_any_tiff"]

# The library also logs what is wrong with a file; our error says it, and nothing else should reach the terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

PAGE_NAME = 285
"""Tag (section 12)."""
TRANSPARENCY_MASK = 4
"""Bit of NewSubfileType, by which other writers mark masks."""


def read_any_tiff(data: bytes, name: str) -> Raster:
    """Read the first page of a TIFF, and the mask if the second page is one.

    data  the whole file
    name  for messages

    Raises DataError if it cannot be read, is too large, or is neither grey nor RGB of 8 or 16 unsigned bits.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            page = tiff.pages.first
            _check(page, name)
            samples, mask = from_channels(_channels(page), _read_mask(tiff, page, name))
            return Raster(samples, mask, _meta(page))
    except DataError:
        raise
    except Exception as error:  # a hostile file can make the library raise anything
        raise DataError(f"is no TIFF file that can be read: {error}", where=name, remedy="Fetch the file again") from error


def _check(page: Any, name: str) -> None:
    check_extent(page.imagewidth, page.imagelength, name, page.offset)
    kinds = {tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.RGB}
    plain = page.photometric in kinds and page.dtype in (np.uint8, np.uint16)
    if not plain or page.samplesperpixel > 4 or page.imagedepth != 1:
        raise DataError(
            f"holds {page.samplesperpixel} samples a pixel of {page.dtype}, {page.photometric!r}",
            where=f"{name} at byte {page.offset}",
            remedy="Convert it to grey or RGB of 8 or 16 unsigned bits",
        )


def _channels(page: Any) -> NDArray[Any]:
    samples: NDArray[Any] = page.asarray(maxworkers=1)
    if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        samples = np.moveaxis(samples, 0, -1)
    return ~samples if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE else samples


def _read_mask(tiff: tifffile.TiffFile, page: Any, name: str) -> Mask | None:
    if len(tiff.pages) < 2:
        return None
    second: Any = tiff.pages[1]
    named = second.subfiletype & TRANSPARENCY_MASK or second.tags.valueof(PAGE_NAME) == "mask"
    if not named or second.shape != (page.imagelength, page.imagewidth):
        return None
    mask = np.asarray(second.asarray(maxworkers=1) == 0)
    if mask.shape != (page.imagelength, page.imagewidth):
        # A page without strips comes as nothing at all, whatever its shape.
        raise DataError(f"has a mask of shape {mask.shape}", where=f"{name} at byte {second.offset}", remedy="Fetch the file again")
    return mask


def _meta(page: Any) -> dict[str, Any]:
    lossy = page.compression in {tifffile.COMPRESSION.JPEG, tifffile.COMPRESSION.OJPEG}
    meta = {"format": "tiff", "bits": page.bitspersample, "lossless": not lossy}
    try:
        record = json.loads(page.description)
    except ValueError:
        return meta
    return meta | {"record": record} if isinstance(record, dict) else meta
