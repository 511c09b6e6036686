"""Pictures with a mask and a record, as TIFF 6.0.

The first page holds the samples, its ImageDescription (section 8) a JSON record. Where anything is lost, a second page of one bit
a sample says what is there: 1 for a sample, 0 for a lost one, the sense of TIFF's transparency mask (page 36). Its PageName is
"mask"; its photometric interpretation is an ordinary one, since common readers refuse a whole file for a page of the other kind.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.deflate import compress, searched_size, tried_strips
from stages.formats.raster import Mask, Raster, check_extent, from_channels

__all__ = ["read_tiff", "write_tiff"]

# The library also logs what is wrong with a file; our error says it, and nothing else should reach the terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

PAGE_NAME = 285
"""Tag (section 12)."""
TRANSPARENCY_MASK = 4
"""Bit of NewSubfileType, by which other writers mark theirs."""
STRIP_BYTES = 1 << 20
"""Readers need room for one strip at a time; large ones deflate better."""
WORTH = 0.75
"""Compression that leaves more than this is not used."""


def write_tiff(path: str | Path, samples: NDArray[Any], *, mask: Mask | None = None, record: Mapping[str, Any] | None = None) -> None:
    """Write a picture; equal pictures give equal bytes.

    samples  (h, w) or (h, w, 3), uint8 or uint16
    mask     (h, w), True where a sample is lost; None or all False writes no second page
    record   JSON values, for `Raster.meta["record"]`

    Raises DataError for any other shape or dtype.
    """
    if samples.ndim not in {2, 3} or samples.shape[2:] not in {(), (3,)} or samples.dtype.newbyteorder("=") not in (np.uint8, np.uint16):
        raise DataError(f"an array of {samples.dtype} and shape {samples.shape} is no picture for TIFF", where=str(path))
    description = json.dumps(dict(record or {}), sort_keys=True, separators=(",", ":"))
    with tifffile.TiffWriter(path, byteorder="<") as writer:
        ordered = np.ascontiguousarray(samples, dtype=samples.dtype.newbyteorder("<"))
        kind = "rgb" if samples.ndim == 3 else "minisblack"
        _write_page(writer, ordered, samples.shape, photometric=kind, description=description)
        if mask is not None and np.count_nonzero(mask):
            label = (PAGE_NAME, "s", 0, "mask", True)
            bits = np.packbits(~mask, axis=1)
            _write_page(writer, bits, mask.shape, dtype=bool, photometric="minisblack", extratags=[label])


def _write_page(writer: tifffile.TiffWriter, rows: NDArray[Any], shape: tuple[int, ...], **tags: Any) -> None:
    strip = max(1, STRIP_BYTES * len(rows) // rows.nbytes)
    tags = {"dtype": rows.dtype, "planarconfig": "contig" if len(shape) == 3 else None} | tags
    # No predictor: neighbours in a mosaic differ in colour, and its repeated levels compress better as they are.
    packed = _pays(rows)
    parts = (rows[y : y + strip] for y in range(0, len(rows), strip))
    # Samples that are not packed the library writes as they stand, without copies of strips; packed ones and bits it takes in strips.
    plain = not packed and tags["dtype"] == rows.dtype
    data = rows if plain else (_compress(part) if packed else part.tobytes() for part in parts)
    writer.write(data, shape=shape, rowsperstrip=strip, compression="zlib" if packed else None, metadata=None, software=False, **tags)


def _pays(rows: NDArray[Any]) -> bool:
    """Say whether compression saves enough: of a camera's noise it saves a tenth, and takes most of the time of reading and writing."""
    strips = tried_strips(rows)
    return searched_size(strips) < WORTH * strips.size


def _compress(part: NDArray[Any]) -> bytes:
    return compress(part.view(np.uint8).ravel()).tobytes()


def read_tiff(data: bytes, name: str) -> Raster:
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
