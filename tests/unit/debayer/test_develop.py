"""The stage: which edition wins, what is lost stays lost, and white balance keeps highlights white."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture

from pipeline.errors import DataError
from pipeline.stage import Group, read_stage
from pipeline.testing.saving import FolderSink
from stages import debayer as room
from stages.debayer import debayer, demosaic
from stages.debayer.calibration import calibrate, make_calibration
from stages.debayer.develop import PATTERNS
from stages.debayer.white_balance import normalised
from stages.products import Image, Mosaic
from stages.profile import Camera

RNG = np.random.default_rng(7)
CAMERA = Camera(name="DDC", gains=(1.2, 1.0, 3.0))


def edition(name: str = "lossless", *, shape: tuple[int, ...] = (40, 52), lost: int = 0, file: str = "f1", **fields: Any) -> Mosaic:
    samples = fields.pop("samples", None)
    samples = RNG.integers(0, 256, shape).astype(np.uint8) if samples is None else samples
    mask = fields.pop("mask", np.arange(samples.shape[0] * samples.shape[1]).reshape(samples.shape[:2]) < lost)
    return Mosaic(file=file, camera="DDC", frame="0000007", edition=name, samples=samples, mask=mask, source=f"ES_{name}", **fields)


def develop(*mosaics: Mosaic, camera: Camera = CAMERA, **settings: Any) -> Image:
    return debayer(Group.of(mosaics), camera, **settings)


def test_the_stage_has_its_name_and_key() -> None:
    spec = read_stage(room.debayer, "debayer")
    assert (spec.name, spec.dimensions) == ("debayer", ("camera", "frame"))
    assert [setting.name for setting in spec.settings] == ["method", "white_balance", "target", "renditions", "tone"]
    assert all(setting.help for setting in spec.settings)


def test_the_best_edition_wins_and_no_other_is_loaded() -> None:
    mosaics = [edition("thumbnail", shape=(5, 6)), edition("jpeg"), edition("video"), edition("lossless", file="f9")]
    group = Group.of(mosaics)
    loads: list[int] = []
    watched = Group(group.entries, lambda index: (loads.append(index), group[index])[1])
    image = debayer(watched, CAMERA)
    assert (image.edition, image.file, image.source) == ("lossless", "f9", "ES_lossless")
    assert image.editions == ("jpeg", "lossless", "thumbnail", "video")
    assert len(loads) == 1


@pytest.mark.parametrize(
    "mosaics, winner",
    [
        # 2080 samples; 95 % are 1976, so up to 104 may be lost
        ([edition("lossless", lost=104), edition("jpeg")], "lossless/f1"),
        ([edition("lossless", lost=105), edition("jpeg")], "jpeg/f1"),
        ([edition("lossless", lost=1000), edition("video", lost=950)], "lossless/f1"),
        ([edition("lossless", lost=1000), edition("thumbnail", shape=(10, 13))], "lossless/f1"),
        ([edition("lossless", lost=2000), edition("thumbnail", shape=(10, 13))], "thumbnail/f1"),
        ([edition("jpeg", lost=50, file="f1"), edition("jpeg", lost=20, file="f2")], "jpeg/f2"),
        ([edition("jpeg", file="f2"), edition("jpeg", file="f1")], "jpeg/f1"),
        ([edition("thumbnail", shape=(5, 6))], "thumbnail/f1"),
    ],
)
def test_most_samples_then_quality_then_completeness_then_key(mosaics: list[Mosaic], winner: str) -> None:
    image = develop(*mosaics)
    assert f"{image.edition}/{image.file}" == winner


def spoiled(mask: NDArray[np.bool_], method: Any, samples: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels that change with the samples under the mask, found by trying many of them."""
    changes = None
    for _ in range(40):
        other = samples.copy()
        other[mask] = RNG.integers(0, 256, mask.sum())
        image = develop(edition(samples=other, mask=mask), method=method, white_balance="none")
        kept = np.where(image.mask[..., np.newaxis], 0, image.samples)
        changes = kept if changes is None else changes
        assert np.array_equal(kept, changes)
    return image.mask


