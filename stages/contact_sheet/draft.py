"""A contact sheet straight from picture files, without an output folder: a first look.

Cells are cut while files are read: JPEG is decoded to area means (`stages.formats.jpeg_reduced`), mosaics are reduced colour by
colour. No more of them are in memory than a few rows of the sheet.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import Entry, safe_value
from pipeline.stage import Group
from stages.contact_sheet.area import fit, reduce_area
from stages.contact_sheet.sequence import slots
from stages.contact_sheet.sheet import Plan, plan_sheet, title_of
from stages.contact_sheet.stream import coding_of, in_order, write_leaves
from stages.formats.extent import read_extent
from stages.formats.images import image_format, read_image_bytes
from stages.formats.jpeg_markers import read_header
from stages.formats.jpeg_reduced import reduced_jpeg
from stages.formats.raster import any_lost, count_lost, nothing_lost
from stages.products import Cell
from stages.profile import Camera, Clock, Timeline

__all__ = ["draft_cell", "write_sheets"]

CAMERA = "files"
"""That cells are said to be of."""
COLOURS = {"RGGB": (0, (1, 2), 3), "GRBG": (1, (0, 3), 2), "GBRG": (2, (0, 3), 1), "BGGR": (3, (1, 2), 0)}
"""Places of red, both greens and blue in a group of four, in reading order."""


def announce(path: Path, camera: str, width: int, cfa: str = "") -> Cell:
    """Give a cell as its file's header announces it: of the right size, with nothing in it; DataError if it is no picture."""
    extent = read_extent(path)
    if extent is None:
        return draft_cell(path, camera, width, cfa)
    shape = fit(*extent, width)
    samples, mask = np.broadcast_to(np.uint8(0), (*shape, 3)), nothing_lost(shape)
    return Cell(camera=camera, frame=safe_value(path.stem), page="0001", samples=samples, mask=mask, source=path.name)


def write_sheets(
    files: Sequence[Path], out: Path, *, title: str, width: int, columns: int, rows: int, cfa: str = "", threads: int = 2
) -> Iterator[Path]:
    """Make sheets of picture files, and give their paths.

    files    a file's name without extension names its frame
    out      the sheet, .png, .jpg or .jpeg; further leaves get numbers
    title    what stands above the cells
    width    pixels of a cell's longer side
    columns  cells in a row
    rows     most on a leaf
    cfa      RGGB, GRBG, GBRG or BGGR: grey pictures are mosaics of these colours; empty: they are grey
    threads  that read, draw and write

    Raises DataError for a file that is no picture, UsageError for another extension, ProfileError for a setting out of range.
    """
    coding, camera = coding_of(out), Camera(title=title)
    with tempfile.TemporaryFile() as spool, ThreadPoolExecutor(threads) as pool:
        announced = list(in_order(pool, (partial(announce, path, CAMERA, width, cfa) for path in files), 16 * threads))
        entries = [Entry(key=cell.key, digest="", completeness=cell.completeness(), facts=cell.facts()) for cell in announced]
        del announced
        line = slots(entries)

        def cut(index: int) -> Cell:
            cell = draft_cell(files[index], CAMERA, width, cfa)
            if cell.mask.shape != (entries[index].facts["height"], entries[index].facts["width"]):
                raise DataError("is not as large as its header says", where=str(files[index]), remedy="Fetch the file again")
            return cell

        def finish(index: int, cell: Cell) -> None:
            entries[index].facts["fraction"] = cell.fraction
            captions[index] = replace(captions[index], fraction=cell.fraction)

        def retitle() -> Plan:
            return replace(plan, title=title_of(entries, line, camera, Timeline(), Clock()))

        first = title_of(entries, line, camera, Timeline(), Clock())
        plan = plan_sheet(Group(entries, cut), line, first, Timeline(), Clock(), columns=columns, rows=rows)
        captions = list(plan.captions)
        plan = replace(plan, captions=captions)
        paths = [out.with_suffix(f".{leaf.number + 1}{out.suffix}" if leaf.number else out.suffix) for leaf in plan.leaves]
        yield from write_leaves(plan, cut, finish, retitle, paths, coding, spool, pool, threads)


def draft_cell(path: Path, camera: str, width: int, cfa: str = "") -> Cell:
    """Make the cell of a file; DataError if it is no picture."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from None
    samples, mask, fraction = _reduce(data, str(path), width, cfa)
    return Cell(
        camera=camera,
        frame=safe_value(path.stem),
        page="0001",
        samples=np.repeat(samples[..., None], 3, axis=2) if samples.ndim == 2 else samples,
        mask=mask,
        fraction=fraction,
        source=path.name,
    )


def _reduce(data: bytes, name: str, width: int, cfa: str) -> tuple[NDArray[np.uint8], NDArray[np.bool_], float]:
    """Give samples, mask and the share of the pixels that are there."""
    if image_format(data[:65536]) == "jpeg":
        header = read_header(data, name)
        if not (cfa and len(header.components) == 1):
            shape = fit(header.height, header.width, width)
            if (samples := reduced_jpeg(data, name, shape, header)) is not None:
                return samples, nothing_lost(shape), 1.0
    raster = read_image_bytes(data, name)
    picture, mask = raster.samples, raster.mask
    if picture.dtype not in (np.uint8, np.uint16):
        raise DataError(f"holds {picture.dtype}", where=name, remedy="Convert it to 8 or 16 unsigned bits")
    white = (1 << raster.meta.get("bits", 8 * picture.itemsize)) - 1
    fraction = 1 - count_lost(mask) / mask.size
    shape = fit(mask.shape[0], mask.shape[1], width)
    if cfa and picture.ndim == 2 and min(picture.shape) >= 2 and shape[0] <= picture.shape[0] // 2:
        return *_reduce_mosaic(picture, mask, shape, cfa, white), fraction
    small, lost = reduce_area(picture, mask, shape, white=white)
    return small[..., 0] if small.shape[2] == 1 else small, lost, fraction


def _reduce_mosaic(
    mosaic: NDArray[Any], mask: NDArray[np.bool_], shape: tuple[int, int], cfa: str, white: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Reduce each colour by itself: every sample counts, none is interpolated; the two greens as one."""
    height, width = mosaic.shape[0] // 2, mosaic.shape[1] // 2
    lost = nothing_lost((height, width))
    if any_lost(mask):
        lost = np.asarray(mask[: 2 * height, : 2 * width].reshape(height, 2, width, 2).any(axis=(1, 3)))
    # A row of a mosaic is a row of pairs: even and odd rows are two pictures of two channels each.
    pairs = [mosaic[row : 2 * height : 2, : 2 * width].reshape(height, width, 2) for row in (0, 1)]
    small = [reduce_area(pair, lost, shape, white=white) for pair in pairs]
    fours = np.concatenate([samples for samples, _ in small], axis=2)
    red, (first, second), blue = COLOURS[cfa]
    green = (fours[..., first].astype(np.uint16) + fours[..., second] + 1) // 2
    return np.stack([fours[..., red], green.astype(np.uint8), fours[..., blue]], axis=2), small[0][1]
