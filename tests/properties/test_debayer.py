"""Demosaicing: what holds for any mosaic, any filter and any loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from stages.debayer import demosaic
from stages.debayer.develop import GROWTHS, PATTERNS, demosaic_masked

MOSAICS = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: arrays.arrays(dtype, st.tuples(st.integers(2, 24), st.integers(2, 24)))
)
METHODS = st.sampled_from(sorted(GROWTHS))
FILTERS = st.sampled_from(sorted(PATTERNS))
FILTER_KERNELS = {
    "green": np.array([[0, 0, -2, 0, 0], [0, 0, 4, 0, 0], [-2, 4, 8, 4, -2], [0, 0, 4, 0, 0], [0, 0, -2, 0, 0]]),
    "along": np.array([[0, 0, 1, 0, 0], [0, -2, 0, -2, 0], [-2, 8, 10, 8, -2], [0, -2, 0, -2, 0], [0, 0, 1, 0, 0]]),
    "across": np.array([[0, 0, -2, 0, 0], [0, -2, 8, -2, 0], [1, 0, 10, 0, 1], [0, -2, 8, -2, 0], [0, 0, -2, 0, 0]]),
    "diagonal": np.array([[0, 0, -3, 0, 0], [0, 4, 0, 4, 0], [-3, 0, 12, 0, -3], [0, 4, 0, 4, 0], [0, 0, -3, 0, 0]]),
}


def malvar_by_definition(mosaic: NDArray[Any], pattern: str, white: int) -> NDArray[np.int64]:
    """The paper's filters, one pixel at a time."""
    red_row, red_column = PATTERNS[pattern]
    around = np.pad(mosaic.astype(np.int64), 2, mode="reflect")
    out = np.empty((*mosaic.shape, 3), np.int64)
    for y, x in np.ndindex(mosaic.shape):
        window = around[y : y + 5, x : x + 5]
        value = {name: (int((kernel * window).sum()) + 8) >> 4 for name, kernel in FILTER_KERNELS.items()}
        red_line, red_place = y % 2 == red_row, x % 2 == red_column
        if red_line == red_place:
            green, other = value["green"], value["diagonal"]
            out[y, x] = (mosaic[y, x], green, other) if red_line else (other, green, mosaic[y, x])
        else:
            own, cross = value["along"], value["across"]
            out[y, x] = (own, mosaic[y, x], cross) if red_line else (cross, mosaic[y, x], own)
    return np.clip(out, 0, white)


@settings(max_examples=60)
@given(MOSAICS, FILTERS, st.data())
def test_malvar_is_its_definition(mosaic: NDArray[Any], pattern: str, draw: st.DataObject) -> None:
    white = draw.draw(st.integers(1, int(np.iinfo(mosaic.dtype).max)))
    assert np.array_equal(demosaic(mosaic, pattern=pattern, white=white), malvar_by_definition(mosaic, pattern, white))


@given(MOSAICS, FILTERS, METHODS)
def test_mirrored_mosaics_give_mirrored_pictures(mosaic: NDArray[Any], pattern: str, method: Any) -> None:
    mosaic = mosaic[: mosaic.shape[0] // 2 * 2, : mosaic.shape[1] // 2 * 2]
    expected = demosaic(mosaic, pattern=pattern, method=method)
    left_right = pattern[1] + pattern[0] + pattern[3] + pattern[2]
    found = demosaic(mosaic[:, ::-1], pattern=left_right, method=method)[:, ::-1]
    # Sums of floating point numbers depend on their order.
    tolerance = 2 if method == "mlri" else 0
    assert np.abs(found.astype(int) - expected).max() <= tolerance


@settings(max_examples=60)
@given(MOSAICS, FILTERS, METHODS, st.data())
def test_what_lies_under_the_mask_changes_nothing_outside_its_growth(
    mosaic: NDArray[Any], pattern: str, method: Any, draw: st.DataObject
) -> None:
    mask = draw.draw(arrays.arrays(np.bool_, mosaic.shape))
    other = np.where(mask, draw.draw(arrays.arrays(mosaic.dtype, mosaic.shape)), mosaic)
    one, two = (demosaic_masked(samples, pattern=pattern, method=method, mask=mask) for samples in (mosaic, other))
    kept = ~GROWTHS[method](mask)
    assert np.array_equal(one[kept], two[kept])
