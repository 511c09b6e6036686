"""Sequences: what many frames tell, what they do not, and that a new frame makes only itself."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.drive import Run
from pipeline.errors import ProfileError
from pipeline.executors import SyncExecutor
from pipeline.mission import Profile
from pipeline.registry import discover
from pipeline.settings import Settings
from pipeline.stage import Group
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from stages.debayer import debayer
from stages.debayer.mend import fill_spots, flat_field, mended
from stages.debayer.phase import doubt_of_phase
from stages.formats.images import read_image
from stages.formats.png import write_png
from stages.products import SPOT_DTYPE, Mosaic, Repair, Sequence
from stages.profile import Camera
from stages.sequence import repairs, sequence, survey
from stages.sequence.sighting import find_spots, histogram, means

HEIGHT, WIDTH = 96, 128
HOT, COLD, GLINT = (11, 20), (40, 61), (70, 90)
CAMERA = Camera(name="DDC", width=WIDTH, height=HEIGHT)


def view(number: int, *, moving: bool = True, shade: bool = False) -> NDArray[np.uint8]:
    """A Bayer mosaic of hills that move, with noise, a hot sample, a cold one, and a glint in one frame."""
    chance = np.random.default_rng(number)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    along = 9 * number if moving else 0
    light = 110 + 45 * np.sin((columns + along) / 17) * np.cos((rows - along) / 23)
    if shade:
        light *= 1 - 0.4 * (((rows - HEIGHT / 2) / HEIGHT) ** 2 + ((columns - WIDTH / 2) / WIDTH) ** 2) * 2
    light[0::2, 0::2] *= 1.2
    light[1::2, 1::2] *= 0.5
    samples = light + chance.normal(0, 2, light.shape)
    samples[HOT], samples[COLD] = samples[HOT] + 80, samples[COLD] - 60
    if number == 3:
        samples[GLINT] = 250
    return np.clip(samples.round(), 0, 255).astype(np.uint8)


def mosaic(samples: NDArray[Any], number: int | str, **fields: Any) -> Mosaic:
    frame = number if isinstance(number, str) else f"{number:07d}"
    values = {"file": f"f{frame}", "edition": "lossless", "mask": np.zeros(samples.shape[:2], np.bool_)} | fields
    return Mosaic(camera="DDC", frame=frame, samples=samples, **values)


def find(mosaics: list[Mosaic], **settings: bool) -> Sequence:
    sightings = [sighting for one in mosaics for sighting in survey(one, CAMERA, every=1)]
    return sequence(Group.of(sightings), CAMERA, **settings)


def test_a_sample_that_stands_out_whatever_the_scene_is_found_and_filled() -> None:
    mosaics = [mosaic(view(number), number) for number in range(12)]
    found = find(mosaics)
    assert [(int(spot["y"]), int(spot["x"]), bool(spot["excess"] > 0)) for spot in found.spots] == [(*HOT, True), (*COLD, False)]
    (repair,) = [one for one in repairs(found) if one.frame == "0000003"]
    done = mended(mosaics[3], [repair])
    assert done.meta["filled"] == 2
    clean = view(3).astype(int)
    around = [clean[HOT[0] + j, HOT[1] + i] for j in (-2, 0, 2) for i in (-2, 0, 2) if (i, j) != (0, 0)]
    assert done.samples[HOT] == int(np.median(around))
    # What was there for one frame is the scene's own.
    assert done.samples[GLINT] == 250
    changed = np.argwhere(done.samples != mosaics[3].samples)
    assert {tuple(place) for place in changed.tolist()} == {HOT, COLD}


def test_a_scene_that_rests_tells_nothing_of_the_sensor() -> None:
    found = find([mosaic(view(number, moving=False), number) for number in range(12)], flat=True)
    assert not len(found.spots)
    assert found.flat is None
    assert "does not move" in found.caveats[0]
    assert list(repairs(found)) == []


def test_few_frames_tell_nothing() -> None:
    assert not len(find([mosaic(view(number), number) for number in range(4)]).spots)


def test_the_median_of_many_frames_is_a_flat() -> None:
    mosaics = [mosaic(view(5 * number, shade=True), number) for number in range(60)]
    found = find(mosaics, flat=True)
    assert found.flat is not None
    field = flat_field(found.flat, (HEIGHT, WIDTH))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    truth = 1 - 0.4 * (((rows - HEIGHT / 2) / HEIGHT) ** 2 + ((columns - WIDTH / 2) / WIDTH) ** 2) * 2
    inner = np.s_[8:-8, 8:-8]
    ratio = (field / truth)[inner]
    assert np.abs(ratio / ratio.mean() - 1).mean() < 0.06
    assert np.corrcoef(field[inner].ravel(), truth[inner].ravel())[0, 1] > 0.6
    (repair,) = [one for one in repairs(found) if one.frame == "0000000"]
    done = mended(mosaics[0], [repair])
    assert done.meta["flat"] == "the sequence's median"
    assert "estimate" in done.meta["caveats"][-1]


def test_a_flat_is_never_made_without_being_asked_for_nor_from_what_was_coded_with_loss() -> None:
    mosaics = [mosaic(view(number), number) for number in range(20)]
    assert find(mosaics).flat is None
    assert list(survey(mosaic(view(1), 1, edition="jpeg"), CAMERA, every=1)) == []
    assert list(survey(mosaic(np.stack([view(1)] * 3, -1), 1, cfa="colour"), CAMERA, every=1)) == []


def stretch(samples: NDArray[np.uint8], top: int = 200) -> NDArray[np.uint8]:
    return np.clip(np.floor(samples * 255.0 / top + 0.5), 0, 255).astype(np.uint8)


def large(number: int) -> NDArray[np.uint8]:
    """A picture whose histogram is well filled, under level 200."""
    chance = np.random.default_rng(100 + number)
    return np.clip(chance.normal(90, 40, (256, 256)), 0, 199).round().astype(np.uint8)


def test_frames_that_were_stretched_alike_are_pooled_and_undone() -> None:
    mosaics = [mosaic(stretch(large(number)), f"name{number}") for number in range(3)]
    mosaics.append(mosaic(stretch(large(9), 150), "other"))
    mosaics.append(mosaic(large(5), "plain"))
    # Half of its levels by chance: too thin to tell by itself.
    mosaics.append(mosaic(stretch(large(7)[:24, :24]), "small"))
    found = find(mosaics)
    alike, other = sorted(found.stretches, key=lambda one: len(one.files), reverse=True)
    assert [frame for frame, _ in alike.files] == ["name0", "name1", "name2", "small"]
    assert [frame for frame, _ in other.files] == ["other"]
    repair = {one.frame: one for one in repairs(found)}
    assert sorted(repair) == ["name0", "name1", "name2", "other", "small"]
    for number, one in enumerate(mosaics[:3]):
        done = mended(one, [repair[one.frame]])
        assert np.array_equal(done.samples, large(number))
        assert done.white == len(alike.levels) - 1
        assert "levels were stretched" in done.meta["caveats"][0]


def test_the_undoing_can_be_switched_off() -> None:
    assert find([mosaic(stretch(large(0)), "a")], stretch=False).stretches == ()
    mosaics = [mosaic(view(number), number) for number in range(12)]
    assert not len(find(mosaics, hot_pixels=False).spots)


def test_only_the_file_that_was_stretched_is_undone() -> None:
    one = mosaic(stretch(large(0)), "a", file="web")
    (repair,) = repairs(find([one]))
    raw = mosaic(large(0), "a", file="archive")
    assert np.array_equal(mended(raw, [repair]).samples, raw.samples)
    lossy = mosaic(stretch(large(0)), "a", file="web", edition="jpeg")
    assert mended(lossy, [repair]) is lossy


def test_what_is_done_stands_in_the_images_record() -> None:
    one = mosaic(stretch(large(0)), "a")
    image = debayer(Group.of([one]), Camera(name="DDC"), Group.of(list(repairs(find([one])))))
    assert image.meta["destretched"] == len(find([one]).stretches[0].levels)
    assert any("stretched" in caveat for caveat in image.completeness().caveats)


def test_a_lost_sample_stays_lost_and_fills_nothing() -> None:
    samples = np.full((6, 6), 10, np.uint8)
    samples[2, 2] = 99
    mask = np.zeros((6, 6), np.bool_)
    mask[2, 4] = True
    filled, lost, count = fill_spots(samples, mask, np.array([[2, 2], [2, 4]]), 2)
    assert (filled[2, 2], count, bool(lost[2, 4])) == (10, 1, True)
    alone = np.ones((6, 6), np.bool_)
    alone[2, 2] = False
    assert fill_spots(samples, alone, np.array([[2, 2]]), 2)[1].all()


def test_a_camera_without_a_filter_fills_from_the_samples_beside() -> None:
    samples = np.tile(np.array([[10, 20], [30, 40]], np.uint8), (4, 4))
    repair = Repair(camera="DDC", span="s", frame="a", spots=np.array([(2, 2, 50)], SPOT_DTYPE))
    assert mended(mosaic(samples, "a"), [repair]).samples[2, 2] == 10
    assert mended(mosaic(samples, "a"), [repair], mono=True).samples[2, 2] == 35


def spot_at(samples: Any, mask: Any, y: int, x: int, step: int, floor: int) -> list[tuple[int, int, int]]:
    """What `find_spots` says of one place, by its own words."""
    places = [(y + j, x + i) for j in (-step, 0, step) for i in (-step, 0, step) if i or j]
    around = [int(samples[j, i]) for j, i in places if 0 <= j < len(samples) and 0 <= i < len(samples[0]) and not mask[j, i]]
    value = int(samples[y, x])
    if len(around) < 3:
        return []
    excess = value - max(around) if value > max(around) else min(0, value - min(around))
    return [(y, x, excess)] if abs(excess) >= max(floor, max(around) - min(around)) else []


def test_spots_are_those_that_a_plain_search_finds() -> None:
    chance = np.random.default_rng(2)
    samples = chance.integers(90, 110, (40, 50)).astype(np.uint16)
    for place in ((0, 0), (0, 49), (39, 3), (20, 20), (21, 22)):
        samples[place] += 60
    mask = chance.random((40, 50)) < 0.02
    for step in (1, 2):
        wanted = [spot for y, x in np.argwhere(~mask) for spot in spot_at(samples, mask, int(y), int(x), step, 15)]
        assert [tuple(spot) for spot in find_spots(samples, mask, step, 15).tolist()] == wanted
        assert wanted


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 9), (3, 3), (5, 4), (7, 33)])
def test_spots_up_to_the_edges_of_small_pictures_and_of_what_samples_hold(kind: Any, shape: tuple[int, int]) -> None:
    chance, most = np.random.default_rng(8), int(np.iinfo(kind).max)
    samples = np.full(shape, most // 2, kind)
    samples[:, ::4], samples[:, 3::8], samples[-1, -1] = most, 0, 0
    samples[chance.random(shape) < 0.4] = most // 2
    for mask in (np.zeros(shape, bool), chance.random(shape) < 0.2):
        for step, floor in ((1, 16), (2, most // 2), (1, 4 * most)):
            spots = find_spots(samples, mask, step, floor).tolist()
            assert spots == [spot for y, x in np.argwhere(~mask) for spot in spot_at(samples, mask, int(y), int(x), step, floor)]


def test_counts_and_means_are_those_of_numpy() -> None:
    samples = np.random.default_rng(3).integers(0, 256, (50, 70)).astype(np.uint8)
    mask = np.random.default_rng(4).random((50, 70)) < 0.1
    assert np.array_equal(histogram(samples, mask), np.bincount(samples[~mask], minlength=256))
    cells = means(samples, mask)
    assert cells.shape == (3, 4, 4)
    block, lost = samples[16:32:2, 33:48:2], mask[16:32:2, 33:48:2]
    assert cells[1, 2, 1] == pytest.approx(block[~lost].mean())


def test_a_span_follows_from_the_frame_alone() -> None:
    spans = [
        next(survey(mosaic(view(1), frame, clock=clock), CAMERA)).span
        for frame, clock in ((5, None), (1023, 7.0), (1024, 7.0), ("name", None), ("name", 7200.5))
    ]
    assert spans == ["00000", "00000", "00001", "named", "t00000002"]
    with pytest.raises(ProfileError, match="every"):
        list(survey(mosaic(view(1), 1), CAMERA, every=0))


def test_only_some_numbered_frames_are_looked_at_in_full() -> None:
    full = [next(survey(mosaic(view(1), number), CAMERA)).spots is not None for number in range(17)]
    assert [number for number, looked in enumerate(full) if looked] == [0, 8, 16]


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_the_filters_phase_is_checked_against_the_samples(pattern: str) -> None:
    samples = np.tile(view(2), (3, 3))
    said = doubt_of_phase(samples, np.zeros(samples.shape, np.bool_), pattern, "the profile")
    doubt = f"the profile says that its colour filter is {pattern} here, but its samples have their greens where RGGB or BGGR has them"
    assert said == (doubt if pattern.startswith("G") else "")


def test_grey_light_and_small_pictures_raise_no_doubt() -> None:
    grey = np.random.default_rng(1).normal(100, 5, (256, 256)).astype(np.uint8)
    assert doubt_of_phase(grey, np.zeros(grey.shape, np.bool_), "GRBG", "x") == ""
    assert doubt_of_phase(view(2)[:40, :40], np.zeros((40, 40), np.bool_), "GRBG", "x") == ""
    assert doubt_of_phase(view(2), np.ones((HEIGHT, WIDTH), np.bool_), "GRBG", "x") == ""


def test_the_phase_follows_the_subframe_and_a_wrong_corner_is_named(real: Path) -> None:
    samples = read_image(real / "m2020" / "ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010LUJ01.png").samples[:, :, 0]
    camera = Camera(name="DDC", width=2048, height=1536)

    def caveats(part: NDArray[Any], **meta: int) -> tuple[str, ...]:
        return debayer(Group.of([mosaic(np.ascontiguousarray(part), "a", meta=dict(meta))]), camera).completeness().caveats

    assert caveats(samples[301:901, 400:1000], y=301, x=400) == ()
    (said,) = caveats(samples[301:901, 400:1000], y=300, x=400)
    assert "colour filter is RGGB" in said
    assert "GRBG or GBRG" in said


def run(out: Path, folder: Path) -> tuple[dict[str, int], list[dict[str, str]]]:
    tables = {"names": {"rules": [{"pattern": r"(?P<instrument>ES)(?P<number>\d+)", "frame": "number"}], "cameras": {"ES": "DDC"}}}
    profile = Profile(name="toy", tables=tables)
    with Run(Store(out).create(), discover(), profile, Settings(mission="toy"), executor=SyncExecutor, progress=Quiet()) as engine:
        engine.admit([folder])
        engine.work()
    with (out / "index.csv").open(newline="") as stream:
        return dict(engine.summary.made), list(csv.DictReader(stream))


def test_every_frame_is_developed_once_and_a_new_one_remakes_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    folder.mkdir()
    for number in range(0, 80, 8):
        write_png(folder / f"ES{number}.png", view(number))
    made, rows = run(tmp_path / "out", folder)
    assert (made["sequence"], made["debayer"], len(rows)) == (1, 10, 10)
    told = json.loads((tmp_path / "out" / "sequences" / "DDC-00000.json").read_text())
    assert [spot[:2] for spot in told["spots"]] == [list(HOT), list(COLD)]
    write_png(folder / "ES9.png", view(9))
    made, rows = run(tmp_path / "out", folder)
    assert (made["sequence"], made["debayer"], len(rows)) == (1, 1, 11)


def test_a_repair_without_spots_is_as_it_was_saved() -> None:
    assert Repair(camera="a", span="b", frame="c").spots.dtype == SPOT_DTYPE
