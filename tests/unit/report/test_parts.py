"""What the page is made of: the index, cameras, plots, time line, link, files and words."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

from pipeline.product import Entry, Key
from stages.formats.ticks import round_ticks
from stages.profile import Clock, Timeline
from stages.report import words
from stages.report.costs import costs
from stages.report.heard import sound_views
from stages.report.index import COLUMNS, index_csv
from stages.report.link import link_health
from stages.report.losses import Losses, told, trace_losses
from stages.report.pictures import cameras, hero
from stages.report.plot import (
    BINS,
    PLOT,
    STATES,
    camera_lane,
    plot,
    sound_lane,
    sparkline,
    stack,
    telemetry_lane,
    thinned,
    tick_text,
    timeline_figure,
)
from stages.report.received import file_views, gap_map
from stages.report.shots import Gap
from stages.report.span import Span, marks_in, span_of
from stages.report.telemetry import MOST_EVENTS, Series, event_rows, leading, series_of

SPAN = Span(start=0.0, stop=100.0, zero=0.0, label="start")


def views(run: Any, *images: Any, **rest: Any) -> Any:
    return cameras(images, rest.get("sheets", ()), rest.get("books", ()), run.timeline, run.clock, rest.get("losses", Losses()))


def series(times: Any, values: Any, *, name: str = "x", channel: int = 1) -> Series:
    data = {"times": np.asarray(times, float), "values": np.asarray(values, float)}
    return Series(channel=channel, name=name, title="", unit="m", **data)


def shapes(svg: Any, tag: str, kind: str = "") -> list[dict[str, str]]:
    return [dict(node.attrib) for node in ET.fromstring(str(svg)).iter(tag) if not kind or node.get("class") == kind]  # noqa: S314 - ours


# --- index.csv


def test_the_index_lists_every_image(run: Any) -> None:
    images = [run.image("0001", lost=1, clock=12.5), run.image("0002", camera="RDC", source='a,"b"\nc', utc="2021-02-18T20:41:04Z")]
    rows = list(csv.DictReader(io.StringIO(index_csv(images, run.clock).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0] == {
        "source": "P_0001",
        "camera": "DDC",
        "frame": "0001",
        "clock": "12.500000",
        "utc": "2000-01-01T12:00:12.500000Z",
        "edition": "lossless",
        "editions": "jpeg lossless",
        "width": "640",
        "height": "480",
        "received": "999",
        "expected": "1000",
        "completeness": "0.999000",
        "path": "images/DDC/0001.png",
    }
    assert (rows[1]["source"], rows[1]["utc"], rows[1]["clock"]) == ('a,"b"\nc', "2021-02-18T20:41:04Z", "")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_name_is_a_formula(run: Any, name: str) -> None:
    (_, row) = csv.reader(io.StringIO(index_csv([run.image("1", source=name)], run.clock).decode(), newline=""))
    assert row[0] == f"'{name}"


def test_what_is_nearly_whole_is_not_whole(run: Any) -> None:
    image = run.image("1")
    done = type(image.completeness)(received=99_999_999, expected=100_000_000)
    image = type(image)(key=image.key, digest="", completeness=done, facts=image.facts, paths=image.paths)
    assert b"0.999999" in index_csv([image], run.clock)


# --- cameras


def test_cameras_count_what_is_missing(run: Any) -> None:
    images = [run.image(f"{n:04d}", lost=10 * (n == 5)) for n in (1, 2, 5, 9)]
    images.append(run.image("0010", editions=["thumbnail"], edition="thumbnail"))
    (view,) = views(run, *images)
    assert view.missing == ((3, 5), (6, 9))
    assert [item.name for item in view.line if isinstance(item, Gap)] == ["0003 \N{EN DASH} 0004", "0006 \N{EN DASH} 0008"]
    assert (view.missing_count, view.partial, view.thumbnails, view.whole) == (5, 1, 1, 3)
    assert view.editions == (("lossless", 4), ("jpeg", 4), ("thumbnail", 1))


def test_cameras_stand_in_the_order_of_the_profile(run: Any) -> None:
    images = [run.image("1", camera=name) for name in ("A", "B", "C")]
    sheets = [run.sheet("0001", ["1"], camera="C", order=2), run.sheet("0001", ["1"], camera="B", order=5)]
    assert [view.name for view in views(run, *images, sheets=sheets)] == ["C", "B", "A"]
    assert [view.title for view in views(run, *images, sheets=sheets)] == ["Camera C", "Camera B", "A"]


def test_pictures_stand_by_time_if_all_have_one(run: Any) -> None:
    timed = [run.image("1", clock=30.0), run.image("2", clock=10.0), run.image("10", clock=20.0)]
    assert [shot.frame for shot in views(run, *timed)[0].shots] == ["2", "10", "1"]
    mixed = [run.image("2", clock=10.0), run.image("10"), run.image("b"), run.image("1", clock=30.0)]
    assert [shot.frame for shot in views(run, *mixed)[0].shots] == ["1", "2", "10", "b"]


def test_leaves_of_a_sheet_are_found_in_order(run: Any) -> None:
    names = [f"n{n}" for n in range(12)]
    places = [[name, n, 0, 0, 10, 10] for n, name in enumerate(names)]
    sheet = run.sheet("0001", names, sizes=[[100, 100]] * 12, places=places)
    paths = tuple(sorted(["contact_sheets/DDC-0001.png", *(f"contact_sheets/DDC-0001.{n}.png" for n in range(2, 13))]))
    sheet = type(sheet)(key=sheet.key, digest="", completeness=sheet.completeness, facts=sheet.facts, paths=paths)
    (view,) = views(run, *(run.image(name) for name in names), sheets=[sheet])
    assert [sheet.name for sheet in view.sheets] == ["0001", *(f"0001.{n}" for n in range(2, 13))]
    assert {shot.frame: shot.sprite.url for shot in view.shots}["n11"] == "contact_sheets/DDC-0001.12.png"


@pytest.mark.parametrize(
    "images,expected",
    [
        ([("1", {}), ("2", {}), ("3", {})], "2"),
        ([("1", {"lost": 500}), ("2", {"edition": "jpeg"})], "2"),
        ([("1", {"lost": 10}), ("2", {"edition": "jpeg", "lost": 20})], "1"),
        ([("1", {"edition": "thumbnail"}), ("2", {"edition": "jpeg"})], "2"),
        ([("1", {}), ("2", {"width": 2048})], "2"),
        ([("1", {"edition": "unheard of"})], "1"),
    ],
)
def test_the_best_picture_leads(run: Any, images: Any, expected: str) -> None:
    found = hero(views(run, *(run.image(frame, **about) for frame, about in images)))
    assert found is not None
    assert found[1].frame == expected


def test_no_picture_no_lead(run: Any) -> None:
    assert hero([]) is None
    assert hero(views(run, sheets=[run.sheet("0001", ["1"])])) is None


# --- losses


def torn(run: Any, number: int, passes: Any, holes: Any = (), part: str = "") -> Entry:
    passes = [[name, *([part, bit] for bit in bits)] for name, *bits in passes]
    holes = [[*hole[:3], *(None if bit is None else [part, bit] for bit in hole[3:])] for hole in holes]
    entry = run.file(f"f{number}", gaps=tuple((hole[0], hole[1]) for hole in holes))
    key = Key([("file", f"80-{number:04d}")])
    facts = entry.facts | {"passes": passes, "holes": holes}
    return Entry(key=key, digest="", completeness=entry.completeness, facts=facts, paths=entry.paths)


def link(run: Any, *gaps: tuple[int, int, int], chunk: str = "0") -> Entry:
    entry = run.packets(chunk)
    return Entry(key=entry.key, digest="", completeness=entry.completeness, facts=entry.facts | {"gaps": [list(gap) for gap in gaps]})


def test_a_hole_is_traced_to_the_loss_between_its_neighbours(run: Any) -> None:
    packets = link(run, (2, 5, 100), (2, 7, 200), (2, 9, 300), (0, 1, 150))
    files = [torn(run, 1, [["one", 0, 400]], [(10, 20, "one", 100, 200)]), torn(run, 2, [["one", 500, 600]])]
    files.append(torn(run, 3, [["one", 0, 400]], [(0, 9, "one", None, 320), (30, 40, "one", 190, 210)]))
    losses = trace_losses([packets], files)
    assert losses.channels["one"] == (2, 0)
    assert [loss.lost for loss in losses.by_file["80-0003"]] == [9, 7]
    assert "80-0002" not in losses.by_file
    assert told(losses.by_file["80-0003"]) == "16 transfer frames lost in pass one: 9 at byte 37 of the pass, 7 at byte 25 of the pass"
    assert trace_losses([], files).by_file == {}


def test_missing_frames_are_traced_to_what_fell_between_their_neighbours(run: Any) -> None:
    packets = link(run, (2, 7, 450))
    files = [torn(run, 1, [["one", 0, 400]]), torn(run, 3, [["one", 500, 600]])]
    losses = trace_losses([packets], files)
    images = [run.image("0001", file="80-0001"), run.image("0003", file="80-0003")]
    (view,) = views(run, *images, losses=losses)
    assert [item.name for item in view.line] == ["0001", "0002", "0003"]
    assert view.line[1].why == "7 transfer frames lost in pass one: 7 at byte 56 of the pass"
    assert losses.between("80-0003", "80-0001") == ()
    (cost,) = costs([view], [], losses)["one"]
    assert cost.frames == (("#camera-DDC", "DDC 0002 (missing)"),)


def test_a_hole_in_one_part_is_not_put_down_to_losses_of_another(run: Any) -> None:
    packets = [link(run, (2, lost, 160), chunk=f"p{lost:06d}") for lost in (1, 2, 3)]
    files = [torn(run, 1, [["one", 0, 400]], [(10, 20, "one", 100, 200)], part="p000002")]
    losses = trace_losses(packets, files)
    assert told(losses.by_file["80-0001"]) == "2 transfer frames lost in pass one: 2 at byte 20 of part p000002"
    (loss,) = trace_losses([link(run, (2, 5, 160))], [torn(run, 1, [], [(1, 2, "one", 0, 200)])]).by_file["80-0001"]
    assert loss.place == "byte 20 of the pass"


def test_a_hole_across_parts_is_put_down_to_all_that_lies_between(run: Any) -> None:
    packets = [link(run, (2, 1, 80), (2, 2, 800), chunk="p000001"), link(run, (2, 3, 0), (2, 4, 800), chunk="p000002+000000000100")]
    facts = {"passes": [["one", ["p000001", 0], ["p000002", 200]]], "holes": [[10, 20, "one", ["p000001", 100], ["p000002", 200]]]}
    entry = run.file("f", gaps=((10, 20),))
    file = Entry(key=entry.key, digest="", completeness=entry.completeness, facts=entry.facts | facts, paths=entry.paths)
    (found,) = trace_losses(packets, [file]).by_file.values()
    assert [(loss.part, loss.lost) for loss in found] == [("p000001", 2), ("p000002", 3)]


def test_a_sheet_with_a_frame_that_is_only_a_thumbnail_is_not_whole(run: Any) -> None:
    images = [run.image("1"), run.image("2", editions=["thumbnail"], edition="thumbnail"), run.image("3")]
    sheets = [run.sheet("0001", ["1", "2"]), run.sheet("0002", ["3"])]
    assert [sheet.whole for sheet in views(run, *images, sheets=sheets)[0].sheets] == [False, True]


# --- telemetry


def test_channels_are_split_in_order_of_time(run: Any) -> None:
    rows = [(1.0 + n, number, f"c{number}", float(n), "V") for n in range(5) for number in (7, 3)]
    rows.append((9.0, 3, "c3", float("nan"), "V"))
    first, second = series_of(run.channels(rows), run.clock, run.dictionary)
    assert (first.channel, first.name, first.unit, first.values.tolist()) == (3, "c3", "V", [0, 1, 2, 3, 4])
    assert second.times.tolist() == [1, 2, 3, 4, 5]
    assert series_of(None, run.clock, run.dictionary) == []


def test_what_people_look_for_comes_first() -> None:
    names = ["bus_voltage", "speed", "altitude", "mach", "flat_altitude"]
    found = [series(range(9), range(9) if name != "flat_altitude" else [1] * 9, name=name, channel=n) for n, name in enumerate(names)]
    assert [item.name for item in leading(found)] == ["altitude", "speed", "mach"]
    plain = [series(range(9), np.arange(9) // step, name=f"c{step}", channel=step) for step in (4, 1, 2)]
    assert [item.name for item in leading(plain)] == ["c1", "c2", "c4"]


def test_of_very_many_events_the_first_and_the_last_are_shown(run: Any) -> None:
    rows, count = event_rows(run.events([(float(n), "info", "E", str(n)) for n in range(2000)]), run.timeline, run.clock)
    assert count == 2000
    assert [row.message for row in (rows[0], rows[249], rows[250], rows[-1])] == ["0", "249", "1750", "1999"]
    assert len(rows) == MOST_EVENTS
    assert event_rows(None, run.timeline, run.clock) == ([], 0)


# --- plots


def test_values_lie_where_the_axes_say() -> None:
    drawn = plot(series([0, 50, 100], [0, 10, 20]), SPAN, [])
    (line,) = shapes(drawn, "path")
    points = [tuple(float(number) for number in pair.split()) for pair in re.findall(r"[ML]([\d.]+ [\d.]+)", line["d"])]
    assert [x for x, _ in points] == pytest.approx([PLOT.x(0), PLOT.x(0.5), PLOT.x(1)], abs=0.06)
    grid = {node["y1"] for node in shapes(drawn, "line", "grid")}
    assert f"{points[0][1]:.1f}" in grid
    assert f"{points[2][1]:.1f}" in grid
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2, abs=0.06)


def test_a_line_breaks_where_nothing_came() -> None:
    times = [*range(20), 50, *range(70, 90)]
    (line,) = shapes(plot(series(times, times), SPAN, []), "path")
    assert line["d"].count("M") == 3
    assert line["d"].count("h0") == 1


def test_thinning_keeps_first_last_lowest_and_highest() -> None:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 100, 20000))
    values = rng.standard_normal(20000)
    kept = thinned(times, values, SPAN)
    assert len(kept) <= 4 * BINS
    assert (np.diff(kept) > 0).all()
    bins = (times / 100 * BINS).astype(int)
    for each in (0, 17, BINS - 1):
        inside = np.flatnonzero(bins == each)
        wanted = {inside[0], inside[-1], inside[values[inside].argmin()], inside[values[inside].argmax()]}
        assert wanted <= set(kept.tolist())


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0, 0.0], [1e300, -1e300], [1e-300, 0], [3.0], [1e15, 1e15 + 1]])
def test_any_values_can_be_plotted(values: list[float]) -> None:
    item = series(range(len(values)), values)
    ET.fromstring(str(plot(item, SPAN, [])))  # noqa: S314 - ours
    assert "nan" not in str(plot(item, SPAN, []))
    assert "nan" not in str(sparkline(item))


def test_nothing_in_the_span_is_no_plot() -> None:
    assert plot(series([200, 300], [1, 2]), SPAN, []) == ""
    assert sparkline(series([1], [1])) == ""


def test_events_are_marked_in_plots_and_on_the_time_line(run: Any) -> None:
    span = span_of([(1100.0, 1200.0)], run.timeline, run.clock)
    assert span is not None
    marks = marks_in(span, run.timeline, run.clock)
    assert [(mark.number, mark.title, mark.since) for mark in marks] == [
        (1, "Entry", "T+0.00 s"),
        (2, "Parachute", "T+240.00 s"),
        (3, "Touchdown", "T+420.00 s"),
    ]
    drawn = plot(series([1100, 1200], [1, 2]), span, marks)
    assert [float(node["x1"]) for node in shapes(drawn, "line", "event")] == pytest.approx(
        [PLOT.x(span.place(mark.clock)) for mark in marks], abs=0.06
    )
    figure = timeline_figure([], span, marks)
    assert len(shapes(figure, "circle")) == 3


def test_the_span_is_that_of_the_landing_or_of_the_data(run: Any) -> None:
    landing = span_of([(1100.0, 1200.0), (9e9, 9e9)], run.timeline, run.clock)
    assert landing is not None
    assert (landing.zero, landing.label) == (1000.0, "entry")
    assert 950 < landing.start < 1000
    assert 1420 < landing.stop < 1500
    other = span_of([(5000.0, 5060.0)], run.timeline, run.clock)
    assert other is not None
    assert (other.start, other.stop, other.label) == (5000.0, 5060.0, "2000-01-01 13:23:20 UTC")
    assert span_of([], run.timeline, run.clock) is None
    point = span_of([(7.0, 7.0)], Timeline(), Clock())
    assert point is not None
    assert point.stop > point.start


def test_lanes_show_what_came_when(run: Any) -> None:
    came = [run.image("1", clock=10.0), run.image("2", clock=10.5), run.image("3", clock=50.0, lost=1), run.image("4", clock=500.0)]
    (view,) = views(run, *came, run.image("5", clock=90.0, edition="thumbnail", editions=["thumbnail"]))
    lane = camera_lane(view, SPAN)
    assert lane is not None
    assert [STATES[lane.bins[round(second / 100 * BINS)]] for second in (10, 50, 90, 30)] == ["whole", "partial", "thumbnail", ""]
    assert np.count_nonzero(lane.bins) <= 6
    (gappy,) = views(run, run.image("1", clock=20.0), run.image("5", clock=60.0))
    holed = camera_lane(gappy, SPAN)
    assert holed is not None
    assert [STATES[holed.bins[round(second / 100 * BINS)]] for second in (20, 40, 59, 60, 70)] == ["whole", "lost", "lost", "whole", ""]
    (elsewhere,) = views(run, run.image("1", clock=500.0))
    assert camera_lane(elsewhere, SPAN) is None
    (sound,) = sound_views([run.recording(gaps=((20000, 30000),), clock=20.0)], [], [], run.timeline, Losses())
    heard = sound_lane(sound, SPAN)
    assert heard is not None
    at = [heard.bins[int(second / 100 * BINS)] for second in (10, 30, 45, 60, 90)]
    assert [STATES[state] for state in at] == ["", "whole", "lost", "whole", ""]
    measured = telemetry_lane([series(range(40, 60), range(20)), series([500.0], [1])], SPAN)
    assert measured is not None
    assert [measured.bins[int(second / 100 * BINS)] for second in (30, 45, 70)] == [0, 1, 0]
    assert telemetry_lane([series([500.0], [1])], SPAN) is None
    figure = timeline_figure([lane, heard], SPAN, [])
    assert len(shapes(figure, "rect", "lost")) == 1
    assert len(shapes(figure, "rect", "partial")) == 1


def test_marks_that_touch_are_stacked() -> None:
    assert stack([0, 5, 10, 100, 101], 20) == [0, 1, 2, 0, 1]
    assert stack([], 20) == []


# --- link, files, sound


def test_link_health_adds_up(run: Any) -> None:
    packets = [run.packets("0"), run.packets("1"), run.packets("2", virtual_channel=3, lost=0, packets={})]
    (item,) = link_health([run.frames("0"), run.frames("1")], packets)
    assert (item.name, item.frames, item.bad, item.corrected, item.uncorrectable, item.lost) == ("one", 180, 6, 14, 2, 20)
    first, second = item.channels
    assert (first.channel, first.frames, first.lost, first.packets, first.apids) == (0, 180, 20, 108, "9: 100, 8: 8")
    assert first.fraction == 0.9
    assert second.fraction == 1.0
    many = run.packets("0", packets={str(n): 20 - n for n in range(12)})
    assert link_health([], [many])[0].channels[0].apids.endswith("and 4 more")
    only_frames = link_health([run.frames("0")], [])
    assert (only_frames[0].frames, only_frames[0].channels, only_frames[0].fraction) == (90, (), 1.0)


def test_files_that_miss_most_come_first(run: Any) -> None:
    files = [run.file("whole"), run.file("torn", gaps=((0, 500),)), run.file("open", size=None), run.file("hole", gaps=((9, 10),))]
    found = file_views(files)
    assert [view.name for view in found] == ["open", "torn", "hole", "whole"]
    assert [view.whole for view in found] == [False, False, False, True]
    assert [view.size for view in found][:2] == ["not known", "1.0 kB"]
    outside = files[0]
    assert file_views([type(outside)(key=outside.key, digest="", completeness=outside.completeness, facts={}, paths=())]) == []


def test_gaps_are_drawn_where_they_are() -> None:
    lost = shapes(gap_map(((0, 100), (500, 501), (999, 1000)), 1000), "rect", "lost")
    assert [(node["x"], node["width"]) for node in lost] == [("0", "100"), ("500", "2"), ("998", "2")]
    assert shapes(gap_map(tuple((n * 10, n * 10 + 9) for n in range(5000)), 50000), "rect", "lost") == [
        {"class": "lost", "x": "0", "y": "0", "width": "1000", "height": "10"}
    ]
    assert gap_map((), None) == ""
    assert gap_map((), 0) == ""


def test_recordings_are_told(run: Any) -> None:
    (view,) = sound_views([run.recording(gaps=((1000, 1500),))], [run.spectrogram()], [], run.timeline, Losses())
    assert dict(view.facts) == {
        "Length": "1 min 00 s",
        "Sampled": "1 kHz, 24 bit, mono",
        "Begins": "T+380.00 s",
        "Loudest": "-3.0 dBFS",
        "Lost": "0.50 s in 1 gap",
    }
    assert view.gaps[0].text == "0:01.00, 0.50 s"
    assert view.fraction == pytest.approx(1 - 0.5 / 60)


def heard(run: Any, number: int, clock: float, bits: tuple[int, int], holes: Any = (), **meta: Any) -> Entry:
    entry = torn(run, number, [["one", *bits]], holes)
    facts = entry.facts | {"meta": {"clock": clock, "rate": 1000} | meta}
    return Entry(key=entry.key, digest="", completeness=entry.completeness, facts=facts, paths=entry.paths)


def gaps_heard(run: Any, files: list[Entry], packets: Entry) -> Any:
    losses = trace_losses([packets], files)
    recording = run.recording(gaps=((1000, 1500),), clock=1000.0)
    (view,) = sound_views([recording], [], files, run.timeline, losses)
    twice = sound_views([recording, recording], [], files, run.timeline, losses)
    assert [gap.why for each in twice for gap in each.gaps] == ["", ""]
    return view, losses


def test_a_gap_between_two_whole_files_of_sound_is_one_that_never_came(run: Any) -> None:
    files = [heard(run, 1, 1000.5, (0, 400)), heard(run, 2, 1001.5, (500, 600)), heard(run, 3, 1001.2, (450, 460), rate=8)]
    view, losses = gaps_heard(run, files, link(run, (2, 7, 450)))
    assert (
        view.gaps[0].why == "no file is known to have come between f1 and f2; 7 transfer frames lost in pass one: 7 at byte 56 of the pass"
    )
    assert [cost.frames for cost in costs([], [view], losses)["one"]] == [(("#sound", "EDL 0:01.00"),)]


def test_a_gap_in_a_file_of_sound_is_that_of_the_file(run: Any) -> None:
    files = [heard(run, 1, 1000.5, (0, 400), [(10, 20, "one", 100, 200)]), heard(run, 2, 1001.5, (500, 600))]
    view, _ = gaps_heard(run, files, link(run, (2, 7, 160)))
    assert view.gaps[0].why == "f1 is not complete; 7 transfer frames lost in pass one: 7 at byte 20 of the pass"


@pytest.mark.parametrize("clocks", [(), (1000.5,), (1001.5,), (1000.5, 1001.7), (float("nan"), 1001.5)])
def test_of_a_gap_no_more_is_said_than_the_files_around_it_tell(run: Any, clocks: tuple[float, ...]) -> None:
    view, _ = gaps_heard(run, [heard(run, n, clock, (n, n)) for n, clock in enumerate(clocks)], link(run, (2, 7, 450)))
    assert (view.gaps[0].why, view.gaps[0].losses) == ("", ())


# --- words


def test_numbers_are_written_as_people_do() -> None:
    assert [words.size(n) for n in (0, 999, 1000, 999_949, 999_950, 123_456_789, 10**12)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "999.9 kB",
        "1.0 MB",
        "123.5 MB",
        "1.0 TB",
    ]
    assert [words.duration(s) for s in (0.25, 12, 59.999, 245, 11520)] == ["0.25 s", "12 s", "60 s", "4 min 05 s", "3 h 12 min"]
    assert [words.quantity(v, u) for v, u in ((11219.6, "m"), (-0.75, "m/s"), (1.234e20, "Pa"), (0.0, ""), (float("inf"), "V"))] == [
        "11,220 m",
        "-0.75 m/s",
        "1.234e+20 Pa",
        "0",
        "inf V",
    ]
    assert words.count(1, "frame") == "1 frame"
    assert words.count(1200, "frame") == "1,200 frames"
    assert words.short_utc("2021-02-18T20:41:04.447849Z") == "2021-02-18 20:41:04.447"
    assert words.since_zero(Timeline(zero=0.0), 86401.0) == ""
    assert words.since_zero(Timeline(zero=0.0), 60.0) == "T+60.00 s"


def test_ticks_can_be_told_apart() -> None:
    assert [tick_text(value, 0.5) for value in (-1150.0, -1149.5)] == ["-1,150.0", "-1,149.5"]
    assert [tick_text(value, step) for value, step in ((20000.0, 5000.0), (0.02, 0.01), (0.0, 0.0), (1e-7, 1e-8), (3e12, 1e12))] == [
        "20,000",
        "0.02",
        "0",
        "1.000e-07",
        "3.000e+12",
    ]


@pytest.mark.parametrize("low,high", [(0, 1), (-5, 5), (1e-9, 3e-9), (0, 1e15), (99.9, 100.1), (-1e300, 1e300), (5, 5)])
def test_axes_have_round_numbers(low: float, high: float) -> None:
    found = round_ticks(low, high)
    assert 1 <= len(found) <= 6
    assert all(low * 0.999999 - 1e-12 <= value <= high * 1.000001 + 1e-12 or low < 0 for value in found)
