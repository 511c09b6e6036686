"""What one mosaic adds to its sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.errors import ProfileError
from stages.formats.raster import for_kernels
from stages.products import SPOT_DTYPE, Mosaic, Sighting
from stages.profile import Camera
from stages.sequence.comb import is_combed

__all__ = ["CELL", "find_spots", "histogram", "means", "sight"]

CELL = 16
"""Samples of a side of a cell."""
MOST_SPOTS = 2048
"""That one frame tells of."""
FLOOR = 16
"""Part of white by which a spot must stand out."""
HOUR = 3600
UNTIMED = "named"


def sight(mosaic: Mosaic, camera: Camera, *, every: int, span: int) -> Iterator[Sighting]:
    """Look at a mosaic as `stages.sequence.survey` says."""
    for name, value in (("every", every), ("span", span)):
        if not 1 <= value <= 1_000_000:
            raise ProfileError(f"{value} is not from 1 to 1000000", where=f"sequence.survey.{name} ({camera.name})")
    if mosaic.edition != "lossless" or mosaic.samples.ndim != 2:
        return
    number = int(mosaic.frame) if mosaic.frame.isdecimal() and len(mosaic.frame) <= 18 else None
    mask = without_telemetry(mosaic, camera)
    full = number is None or number % every == 0
    counts = histogram(mosaic.samples, mask) if mosaic.samples.dtype == np.uint8 else np.zeros(0, np.int64)
    step = 1 if "mono" in {mosaic.cfa, camera.cfa} else 2
    yield Sighting(
        file=mosaic.file,
        camera=mosaic.camera,
        frame=mosaic.frame,
        edition=mosaic.edition,
        span=_span(number, span, mosaic.clock),
        shape=(mask.shape[0], mask.shape[1]),
        corner=(int(mosaic.meta.get("y", 0)), int(mosaic.meta.get("x", 0))),
        white=mosaic.white,
        histogram=counts,
        combed=bool(counts.size) and is_combed(counts),
        spots=find_spots(mosaic.samples, mask, step, max(2, mosaic.white // FLOOR)) if full else None,
        cells=means(mosaic.samples, mask) if full else None,
    )


def _span(number: int | None, span: int, clock: float | None) -> str:
    """Name the sequence of a frame: from its own number or time alone, so that no other frame moves it."""
    if number is not None:
        return f"{number // span:05d}"
    return UNTIMED if clock is None or not 0 <= clock < 1e11 else f"t{int(clock // HOUR):08d}"


def without_telemetry(mosaic: Mosaic, camera: Camera) -> NDArray[np.bool_]:
    """Leave out what is lost and what is no image."""
    if not camera.embedded_samples or mosaic.mask.shape != (camera.height, camera.width):
        return mosaic.mask
    mask = mosaic.mask.copy()
    mask[0, : camera.embedded_samples] = True
    return mask


def histogram(samples: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the samples (uint8) of each level, (256,), those under the mask apart."""
    counts: NDArray[np.int64] = _count(np.ascontiguousarray(samples), for_kernels(mask))
    return counts


