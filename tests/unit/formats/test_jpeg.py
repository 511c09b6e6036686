"""JPEG and JPEG-LS: whole files as others read them, and of files with gaps exactly what is there."""

from __future__ import annotations

import io
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import DataError
from stages.formats.images import image_format, read_image_bytes

SORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "grey": ("L", {}),
    "grey, restarts": ("L", {"restart_marker_blocks": 5}),
    "mosaic rows": ("L", {"restart_marker_rows": 1, "optimize": True}),
    "4:2:0": ("RGB", {"subsampling": 2}),
    "4:2:0, restarts": ("RGB", {"subsampling": 2, "restart_marker_rows": 1}),
    "4:2:2": ("RGB", {"subsampling": 1, "restart_marker_blocks": 7}),
    "4:4:4": ("RGB", {"subsampling": 0}),
    "inks": ("CMYK", {}),
}


def scene(height: int = 93, width: int = 117) -> NDArray[np.uint8]:
    rng = np.random.default_rng(8)
    soft = cv2.resize(rng.integers(0, 256, (9, 11, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 6, soft.shape), 0, 255).astype(np.uint8)


def jpeg(sort: str) -> bytes:
    mode, options = SORTS[sort]
    stream = io.BytesIO()
    Image.fromarray(scene()).convert(mode).save(stream, "JPEG", quality=85, **options)
    return stream.getvalue()


def body(data: bytes) -> int:
    """Byte at which the scan's data begin."""
    start = data.index(b"\xff\xda")
    return start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")


def blanked(data: bytes, *gaps: tuple[int, int]) -> bytes:
    holed = bytearray(data)
    for start, stop in gaps:
        holed[start:stop] = bytes(stop - start)
    return bytes(holed)


@pytest.mark.parametrize("sort", SORTS)
def test_whole_files_are_as_pillow_reads_them(sort: str) -> None:
    data = jpeg(sort)
    raster = read_image_bytes(data, "a.jpg")
    mode = "L" if SORTS[sort][0] == "L" else "RGB"
    assert np.array_equal(raster.samples, np.asarray(Image.open(io.BytesIO(data)).convert(mode)))
    assert not raster.mask.any()
    assert raster.meta["lossless"] is False


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.99])
def test_of_a_cut_file_every_pixel_before_the_cut_stays(sort: str, part: float) -> None:
    data = jpeg(sort)
    whole = read_image_bytes(data, "a.jpg").samples
    cut = body(data) + int((len(data) - body(data)) * part)
    raster = read_image_bytes(data[:cut], "a.jpg")
    assert np.array_equal(raster.samples[~raster.mask], whole[~raster.mask])
    assert abs((~raster.mask).mean() - part) < 0.2


@pytest.mark.parametrize("sort", ["grey, restarts", "mosaic rows", "4:2:0, restarts", "4:2:2"])
def test_behind_a_gap_restart_markers_pick_it_up(sort: str) -> None:
    data = jpeg(sort)
    whole = read_image_bytes(data, "a.jpg").samples
    start = body(data) + (len(data) - body(data)) // 3
    gaps = [(start, start + 60)]
    raster = read_image_bytes(blanked(data, *gaps), "a.jpg", gaps)
    assert np.array_equal(raster.samples[~raster.mask], whole[~raster.mask])
    assert 0 < raster.mask.mean() < 0.5
    assert not raster.mask[0].any()
    assert not raster.mask[-1].any()


