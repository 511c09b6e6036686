"""The web stretch: stretches of known slope, real published pictures, and what is no stretch at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.formats.images import read_image
from stages.sequence.comb import belongs, clipped_ends, find_comb, is_combed

CHANCE = np.random.default_rng(31)


def scene(low: float, high: float, shape: tuple[int, int] = (512, 640)) -> NDArray[np.float64]:
    """Levels that fill a range well, thin at its ends."""
    return np.clip(CHANCE.normal((low + high) / 2, (high - low) / 4, shape).round(), 0, 255)


def stretched(raw: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    return np.clip(np.floor((raw - low) * 255 / (high - low) + 0.5), 0, 255).astype(np.uint8)


def counts(samples: NDArray[np.generic]) -> NDArray[np.int64]:
    return np.bincount(samples.ravel().astype(np.int64), minlength=256)


@pytest.mark.parametrize("low, high", [(0, 226), (0, 250), (10, 200), (3.5, 97.2), (20, 120), (0, 130), (31, 222.25)])
def test_what_lies_between_the_ends_comes_back_exactly(low: float, high: float) -> None:
    raw = scene(low, high)
    samples = stretched(raw, low, high)
    comb = find_comb(counts(samples))
    assert comb is not None
    back = np.searchsorted(comb.levels, samples, side="right") - 1
    inside = (samples > 0) & (samples < 255)
    assert np.unique((raw - back)[inside]).size == 1
    assert comb.unsure == 0


def test_ends_that_were_cut_off_are_counted() -> None:
    raw = scene(0, 255)
    samples = stretched(raw, 40, 215)
    comb = find_comb(counts(samples))
    assert comb is not None
    low, high = clipped_ends(counts(samples), comb.levels)
    assert (low, high) == ((samples == 0).sum(), (samples == 255).sum())
    assert clipped_ends(counts(scene(100, 150)), tuple(range(256))) == (0, 0)


@pytest.mark.parametrize(
    "samples",
    [
        scene(0, 255),
        scene(60, 90),
        255 * (scene(0, 255) / 255) ** 0.6,
        np.full((64, 64), 7),
        np.zeros((0, 4)),
        np.array([[0, 255] * 500]),
        CHANCE.integers(0, 256, (20, 20)),
    ],
    ids=["full", "narrow", "gamma", "flat", "nothing", "two", "sparse"],
)
def test_what_was_not_stretched_straight_is_left_alone(samples: NDArray[np.float64]) -> None:
    assert find_comb(counts(samples.round())) is None


def test_chance_empties_no_level_that_counts() -> None:
    # A small picture has empty levels everywhere; they are no gaps.
    assert not is_combed(counts(scene(0, 255, (24, 24))))


@pytest.mark.parametrize(
    "name, levels, unsure",
    [("ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010LUJ01", 227, 0), ("ZL0_0038_0670307360_057ECM_N0031392ZCAM08007_1100LUJ", 192, 1)],
)
def test_pictures_that_were_published(real: Path, name: str, levels: int, unsure: int) -> None:
    samples = read_image(real / "m2020" / f"{name}.png").samples
    samples = samples[1:, :, 0] if samples.ndim == 3 else samples[1:]
    comb = find_comb(counts(samples))
    assert comb is not None
    assert (len(comb.levels), comb.unsure) == (levels, unsure)
    assert clipped_ends(counts(samples), comb.levels)[1] == ((samples == 254).sum() if levels == 227 else 0)


def test_a_dark_frame_belongs_to_the_stretch_of_its_sequence() -> None:
    comb = find_comb(counts(stretched(scene(0, 200), 0, 200)))
    assert comb is not None
    dark = stretched(scene(5, 60, (60, 60)), 0, 200)
    assert belongs(counts(dark), comb.levels)
    assert not belongs(counts(scene(5, 60, (60, 60))), comb.levels)
    assert not belongs(counts(np.full((9, 9), 3)), comb.levels)
