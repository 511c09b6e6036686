"""A contact sheet straight from picture files, without an output folder: a first look.

Cells are cut while files are read: JPEG is decoded to area means (`stages.formats.jpeg_reduced`), mosaics are reduced colour by
colour. They wait in a temporary file, so that ten thousand of them need no more memory than a few.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import Entry, safe_value
from pipeline.stage import Group
from stages.contact_sheet.area import fit, reduce_area
from stages.formats.images import image_format, read_image_bytes
from stages.formats.jpeg_markers import read_header
from stages.formats.jpeg_reduced import reduced_jpeg
from stages.products import Cell

__all__ = ["draft_cell", "draft_cells", "one_ahead"]

T = TypeVar("T")

AHEAD = 4
"""Files that each thread may be ahead of the spool."""
COLOURS = {"RGGB": (0, (1, 2), 3), "GRBG": (1, (0, 3), 2), "GBRG": (2, (0, 3), 1), "BGGR": (3, (1, 2), 0)}
"""Places of red, both greens and blue in a group of four, in reading order."""


def draft_cells(paths: Sequence[Path], spool: IO[bytes], *, camera: str, width: int, cfa: str = "", threads: int = 2) -> Group[Cell]:
    """Make a cell of each file.

    paths    picture files; a file's name without extension names its frame
    spool    a temporary file, open for writing and reading
    camera   that the cells are said to be of
    width    pixels of a cell's longer side
    cfa      RGGB, GRBG, GBRG or BGGR: grey pictures are mosaics of these colours; empty: they are grey
    threads  that read files

    Raises DataError for a file that is no picture.
    """
    entries: list[tuple[Entry, int]] = []
    with ThreadPoolExecutor(threads) as pool:
        for cell in in_order(pool, (lambda path=path: draft_cell(path, camera, width, cfa) for path in paths), AHEAD * threads):
            entries.append((Entry(key=cell.key, digest="", completeness=cell.completeness(), facts=cell.facts()), spool.tell()))
            spool.write(cell.samples.tobytes() + cell.mask.tobytes())
    entries.sort(key=lambda entry: entry[0].key.text)

    def load(index: int) -> Cell:
        entry, offset = entries[index]
        height, across = entry.facts["height"], entry.facts["width"]
        spool.seek(offset)
        data = np.frombuffer(spool.read(4 * height * across), np.uint8)
        samples, mask = data[: 3 * height * across].reshape(height, across, 3), data[3 * height * across :].reshape(height, across)
        return Cell(camera=camera, frame=entry.key["frame"], page="0001", samples=samples, mask=mask.astype(np.bool_))

    return Group([entry for entry, _ in entries], load)


def in_order(pool: ThreadPoolExecutor, works: Iterable[Any], ahead: int) -> Iterator[Cell]:
    """Give the results in order, with no more than `ahead` of them begun and not taken."""
    works = iter(works)
    begun: list[Future[Cell]] = [pool.submit(work) for work in itertools.islice(works, ahead)]
    while begun:
        yield begun.pop(0).result()
        begun += [pool.submit(work) for work in itertools.islice(works, 1)]


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Have the next item made while the last one is used: drawing and compressing are about equal work."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield cast("T", item)


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
            if (samples := reduced_jpeg(data, name, shape)) is not None:
                return samples, np.zeros(shape, np.bool_), 1.0
    raster = read_image_bytes(data, name)
    picture, mask = raster.samples, raster.mask
    if picture.dtype not in (np.uint8, np.uint16):
        raise DataError(f"holds {picture.dtype}", where=name, remedy="Convert it to 8 or 16 unsigned bits")
    white = (1 << raster.meta.get("bits", 8 * picture.itemsize)) - 1
    fraction = 1 - np.count_nonzero(mask) / mask.size
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
    lost = np.zeros((height, width), np.bool_)
    if mask.any():
        lost = np.asarray(mask[: 2 * height, : 2 * width].reshape(height, 2, width, 2).any(axis=(1, 3)))
    # A row of a mosaic is a row of pairs: even and odd rows are two pictures of two channels each.
    pairs = [mosaic[row : 2 * height : 2, : 2 * width].reshape(height, width, 2) for row in (0, 1)]
    small = [reduce_area(pair, lost, shape, white=white) for pair in pairs]
    fours = np.concatenate([samples for samples, _ in small], axis=2)
    red, (first, second), blue = COLOURS[cfa]
    green = (fours[..., first].astype(np.uint16) + fours[..., second] + 1) // 2
    return np.stack([fours[..., red], green.astype(np.uint8), fours[..., blue]], axis=2), small[0][1]
