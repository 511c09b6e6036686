"""PNG and image files: any picture comes back, any cut or damage is survived."""

from __future__ import annotations

import cv2
import imagecodecs
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.images import read_image_bytes
from stages.formats.png import encode_png
from stages.formats.raster import LARGEST

SHAPES = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9)), st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4]))
)
PICTURES = st.sampled_from([np.uint8, np.uint16]).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES))


@given(PICTURES)
def test_any_picture_comes_back_here_and_elsewhere(image: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    data = encode_png(image)
    assert np.array_equal(imagecodecs.png_decode(data).reshape(image.shape), image)
    raster = read_image_bytes(data, "a")
    assert np.array_equal(raster.samples, image[..., :3] if image.ndim == 3 else image)
    assert np.array_equal(raster.mask, image[..., 3] == 0 if image.shape[2:] == (4,) else np.zeros(image.shape[:2], bool))


@given(PICTURES, st.floats(0, 1))
def test_of_any_cut_file_what_stays_is_right(image: NDArray[np.uint8] | NDArray[np.uint16], part: float) -> None:
    data = encode_png(image)
    cut = data[: 33 + int((len(data) - 33) * part)]
    raster = read_image_bytes(cut, "a")
    there = ~raster.mask
    assert np.array_equal(raster.samples[there], (image[..., :3] if image.ndim == 3 else image)[there])


def seeds() -> list[bytes]:
    image = np.random.default_rng(1).integers(0, 256, (24, 31), np.uint8)
    ok, jpeg = cv2.imencode(".jpg", image, [int(cv2.IMWRITE_JPEG_RST_INTERVAL), 3])
    assert ok
    tiff = cv2.imencode(".tif", image)[1].tobytes()
    return [encode_png(image), jpeg.tobytes(), bytes(imagecodecs.jpegls_encode(image)), tiff, cv2.imencode(".bmp", image)[1].tobytes()]


FILES = seeds()


@settings(max_examples=300)
@given(st.sampled_from(FILES), st.data())
def test_no_damage_does_worse_than_an_error(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for place in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=6)):
        damaged[place] = draw.draw(st.integers(0, 255))
    damaged = damaged[: draw.draw(st.integers(0, len(data)))]
    start, length = draw.draw(st.integers(0, len(data))), draw.draw(st.integers(0, 200))
    gaps = [(start, start + length)] if length else []
    try:
        raster = read_image_bytes(bytes(damaged), "a", gaps)
    except DataError as error:
        raster, place = None, error.where
    if raster is None:
        assert place.startswith("a")
    else:
        assert raster.samples.shape[:2] == raster.mask.shape
        assert raster.mask.size <= LARGEST
        assert raster.samples.dtype in (np.uint8, np.uint16)
