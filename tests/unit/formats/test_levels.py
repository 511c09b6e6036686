"""Numbers of any kind as levels of 16 bits."""

from __future__ import annotations

import numpy as np
import pytest

from stages.formats.levels import as_levels
from stages.formats.raster import Raster


def levels(values, *, lost=None):
    samples = np.array([values])
    mask = np.zeros(samples.shape, np.bool_)
    if lost is not None:
        mask[0, lost] = True
    return as_levels(Raster(samples, mask, {"bits": 16, "lossless": True}))


def test_data_numbers_stay_as_they_are():
    raster = Raster(np.zeros((2, 2), np.uint16), np.zeros((2, 2), np.bool_), {"bits": 12})
    assert as_levels(raster) is raster


@pytest.mark.parametrize("dtype, low", [(np.int16, -32768), (np.int32, -7), (np.int64, 1 << 62), (np.uint64, (1 << 64) - 65536)])
def test_whole_numbers_keep_their_steps(dtype, low):
    values = np.array([low, low + 1, low + 65535], dtype=object).astype(dtype)
    raster = levels(values)
    assert raster.samples.tolist() == [[0, 1, 65535]]
    assert raster.meta["levels"]["step"] == 1
    assert raster.meta["bits"] == 16


def test_bits_follow_the_span_of_whole_numbers():
    assert levels(np.array([-50, 1211], np.int16)).meta["bits"] == 11


@pytest.mark.parametrize("values", [[-1.5, 0.25, 3e4], [-8e307, 0.0, 8e307], [1e-310, 2e-310, 3e-310]])
def test_real_numbers_come_back_within_half_a_step(values):
    raster = levels(np.array(values))
    scale = raster.meta["levels"]
    back = scale["offset"] + scale["step"] * raster.samples[0].astype(float)
    assert np.abs(back - values).max() <= scale["step"] * 0.51
    assert (raster.samples.min(), raster.samples.max(), raster.meta["bits"]) == (0, 65535, 16)
    assert "shown as levels" in raster.meta["caveats"][0]


def test_lost_samples_do_not_stretch_the_rest():
    raster = levels(np.array([1.0, 2.0, 0.0]), lost=2)
    assert raster.samples.tolist() == [[0, 65535, 0]]


@pytest.mark.parametrize("values, lost", [([2.5, 2.5], None), ([2.5], 0)])
def test_pictures_of_one_number_and_of_none(values, lost):
    assert not levels(np.array(values), lost=lost).samples.any()
