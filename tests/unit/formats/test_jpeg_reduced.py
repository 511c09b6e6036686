"""JPEG decoded to area means, beside Pillow's full decode and exact means of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.errors import DataError
from stages.formats.jpeg_reduced import _code_tables, reduced_jpeg
from stages.formats.jpeg_units import unstuff


def scene(height=203, width=318, *, grey=False):
    """Soft colours, an edge, and noise; nothing clips."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([90 + 60 * np.sin(x / 23), 120 + 50 * np.cos((x + y) / 31), 100 + 40 * (x > width // 2) + 0 * y], axis=2)
    picture = (picture + rng.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)
    return picture[..., 1] if grey else picture


def encoded(picture, **options):
    stream = io.BytesIO()
    Picture.fromarray(picture).save(stream, "JPEG", **options)
    return stream.getvalue()


def means(pixels, shape):
    """Exact area means."""

    def weights(size, cells):
        edge, at = np.arange(cells + 1) * size / cells, np.arange(size)
        return np.clip(np.minimum(edge[1:, None], at + 1) - np.maximum(edge[:-1, None], at), 0, 1) * cells / size

    down, across = weights(pixels.shape[0], shape[0]), weights(pixels.shape[1], shape[1])
    return np.einsum("ya,ab...,xb->yx...", down, pixels.astype(float), across, optimize=True)


@pytest.mark.parametrize("shape", [(40, 63), (41, 64), (203, 40), (25, 318), (3, 5), (100, 159)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_every_pixel_counts_by_the_area_that_is_covered(shape, subsampling):
    data = encoded(scene(), quality=90, subsampling=subsampling)
    small = reduced_jpeg(data, "a.jpg", shape)
    if small is None:
        # A block of colour covers sixteen pixels, and more than eight cells.
        assert subsampling
        assert max(shape[0] / 203, shape[1] / 318) > 7 / 18
        return
    apart = np.abs(small - means(np.asarray(Picture.open(io.BytesIO(data))), shape))
    assert apart.mean() < 0.5
    assert np.quantile(apart, 0.995) < 1.2


@pytest.mark.parametrize(
    "options", [{"restart_marker_blocks": 3}, {"restart_marker_rows": 1}, {"optimize": True}, {"quality": 100}, {"quality": 20}]
)
def test_restart_markers_and_tables_of_all_kinds(options):
    data = encoded(scene(), **options)
    apart = np.abs(reduced_jpeg(data, "a.jpg", (40, 63)) - means(np.asarray(Picture.open(io.BytesIO(data))), (40, 63)))
    assert apart.max() < 1.6


def test_grey_stays_grey():
    data = encoded(scene(grey=True), quality=85)
    small = reduced_jpeg(data, "a.jpg", (40, 63))
    assert small.shape == (40, 63)
    assert np.abs(small - means(np.asarray(Picture.open(io.BytesIO(data))), (40, 63))).max() <= 1


def test_a_flat_saturated_picture_is_exact():
    for value in (0, 255):
        assert (reduced_jpeg(encoded(np.full((64, 64, 3), value, np.uint8)), "a.jpg", (9, 9)) == value).all()


@pytest.mark.parametrize("options", [{"progressive": True}, {"keep_rgb": True}])
def test_what_is_no_plain_baseline_is_left_to_others(options):
    assert reduced_jpeg(encoded(scene(), **options), "a.jpg", (40, 63)) is None


def test_what_is_cut_is_left_to_those_who_mark_what_is_lost():
    data = encoded(scene(), quality=90)
    assert reduced_jpeg(data[: len(data) // 2], "a.jpg", (40, 63)) is None


def test_larger_than_the_picture_is_left_to_others():
    assert reduced_jpeg(encoded(scene()), "a.jpg", (204, 318)) is None


def test_noise_in_the_scan_never_reads_beyond_it():
    data = bytearray(encoded(scene(), quality=90, restart_marker_rows=2))
    rng = np.random.default_rng(1)
    start = bytes(data).index(b"\xff\xda") + 14
    for _ in range(200):
        broken = bytearray(data)
        for at in rng.integers(start, len(data), 20):
            broken[at] = rng.integers(0, 256)
        small = reduced_jpeg(bytes(broken), "a.jpg", (40, 63))
        assert small is None or small.shape == (40, 63, 3)


def test_a_broken_header_says_where():
    with pytest.raises(DataError, match=r"a\.jpg at byte 0"):
        reduced_jpeg(b"none of it", "a.jpg", (4, 4))


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 7}, {"subsampling": 0}])
def test_a_tall_picture_is_summed_up_in_lots(options):
    data = encoded(scene(1611, 90), quality=90, **options)
    apart = np.abs(reduced_jpeg(data, "a.jpg", (600, 33)) - means(np.asarray(Picture.open(io.BytesIO(data))), (600, 33)))
    assert apart.mean() < 0.5
    assert np.quantile(apart, 0.995) < 1.3


def test_what_is_remembered_of_tables_does_not_depend_on_names():
    data = encoded(scene())
    reduced_jpeg(data, "a.jpg", (40, 63))
    before = _code_tables.cache_info().misses
    reduced_jpeg(data, "b.jpg", (40, 63))
    assert _code_tables.cache_info().misses == before


@pytest.mark.parametrize("marks", [[], [0], [7], [8], [3, 4, 5], [15, 16, 17, 18], [38, 39]])
@pytest.mark.parametrize("behind", [0x00, 0xD3, 0xD9, 0x41])
def test_stuffed_zeros_and_markers_are_dropped_wherever_they_stand_in_eight_octets(marks, behind):
    scan = np.arange(1, 41, dtype=np.uint8)
    scan[marks] = 0xFF
    scan[[mark + 1 for mark in marks if mark + 1 < 40 and mark + 1 not in marks]] = behind
    data, begins = unstuff(scan, scan.size, 2)
    expected, at, cuts = bytearray(), 0, [0]
    while at < 40:
        value, at = int(scan[at]), at + 1
        if value == 0xFF:
            while at < 40 and scan[at] == 0xFF:
                at += 1
            following = int(scan[at]) if at < 40 else None
            at += 1
            if following == 0xD3 and len(cuts) < 2:
                cuts.append(len(expected))
                continue
            if following != 0:
                break
        expected.append(value)
    assert data[: len(expected)].tobytes() == expected
    assert not data[len(expected) :].any()
    assert begins.tolist() == [*cuts, len(expected)]