def test_between_two_gaps_only_what_has_a_certain_place_counts() -> None:
    data = jpeg("grey, restarts")
    whole = read_image_bytes(data, "a.jpg").samples
    length = len(data) - body(data)
    near = [(body(data) + length // 3, body(data) + length // 3 + 10), (body(data) + length // 2, body(data) + length // 2 + 10)]
    wide = [(body(data) + length // 10, body(data) + length // 2), (body(data) + length * 6 // 10, body(data) + length * 9 // 10)]
    kept = []
    for gaps in (near, wide):
        raster = read_image_bytes(blanked(data, *gaps), "a.jpg", gaps)
        assert np.array_equal(raster.samples[~raster.mask], whole[~raster.mask])
        kept.append((~raster.mask).mean())
    assert kept[0] > 0.75
    assert kept[1] < 0.3


def test_without_its_end_marker_nothing_is_lost() -> None:
    raster = read_image_bytes(jpeg("4:2:0")[:-2], "a.jpg")
    assert not raster.mask.any()


def test_a_progressive_file_keeps_what_its_first_scan_covers() -> None:
    stream = io.BytesIO()
    Image.fromarray(scene()).save(stream, "JPEG", quality=85, progressive=True)
    data = stream.getvalue()
    late, early = read_image_bytes(data[: len(data) * 2 // 3], "a.jpg"), read_image_bytes(data[: body(data) + 60], "a.jpg")
    assert not late.mask.any()
    assert np.abs(late.samples.astype(int) - scene()).mean() < 20
    assert 0.3 < early.mask.mean() < 1
    assert late.meta["caveats"]


def test_a_gap_in_a_comment_harms_nothing() -> None:
    stream = io.BytesIO()
    Image.fromarray(scene()).save(stream, "JPEG", comment=b"c" * 200)
    data = stream.getvalue()
    at = data.index(b"cccc")
    raster = read_image_bytes(blanked(data, (at, at + 100)), "a.jpg", [(at, at + 100)])
    assert not raster.mask.any()


@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"])
def test_a_gap_in_what_decoding_needs_is_an_error_with_its_place(marker: bytes) -> None:
    data = jpeg("grey")
    at = data.index(marker)
    with pytest.raises(DataError, match=r"a\.jpg at byte \d+: (lacks a part|has no marker)"):
        read_image_bytes(blanked(data, (at + 3, at + 6)), "a.jpg", [(at + 3, at + 6)])


def test_claims_of_too_many_pixels_are_refused() -> None:
    data = bytearray(jpeg("grey"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(DataError, match="claims 65535 x 65535 pixels"):
        read_image_bytes(bytes(data), "a.jpg")


def test_a_table_that_is_no_prefix_code_is_refused() -> None:
    data = jpeg("grey")
    at = data.index(b"\xff\xc4")
    broken = data[: at + 5] + b"\xff" + data[at + 6 :]
    with pytest.raises(DataError, match="Huffman"):
        read_image_bytes(broken[:-20], "a.jpg")


DEPTHS = {
    "8 bits": (np.uint8, 255, ()),
    "12 bits": (np.uint16, 4095, ()),
    "16 bits": (np.uint16, 65535, ()),
    "colour": (np.uint8, 255, (3,)),
}


def mosaic(depth: str) -> NDArray[Any]:
    dtype, white, channels = DEPTHS[depth]
    plane = scene().astype(np.float64) / 255 * white
    return np.ascontiguousarray((plane if channels else plane[..., 0]).astype(dtype))


@pytest.mark.parametrize("depth", DEPTHS)
def test_lossless_files_come_back_exactly(depth: str) -> None:
    data = bytes(imagecodecs.jpegls_encode(mosaic(depth)))
    assert image_format(data) == "jpeg-ls"
    raster = read_image_bytes(data, "a.jls")
    assert np.array_equal(raster.samples, mosaic(depth))
    assert raster.meta["lossless"] is True
    assert not raster.mask.any()


@pytest.mark.parametrize("depth", DEPTHS)
def test_of_a_cut_lossless_file_the_rows_before_stay(depth: str) -> None:
    image = mosaic(depth)
    data = bytes(imagecodecs.jpegls_encode(image))
    for part in np.linspace(0.1, 0.999, 23):
        cut = body(data) + int((len(data) - body(data)) * part)
        gaps = [(cut, min(cut + 50, len(data)))]
        raster = read_image_bytes(blanked(data, *gaps), "a.jls", gaps)
        assert np.array_equal(raster.samples[~raster.mask], image[~raster.mask])
        assert abs((~raster.mask).mean() - part) < 0.15
        assert np.array_equal(read_image_bytes(data[:cut], "a.jls").mask, raster.mask)


def test_flat_pictures_do_not_mislead() -> None:
    image = np.zeros((60, 50), np.uint8)
    image[20:30, 10:40] = 7
    data = bytes(imagecodecs.jpegls_encode(image))
    for cut in range(body(data) + 1, len(data)):
        raster = read_image_bytes(data[:cut], "a.jls")
        assert np.array_equal(raster.samples[~raster.mask], image[~raster.mask])


def test_nearly_lossless_is_not_lossless() -> None:
    data = bytes(imagecodecs.jpegls_encode(mosaic("8 bits"), level=3))
    raster = read_image_bytes(data, "a.jls")
    assert raster.meta["lossless"] is False
    assert np.abs(raster.samples.astype(int) - mosaic("8 bits")).max() <= 3
