"""Histograms: numpy's counts, as digits."""

from __future__ import annotations

import numpy as np
import pytest

from stages.contact_sheet.histogram import BINS, histogram


@pytest.mark.parametrize("kind,white,shape", [(np.uint8, 255, (33, 47, 3)), (np.uint16, 4095, (16, 20)), (np.uint16, 65535, (4, 9, 3))])
def test_it_agrees_with_numpy(kind, white, shape):
    rng = np.random.default_rng(5)
    samples = rng.integers(0, white + 1, shape).astype(kind)
    mask = rng.random(shape[:2]) < 0.2
    cube = samples.reshape(*shape[:2], -1)[::8][~mask[::8]]
    counts = np.array([np.histogram(cube[:, c], BINS, (0, white + 1))[0] for c in range(cube.shape[1])])
    digits = np.array([int(digit, 36) for digit in histogram(samples, mask, white=white)]).reshape(-1, BINS)
    assert np.abs(digits - np.sqrt(counts / counts.max()) * 35).max() < 1
    assert ((digits > 0) == (counts > 0)).all()
    assert digits.max() == 35


def test_nothing_is_a_flat_line():
    assert histogram(np.zeros((8, 8), np.uint8), np.ones((8, 8), bool), white=255) == "0" * BINS


def test_what_is_beyond_white_counts_as_white():
    assert histogram(np.full((1, 1), 60000, np.uint16), np.zeros((1, 1), bool), white=4095).index("z") == BINS - 1


@pytest.mark.parametrize("white,place", [(256, BINS - 1), (1023, BINS // 4 - 1)])
def test_white_may_be_more_than_samples_can_hold(white, place):
    assert histogram(np.full((1, 1), 255, np.uint8), np.zeros((1, 1), bool), white=white).index("z") == place