@pytest.mark.parametrize("method", ["malvar", "mlri", "superpixel"])
@pytest.mark.parametrize("pixels", [[(20, 25)], [(0, 0)], [(39, 51), (10, 0)], [(1, 1)]])
def test_no_pixel_that_counts_depends_on_a_lost_sample(pixels: list[tuple[int, int]], method: Any) -> None:
    mask = np.zeros((40, 52), bool)
    mask[tuple(np.transpose(pixels))] = True
    lost = spoiled(mask, method, RNG.integers(0, 256, (40, 52), np.uint8))
    assert lost.any()
    assert lost.sum() <= len(pixels) * {"malvar": 13, "mlri": 17 * 17, "superpixel": 1}[method]


def test_every_pixel_that_malvar_loses_does_depend_on_a_lost_sample() -> None:
    samples = RNG.integers(60, 190, (21, 21), np.uint8)
    for at in ((10, 10), (10, 11), (11, 11), (0, 0), (1, 0)):
        mask = np.zeros((21, 21), bool)
        mask[at] = True
        lost = develop(edition(samples=samples, mask=mask)).mask
        moved = np.zeros_like(mask)
        for value in range(0, 256, 3):
            other = samples.copy()
            other[at] = value
            moved |= (demosaic(other) != demosaic(samples)).any(axis=2)
        assert np.array_equal(lost, moved)


def test_lost_pixels_are_zero_and_count_as_missing() -> None:
    image = develop(edition(lost=52))
    assert image.mask[:3].all()
    assert not image.mask[3:].any()
    assert not image.samples[image.mask].any()
    whole = image.completeness()
    assert (whole.received, whole.expected, whole.gaps) == (37 * 52, 40 * 52, ((0, 3 * 52),))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_grey_scene_comes_out_grey_and_highlights_stay_white(pattern: str) -> None:
    light = np.broadcast_to(np.linspace(0, 400, 64), (32, 64))
    red, column = PATTERNS[pattern]
    gains = np.array([1.32, 1.0, 2.75])
    colour = np.minimum(light[..., np.newaxis] / gains, 255)
    samples = colour[..., 1].copy()
    samples[red::2, column::2] = colour[red::2, column::2, 0]
    samples[1 - red :: 2, 1 - column :: 2] = colour[1 - red :: 2, 1 - column :: 2, 2]
    camera = Camera(name="DDC", cfa=pattern, gains=tuple(gains))  # type: ignore[arg-type]
    image = develop(edition(samples=np.round(samples).astype(np.uint8)), camera=camera)
    spread = np.ptp(image.samples.astype(int), axis=2)
    assert spread.max() <= 6
    assert (image.samples[:, -8:] == 255).all()
    raw = develop(edition(samples=np.round(samples).astype(np.uint8)), camera=camera, white_balance="none")
    assert np.ptp(raw.samples[:, 30].astype(int), axis=1).min() > 100


def test_gains_under_one_do_not_turn_highlights_pink() -> None:
    def balance(mosaic: NDArray[Any], red: tuple[int, int], gains: tuple[float, float, float], white: int) -> NDArray[Any]:
        return calibrate(mosaic, red, make_calibration(mosaic.dtype, 0, normalised(gains), white, white))

    full = np.full((8, 8), 255, np.uint8)
    assert (balance(full, (0, 0), (1.0, 0.7, 1.3), 255) == 255).all()
    half = balance(np.full((8, 9), 100, np.uint8), (0, 0), (1.0, 0.5, 2.0), 255)
    assert half[:2, :2].tolist() == [[200, 100], [100, 255]]
    deep = balance(np.full((9, 9), 1000, np.uint16), (1, 0), (1.0, 1.0, 2.0), 1500)
    assert (deep[0, 1], deep[1, 0], deep[0, 0]) == (1500, 1000, 1000)


def test_mono_and_colour_pass_through() -> None:
    colour = edition(samples=RNG.integers(0, 256, (12, 14, 3), np.uint8), cfa="colour", lost=5)
    image = develop(colour)
    assert np.array_equal(image.samples[~image.mask], colour.samples[~image.mask])
    assert np.array_equal(image.mask, colour.mask)
    for mono, camera in ((edition(cfa="mono"), CAMERA), (edition(), Camera(name="LCAM", cfa="mono"))):
        assert np.array_equal(develop(mono, camera=camera).samples, mono.samples)