@njit(cache=True, nogil=True)
def _count(samples: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    # Four tables: equal neighbours would wait for each other's count.
    counts = np.zeros((4, 256), np.int64)
    for y in range(samples.shape[0]):
        row, lost = samples[y], mask[y]
        for x in range(row.size):
            if not lost[x]:
                counts[x & 3, row[x]] += 1
    total: NDArray[np.int64] = counts[0] + counts[1] + counts[2] + counts[3]
    return total


def find_spots(samples: NDArray[Any], mask: NDArray[np.bool_], step: int, floor: int) -> NDArray[Any]:
    """Find the samples that stand out from all their neighbours of the same colour; (n,) SPOT_DTYPE, in reading order.

    step   samples from one of a colour to the next: 2 behind a Bayer filter, 1 without
    floor  data numbers by which a spot must stand out, and at least by as many as its neighbours differ

    Of more than 2048 the strongest.
    """
    places = np.empty((samples.size // 4 + 1, 3), np.int64)
    near = samples.dtype.type(min(floor, int(np.iinfo(samples.dtype).max)))
    count = _search(np.ascontiguousarray(samples), for_kernels(mask), step, floor, near, places)
    found = places[:count]
    if count > MOST_SPOTS:
        strongest = np.argsort(-np.abs(found[:, 2]), kind="stable")[:MOST_SPOTS]
        found = found[np.sort(strongest)]
    spots = np.zeros(len(found), SPOT_DTYPE)
    for column, name in enumerate(("y", "x", "excess")):
        spots[name] = found[:, column]
    return spots


@njit(cache=True, nogil=True)
def _search(samples: NDArray[Any], mask: NDArray[np.bool_], step: int, floor: int, near: Any, places: NDArray[np.int64]) -> int:
    height, width = samples.shape
    count = 0
    # Most samples are like those beside them, and done with: eight at a time.
    words = np.empty((width + 7) // 8, np.uint64)
    apart = words.view(np.uint8)
    for y in range(height):
        lost = mask[y]
        apart[:] = 1
        if step <= y < height - step and width > 2 * step:
            _compare(samples, mask, y, step, near, apart[step : width - step])
        for word in range(words.size):
            if not words[word]:
                continue
            for x in range(8 * word, min(8 * word + 8, width)):
                if apart[x] and not lost[x] and count < len(places):
                    excess = _excess(samples, mask, y, x, step, floor)
                    if excess:
                        places[count, 0], places[count, 1], places[count, 2] = y, x, excess
                        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _compare(samples: NDArray[Any], mask: NDArray[np.bool_], y: int, step: int, near: Any, apart: NDArray[np.uint8]) -> None:
    """Mark the samples that may stand out of four neighbours, or have lost one; the processor does many at a time, if all have one type."""
    kind = samples.dtype.type
    before, after, above, below = samples[y][: -2 * step], samples[y][2 * step :], samples[y - step][step:], samples[y + step][step:]
    gone, going, up, down = mask[y][: -2 * step], mask[y][2 * step :], mask[y - step][step:], mask[y + step][step:]
    row = samples[y][step:]
    for x in range(np.uint64(apart.size)):
        value = row[x]
        high = max(before[x], after[x], above[x], below[x])
        low = min(before[x], after[x], above[x], below[x])
        excess = max(kind(value - min(value, high)), kind(low - min(low, value)))
        apart[x] = (excess >= near) | gone[x] | going[x] | up[x] | down[x]


@njit(cache=True, nogil=True)
def _excess(samples: NDArray[Any], mask: NDArray[np.bool_], y: int, x: int, step: int, floor: int) -> np.int64:
    """Tell by how much a sample stands out from all its neighbours; 0 if it does not, or fewer than three are there."""
    height, width = samples.shape
    low, high, known = np.int64(1 << 30), np.int64(-1), 0
    for j in range(-step, step + 1, step):
        for i in range(-step, step + 1, step):
            if (i == 0 and j == 0) or y + j < 0 or y + j >= height or x + i < 0 or x + i >= width or mask[y + j, x + i]:
                continue
            other = np.int64(samples[y + j, x + i])
            low, high, known = min(low, other), max(high, other), known + 1
    value, margin = np.int64(samples[y, x]), max(np.int64(floor), high - low)
    if known >= 3 and value - high >= margin:
        return value - high
    return value - low if known >= 3 and low - value >= margin else np.int64(0)


def means(samples: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Average the samples of each place of two by two in each whole cell of 16 x 16; NaN where more than half are lost."""
    height, width = samples.shape[0] // CELL, samples.shape[1] // CELL
    if not height or not width:
        return np.zeros((height, width, 4), np.float32)
    result: NDArray[np.float32] = _average(np.ascontiguousarray(samples), for_kernels(mask), height, width)
    return result


@njit(cache=True, nogil=True)
def _average(samples: NDArray[Any], mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.float32]:
    sums, counts = np.zeros((height, width, 4), np.int64), np.zeros((height, width, 4), np.int64)
    for y in range(height * CELL):
        for x in range(width * CELL):
            if not mask[y, x]:
                place = 2 * (y & 1) + (x & 1)
                sums[y // CELL, x // CELL, place] += samples[y, x]
                counts[y // CELL, x // CELL, place] += 1
    out = np.empty((height, width, 4), np.float32)
    for row in range(height):
        for column in range(width):
            for place in range(4):
                known = counts[row, column, place]
                enough = known * 2 * 4 >= CELL * CELL
                out[row, column, place] = sums[row, column, place] / known if enough else np.nan
    return out
