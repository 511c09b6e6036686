"""Files become mosaics: whole or with gaps, of any coding, and what is no picture becomes none."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import DataError
from pipeline.stage import read_stage
from stages import decode as room
from stages.decode import decode
from stages.formats.png import encode_png
from stages.products import Mosaic, ReceivedFile, SoundBlock
from stages.profile import Names

RNG = np.random.default_rng(6)
NAMES = Names.from_mapping(
    {
        "rules": [{"pattern": r"(?P<instrument>[A-Z]{2})(?P<type>[A-Z]{3})(?P<coding>\w\w)(?P<number>\d+)", "frame": "number"}],
        "cameras": {"ES": "DDC"},
        "editions": [
            {"coding": "LL", "edition": "lossless"},
            {"coding": "FH", "edition": "video"},
            {"coding": "00", "edition": "thumbnail"},
        ],
        "colours": {"FDR": "colour", "ECM": "mosaic"},
    }
)


def scene(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    red, green, blue = 120 + rows, 90 + columns, 40 + (rows + columns) // 4
    return np.stack([red, green, blue], -1).astype(np.uint8)


def mosaic() -> NDArray[np.uint8]:
    colour = scene()
    samples = colour[..., 1].copy()
    samples[0::2, 0::2], samples[1::2, 1::2] = colour[0::2, 0::2, 0], colour[1::2, 1::2, 2]
    return samples


def received(data: bytes, name: str = "ESECMLL0000005.png", *, gaps: tuple[tuple[int, int], ...] = (), **fields: Any) -> ReceivedFile:
    holed = bytearray(data)
    for start, stop in gaps:
        holed[start:stop] = bytes(min(stop, len(data)) - start)
    values: dict[str, Any] = {"size": len(data), "meta": {"name": name} | fields.pop("meta", {})} | fields
    return ReceivedFile(file="transfer-1", data=bytes(holed), gaps=gaps, **values)


def one(file: ReceivedFile, names: Names = NAMES) -> Mosaic:
    (found,) = decode(file, names)
    return found


def jpeg(samples: NDArray[np.uint8], **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def test_the_stages_have_their_names_and_keys() -> None:
    spec = read_stage(room.decode, "decode")
    assert (spec.name, spec.outputs, spec.dimensions, spec.fan_out) == ("decode", (Mosaic, SoundBlock), ("file",), True)


def test_a_lossless_file_comes_back_exactly() -> None:
    for data, name in ((encode_png(mosaic()), "ESECMLL0000005.png"), (bytes(imagecodecs.jpegls_encode(mosaic())), "ESECMLL0000005.jls")):
        found = one(received(data, name, meta={"clock": 12.5}))
        assert np.array_equal(found.samples, mosaic())
        assert not found.mask.any()
        assert dict(found.key) == {"file": "transfer-1", "camera": "DDC", "frame": "0000005", "edition": "lossless"}
        assert (found.cfa, found.white, found.source, found.clock) == ("RGGB", 255, "ESECMLL0000005", 12.5)


def test_three_equal_bands_are_one_and_different_ones_are_colour_whatever_the_name_says() -> None:
    bands = np.repeat(mosaic()[..., np.newaxis], 3, axis=2)
    for name in ("ESFDRLL0000005.png", "ESECMLL0000005.png"):
        assert one(received(encode_png(bands), name)).samples.shape == (48, 64)
        assert one(received(encode_png(scene()), name)).cfa == "colour"
    assert one(received(encode_png(bands), "ESECMLL0000005.png")).cfa == "RGGB"
    assert one(received(encode_png(bands), "ESFDRLL0000005.png")).cfa == "mono"


def test_of_an_unknown_name_the_samples_decide() -> None:
    grey = scene()[..., 0]
    assert one(received(encode_png(mosaic()), "somewhere.png")).cfa == "RGGB"
    assert one(received(encode_png(grey), "somewhere.png")).cfa == "mono"
    assert one(received(encode_png(grey), "ESECMLL0000005.png")).cfa == "RGGB"


def test_the_real_ones_are_what_they_are(real: Path) -> None:
    for name, cfa in (("ESF_0004", "RGGB"), ("ESF_0001", "colour"), ("ZL0_0038", "RGGB")):
        (path,) = (real / "m2020").glob(f"{name}*.png")
        data = path.read_bytes()
        found = one(ReceivedFile(file=path.name, data=data, size=len(data), meta={"name": path.name}), Names())
        assert found.cfa == cfa
        assert found.frame == found.source == path.stem
        assert found.edition == "lossless"
        if name == "ESF_0004":
            planes = [found.samples[y::2, x::2].mean() for y in (0, 1) for x in (0, 1)]
            assert np.round(planes, 2).tolist() == [105.18, 114.04, 114.04, 37.71]


@pytest.mark.parametrize(
    "name, data, edition",
    [
        ("ESECMLL0000001.jpg", jpeg(mosaic()), "jpeg"),
        ("ESECM850000001.jpg", jpeg(mosaic()), "jpeg"),
        ("ESECMFH0000001.png", encode_png(mosaic()), "video"),
        ("ESFDR000000001.jpg", jpeg(scene()), "thumbnail"),
        ("ESECM850000001.png", encode_png(mosaic()), "lossless"),
        ("x.jls", bytes(imagecodecs.jpegls_encode(mosaic(), level=2)), "jpeg"),
    ],
)
def test_the_edition_is_the_names_but_lossy_files_are_never_lossless(name: str, data: bytes, edition: str) -> None:
    assert one(received(data, name)).edition == edition


@pytest.mark.parametrize("bits, dtype", [(8, np.uint8), (12, np.uint16), (16, np.uint16)])
def test_raw_samples_come_exactly_and_lose_exactly(bits: int, dtype: Any) -> None:
    samples = RNG.integers(0, 1 << bits, (30, 20)).astype(dtype)
    data = samples.astype(samples.dtype.newbyteorder(">")).tobytes()
    meta = {"encoding": "raw", "width": 20, "height": 30, "bits": bits, "cfa": "GBRG", "x": 3, "y": 4}
    found = one(received(data, meta=meta))
    assert np.array_equal(found.samples, samples)
    assert (found.white, found.cfa, found.meta) == ((1 << bits) - 1, "GBRG", {"x": 3, "y": 4})
    cut = one(received(data[:301], meta=meta, gaps=((100, 103),), size=len(data)))
    lost = np.zeros(600, bool)
    step = samples.itemsize
    lost[100 // step : -(-103 // step)] = True
    lost[301 // step :] = True
    assert np.array_equal(cut.mask.ravel(), lost)
    assert np.array_equal(cut.samples[~cut.mask], samples[~cut.mask])


@pytest.mark.parametrize("meta", [{"width": 0}, {"width": 1 << 40}, {"height": -5}, {"bits": 33}, {"width": "wide"}, {"height": True}])
def test_records_that_cannot_be_are_refused_without_making_anything(meta: dict[str, Any]) -> None:
    sound = {"encoding": "raw", "width": 4, "height": 4, "bits": 8}
    with pytest.raises(DataError):
        list(decode(received(bytes(16), meta=sound | meta), NAMES))


@pytest.mark.parametrize("coding", ["png", "jpeg", "jpeg-ls"])
def test_a_gap_costs_what_lies_in_it_and_no_more_than_it_must(coding: str) -> None:
    noisy = (mosaic() + RNG.integers(0, 20, (48, 64))).astype(np.uint8)
    data = {
        "png": lambda: encode_png(noisy),
        "jpeg": lambda: jpeg(noisy, restart_marker_rows=1),
        "jpeg-ls": lambda: bytes(imagecodecs.jpegls_encode(noisy)),
    }[coding]()
    whole = one(received(data, "x.bin"))
    found = one(received(data, "x.bin", gaps=((len(data) // 2, len(data) // 2 + 40),)))
    assert 0 < found.mask.mean() < 0.6
    assert np.array_equal(found.samples[~found.mask], whole.samples[~found.mask])
    assert found.completeness().partial
    if coding == "jpeg":
        assert not found.mask[-8:].any()


def test_nothing_comes_of_what_is_no_picture_or_too_little_of_one() -> None:
    png = encode_png(mosaic())
    for file in (
        received(b""),
        received(b"a text file that someone put here"),
        received(png, gaps=((0, 20),)),
        received(png, gaps=((20, 30),)),
        received(png[:30], size=None),
        received(jpeg(mosaic())[:300], size=None),
        received(png, gaps=((33, len(png)),)),
    ):
        assert list(decode(file, NAMES)) == []


def test_a_whole_file_that_is_broken_is_an_error_with_its_name() -> None:
    data = bytearray(encode_png(mosaic()))
    data[70] ^= 4
    with pytest.raises(DataError, match=r"ESECMLL0000005\.png at byte 33"):
        list(decode(received(bytes(data)), NAMES))


def test_hostile_records_do_not_matter_for_files_that_describe_themselves() -> None:
    meta = {"bits": 99, "cfa": ["x"], "x": -1, "y": "up", "width": 1 << 60, "encoding": 7}
    found = one(received(encode_png(mosaic()), meta=meta))
    assert (found.white, found.cfa, found.meta) == (255, "RGGB", {})
