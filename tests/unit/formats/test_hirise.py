"""HiRISE channels: a real one against the figures of ISIS, and faults made in a copy of it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from stages.formats.hirise import read_channel
from stages.formats.images import read_image, read_image_bytes

IMAGE, ROW, PREFIX = 61902, 290, 18
"""Byte of the first line, bytes of a line and before its pixels, from the file's label."""


@pytest.fixture(scope="module")
def path(real):
    return real / "hirise" / "PSP_001446_1790_BG12_0.IMG"


@pytest.fixture
def octets(path):
    return bytearray(path.read_bytes())


def test_figures_of_isis(path):
    raster = read_image(path)
    valid = raster.samples[~raster.mask].astype(np.int64)
    assert (valid.size, int(valid.sum())) == (1280000, 6872659295)
    assert round(float(valid.mean()), 6) == 5369.265074
    assert abs(float(valid.std(ddof=1)) - 130.71538) < 1e-5
    assert raster.samples.shape == (5000, 256)
    assert (raster.meta["bits"], raster.meta["cfa"], raster.meta["lossless"]) == (14, "mono", True)
    label = raster.meta["label"]
    assert (label["instrument"], label["product"], label["clock_start"]) == ("HIRISE", "PSP_001446_1790_BG12_0", "848201291:62546")


def test_pixels_of_each_kind_are_apart(path, octets):
    channel = read_channel(bytes(octets), "x")
    lines = np.frombuffer(bytes(octets), np.uint8, 5000 * ROW, IMAGE).reshape(5000, ROW)
    assert (channel.buffer.shape, channel.samples.shape, channel.dark.shape) == ((5000, 12), (5000, 256), (5000, 16))
    # Of the label: data number 0 stands for 0 to 808, 1 for 809 to 826, 28 for 1292 to 1314.
    for number, level in ((0, 404), (1, 818), (28, 1303)):
        assert set(channel.buffer[lines[:, 6:18] == number].tolist()) <= {level}
    assert (channel.line_numbers == np.arange(41, 5041)).all()
    assert round(float(channel.dark.mean()), 4) == 1123.7632
    before = read_channel(path.read_bytes(), "x", image="CALIBRATION_IMAGE")
    assert (before.samples.shape, before.line_numbers.tolist()) == ((41, 256), list(range(41)))
    assert round(float(before.samples.mean()), 3) == 2878.817


def test_gap_values_and_lines_that_never_came_are_lost(octets):
    octets[IMAGE + PREFIX + 7] = 255
    octets[IMAGE + ROW + 6] = 255  # a buffer pixel
    octets[IMAGE + 2 * ROW : IMAGE + 2 * ROW + 3] = b"\xff" * 3
    channel = read_channel(bytes(octets), "x")
    assert np.argwhere(channel.mask[:2]).tolist() == [[0, 7]]
    assert np.argwhere(channel.buffer_mask[:2]).tolist() == [[1, 0]]
    assert channel.mask[2].all()
    assert channel.line_numbers[1:4].tolist() == [42, -1, 44]
    assert int(channel.mask.sum()) == 257
    assert (channel.samples[channel.mask] == 0).all()


def test_gap_table_names_bytes(octets):
    start = IMAGE + 10 * ROW + PREFIX + 5
    data = bytes(octets).replace(b"ROWS               = 0", b"ROWS               = 1") + np.array([start, start + 3], ">u4").tobytes()
    assert np.argwhere(read_channel(data, "x").mask).tolist() == [[10, 5], [10, 6], [10, 7]]


def test_saturated_samples_are_counted_and_stay(octets):
    octets[IMAGE + PREFIX], octets[IMAGE + PREFIX + 1] = 0, 254
    raster = read_image_bytes(bytes(octets), "x")
    assert (raster.meta["hirise"]["saturated_low"], raster.meta["hirise"]["saturated_high"]) == (1, 1)
    assert raster.samples[0, :2].tolist() == [404, (8864 + 16383 + 1) // 2]
    assert not raster.mask.any()


def test_numbers_that_the_table_has_not_are_lost_with_a_caveat(octets):
    data = bytes(octets).replace(b"(0, 808)", b"(-9998, -9998)", 1).replace(b" " * 6, b"", 1)
    data = data[:32768] + bytes(octets)[32768:]
    data = bytearray(data)
    data[IMAGE + PREFIX] = 0
    raster = read_image_bytes(bytes(data), "x")
    assert np.argwhere(raster.mask).tolist() == [[0, 0]]
    assert "1 samples" in raster.meta["caveats"][0]


def test_cut_file_keeps_what_came(octets):
    raster = read_image_bytes(bytes(octets[: IMAGE + 30 * ROW + PREFIX + 10]), "x")
    assert not raster.mask[:30].any()
    assert int((~raster.mask).sum()) == 30 * 256 + 10


@pytest.mark.parametrize(
    "old, new",
    [
        (b"((0, 808)", b"((9,   8)"),
        (b"((0, 808)", b"((0, 80x)"),
        (b"LINE_PREFIX_BYTES = 18", b"LINE_PREFIX_BYTES = 01"),
        (b"LINE_SAMPLES      = 256", b"LINE_SAMPLES      = 000"),
    ],
)
def test_broken_labels_are_refused(octets, old, new):
    assert len(old) == len(new)
    with pytest.raises(DataError):
        read_image_bytes(bytes(octets).replace(old, new), "x")
