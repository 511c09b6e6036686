"""Sheets: who is on which page, in which order, what is said and what is missing."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw

from pipeline.errors import DataError, ProfileError
from pipeline.stage import Group, read_stage
from pipeline.testing.saving import FolderSink, reloaded
from stages import contact_sheet as room
from stages.contact_sheet.draw import with_losses
from stages.contact_sheet.layout import Metrics, leaves
from stages.contact_sheet.pages import page_of
from stages.contact_sheet.sequence import slots
from stages.contact_sheet.sheet import caption_of, title_of
from stages.formats import palette
from stages.formats.lettering import GLYPHS, face, line_of, printable, shorten, width, wrap, write
from stages.products import Cell, ContactSheet, Image
from stages.profile import Camera, Clock, Timeline

CAMERA = Camera(name="DDC", title="Descent stage camera", order=3)
TIMELINE = Timeline(zero=1000.0, zero_name="entry")


def image(
    frame: str, *, clock: float | None = None, lost: float = 0.0, size: tuple[int, int] = (48, 64), edition: str = "lossless"
) -> Image:
    mask = np.zeros(size, bool)
    mask[: round(size[0] * lost)] = True
    samples = np.full((*size, 3), 90, np.uint8)
    return Image(camera="DDC", frame=frame, samples=samples, mask=mask, edition=edition, clock=clock, source=f"P_{frame}")


def cells(*images: Image, **settings: Any) -> list[Cell]:
    return [cell for one in images for cell in room.cells(one, CAMERA, **settings)]


def sheet(members: list[Cell], **settings: Any) -> ContactSheet:
    return room.contact_sheet(Group.of(members), CAMERA, TIMELINE, Clock(), **settings)


def names(members: list[Cell]) -> list[str]:
    group = Group.of(members)
    return [group.entries[slot.cell].key["frame"] if slot.gap is None else slot.gap.name for slot in slots(group.entries)]


def test_the_stages_have_their_names() -> None:
    specs = [read_stage(stage, "contact_sheet") for stage in (room.cells, room.contact_sheet, room.prints, room.book, room.side_by_side)]
    called = ["contact_sheet.cells", "contact_sheet", "contact_sheet.prints", "contact_sheet.book", "contact_sheet.side_by_side"]
    assert [spec.name for spec in specs] == called
    assert [spec.dimensions for spec in specs] == [("camera", "frame"), ("camera", "page"), ("camera", "page"), ("camera",), ()]
    assert [spec.settled for spec in specs] == [False, False, False, True, True]
    assert all(setting.help for spec in specs for setting in spec.settings)


@pytest.mark.parametrize(
    "frame, page",
    [
        ("0", "0001"),
        ("0047", "0001"),
        ("0048", "0002"),
        ("0007141", "0149"),
        ("9" * 18, f"{(10**18 - 1) // 48 + 1}"),
        ("9" * 19, "0001"),
        ("ESF_0001_0667022261_840FDR_N0010052EDLC00001_0010LUJ01", "0001"),
        ("ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010LUJ01", "0001"),
        ("IMG_1234", "0001"),
    ],
)
def test_a_page_follows_from_the_frame_alone(frame: str, page: str) -> None:
    assert page_of(frame, 48) == page
    assert next(room.cells(image(frame), CAMERA)).page == page


def test_a_missing_frame_has_an_empty_cell_and_a_long_gap_one_for_all() -> None:
    members = cells(*(image(f"{n:04d}") for n in (3, 4, 6, 10, 11, 40)))
    assert names(members) == ["0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012 - 0039", "0040"]
    made = sheet(members)
    assert made.missing == ((5, 6), (7, 8), (8, 9), (9, 10), (12, 40))
    assert made.completeness().received == 6
    assert made.completeness().expected == 38
    assert made.completeness().partial


def test_order_is_by_time_if_all_have_one() -> None:
    timed = cells(image("0003", clock=10.0), image("0001", clock=12.0), image("0002", clock=11.0))
    assert names(timed) == ["0003", "0002", "0001"]
    mixed = cells(image("0003", clock=10.0), image("0001"), image("0002", clock=11.0))
    assert names(mixed) == ["0001", "0002", "0003"]
    assert names(cells(image("10"), image("9"), image("b"), image("a"))) == ["9", "10", "a", "b"]


@pytest.mark.parametrize("clock", [float("nan"), float("inf"), 1e300])
def test_a_time_that_no_spacecraft_has_counts_as_none(clock: float) -> None:
    assert next(room.cells(image("0001", clock=clock), CAMERA)).clock is None


def test_captions_say_frame_time_edition_and_completeness() -> None:
    clock = Clock(correlation=((0.0, 0.0, 1.0),), tdt_minus_utc=0.0)
    (cell,) = cells(image("0001", clock=1254.375, lost=0.25))
    (entry,) = Group.of([cell]).entries
    caption = caption_of(entry, TIMELINE, clock, one_day=True)
    assert (caption.name, caption.edition, caption.since, caption.fraction) == ("0001", "lossless", "T+254.38 s", 0.75)
    assert (caption.utc, caption.clock) == ("12:20:54.375", "clock 1254.375")
    assert caption_of(entry, TIMELINE, clock, one_day=False).utc == "2000-01-01 12:20:54.375"
    assert caption_of(entry, Timeline(), Clock(), one_day=True).utc == ""
    (unknown,) = Group.of(cells(image("0001"))).entries
    nothing = caption_of(unknown, TIMELINE, clock, one_day=True)
    assert (nothing.utc, nothing.clock, nothing.since) == ("", "", "")


def test_what_happened_stands_at_the_first_cell_behind_it() -> None:
    group = Group.of(cells(*(image(f"{n:04d}", clock=float(n)) for n in (1, 2, 5, 6))))
    line = slots(group.entries, [0.5, 1.5, 1.75, 5.0, 7.0])
    assert [(slot.cell, slot.events) for slot in line if slot.events] == [(1, (2, 3)), (2, (4,))]
    untimed = Group.of(cells(image("0001", clock=1.0), image("0002")))
    assert all(slot.events == () for slot in slots(untimed.entries, [0.5, 1.5]))
    timeline = Timeline(zero=0.0, events=({"clock": 1.5, "name": "chute", "title": "Parachute"},))
    with_events = room.contact_sheet(group, CAMERA, timeline, Clock())
    without = room.contact_sheet(group, CAMERA, Timeline(), Clock())
    assert with_events.sizes[0][0] > without.sizes[0][0]
    assert next(with_events.leaves()).shape[:2] == with_events.sizes[0][::-1]


def test_a_gap_says_how_long_it_is() -> None:
    group = Group.of(cells(image("0001", clock=1.0), image("0009", clock=3.5)))
    assert [(slot.gap.name, slot.gap.seconds) for slot in slots(group.entries) if slot.gap] == [("0002 - 0008", 2.5)]
    untimed = Group.of(cells(image("0001"), image("0003", clock=3.5)))
    assert [slot.gap.seconds for slot in slots(untimed.entries) if slot.gap] == [None]


def test_the_title_counts() -> None:
    clock = Clock(correlation=((0.0, 0.0, 1.0),), tdt_minus_utc=0.0)
    group = Group.of(cells(image("0001", clock=1.0), image("0002", clock=2.0, lost=0.5), image("0005", clock=90000.0)))
    title = title_of(group.entries, slots(group.entries), CAMERA, TIMELINE, clock)
    assert title.camera == "Descent stage camera"
    assert title.lines == ("DDC", "page 0001", "frames 0001 - 0005", "2000-01-01 12:00:01 - 2000-01-02 13:00:00 UTC", "T = entry")
    assert [text for text, _ in title.tally] == ["3 frames", "1 partial", "2 missing"]


@pytest.mark.parametrize("fraction", [1.0, 0.99999, 0.5, 0.0004])
def test_what_is_not_whole_never_counts_as_such(fraction: float) -> None:
    cell = dataclasses.replace(cells(image("1"))[0], fraction=fraction)
    assert cell.completeness().partial == (fraction < 1)


def test_lost_pixels_are_hatched_in_the_sheet() -> None:
    made = sheet(cells(image("0001", lost=0.5)))
    place = made.places[0]
    (leaf,) = made.leaves()
    drawn = leaf[place.y : place.y + place.height, place.x : place.x + place.width]
    half = place.height // 2
    np.testing.assert_array_equal(drawn[:half], palette.hatch(half, place.width, x=place.x, y=place.y))
    assert (drawn[half:] == 90).all()
    whole = cells(image("0001"))[0]
    np.testing.assert_array_equal(with_losses(whole, 0, 0), whole.samples)


def test_hatching_joins_across_pieces() -> None:
    whole = palette.hatch(20, 30, x=7, y=5)
    np.testing.assert_array_equal(whole[8:, 11:], palette.hatch(12, 19, x=18, y=13))


def test_sheets_are_the_same_whatever_the_order_of_arrival() -> None:
    members = cells(*(image(f"{n:04d}", lost=0.1 * (n % 3)) for n in (9, 2, 5, 30)))
    first, second = sheet(members), sheet(members[::-1])
    np.testing.assert_array_equal(next(first.leaves()), next(second.leaves()))
    assert first.facts() == second.facts()
    np.testing.assert_array_equal(next(first.leaves()), next(first.leaves()))


def test_many_named_frames_fill_leaves_and_load_one_cell_at_a_time() -> None:
    members = cells(*(image(f"name_{n:03d}", size=(12, 16)) for n in range(20)))
    made = sheet(members, columns=3, rows=3)
    assert len(made.sizes) == 3
    assert [place.leaf for place in made.places] == [0] * 9 + [1] * 9 + [2] * 2
    loaded = []
    watched = Group(Group.of(members).entries, lambda i: loaded.append(i) or members[i])
    one_by_one = room.contact_sheet(watched, CAMERA, TIMELINE, Clock(), columns=3, rows=3).leaves()
    assert loaded == []
    next(one_by_one)
    assert len(loaded) == 9


def test_leaves_have_the_sizes_that_were_said() -> None:
    made = sheet(cells(*(image(f"{n:04d}") for n in range(7))), columns=4, rows=8)
    assert [(leaf.shape[1], leaf.shape[0]) for leaf in made.leaves()] == list(made.sizes)


def test_a_page_of_one_has_room_for_its_title() -> None:
    group = Group.of(cells(image("0001")))
    metrics = Metrics.of(group.entries, columns=6, rows=8)
    assert metrics.columns == 3
    assert len(leaves(slots(group.entries), metrics)) == 1


def test_cells_and_sheets_come_back_from_disk(tmp_path: Path) -> None:
    (cell,) = cells(image("0001", lost=0.3, clock=4.0))
    again = reloaded(cell, tmp_path / "cell")
    np.testing.assert_array_equal(again.samples, cell.samples)
    np.testing.assert_array_equal(again.mask, cell.mask)
    assert again.facts() == cell.facts()
    assert again.key == cell.key
    made = sheet([cell])
    back = reloaded(made, tmp_path / "sheet")
    np.testing.assert_array_equal(next(back.leaves()), next(made.leaves()))
    assert back.facts() == made.facts()


def test_a_cell_that_was_cut_is_told_of(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    (cell,) = cells(image("0001"))
    cell.save(sink)
    path = sink.files[""]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"0001.* bytes.*verify --repair"):
        Cell.load(sink.source(cell))


@pytest.mark.parametrize("settings", [{"width": 4}, {"width": 5000}, {"per_page": 0}])
def test_settings_of_cells_have_bounds(settings: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match=re.escape("contact_sheet.cells.")):
        cells(image("0001"), **settings)


@pytest.mark.parametrize("settings", [{"columns": 0}, {"rows": 1001}])
def test_settings_of_sheets_have_bounds(settings: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match=re.escape("contact_sheet.")):
        sheet(cells(image("0001")), **settings)


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(DataError, match="no pixels"):
        cells(image("0001", size=(0, 64)))


def test_mono_and_deep_images_become_cells() -> None:
    mono = Image(camera="LCAM", frame="1", samples=np.full((8, 8), 2048, np.uint16), mask=np.zeros((8, 8), bool), white=4095)
    (cell,) = room.cells(mono, Camera(name="LCAM"))
    assert cell.samples.shape == (8, 8, 3)
    assert (cell.samples == 128).all()


def test_words_are_kept_to_what_the_typeface_has() -> None:
    assert printable("Jezero\N{EN DASH}Krater \N{MINUS SIGN}2 é 中 \x00\n°…·") == "Jezero-Krater -2 e ? ??°…·"
    assert shorten("short", 12, 200) == "short"
    name = "ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010LUJ01"
    short = shorten(name, 12, 150)
    assert short.startswith("ESF_")
    assert short.endswith("LUJ01")
    assert width(short, 12) <= 150
    assert shorten("W" * 400, 12, 1) == "…"
    lines = wrap(name, 12, 238, 2)
    assert "".join(lines) == name
    assert all(width(line, 12) <= 238 for line in lines)


@pytest.mark.parametrize("size", [12, 13, 15, 26])
def test_lines_of_letters_drawn_once_are_those_that_pillow_sets(size: int) -> None:
    rng = np.random.default_rng(size)
    letters = np.array(sorted(GLYPHS) + list("fj/,;x") * 10)
    for anchor in ("ls", "ms", "rs"):
        for text in ["", " ", *("".join(rng.choice(letters, 12)) for _ in range(30))]:
            place = (float(rng.integers(-20, 200)), int(rng.integers(0, 50)) + (0.5 if text.startswith("f") else 0))
            ours, pillows = (Picture.new("RGB", (180, 40), palette.PANEL) for _ in range(2))
            write(ImageDraw.Draw(ours), place, text, size, palette.INK, anchor)
            ImageDraw.Draw(pillows).text(place, text, font=face(size), fill=palette.INK, anchor=anchor)
            assert ours.tobytes() == pillows.tobytes(), (text, place, anchor)
    for first in GLYPHS:
        assert all(width(first + second, size) == face(size).getlength(first + second) for second in GLYPHS)


def test_lines_that_were_set_do_not_pile_up() -> None:
    canvas = ImageDraw.Draw(Picture.new("RGB", (200, 40)))
    for number in range(600):
        write(canvas, (10, 20), f"frame {number}", 12, palette.INK)
    kept = line_of.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize == kept.maxsize < 600
