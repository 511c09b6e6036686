"""Our reader of plain TIFF against tifffile: what it takes, it reads alike."""

from __future__ import annotations

import io
import struct
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.raster import Raster
from stages.formats.tiff import PLANAR, SHORT, tiff_parts
from stages.formats.tiff_foreign import read_any_tiff
from stages.formats.tiff_reader import read_plain_tiff

SHAPES = st.one_of(arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
PICTURES = st.sampled_from([np.uint8, np.uint16]).flatmap(lambda dtype: arrays.arrays(dtype, SHAPES))
RECORDS = st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=9), max_size=3)


def written(picture: NDArray[Any], record: dict[str, Any]) -> bytes:
    return b"".join(bytes(part) for part in tiff_parts(picture, record=record))


def assert_alike(one: Raster, other: Raster) -> None:
    assert one.meta == other.meta
    assert one.samples.dtype == other.samples.dtype
    assert one.samples.flags.writeable
    assert one.samples.flags.c_contiguous
    np.testing.assert_array_equal(one.samples, other.samples)
    np.testing.assert_array_equal(one.mask, other.mask)


@given(PICTURES, RECORDS)
@example(np.zeros((700, 1601, 3), np.uint8) + np.random.default_rng(1).integers(0, 256, (700, 1601, 3), np.uint8), {"a": 1})
def test_what_we_write_is_read_as_tifffile_reads_it(picture: NDArray[Any], record: dict[str, Any]) -> None:
    data = written(picture, record)
    found = read_plain_tiff(data)
    expected = read_any_tiff(data, "here")
    if found is None:
        assert tifffile.TiffFile(io.BytesIO(data)).pages.first.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    else:
        assert_alike(found, expected)
    np.testing.assert_array_equal(expected.samples, picture)


@settings(max_examples=400)
@given(st.data())
def test_what_is_changed_is_read_alike_or_left_to_tifffile(data: st.DataObject) -> None:
    picture = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 256, data.draw(SHAPES)).astype(np.uint8)
    octets = bytearray(written(picture, {"a": 1}))
    for _ in range(data.draw(st.integers(1, 3))):
        # Mostly in the directory, whose numbers are small.
        octets[data.draw(st.integers(0, min(len(octets), 260) - 1))] = data.draw(
            st.sampled_from([0, 1, 2, 3, 4, 8, 16, 255]) | st.integers(0, 255)
        )
    found = read_plain_tiff(bytes(octets))
    if found is None:
        return
    assert_alike(found, read_any_tiff(bytes(octets), "here"))


@pytest.mark.parametrize("length", [0, 7, 8, 9, 40, 200, 300])
def test_what_is_cut_is_left_to_tifffile(length: int) -> None:
    data = written(np.arange(120, dtype=np.uint8).reshape(10, 12), {})[:length]
    assert read_plain_tiff(data) is None
    with pytest.raises(DataError):
        read_any_tiff(data, "here")


def test_a_field_of_another_type_is_left_to_tifffile() -> None:
    octets = bytearray(written(np.array([[[217, 163, 130]]], np.uint8), {"a": 1}))
    at = octets.index(struct.pack("<HH", PLANAR, SHORT))
    octets[at + 2] = 1  # BYTE (TIFF 6.0, section 2), by which tifffile takes the picture for another one
    assert read_plain_tiff(bytes(octets)) is None