def test_the_cameras_filter_holds_and_moves_with_a_subframe() -> None:
    samples = RNG.integers(0, 256, (12, 14), np.uint8)
    camera = Camera(name="X", cfa="GRBG")
    for mosaic, pattern in (
        (edition(samples=samples), "GRBG"),
        (edition(samples=samples, meta={"x": 1, "y": 0}), "RGGB"),
        (edition(samples=samples, meta={"x": 4, "y": 3}), "BGGR"),
        (edition(samples=samples, cfa="GBRG"), "GBRG"),
    ):
        assert np.array_equal(develop(mosaic, camera=camera).samples, demosaic(samples, pattern=pattern))


def test_a_thumbnail_in_one_plane_is_no_mosaic_any_more() -> None:
    camera = Camera(name="X", width=104, height=80)
    thumbnail, subframe = edition("thumbnail"), edition("jpeg")
    assert develop(thumbnail, camera=camera).samples.ndim == 2
    assert develop(subframe, camera=camera).samples.ndim == 3


@pytest.mark.parametrize("method, corner", [("malvar", [3, 12]), ("mlri", [9, 18]), ("superpixel", [1, 5])])
def test_camera_telemetry_is_masked_but_not_missing(method: Any, corner: list[int]) -> None:
    camera = Camera(name="X", width=52, height=40, embedded_samples=10)
    image = develop(edition(), camera=camera, method=method)
    assert image.meta["telemetry"] == corner
    assert image.mask[0, : corner[1] - 3].all()
    assert not image.mask[corner[0] :].any()
    assert not image.completeness().partial
    partial = develop(edition(mask=np.arange(40 * 52).reshape(40, 52) >= 2060), camera=camera, method=method).completeness()
    assert partial.partial
    assert len(partial.gaps) == 1
    assert not develop(edition(shape=(20, 52)), camera=camera, method=method).mask.any()


def test_telemetry_in_pictures_that_came_in_colour_is_masked_too() -> None:
    camera = Camera(name="X", width=52, height=40, embedded_samples=10)
    image = develop(edition(shape=(40, 52, 3), cfa="colour"), camera=camera)
    assert image.meta["telemetry"] == [3, 12]
    assert not image.completeness().partial


