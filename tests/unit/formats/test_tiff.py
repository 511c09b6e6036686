"""TIFF: samples, mask and record come back, others read it, hostile files are refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.errors import DataError
from stages.formats import tiff as written
from stages.formats.images import read_image, read_image_bytes
from stages.formats.tiff import tiff_parts, write_tiff

RNG = np.random.default_rng(4)
CASES = [((50, 37), np.uint8), ((50, 37), np.uint16), ((50, 37, 3), np.uint8), ((50, 37, 3), np.uint16), ((1, 1), np.uint8)]


@pytest.mark.parametrize("shape, dtype", CASES)
def test_what_was_written_is_read_by_us_and_by_others(shape: tuple[int, ...], dtype: Any, tmp_path: Path) -> None:
    samples = RNG.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    mask = RNG.random(shape[:2]) < 0.5
    mask[0, 0] = True
    record = {"cfa": "RGGB", "clock": 1.25, "name": "Höhe"}
    path = tmp_path / "a.tif"
    write_tiff(path, samples, mask=mask, record=record)
    raster = read_image(path)
    assert np.array_equal(raster.samples, samples)
    assert np.array_equal(raster.mask, mask)
    assert raster.meta["record"] == record
    assert raster.samples.dtype == dtype
    assert np.array_equal(tifffile.imread(path, key=0), samples)
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).reshape(shape), samples[..., ::-1] if len(shape) == 3 else samples)
    if dtype == np.uint8:
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), samples)
            picture.seek(1)
            assert np.array_equal(~np.asarray(picture), mask)


def test_equal_pictures_give_equal_bytes_and_no_second_page_without_losses(tmp_path: Path) -> None:
    samples = RNG.integers(0, 255, (40, 30), np.uint8)
    for name, mask in (("a", None), ("b", np.zeros((40, 30), bool))):
        write_tiff(tmp_path / name, samples, mask=mask, record={"b": 1, "a": 2} if name == "a" else {"a": 2, "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with tifffile.TiffFile(tmp_path / "a") as tiff:
        assert len(tiff.pages) == 1


def test_large_pictures_come_in_strips(tmp_path: Path) -> None:
    samples = RNG.integers(0, 255, (1500, 1400), np.uint8)
    write_tiff(tmp_path / "a.tif", samples)
    assert np.array_equal(read_image(tmp_path / "a.tif").samples, samples)


@pytest.mark.parametrize(
    "options",
    [{"planarconfig": "separate"}, {"compression": "lzw", "predictor": True}, {"tile": (16, 16)}, {"byteorder": ">"}, {"bigtiff": True}],
)
def test_files_of_others_are_read(options: dict[str, Any]) -> None:
    samples = RNG.integers(0, 65535, (3, 33, 21) if "planarconfig" in options else (33, 21, 3), np.uint16)
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, photometric="rgb", **options)
    expected = np.moveaxis(samples, 0, -1) if "planarconfig" in options else samples
    assert np.array_equal(read_image_bytes(stream.getvalue(), "a.tif").samples, expected)


def test_white_as_zero_is_turned_round() -> None:
    samples = RNG.integers(0, 255, (9, 9), np.uint8)
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, photometric="miniswhite")
    assert np.array_equal(read_image_bytes(stream.getvalue(), "a.tif").samples, 255 - samples)


@pytest.mark.parametrize("samples", [np.zeros((4, 4), np.float32), np.zeros((4, 4), np.int16), np.zeros((4, 4), bool)])
def test_other_samples_are_refused(samples: Any, tmp_path: Path) -> None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples)
    with pytest.raises(DataError, match="8 or 16 unsigned bits"):
        read_image_bytes(stream.getvalue(), "a.tif")
    with pytest.raises(DataError, match="no picture for TIFF"):
        write_tiff(tmp_path / "a.tif", samples)
    assert not list(tmp_path.iterdir())


def test_what_no_file_can_hold_is_refused(monkeypatch) -> None:
    with pytest.raises(DataError, match="no picture for TIFF"):
        tiff_parts(np.zeros((0, 5), np.uint8))
    monkeypatch.setattr(written, "LONGEST", 1000)
    with pytest.raises(DataError, match="does not fit into a TIFF file"):
        tiff_parts(RNG.integers(0, 255, (40, 30), np.uint8))


@pytest.mark.parametrize("levels", [2, 256])
def test_everything_stands_where_a_word_begins(levels: int) -> None:
    """Section 2; packed strips may have any length, and so do records."""
    for height in range(700, 712):
        samples = RNG.integers(0, levels, (height, 3001), np.uint8)
        data = b"".join(tiff_parts(samples, mask=samples == 0, record={"a": "b" * (height % 4)}))
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            assert len(tiff.pages) == 2
            for page in tiff.pages:
                assert page.offset % 2 == 0
                assert all(offset % 2 == 0 for offset in page.dataoffsets)
                assert all(tag.valueoffset % 2 == 0 for tag in page.tags)
            np.testing.assert_array_equal(tiff.pages[0].asarray(), samples)
            np.testing.assert_array_equal(tiff.pages[1].asarray(), samples != 0)


def test_claims_of_too_many_pixels_and_cut_files_are_refused(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", RNG.integers(0, 255, (300, 300), np.uint8))
    data = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(DataError, match=r"a\.tif"):
        read_image_bytes(data[: len(data) // 2], "a.tif")
    with pytest.raises(DataError, match=r"a\.tif at byte 5000: is a tiff file with a gap"):
        read_image_bytes(data, "a.tif", [(5000, 6000)])
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        places = [tiff.pages.first.tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    bomb = bytearray(data)
    for at in places:
        bomb[at : at + 2] = b"\xff\xff"
    with pytest.raises(DataError, match="claims 65535 x 65535 pixels"):
        read_image_bytes(bytes(bomb), "a.tif")


@pytest.mark.parametrize("kind", ["BMP", "GIF", "WEBP"])
def test_rarer_formats_are_read_through_imageio(kind: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((9, 7, 3), 200, np.uint8)).save(stream, kind)
    raster = read_image_bytes(stream.getvalue(), "a")
    assert raster.samples.shape == (9, 7, 3)
    assert np.abs(raster.samples.astype(int) - 200).max() < 4
    assert raster.meta["format"] == kind.lower()
    with pytest.raises(DataError):
        read_image_bytes(stream.getvalue()[:24], "a")


def test_noise_is_left_as_it_is_and_what_repeats_is_compressed(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).normal(100, 30, (256, 320)).astype(np.uint8)
    for name, samples, packed in (("noise", noise, False), ("flat", noise // 64, True)):
        path = tmp_path / f"{name}.tif"
        write_tiff(path, samples)
        with tifffile.TiffFile(path) as tiff:
            assert (tiff.pages.first.compression != tifffile.COMPRESSION.NONE) == packed
            np.testing.assert_array_equal(tiff.asarray(), samples)
        np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), samples)
