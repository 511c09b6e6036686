"""Area means: exact, against numpy in rational numbers and against OpenCV."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stages.contact_sheet.area import fit, reduce_area


def exact(samples: NDArray[Any], mask: NDArray[Any], shape: tuple[int, int], white: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Add areas up in fractions, pixel by pixel."""
    height, width = mask.shape
    h, w = shape
    out = np.zeros((h, w), np.uint8)
    lost = np.zeros((h, w), bool)
    for y in range(h):
        for x in range(w):
            total, area = Fraction(0), Fraction(0)
            for i in range(height):
                tall = max(0, min(Fraction((y + 1) * height, h), i + 1) - max(Fraction(y * height, h), i))
                for j in range(width):
                    wide = max(0, min(Fraction((x + 1) * width, w), j + 1) - max(Fraction(x * width, w), j))
                    if tall * wide and not mask[i, j]:
                        total += tall * wide * int(samples[i, j])
                        area += tall * wide
            lost[y, x] = 2 * area < Fraction(height * width, h * w)
            if area:
                out[y, x] = min(255, int(total / area * 255 / white + Fraction(1, 2)))
    return out, lost


@pytest.mark.parametrize("dtype, white", [(np.uint8, 255), (np.uint16, 4095), (np.uint16, 65535), (np.uint8, 200)])
@pytest.mark.parametrize("size, shape", [((12, 16), (3, 4)), ((11, 13), (4, 5)), ((7, 9), (7, 9)), ((9, 5), (1, 1)), ((2, 17), (1, 3))])
def test_means_are_those_of_fractions(dtype: type, white: int, size: tuple[int, int], shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(size))
    samples = rng.integers(0, min(white * 2, np.iinfo(dtype).max), size, dtype, endpoint=True)
    for share in (0.0, 0.3, 1.0):
        mask = rng.random(size) < share
        out, lost = reduce_area(samples, mask, shape, white=white)
        expected, gone = exact(samples, mask, shape, white)
        np.testing.assert_array_equal(out[..., 0], expected)
        np.testing.assert_array_equal(lost, gone)


@pytest.mark.parametrize("shape", [(192, 256), (190, 253), (75, 100)])
def test_opencv_agrees_to_its_rounding(shape: tuple[int, int]) -> None:
    samples = np.random.default_rng(2).integers(0, 256, (768, 1024, 3), np.uint8)
    ours, lost = reduce_area(samples, np.zeros(samples.shape[:2], bool), shape, white=255)
    theirs = cv2.resize(samples, shape[::-1], interpolation=cv2.INTER_AREA)
    difference = np.abs(ours.astype(int) - theirs)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.05  # it rounds half to even, we up
    assert not lost.any()


def test_lost_pixels_do_not_darken() -> None:
    samples = np.full((64, 64), 180, np.uint8)
    mask = np.random.default_rng(3).random((64, 64)) < 0.4
    samples[mask] = 0
    out, _ = reduce_area(samples, mask, (8, 8), white=255)
    assert (out == 180).all()


def test_columns_of_large_values_do_not_overflow() -> None:
    samples = np.full((70_000, 2), 65535, np.uint16)
    out, _ = reduce_area(samples, np.zeros(samples.shape, bool), (1, 1), white=65535)
    assert out.item() == 255


def test_strided_pictures_give_the_same() -> None:
    samples = np.random.default_rng(4).integers(0, 256, (40, 60, 3), np.uint8)
    mask = np.zeros((40, 60), bool)
    turned = np.asfortranarray(samples)
    np.testing.assert_array_equal(reduce_area(turned, mask, (8, 12), white=255)[0], reduce_area(samples, mask, (8, 12), white=255)[0])


@pytest.mark.parametrize(
    "size, expected",
    [((1536, 2048), (192, 256)), ((1024, 1280), (205, 256)), ((5000, 256), (256, 13)), ((1, 100_000), (1, 256)), ((100, 80), (100, 80))],
)
def test_pictures_keep_their_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fit(*size, 256) == expected


@pytest.mark.parametrize("rows", [255, 256, 257, 258, 513])
def test_white_stays_white_however_many_rows_are_added_up(rows: int) -> None:
    for height in (rows, 3 * rows + 1):
        out, _ = reduce_area(np.full((height, 3), 255, np.uint8), np.zeros((height, 3), np.bool_), (height // rows, 2), white=255)
        assert (out == 255).all()
