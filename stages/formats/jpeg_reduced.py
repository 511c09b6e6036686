"""Baseline JPEG files decoded straight to area means, without a picture in between (ITU-T T.81).

A cell's mean is a sum of the samples below it, a sample is a sum of its block's coefficients: so the mean is a sum of coefficients, with
weights that depend only on where the block lies. Decoders that shrink while they read average over 2, 4 or 8 pixels; what is five wide they
can only come near. Here every pixel counts by the area that is covered, at less than their cost.

Colour of fewer samples counts as decoders interpolate it: three parts the nearest sample, one part the next. Nothing is rounded but the
mean: it is the ideal decoder's. Usual ones round samples, of colour even twice, so that in flat colour the means of their pixels are off by
up to two data numbers. Decoders clip what leaves the range, sums do not: at the edges of saturated shapes a mean may be off by a few.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_cells import BASIS, Reaches, Tables, decode_units
from stages.formats.jpeg_markers import Header, read_header
from stages.formats.jpeg_scan import code_table, units_across, units_down
from stages.formats.jpeg_units import REACH, fast_tables

__all__ = ["reduced_jpeg"]

BASELINE, EXTENDED = 0xC0, 0xC1
LARGEST = 1 << 14
"""Pixels of a side: the weights take room by it."""


class Reach(NamedTuple):
    """Which cells the blocks of a column or row touch, and by how much, along one direction."""

    first: NDArray[np.int64]
    """(blocks,): the first cell."""
    cells: NDArray[np.int64]
    """(blocks,) of cells."""
    weights: NDArray[np.float32]
    """(blocks, 8, REACH): of each coefficient in the mean of each cell from there on."""


def reduced_jpeg(data: bytes, name: str, shape: tuple[int, int], header: Header | None = None) -> NDArray[np.uint8] | None:
    """Decode a file to the area means of its pixels.

    data    the file
    name    for messages
    shape   (height, width) of the result
    header  of the file, if it has been read

    Returns (h, w) or (h, w, 3): the means of the decoded pixels, to within a decoder's own rounding (and, where it clips much of a cell, a
    few more). None for all but whole baseline files of grey or YCbCr, no larger than LARGEST, and where the result is so large that a block
    touches more than eight cells: decode those in full.
    Raises DataError, naming the byte, if the segments before the scan are broken.
    """
    header = header or read_header(data, name)
    if not _is_plain(header, shape):
        return None
    try:
        tables, blocks = _tables(header)
    except DataError:
        return None
    units = units_down(header), units_across(header)
    down = tuple((header.down // c.down, c.down) for c in header.components)
    across = tuple((header.across // c.across, c.across) for c in header.components)
    rows = _reaches(header.height, shape[0], units[0], down)
    columns = _reaches(header.width, shape[1], units[1], across, by_cell=True)
    if rows is None or columns is None:
        return None
    steps = np.array([header.quantization[c.quantization] for c in header.components], np.float32)
    scan = np.frombuffer(data, np.uint8, offset=header.scan)
    out = np.empty((*shape, len(header.components)), np.uint8)
    if not decode_units(scan, units, header.restart, blocks, tables, steps, rows, columns, out):
        return None
    return out[..., 0] if len(header.components) == 1 else out


def _is_plain(header: Header, shape: tuple[int, int]) -> bool:
    parts = header.components
    if header.frame not in {BASELINE, EXTENDED} or header.bits != 8 or len(parts) not in {1, 3} or header.transform == 0:
        return False
    if max(header.height, header.width) > LARGEST or shape[0] > header.height or shape[1] > header.width:
        return False
    if any(c.dc < 0 or len(header.quantization.get(c.quantization, ())) != 64 for c in parts):
        return False
    if len(parts) == 1:
        return True
    # Without a segment that says so, three components called R, G and B are no YCbCr.
    if header.transform < 0 and [c.identifier for c in parts] == [*b"RGB"]:
        return False
    luma, *colours = parts
    return (luma.across, luma.down) == (header.across, header.down) and all(
        (c.across, c.down) == (1, 1) and header.across <= 2 and header.down <= 2 for c in colours
    )


def _tables(header: Header) -> tuple[Tables, NDArray[np.int64]]:
    """Give the Huffman tables, and the blocks of a unit, (m, 5): component, row, column, tables of DC and AC."""
    selectors = sorted({selector for c in header.components for selector in (c.dc, 0x10 | c.ac)})
    found = _code_tables(tuple(header.tables.get(selector) for selector in selectors), tuple(selector >= 0x10 for selector in selectors))
    blocks = [
        (number, y, x, selectors.index(c.dc), selectors.index(0x10 | c.ac))
        for number, c in enumerate(header.components)
        for y in range(c.down if len(header.components) > 1 else 1)
        for x in range(c.across if len(header.components) > 1 else 1)
    ]
    return found, np.array(blocks, np.int64)


@functools.lru_cache(maxsize=8)
def _code_tables(tables: tuple[tuple[bytes, bytes] | None, ...], coefficients: tuple[bool, ...]) -> Tables:
    # Most files of a camera have the same tables: nothing that is remembered here may depend on a file's name.
    full = np.array([code_table(table, "JPEG") for table in tables])
    return fast_tables(full, coefficients), full


@functools.lru_cache(maxsize=16)
def _reaches(pixels: int, cells: int, units: int, components: tuple[tuple[int, int], ...], *, by_cell: bool = False) -> Reaches | None:
    """Lay the reach of each component's blocks side by side; `components` gives pixels a sample and blocks a unit.

    by_cell  the weights of each cell lie together, (..., REACH, 8), not those of each coefficient
    """
    found = [_reach(pixels, cells, ratio, units * (span if len(components) > 1 else 1)) for ratio, span in components]
    longest = max(len(reach.first) for reach in found if reach) if all(found) else 0
    if not longest:
        return None
    first, count = np.zeros((2, len(found), longest), np.int64)
    weights = np.zeros((len(found), longest, 8, REACH), np.float32)
    for i, reach in enumerate(reach for reach in found if reach):
        blocks = len(reach.first)
        first[i, :blocks], count[i, :blocks], weights[i, :blocks] = reach
    return first, count, np.ascontiguousarray(weights.swapaxes(2, 3)) if by_cell else weights


def _reach(pixels: int, cells: int, ratio: int, blocks: int) -> Reach | None:
    """Work out what each block's coefficients are worth along one direction; None where a block touches too many cells.

    pixels  of the picture
    cells   of the result
    ratio   pixels a sample of this component: 1 or 2
    blocks  that the scan holds, those beyond the picture's edge too
    """
    first, share = _cover(pixels, cells, pixels)
    cell = (first[:, None] + np.arange(2)).ravel()
    pixel, weight = np.arange(pixels).repeat(2), share.ravel()
    sample = pixel // ratio
    if ratio == 2:
        beside = np.clip(sample + np.where(pixel % 2, 1, -1), 0, (pixels - 1) // 2)
        sample, cell, weight = np.append(sample, beside), np.tile(cell, 2), np.append(0.75 * weight, 0.25 * weight)
    sample, cell, weight = sample[weight > 0], cell[weight > 0], weight[weight > 0]
    begin, stop = np.full(blocks, cells - 1, np.int64), np.zeros(blocks, np.int64)
    np.minimum.at(begin, sample // 8, cell)
    np.maximum.at(stop, sample // 8, cell + 1)
    count = np.maximum(stop - begin, 0)
    if count.max() > REACH:
        return None
    spatial = np.zeros((blocks, 8, REACH))
    np.add.at(spatial, (sample // 8, sample % 8, cell - begin[sample // 8]), weight)
    return Reach(begin, count, np.einsum("ux,bxk->buk", BASIS, spatial).astype(np.float32))


@functools.lru_cache(maxsize=16)
def _cover(pixels: int, cells: int, length: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Tell which cell each pixel lies in, (length,), and its weight in the mean of that one and of the next, (length, 2)."""
    begin = np.arange(pixels, dtype=np.int64) * cells
    first = begin // pixels
    left = np.minimum(begin + cells, (first + 1) * pixels) - begin
    share = np.zeros((length, 2))
    share[:pixels] = np.stack([left, cells - left], axis=1) / pixels
    out = np.zeros(length, np.int64)
    out[:pixels] = first
    return out, share
