"""PNG: what we write others read, what others write we read, and what is cut stays as far as it goes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import DataError
from stages.formats.images import LARGEST, read_image, read_image_bytes
from stages.formats.png import SLAB, encode_png, write_png, write_sheet

RNG = np.random.default_rng(3)
SHAPES = [(9, 13), (9, 13, 3), (9, 13, 4), (1, 1), (1, 7, 3), (7, 1, 4)]


def picture(shape: tuple[int, ...], dtype: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    ramp = np.add.outer(np.arange(shape[0]) * 3, np.arange(shape[1])).reshape(*shape[:2], *[1] * (len(shape) - 2))
    return (ramp * (1 if dtype == "uint8" else 300) + RNG.integers(0, 9, shape)).astype(dtype)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def file(header: tuple[int, ...], rows: bytes, *more: bytes) -> bytes:
    packed = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *header)) + b"".join(more) + packed + chunk(b"IEND", b"")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_other_readers_see_what_was_written(shape: tuple[int, ...], dtype: str, tmp_path: Path) -> None:
    image = picture(shape, dtype)
    write_png(tmp_path / "a.png", image)
    data = (tmp_path / "a.png").read_bytes()
    assert data == encode_png(image)
    assert np.array_equal(imagecodecs.png_decode(data).reshape(shape), image)
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = {2: np.s_[:, :], 3: np.s_[:, :, [2, 1, 0, 3][: shape[-1]]]}[len(shape)]
    assert np.array_equal(seen, image[order])
    if dtype == "uint8" or len(shape) == 2:
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), image)


@pytest.mark.parametrize("shape", [(1, 1, 3), (80, 30, 3), (SLAB, 40, 3), (2 * SLAB + 3, 20, 3)])
def test_other_readers_see_the_sheet_that_was_written(shape: tuple[int, ...], tmp_path: Path) -> None:
    sheet = picture(shape, "uint8")
    sheet[shape[0] // 4 : shape[0] // 2] = (13, 15, 19)
    write_sheet(tmp_path / "a.png", sheet)
    data = (tmp_path / "a.png").read_bytes()
    assert np.array_equal(imagecodecs.png_decode(data), sheet)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], sheet)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), sheet)
    assert np.array_equal(read_image_bytes(data, "a").samples, sheet)


@pytest.mark.parametrize("width", [1, 2, 86, 256, 700])
def test_the_filter_of_each_row_leaves_least(width: int) -> None:
    # Steps of 128 leave the most that a byte can; 86 pixels of three are two more bytes than are summed up at once.
    image = np.where(
        np.arange(24)[:, np.newaxis, np.newaxis] % 3, RNG.integers(0, 2, (24, width, 3)) * 128, RNG.integers(0, 9, (24, width, 3))
    )
    rows = image.reshape(24, -1)
    left, above = np.zeros_like(rows), np.zeros_like(rows)
    left[:, 3:], above[1:] = rows[:, :-3], rows[:-1]
    sub, up, average = (np.abs((rows - guess).astype(np.int8).astype(int)) for guess in (left, above, (left + above) // 2))
    sums = np.stack([sub[:, 3:].sum(axis=1), up.sum(axis=1), average.sum(axis=1)])
    expected = [3 if a <= s and a <= u else 2 if u < s and y else 1 for y, (s, u, a) in enumerate(sums.T)]
    data = encode_png(image.astype(np.uint8))
    start = data.index(b"IDAT") + 4
    filtered = np.frombuffer(zlib.decompress(data[start : start + int.from_bytes(data[start - 8 : start - 4], "big")]), np.uint8)
    assert filtered.reshape(24, -1)[:, 0].tolist() == expected


def test_layout_and_byte_order_of_the_array_do_not_matter() -> None:
    image = picture((20, 30, 3), "uint16")
    assert encode_png(np.asfortranarray(image)) == encode_png(image)
    assert encode_png(image.astype(">u2")) == encode_png(image)
    assert encode_png(np.repeat(image, 2, axis=0)[::2]) == encode_png(image)


def test_text_is_kept_and_the_same_for_any_order() -> None:
    image = picture((4, 4), "uint8")
    text = {"Title": "ESF_0004", "Comment": "Jezero → Krater é", "Author": "Höhe"}
    data = encode_png(image, text=text)
    assert data == encode_png(image, text=dict(reversed(text.items())))
    assert Image.open(io.BytesIO(data)).text == text
    assert read_image_bytes(data, "a").meta["text"] == text


@pytest.mark.parametrize("keyword", ["", "x" * 80, " padded", "a\0b"])
def test_broken_keywords_are_refused(keyword: str) -> None:
    with pytest.raises(DataError, match="keyword"):
        encode_png(picture((4, 4), "uint8"), text={keyword: "x"})


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(4, np.uint8),
        np.array(4, np.uint8),
        np.zeros((0, 4), np.uint8),
        [[1, 2], [3, 4]],
        b"picture",
    ],
)
def test_what_is_no_picture_is_refused_and_leaves_no_file(image: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no picture"):
        encode_png(image)
    with pytest.raises(DataError, match="no picture"):
        write_png(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "RGBA", "LA", "I;16"])
def test_every_sort_that_pillow_writes_is_read(mode: str) -> None:
    colours = Image.fromarray(picture((11, 9, 3), "uint8"))
    source = Image.fromarray(picture((11, 9), "uint16")) if mode == "I;16" else colours.convert(mode)
    stream = io.BytesIO()
    source.save(stream, "PNG")
    raster = read_image_bytes(stream.getvalue(), "a.png")
    expected = np.asarray(
        {"P": source.convert("RGB"), "1": source.convert("L"), "LA": source.convert("L"), "RGBA": source.convert("RGB")}.get(mode, source)
    )
    assert raster.samples.dtype == expected.dtype
    assert np.array_equal(raster.samples, expected)
    assert not raster.mask.any()


def test_sixteen_bits_in_colour_stay_sixteen() -> None:
    image = picture((9, 13, 3), "uint16")
    flags = [int(cv2.IMWRITE_PNG_COMPRESSION), 3]
    ok, data = cv2.imencode(".png", image[:, :, ::-1], flags)
    assert ok
    raster = read_image_bytes(data.tobytes(), "a.png")
    assert raster.samples.dtype == np.uint16
    assert np.array_equal(raster.samples, image)


def test_interlaced_colour_of_sixteen_bits_too() -> None:
    image = picture((13, 11, 3), "uint16")
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for y, x, down, across in passes for row in image[y::down, x::across])
    raster = read_image_bytes(file((11, 13, 16, 2, 0, 0, 1), rows), "a.png")
    assert np.array_equal(raster.samples, image)


def test_pixels_of_alpha_zero_are_lost() -> None:
    image = picture((9, 13, 4), "uint8")
    image[..., 3] = 255
    image[2:4, 5:, 3] = 0
    image[6, 0, 3] = 1
    raster = read_image_bytes(encode_png(image), "a.png")
    assert raster.samples.shape == (9, 13, 3)
    assert np.array_equal(raster.mask, image[..., 3] == 0)


def test_so_are_those_of_the_transparent_colour() -> None:
    image = picture((3, 4), "uint8")
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    data = file((4, 3, 8, 0, 0, 0, 0), rows, chunk(b"tRNS", struct.pack(">H", image[1, 1])))
    assert np.array_equal(read_image_bytes(data, "a.png").mask, image == image[1, 1])


def test_real_pictures_are_read_as_others_read_them(real: Path) -> None:
    for path in [*sorted((real / "m2020").glob("*.png")), real / "kodak" / "kodim23.png"]:
        raster = read_image(path)
        assert np.array_equal(raster.samples, cv2.imread(str(path), cv2.IMREAD_COLOR)[:, :, ::-1])
        assert not raster.mask.any()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.93])
def test_of_a_cut_file_the_rows_before_the_cut_stay(part: float) -> None:
    image = RNG.integers(0, 256, (64, 50, 3), np.uint8)
    data = encode_png(image)
    raster = read_image_bytes(data[: int(len(data) * part)], "a.png")
    assert abs((~raster.mask).mean() - part) < 0.15
    assert np.array_equal(raster.samples[~raster.mask], image[~raster.mask])
    flat = raster.mask.ravel()
    assert np.array_equal(flat, np.sort(flat))


def test_a_gap_ends_what_is_read() -> None:
    image = RNG.integers(0, 256, (64, 50, 3), np.uint8)
    data = bytearray(encode_png(image))
    start = len(data) // 2
    data[start : start + 100] = bytes(100)
    raster = read_image_bytes(bytes(data), "a.png", [(start, start + 100)])
    assert 0.3 < raster.mask.mean() < 0.7
    assert np.array_equal(raster.samples[~raster.mask], image[~raster.mask])


def test_a_changed_byte_is_found() -> None:
    data = bytearray(encode_png(picture((30, 30), "uint8")))
    data[60] ^= 1
    with pytest.raises(DataError, match=r"a\.png at byte 33: has a chunk b'IDAT' with a wrong checksum"):
        read_image_bytes(bytes(data), "a.png")


def test_rows_with_an_unknown_filter_are_refused() -> None:
    with pytest.raises(DataError, match="unknown filter in row 1"):
        read_image_bytes(file((2, 2, 8, 0, 0, 0, 0), b"\0ab\x09cd"), "a.png")


def test_what_is_no_zlib_stream_is_refused() -> None:
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + chunk(b"IDAT", b"\xff" * 40)
    with pytest.raises(DataError, match="no zlib stream"):
        read_image_bytes(data, "a.png")


@pytest.mark.parametrize("width, height", [(2**31 - 1, 2**31 - 1), (LARGEST, 2), (0, 5)])
def test_claims_of_too_many_pixels_are_refused_before_anything_is_made(width: int, height: int) -> None:
    with pytest.raises(DataError, match=r"a\.png at byte 16: claims"):
        read_image_bytes(file((width, height, 8, 6, 0, 0, 0), b""), "a.png")


def test_a_stream_that_inflates_without_end_stops_at_the_pictures_size() -> None:
    data = file((2, 2, 8, 0, 0, 0, 0), bytes(50_000_000))
    assert read_image_bytes(data, "a.png").samples.shape == (2, 2)


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"hello world" * 5, b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_image_says_so(data: bytes) -> None:
    with pytest.raises(DataError, match="a at byte 0"):
        read_image_bytes(data, "a")


@pytest.mark.parametrize("scene", ["noise", "noise, 16 bits", "drawing"])
def test_pictures_of_real_sizes_are_read_by_others_and_no_larger_than_theirs(scene: str) -> None:
    rng = np.random.default_rng(9)
    soft = cv2.resize(rng.integers(30, 200, (8, 10, 3)).astype(np.uint8), (640, 512), interpolation=cv2.INTER_CUBIC)
    image: NDArray[Any] = np.clip(soft + rng.normal(0, 3, soft.shape), 0, 255).astype(np.uint8)
    if scene == "drawing":
        image = cv2.circle(np.zeros_like(soft), (300, 200), 150, (200, 90, 40), -1)
    elif scene == "noise, 16 bits":
        image = image.astype(np.uint16) * 257
    data = encode_png(image)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[:, :, ::-1], image)
    np.testing.assert_array_equal(read_image_bytes(data, "a").samples, image)
    assert len(data) <= max(1.1 * len(cv2.imencode(".png", image)[1]), image.nbytes / 100)
