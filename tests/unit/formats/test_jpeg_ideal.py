"""JPEG area means beside the ideal decoder's.

Usual decoders round samples of colour before they interpolate them, and again when they make red, green and blue: in flat colour the means
of their pixels are off by more than one data number. Ours are these here, rounded once.
"""

from __future__ import annotations

import io
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from stages.formats.jpeg_reduced import reduced_jpeg

ideal = runpy.run_path(str(Path(__file__).with_name("ideal_jpeg.py")))["ideal"]


def means(pixels, shape):
    def weights(size, cells):
        edge, at = np.arange(cells + 1) * size / cells, np.arange(size)
        return np.clip(np.minimum(edge[1:, None], at + 1) - np.maximum(edge[:-1, None], at), 0, 1) * cells / size

    return np.einsum("ya,abc,xb->yxc", weights(pixels.shape[0], shape[0]), pixels, weights(pixels.shape[1], shape[1]), optimize=True)


@pytest.mark.parametrize("quality", [50, 85, 100])
@pytest.mark.parametrize("subsampling, mode", [(0, "RGB"), (1, "RGB"), (2, "RGB"), (0, "L")])
def test_every_cell_is_the_mean_of_what_the_file_says_rounded_once(quality, subsampling, mode):
    y, x = np.mgrid[0:87, 0:142]
    noise = np.random.default_rng(quality).normal(0, 5, (87, 142, 3)) * (x > 60)[..., None]
    picture = np.stack([110 + 40 * np.sin(x / 23), 120 + 40 * np.cos((x + y) / 31), 100 + 40 * (x > 90)], axis=2) + noise
    stream = io.BytesIO()
    Picture.fromarray(picture.astype(np.uint8)).convert(mode).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    pixels = ideal(stream.getvalue())
    assert np.abs(pixels - np.asarray(Picture.open(stream)).reshape(pixels.shape)).mean() < 0.6
    for shape in ((17, 28), (29, 37)):
        small = reduced_jpeg(stream.getvalue(), "a.jpg", shape)
        assert np.abs(small.reshape(*shape, -1) - means(pixels, shape)).max() < 0.501
