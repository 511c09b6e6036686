"""How large pictures say that they are, beside what others wrote."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from stages.formats.extent import read_extent

PICTURE = np.zeros((30, 47, 3), np.uint8)


@pytest.mark.parametrize(
    "kind, options",
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"comment": b"c" * 60_000}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_headers_of_other_writers(tmp_path: Path, kind: str, options: dict[str, Any]) -> None:
    Picture.fromarray(PICTURE).save(tmp_path / "a", kind, **options)
    assert read_extent(tmp_path / "a") == (30, 47)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_directory_behind_the_samples(tmp_path: Path, order: Any) -> None:
    tifffile.imwrite(tmp_path / "a", np.zeros((300, 470), np.uint16), byteorder=order, rowsperstrip=7)
    assert read_extent(tmp_path / "a") == (300, 470)


def test_what_is_not_found_at_once_is_left_to_the_reader(tmp_path: Path) -> None:
    Picture.fromarray(PICTURE).save(tmp_path / "a.bmp")
    stream = io.BytesIO()
    Picture.fromarray(PICTURE).save(stream, "JPEG", comment=b"c" * 65_000, exif=b"Exif\0\0" + bytes(9000))
    (tmp_path / "a.jpg").write_bytes(stream.getvalue())
    tifffile.imwrite(tmp_path / "a.tif", PICTURE, bigtiff=True)
    assert [read_extent(tmp_path / name) for name in ("a.bmp", "a.jpg", "a.tif", "none")] == [None] * 4


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_headers_that_are_cut_or_broken_raise_nothing(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    Picture.fromarray(PICTURE).save(stream, kind)
    data = stream.getvalue()
    rng = np.random.default_rng(2)
    path = tmp_path / "a"
    for end in [*range(0, 200, 7), len(data)]:
        broken = bytearray(data[:end])
        if end == len(data):
            for at in rng.integers(2, min(len(data), 200), 20):
                broken[at] = rng.integers(256)
        path.write_bytes(broken)
        found = read_extent(path)
        assert found is None or min(found) > 0
