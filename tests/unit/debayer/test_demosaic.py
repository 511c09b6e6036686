"""Demosaicing against others' implementations, other images, and what must hold at any border."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from sample_data.sensor import mosaic_of
from stages.debayer import demosaic
from stages.debayer.develop import PATTERNS
from stages.debayer.residual import demosaic_residual
from stages.formats.images import read_image

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from colour_demosaicing import demosaicing_CFA_Bayer_Malvar2004, demosaicing_CFA_Bayer_Menon2007

RNG = np.random.default_rng(2)
METHODS = ["malvar", "mlri", "superpixel"]
DEPTHS = [(np.uint8, 255), (np.uint8, 180), (np.uint16, 4095), (np.uint16, 65535)]


def cpsnr(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    error = (found.astype(float) - truth)[10:-10, 10:-10]
    return float(10 * np.log10(255**2 / np.mean(error**2)))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("dtype, white", DEPTHS)
@pytest.mark.parametrize("shape", [(41, 37), (40, 38), (2, 2), (3, 2), (2, 3), (5, 64), (3, 131)])
def test_malvar_is_what_colour_demosaicing_gives_on_a_mirrored_mosaic(shape: tuple[int, int], dtype: Any, white: int, pattern: str) -> None:
    mosaic = RNG.integers(0, white + 1, shape).astype(dtype)
    found = demosaic(mosaic, pattern=pattern, white=white)
    mirrored = np.pad(mosaic, 8, mode="reflect").astype(float)
    expected = np.clip(demosaicing_CFA_Bayer_Malvar2004(mirrored, pattern), 0, white)[8:-8, 8:-8]
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("pattern", PATTERNS)
def test_superpixels_are_the_samples_of_a_cell(pattern: str) -> None:
    colour = RNG.integers(0, 256, (7, 9, 3), np.uint8)
    mosaic = mosaic_of(colour, PATTERNS[pattern])
    cells = mosaic[:6, :8].reshape(3, 2, 4, 2).transpose(0, 2, 1, 3).astype(int)
    row, column = PATTERNS[pattern]
    greens = cells[:, :, row, 1 - column] + cells[:, :, 1 - row, column]
    expected = np.stack([cells[:, :, row, column], (greens + 1) // 2, cells[:, :, 1 - row, 1 - column]], -1)
    assert np.array_equal(demosaic(mosaic, pattern=pattern, method="superpixel"), expected)


def strong_colours(truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a photograph soft and its channels independent, as those of the McMaster set are."""
    soft = cv2.GaussianBlur(truth, (0, 0), 0.7).astype(float)
    grey = soft.mean(axis=2, keepdims=True)
    return np.clip(np.round(grey + 3 * (soft - grey)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("colours, over_menon, over_malvar", [("plain", -0.1, 3.5), ("strong", 2.4, 1.9)])
def test_mlri_is_good_where_menon_is_and_where_menon_is_not(colours: str, over_menon: float, over_malvar: float, real: Path) -> None:
    scores = []
    for name in ("kodim01", "kodim05", "kodim19", "kodim23"):
        truth = read_image(real / "kodak" / f"{name}.png").samples.astype(np.uint8)
        truth = strong_colours(truth) if colours == "strong" else truth
        mosaic = mosaic_of(truth)
        menon = np.clip(np.round(demosaicing_CFA_Bayer_Menon2007(mosaic.astype(float))), 0, 255).astype(np.uint8)
        scores.append([cpsnr(demosaic(mosaic, method="mlri"), truth), cpsnr(menon, truth), cpsnr(demosaic(mosaic), truth)])
    mlri, menon_score, malvar = np.mean(scores, axis=0)
    assert mlri > menon_score + over_menon
    assert mlri > malvar + over_malvar


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype, white", DEPTHS)
@pytest.mark.parametrize("shape", [(2, 2), (7, 12), (33, 31)])
def test_an_even_colour_stays_even_up_to_the_border(shape: tuple[int, int], dtype: Any, white: int, method: Any, pattern: str) -> None:
    colour = np.broadcast_to(np.array([white, white // 2, white // 5], dtype), (*shape, 3))
    found = demosaic(mosaic_of(colour, PATTERNS[pattern]), pattern=pattern, method=method, white=white)
    assert (found == colour[0, 0]).all()


@pytest.mark.parametrize("method", ["malvar", "mlri"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_samples_stay_what_they_were(pattern: str, method: Any) -> None:
    mosaic = RNG.integers(0, 65536, (35, 44)).astype(np.uint16)
    assert np.array_equal(mosaic_of(demosaic(mosaic, pattern=pattern, method=method), PATTERNS[pattern]), mosaic)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_above_white_even_if_a_sample_is(method: Any) -> None:
    mosaic = RNG.integers(0, 65536, (34, 44)).astype(np.uint16)
    assert demosaic(mosaic, method=method, white=4095).max() == 4095


@pytest.mark.parametrize("method", METHODS)
def test_layout_byte_order_and_a_given_array_change_nothing(method: Any) -> None:
    mosaic = RNG.integers(0, 4096, (36, 44)).astype(np.uint16)
    expected = demosaic(mosaic, method=method)
    out = np.empty_like(expected)
    assert demosaic(mosaic, method=method, out=out) is out
    frozen = mosaic.copy()
    frozen.flags.writeable = False
    for other in (np.asfortranarray(mosaic), mosaic.astype(">u2"), frozen, np.repeat(mosaic, 2, axis=1)[:, ::2]):
        assert np.array_equal(demosaic(other, method=method), expected)
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("tile", [34, 64])
def test_tiles_do_not_show(tile: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    white = int(np.iinfo(dtype).max)
    mosaic = RNG.integers(0, white + 1, (150, 131)).astype(dtype)
    mask = np.zeros(mosaic.shape, bool)
    mask[60:63, 20:] = True
    expected = np.empty((150, 131, 3), dtype)
    demosaic_residual(mosaic, (0, 1), white, expected, mask)
    monkeypatch.setattr("stages.debayer.residual.TILE", tile)
    found = np.empty_like(expected)
    demosaic_residual(mosaic, (0, 1), white, found, mask)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "mosaic, settings, error",
    [
        (np.zeros((4, 4), np.float32), {}, DataError),
        (np.zeros((4, 4, 3), np.uint8), {}, DataError),
        (np.zeros((1, 4), np.uint8), {}, DataError),
        (b"\0\1\2\3", {}, DataError),
        ([[0, 1], [2, 3]], {}, DataError),
        (np.zeros((4, 4), np.uint8), {"out": bytearray(48)}, DataError),
        (np.zeros((4, 4), np.uint8), {"pattern": "RGBG"}, ProfileError),
        (np.zeros((4, 4), np.uint8), {"method": "bilinear"}, ProfileError),
        (np.zeros((4, 4), np.uint8), {"white": 256}, ProfileError),
        (np.zeros((4, 4), np.uint8), {"white": 0}, ProfileError),
        (np.zeros((4, 4), np.uint8), {"out": np.zeros((4, 4, 3), np.uint16)}, DataError),
        (np.zeros((4, 4), np.uint8), {"out": np.zeros((2, 2, 3), np.uint8)}, DataError),
        (np.zeros((4, 4), np.uint8), {"out": np.zeros((4, 3, 4), np.uint8).swapaxes(1, 2)}, DataError),
    ],
)
def test_what_cannot_be_done_is_refused(mosaic: Any, settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        demosaic(mosaic, **settings)
