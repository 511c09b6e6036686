"""Bias, dark, flat, balance, matrix and tone: the fused chain is its definition, and highlights stay white."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Picture

from pipeline.errors import ProfileError
from pipeline.stage import Group
from pipeline.testing.saving import FolderSink
from stages.debayer import debayer, demosaic
from stages.debayer.calibration import calibrate, make_calibration
from stages.debayer.develop import PATTERNS, demosaic_masked
from stages.debayer.finish import finish, make_finish
from stages.formats.tone import tone_table
from stages.products import Image, Mosaic
from stages.profile import Camera

RNG = np.random.default_rng(11)
GAINS = (1.32, 1.0, 2.75)
MATRIX = np.array([[1.6, -0.4, -0.2], [-0.3, 1.5, -0.2], [0.05, -0.55, 1.5]])


def mosaic(samples: NDArray[Any], **fields: Any) -> Mosaic:
    mask = fields.pop("mask", np.zeros(samples.shape[:2], bool))
    names = {"file": "f", "camera": "DDC", "frame": "0000001", "edition": "lossless"} | fields
    return Mosaic(samples=samples, mask=mask, **names)


def develop(one: Mosaic, camera: Camera, **settings: Any) -> Image:
    return debayer(Group.of([one]), camera, **settings)


def tiff(plane: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, plane)
    return stream.getvalue()


def gain_of_places(pattern: str, gains: tuple[float, float, float], shape: tuple[int, int]) -> NDArray[np.float64]:
    red, column = PATTERNS[pattern]
    gain = np.full(shape, gains[1])
    gain[red::2, column::2], gain[1 - red :: 2, 1 - column :: 2] = gains[0], gains[2]
    return gain


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("dtype, full", [(np.uint8, 255), (np.uint16, 4095)])
@pytest.mark.parametrize("shape", [(40, 38), (69, 51), (2, 3)])
def test_calibration_is_its_definition(shape: tuple[int, int], dtype: Any, full: int, pattern: str) -> None:
    samples = RNG.integers(0, full + 1, shape).astype(dtype)
    dark, flat = RNG.uniform(0, 4, shape).astype(np.float32), RNG.uniform(0.6, 1.5, shape).astype(np.float32)
    gain = gain_of_places(pattern, GAINS, shape)
    white = full - 5
    for planes in ((None, None), (dark, None), (None, flat), (dark, flat)):
        light = samples - 5.0 - (0 if planes[0] is None else planes[0])
        expected = np.clip(light * (1 if planes[1] is None else planes[1]) * gain, 0, white)
        expected[samples >= full] = white
        found = calibrate(samples, PATTERNS[pattern], make_calibration(np.dtype(dtype), 5, GAINS, full, white, *planes))
        assert found.dtype == dtype
        assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("dtype, full", [(np.uint8, 255), (np.uint16, 4095)])
@pytest.mark.parametrize("shape", [(64, 38), (65, 51), (131, 40), (2, 2), (33, 7)])
def test_one_pass_gives_what_the_steps_give(shape: tuple[int, int], dtype: Any, full: int, pattern: str) -> None:
    samples = RNG.integers(0, full + 1, shape).astype(dtype)
    flat = RNG.uniform(0.6, 1.5, shape).astype(np.float32)
    calibration = make_calibration(np.dtype(dtype), 2, GAINS, full, full, None, flat)
    how = make_finish(np.dtype(dtype), MATRIX, "srgb", full)
    fused = demosaic_masked(samples, pattern=pattern, method="malvar", white=full, calibration=calibration, finish=how)
    steps = demosaic(calibrate(samples, PATTERNS[pattern], calibration), pattern=pattern, white=full)
    mixed = np.floor(np.clip(steps @ MATRIX.T + 0.5, 0, full))
    finish(steps, how)
    assert np.array_equal(fused, steps)
    toned = tone_table("srgb", full, full, np.dtype(dtype).name, np.dtype(dtype).name)
    near = [toned[np.clip(mixed + step, 0, full).astype(int)] for step in (-1, 0, 1)]
    assert ((steps >= near[0]) & (steps <= near[2])).all()


@pytest.mark.parametrize("method", ["malvar", "mlri", "superpixel"])
@pytest.mark.parametrize("dtype, bits", [(np.uint8, 8), (np.uint16, 12)])
def test_what_is_full_stays_white_through_any_chain(dtype: Any, bits: int, method: Any) -> None:
    full = (1 << bits) - 1
    plane = RNG.integers(20000, 60000, (48, 64)).astype(np.uint16)
    camera = Camera(
        name="DDC",
        bits=bits,
        bias=3.0,
        flat=tiff(plane),
        gains=(0.9, 0.7, 2.2),
        matrix=tuple(tuple(row) for row in MATRIX / MATRIX.sum(1)[:, None]),
    )
    image = develop(mosaic(np.full((48, 64), full, dtype), white=full), camera, method=method)
    assert (image.samples == image.white).all()
    assert image.white == (255 if bits == 8 else full - 3)


def test_a_camera_of_known_light_gives_grey_and_its_steps_are_told() -> None:
    light = np.broadcast_to(np.linspace(40, 180, 64), (48, 64))
    flat = 1 + 0.3 * np.cos(np.linspace(-1, 1, 64)) * np.cos(np.linspace(-1, 1, 48))[:, np.newaxis]
    dark = np.full((48, 64), 2, np.uint16)
    samples = np.round(light * flat / flat.mean() / gain_of_places("RGGB", GAINS, (48, 64)) + 2 + 10).astype(np.uint8)
    camera = Camera(name="DDC", bias=10, dark=tiff(dark), flat=tiff((flat * 30000).astype(np.uint16)), gains=GAINS)
    image = develop(mosaic(samples), camera)
    assert np.ptp(image.samples.astype(int), axis=2).max() <= 6
    assert np.abs(image.samples[:, :, 1] - light * 255 / 245).max() <= 4
    assert list(image.facts()["done"]) == ["bias", "dark", "flat", "rendition", "gains", "method"]
    assert len(image.meta["flat"]["sha256"]) == 64
    assert "gains [1.32, 1.0, 2.75]" in image.story()[-1]


def test_a_flat_follows_the_subframe_and_what_it_does_not_cover_goes_without() -> None:
    plane = RNG.integers(20000, 60000, (48, 64)).astype(np.uint16)
    plane[11, 9] = 0
    camera = Camera(name="DDC", width=64, height=48, flat=tiff(plane))
    samples = RNG.integers(20, 180, (48, 64)).astype(np.uint8)
    whole = develop(mosaic(samples), camera)
    part = develop(mosaic(samples[10:30, 6:40], meta={"x": 6, "y": 10}), camera)
    assert np.array_equal(part.samples[2:-2, 2:-2], whole.samples[12:28, 8:38])
    assert part.mask[1, 3]
    assert whole.mask.sum() == 13
    beyond = develop(mosaic(samples, meta={"x": 2}), camera)
    assert not beyond.mask.any()
    assert "flat" not in beyond.meta
    assert "does not cover it" in beyond.completeness().caveats[0]
    thumbnail = develop(mosaic(samples[:8, :8], edition="thumbnail", cfa="mono"), camera)
    assert "flat" not in thumbnail.meta


def test_grey_world_leaves_out_what_is_full_or_lost() -> None:
    # Its own numbers, whichever tests ran before: how near the balance comes depends on them.
    truth = np.random.default_rng(11).uniform(20, 90, (64, 64))
    samples = np.round(truth / gain_of_places("RGGB", GAINS, (64, 64))).astype(np.uint8)
    samples[:20] = 255
    mask = np.zeros((64, 64), bool)
    mask[40:] = True
    samples[40:] = gain_of_places("RGGB", (200, 20, 20), (24, 64))
    image = develop(mosaic(samples, mask=mask), Camera(name="DDC"), white_balance="grey-world")
    gains = np.array(image.meta["gains"])
    assert np.abs(gains / gains[1] - np.array(GAINS)).max() < 0.1
    assert image.meta["balance"] == "grey-world"
    assert (image.samples[:16] == 255).all()
    dark = develop(mosaic(np.zeros((64, 64), np.uint8)), Camera(name="DDC", gains=GAINS), white_balance="grey-world")
    assert dark.meta["gains"] == list(GAINS)
    assert "could not be balanced by grey world" in dark.meta["caveats"][0]


def test_a_named_target_is_what_comes_out_grey() -> None:
    samples = RNG.integers(20, 90, (64, 80)).astype(np.uint8)
    samples[20:44, 30:60] = np.round(150 / gain_of_places("RGGB", GAINS, (24, 30)))
    camera = Camera(name="DDC", width=80, height=64, targets={"deck": (30, 20, 30, 24), "edge": (70, 60, 30, 24)})
    image = develop(mosaic(samples), camera, white_balance="target", target="deck")
    patch = image.samples[24:40, 34:56].astype(int)
    assert np.ptp(patch, axis=2).max() <= 2
    assert image.meta["target"] == "deck"
    shifted = develop(mosaic(samples[10:, 4:], meta={"x": 4, "y": 10}), camera, white_balance="target", target="deck")
    assert shifted.meta["gains"] == image.meta["gains"]
    for target in ("edge", "moon"):
        other = develop(mosaic(samples), camera, white_balance="target", target=target)
        assert f"could not be balanced by target '{target}'" in other.meta["caveats"][0]


@pytest.mark.parametrize("dtype, full", [(np.uint8, 255), (np.uint16, 4095)])
def test_three_renditions_stand_side_by_side_and_come_back(dtype: Any, full: int, tmp_path: Path) -> None:
    samples = RNG.integers(0, full // 4, (48, 64)).astype(dtype)
    camera = Camera(name="DDC", bits=8 if full == 255 else 12, gains=GAINS, illuminant=(1.0, 0.8, 0.5))
    image = develop(mosaic(samples, white=full, mask=np.arange(48 * 64).reshape(48, 64) < 70), camera, renditions="all")
    sink = FolderSink(tmp_path)
    image.save(sink)
    assert set(sink.files) == {".png", ".taken.png", ".true.png"} | ({".tif"} if dtype == np.uint16 else set())
    alone = {name: develop(mosaic(samples, white=full, mask=image.mask & False), camera, renditions=name) for name in ("taken", "true")}
    there = ~image.mask
    for name, other in alone.items():
        expected = other.samples if dtype == np.uint8 else np.round(other.samples / full * 255)
        assert np.abs(image.renditions[name].samples[there].astype(int) - expected[there]).max() <= (0 if dtype == np.uint8 else 1)
        with Picture.open(tmp_path / f"product.{name}.png") as picture:
            assert picture.mode == "RGBA"
            record = json.loads(picture.text["Comment"])
        assert record["meta"]["rendition"] == name
        assert ("gains" in record["meta"]) == (name == "true")
    ratio = alone["true"].samples[there].astype(float) / np.maximum(image.samples[there], 1)
    bright = (image.samples[there] > full // 8).all(axis=1)
    assert np.abs(ratio[bright].mean(axis=0) - [1, 0.8, 0.5]).max() < 0.02
    back = Image.load(sink.source(image))
    assert back.facts() == image.facts()
    assert {name: other.done for name, other in back.renditions.items()} == {name: other.done for name, other in image.renditions.items()}
    assert all(np.array_equal(back.renditions[name].samples, other.samples) for name, other in image.renditions.items())


def test_without_balance_all_renditions_are_as_taken() -> None:
    samples = RNG.integers(0, 256, (20, 22)).astype(np.uint8)
    camera = Camera(name="DDC", gains=GAINS, illuminant=(1.0, 0.8, 0.5))
    for name in ("taken", "balanced", "true"):
        assert np.array_equal(develop(mosaic(samples), camera, white_balance="none", renditions=name).samples, demosaic(samples))
    assert np.array_equal(develop(mosaic(samples), camera, renditions="taken").samples, demosaic(samples))


def test_a_tone_curve_is_for_the_screen_and_leaves_the_measurements_alone(tmp_path: Path) -> None:
    samples = np.full((20, 22), 1000, np.uint16)
    image = develop(mosaic(samples, white=4095), Camera(name="DDC", bits=12), tone="srgb")
    assert (image.samples == 1000).all()
    image.save(FolderSink(tmp_path))
    with Picture.open(tmp_path / "product.png") as picture:
        assert picture.getpixel((5, 5)) == (135, 135, 135)  # 0.2442 of white is 0.5313 of the scale: IEC 61966-2-1
    eight = develop(mosaic(np.full((20, 22), 55, np.uint8)), Camera(name="DDC"), tone="srgb")
    assert (eight.samples == 128).all()


def test_a_stretch_that_was_undone_leaves_white_at_white() -> None:
    image = develop(mosaic(np.full((20, 22), 226, np.uint8), white=226), Camera(name="DDC"))
    assert (image.samples == 255).all()
    assert image.white == 255
    assert develop(mosaic(np.full((20, 22), 226, np.uint8), white=226), Camera(name="DDC"), renditions="taken").white == 226


def jpeg() -> bytes:
    stream = io.BytesIO()
    Picture.fromarray(np.full((8, 8), 200, np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "table, where",
    [
        ({"flat": jpeg()}, "flat"),
        ({"dark": b"no picture"}, "dark"),
        ({"matrix": [[1, 0, 0], [0, 1, 0]]}, "matrix"),
        ({"matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 2]]}, "matrix"),
        ({"matrix": [[1, 0], [0, 1], [0, 1]]}, "matrix"),
        ({"illuminant": [1, 1, 0]}, "illuminant"),
        ({"illuminant": [0.9, 0.8, 0.7]}, "illuminant"),
        ({"bias": -1}, "bias"),
        ({"bias": 255}, "bias"),
        ({"targets": {"deck": [1, 2, 3]}}, "targets"),
        ({"targets": {"deck": [1, 2, 0, 3]}}, "targets.deck"),
        ({"gains": [1, 0, 1]}, "gains"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_by_its_key(table: dict[str, Any], where: str) -> None:
    with pytest.raises(ProfileError) as raised:
        Camera.from_mapping(table, name="DDC")
    assert f"camera.DDC.{where}" in str(raised.value)


@pytest.mark.parametrize("plane", [np.zeros((20, 22, 3), np.uint8), b"II*\0 but no more"])
def test_a_flat_that_cannot_be_used_is_refused(plane: Any) -> None:
    data = plane if isinstance(plane, bytes) else tiff(plane)
    with pytest.raises(ProfileError, match=r"camera\.DDC\.flat"):
        develop(mosaic(np.zeros((20, 22), np.uint8)), Camera(name="DDC", flat=data))


def test_the_rovers_deck_is_white_and_no_highlight_is_magenta(real: Path) -> None:
    from stages.formats.images import read_image

    (path,) = (real / "m2020").glob("ESF_0004*.png")
    camera = Camera(name="DDC", width=2048, height=1536, gains=GAINS, illuminant=(1.0, 0.83, 0.62))
    image = develop(mosaic(np.ascontiguousarray(read_image(path).samples[..., 0])), camera, renditions="all")
    for picture in (image.samples, image.renditions["true"].samples):
        pixels = picture.reshape(-1, 3).astype(float)
        bright = pixels[pixels.max(axis=1) > 240]
        # Magenta is red and blue above green.
        magenta = np.minimum(bright[:, 0], bright[:, 2]) - bright[:, 1]
        assert len(bright) > 10_000
        assert np.mean(magenta > 12) < 0.002
    deck = image.samples.reshape(-1, 3).astype(float)
    deck = deck[(deck.min(axis=1) > 200)]
    assert np.abs(deck.mean(axis=0) - deck.mean()).max() < 8