@pytest.mark.parametrize("telemetry", [{}, {"telemetry": [3, 12]}, {"telemetry": [50, 12]}])
def test_what_is_lost_beside_telemetry_is_counted_and_all_of_it_is_transparent(telemetry: dict[str, Any], tmp_path: Path) -> None:
    samples = RNG.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    rows, columns = telemetry.get("telemetry", (0, 0))
    for places in ([], [(0, 5)], [(1, 20), (2, 3)], [(0, 11), (0, 12), (7, 0), (8, 29), (19, 29)]):
        mask = np.zeros((20, 30), bool)
        mask[tuple(np.array(places, int).reshape(-1, 2).T)] = True
        image = Image(camera="X", frame="1", samples=samples, mask=mask, meta=telemetry)
        lost = [(y, x) for y, x in places if y >= rows or x >= columns]
        said = image.completeness()
        assert (said.expected, said.received) == (600 - len(places) + len(lost), 600 - len(places))
        assert {y for start, stop in said.gaps for y in range(start // 30, stop // 30)} == {y for y, _ in lost}
        image.save(sink := FolderSink(tmp_path))
        shown = np.asarray(Picture.open(sink.path(".png")))
        assert np.array_equal(shown[:, :, :3], samples)
        assert not places or np.array_equal(shown[:, :, 3], np.where(mask, 0, 255))


def test_more_than_eight_bits_take_the_cameras_white() -> None:
    samples = RNG.integers(0, 4096, (20, 20)).astype(np.uint16)
    for white, bits, expected in ((65535, 12, 4095), (4095, 8, 4095), (1023, 12, 1023), (65535, 8, 65535)):
        image = develop(edition(samples=samples, white=white), camera=Camera(name="X", bits=bits))
        assert image.white == expected
        assert image.samples.max() <= expected


def test_a_mosaic_of_one_row_is_refused() -> None:
    with pytest.raises(DataError, match="no mosaic"):
        develop(edition(shape=(1, 9)))


@pytest.mark.parametrize("lost", [0, 60])
@pytest.mark.parametrize(
    "shape, cfa, dtype", [((40, 52), "RGGB", np.uint8), ((40, 52), "mono", np.uint16), ((40, 52, 3), "colour", np.uint8)]
)
def test_mosaics_and_images_come_back_from_disk(shape: tuple[int, ...], cfa: Any, dtype: Any, lost: int, tmp_path: Path) -> None:
    mosaic = edition(
        samples=RNG.integers(0, 256, shape).astype(dtype), cfa=cfa, lost=lost, clock=5.5, white=255, meta={"x": 2, "caveats": ["Coarse"]}
    )
    for number, product in enumerate((mosaic, develop(mosaic))):
        folder = tmp_path / str(number)
        sink = FolderSink(folder)
        product.save(sink)
        back = type(product).load(sink.source(product))
        for name in type(product).__dataclass_fields__:
            ours, theirs = getattr(product, name), getattr(back, name)
            assert np.array_equal(ours, theirs) if isinstance(ours, np.ndarray) else ours == theirs, name
        assert back.facts() == product.facts()
        assert back.completeness() == product.completeness()
        assert back.completeness().caveats == ("Coarse",)
        assert back.story()
        first = {path.name: path.read_bytes() for path in folder.iterdir()}
        product.save(sink)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_deep_images_have_a_png_to_look_at_and_a_tiff_to_measure(tmp_path: Path) -> None:
    from stages.formats.images import read_image

    image = develop(edition(samples=RNG.integers(0, 4096, (20, 20)).astype(np.uint16), white=4095))
    image.save(FolderSink(tmp_path))
    shown = read_image(tmp_path / "product.png").samples
    assert shown.dtype == np.uint8
    assert np.abs(shown - image.samples / 4095 * 255).max() <= 0.5
    assert np.array_equal(read_image(tmp_path / "product.tif").samples, image.samples)


def test_names_are_embedded(tmp_path: Path) -> None:
    from PIL import Image as Picture

    develop(edition()).save(FolderSink(tmp_path))
    with Picture.open(tmp_path / "product.png") as picture:
        assert picture.text["Title"] == "ES_lossless"
        assert picture.text["Source"] == "DDC"


def test_the_tally_counts_frames_editions_and_what_is_missing() -> None:
    def image(frame: str, *editions: str, lost: int = 0) -> Image:
        mask = np.arange(9).reshape(3, 3) < lost
        return Image(camera="DDC", frame=frame, samples=np.zeros((3, 3, 3), np.uint8), mask=mask, editions=editions)

    images = [
        image("0000002", "lossless", "thumbnail"),
        image("0000005", "thumbnail", lost=2),
        image("0000006", "jpeg"),
        image("ESF_x", "jpeg"),
    ]
    assert Image.tally(Group.of(images).entries) == {
        "cameras": {"DDC": {"frames": 4, "partial": 1, "missing": 3, "editions": {"jpeg": 2, "lossless": 1, "thumbnail": 2}}}
    }


def test_the_real_frame_comes_out_as_a_white_rover_on_brown_ground(real: Path) -> None:
    from stages.formats.images import read_image

    (path,) = (real / "m2020").glob("ESF_0004*.png")
    samples = read_image(path).samples[..., 0]
    camera = Camera(name="DDC", width=2048, height=1536, embedded_samples=48, gains=(1.32, 1.0, 2.75))
    image = develop(edition(samples=np.ascontiguousarray(samples)), camera=camera)
    assert not image.completeness().partial
    ground = np.median(image.samples[200:1300, 40:340].reshape(-1, 3), axis=0)
    assert ground[0] > 1.1 * ground[1] > 1.3 * ground[2]
    rover = image.samples[180:1480, 480:1560].reshape(-1, 3).astype(float)
    bright = rover[(rover[:, 1] > 190) & (rover[:, 1] < 235)]
    assert np.abs(np.median(bright, axis=0) - np.median(bright)).max() < 22
