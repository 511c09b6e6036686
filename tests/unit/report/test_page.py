"""The page: whole, offline, safe, the same each time, good with little and with much."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from pipeline.product import Completeness, Entry, Key
from pipeline.stage import read_stage
from pipeline.testing.saving import FolderSink
from stages import report as room
from stages.products import Report
from stages.profile import Dictionary, Mission, Timeline
from stages.report.page import SCRIPTS

VOID = {"meta", "link", "img", "br", "input", "hr", "source"}


class Page(HTMLParser):
    """Reads a page, and holds it to balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self) -> list[str]:
        return [attributes[name] for _, attributes in self.elements for name in ("href", "src") if name in attributes]


def page_of(report: Report) -> Page:
    return Page(report.files["index.html"].decode())


def rows_of(report: Report, name: str) -> list[list[Any]]:
    text = report.files[name].decode()
    found = re.fullmatch(r"skycrane\.piece\((.*)\);\n", text)
    assert found
    camera, number, rows = json.loads(f"[{found[1]}]")
    assert isinstance(camera, str)
    assert isinstance(number, int)
    return rows  # type: ignore[no-any-return]


def test_the_stage_has_its_name() -> None:
    spec = read_stage(room.report, "report")
    assert (spec.name, spec.dimensions, spec.settled) == ("report", (), True)


def test_a_full_page_holds_together(full: Callable[..., Report]) -> None:
    report = full()
    page = page_of(report)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for link in page.links():
        if link.startswith("#"):
            assert link[1:] in {*ids, ""}
    own = [link for link in page.links() if link.startswith("page/")]
    assert {*own} == {"page/places.css", *(f"page/{name}" for name in SCRIPTS)}
    assert all(attributes.get("alt") is not None for attributes in page.all("img"))
    assert all(attributes.get("aria-label") for attributes in page.all("svg") if attributes.get("role") == "img")
    text = page.text
    for words in (
        "A landing",
        "Camera DDC",
        "597",
        "1 min 00 s",
        "3 missing",
        "1 partly lost",
        "0003 \N{EN DASH} 0004, 0009",
        "1.25 s of sound lost",
        "2 files not complete",
        "20 transfer frames lost",
        "1 segment with a wrong checksum",
        "An agency",
    ):
        assert words in text, words


def test_what_is_incomplete_is_said_where_it_is_summed_up(run: Any) -> None:
    images = [run.image("0001"), run.image("0002", editions=["thumbnail"], edition="thumbnail"), run.image("0003", lost=100)]
    files = [run.file("a.dat", gaps=((100, 300),)), run.file("b.dat", size=None)]
    page = page_of(run.report(images=images, sheets=[run.sheet("0001", ["0001", "0002"])], files=files))
    assert "3 pictures · 1 partly lost · 1 thumbnail only" in page.text
    assert [a["title"] for a in page.all("a") if a.get("class") == "sheet partial"] == ["0001 \N{EN DASH} 0002, not all whole"]
    assert "0003 (90.0 % of the picture)" in page.text
    assert "b.dat, a.dat (80.0 % of the file)" in page.text
    assert "A later pass may bring what is missing, or the rest of what came in part" in page.text
    assert "A later pass" not in page_of(run.report(images=[run.image("0001")])).text


def test_nothing_comes_from_the_network(full: Callable[..., Report]) -> None:
    report = full()
    for name, data in report.files.items():
        text = data.decode()
        assert not re.search(r"https?:|wss?:|@import|src=[\"']?//|url\(\s*[\"']?(?!#)[a-z]*:?//", text), name
        assert "fetch(" not in text
    for link in page_of(report).links():
        assert link == "data:," or not re.match(r"[a-z]+:|//", link), link


def test_the_page_is_the_same_whatever_the_order(full: Callable[..., Report]) -> None:
    assert full().files == full(turned=True).files


def test_long_galleries_come_in_pieces(full: Callable[..., Report]) -> None:
    report = full(count=1200)
    names = sorted(name for name in report.files if name.startswith("page/gallery-"))
    assert names == [f"page/gallery-DDC-00{n}.js" for n in (1, 2, 3)]
    page = page_of(report)
    rows = [row for name in names for row in rows_of(report, name)]
    static = [int(a["data-at"]) for a in page.all("a") if a.get("class") == "shot"][1:]
    assert [rows[at][0] for at in static] == [f"{n:04d}" for n in range(50) if n not in {3, 4, 9}][:46]
    assert [row[0] for row in rows if row[1]] == [f"{n:04d}" for n in range(1200) if n not in {3, 4, 9}]
    assert [row for row in rows if not row[1]] == [["0003 \N{EN DASH} 0004", "", 2, ""], ["0009", "", 1, ""]]
    (gallery,) = [a for a in page.all("div") if a.get("class") == "gallery"]
    assert gallery["data-pieces"].split() == names
    assert "1,151 more are on the contact sheets" in page.text
    row = rows_of(report, names[0])[0]
    assert row[1] == f"images/DDC/{row[0]}.png"
    assert row[2][0].startswith("contact_sheets/DDC-00")


def test_thumbnails_are_cut_from_sheets(run: Any) -> None:
    report = run.report(images=[run.image("0001"), run.image("0002"), run.image("0005")], sheets=[run.sheet("0001", ["0001", "0002"])])
    pictures = page_of(report).all("img")
    sprites = [a for a in pictures if a.get("src") == "contact_sheets/DDC-0001.png"]
    rules = dict(re.findall(r"\.(s\d+)\{(.*)\}", report.files["page/places.css"].decode()))
    assert [rules[a["class"]] for a in sprites] == [
        "width:800.000%;left:-10.000%;top:-26.667%",
        "width:800.000%;left:-120.000%;top:-26.667%",
    ]
    assert [a["src"] for a in pictures if a.get("class") == "own"] == ["images/DDC/0005.png"]


HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;{{ 7*7 }}</style>\u2028"


def test_hostile_names_stay_words(run: Any) -> None:
    run.mission = Mission(title=HOSTILE, spacecraft=HOSTILE, credit=HOSTILE)
    events = ({"clock": 1000.0, "title": HOSTILE}, {"clock": 1420.0, "name": HOSTILE})
    run.timeline = Timeline(zero=1000.0, zero_name=HOSTILE, events=events)
    images = [run.image(f"{n:04d}", source=HOSTILE, edition=HOSTILE, editions=[HOSTILE], clock=1100.0 + n / 100) for n in range(60)]
    caveat = Entry(
        key=Key([("file", "z")]), digest="", completeness=Completeness(received=1, caveats=(HOSTILE,)), facts={"name": "z"}, paths=()
    )
    report = run.report(
        images=images,
        sheets=[run.sheet("0001", [f"{n:04d}" for n in range(48)], title=HOSTILE)],
        recordings=[run.recording(title=HOSTILE, gaps=((0, 10),))],
        spectrograms=[run.spectrogram()],
        files=[run.file(HOSTILE), run.file(HOSTILE + "2", gaps=((0, 10),)), caveat],
        packets=[run.packets("0", packets={HOSTILE: 3})],
        channels=run.channels([(1000.0 + n, 5, HOSTILE, float(n), HOSTILE) for n in range(9)]),
        events=run.events([(1000.0, HOSTILE, HOSTILE, HOSTILE)]),
    )
    page = page_of(report)
    assert [a.get("src") for a in page.all("script")] == [f"page/{name}" for name in SCRIPTS if name.endswith(".js")]
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.elements for name in attributes)
    assert re.fullmatch(r"(\.s\d+\{[a-z0-9.%:;/-]+\}\n)*", report.files["page/places.css"].decode())
    assert page.text.count("<script>alert(1)</script>") >= 10
    assert "49" not in re.findall(r"amp;(\d+)", page.text)
    assert not page.all("style")
    piece = report.files["page/gallery-DDC-001.js"].decode()
    assert not set(piece) & {"<", ">", "&", "\u2028"}
    assert rows_of(report, "page/gallery-DDC-001.js")[0][6] == HOSTILE


def test_one_picture_leads_and_nothing_else_gets_in_its_way(run: Any) -> None:
    name = "ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010LUJ01"
    report = run.report(images=[run.image(name, source=name)], sheets=[run.sheet("0001", [name])])
    page = page_of(report)
    assert [a["src"] for a in page.all("img") if a.get("src")] == [f"images/DDC/{name}.png"]
    assert not [a for a in page.all("ul") if a.get("class") == "tiles"]
    assert [a for a in page.all("div") if a.get("class") == "gallery" and "hidden" not in a] == []
    assert page.text.count(name) == 1
    assert "Still missing" not in page.text


def test_a_run_of_telemetry_alone(run: Any) -> None:
    run.timeline, run.dictionary = Timeline(), Dictionary()
    channels = run.channels(
        [(50.0 + n, number, f"channel_{number:04X}", float(n * number % 7), "") for n in range(30) for number in (1, 2, 3)]
    )
    page = page_of(run.report(packets=[run.packets("0")], frames=[run.frames("0")], channels=channels))
    assert len([a for a in page.all("svg") if a.get("class") == "plot"]) == 3
    assert "Minutes and seconds from 2000-01-01 12:00:50 UTC." in page.text
    assert "90 good transfer frames · 3 bad · 10 lost · 7 symbols corrected · 1 codeblock beyond correction" in page.text
    assert "9: 50, 8: 4" in page.text
    assert not page.all("audio")


@pytest.mark.parametrize("clock", [float("nan"), float("inf"), -1e300, 1e12])
def test_a_time_that_no_spacecraft_has_is_left_out(run: Any, clock: float) -> None:
    images = [run.image(f"{n:04d}", clock=1100.0 + n) for n in range(3)] + [run.image("0009", clock=clock)]
    report = run.report(images=images, recordings=[run.recording(clock=clock)])
    text = page_of(report).text
    assert "nan" not in text.lower()
    assert "inf " not in text
    assert [line.split(",")[3] for line in report.files["index.csv"].decode().splitlines()[1:]][-1] == ""


def test_a_run_of_nothing(run: Any) -> None:
    report = run.report()
    assert "Nothing has come yet." in page_of(report).text
    assert report.files["index.csv"].decode().count("\r\n") == 1
    assert set(report.files) == {"index.html", "index.csv", "page/places.css", *(f"page/{name}" for name in SCRIPTS)}


def test_sound_that_browsers_cannot_play_is_linked(run: Any) -> None:
    page = page_of(run.report(recordings=[run.recording(suffix=".w64")]))
    assert not page.all("audio")
    assert "audio/EDL.w64" in page.links()
    played = page_of(run.report(recordings=[run.recording()], spectrograms=[run.spectrogram()]))
    assert played.all("audio")[0]["src"] == "audio/EDL.flac"


def test_a_camera_whose_name_has_spaces_can_be_reached(run: Any) -> None:
    images = [run.image(f"{n:04d}", camera="Nav Cam", clock=1100.0 + n) for n in range(60)]
    report = run.report(images=images)
    page = page_of(report)
    assert "#camera-Nav_Cam" in page.links()
    (gallery,) = [a for a in page.all("div") if a.get("class") == "gallery"]
    assert gallery["data-pieces"] == "page/gallery-Nav%20Cam-001.js"
    assert "page/gallery-Nav Cam-001.js" in report.files
    assert "images/Nav%20Cam/0000.png" in page.links()


@pytest.mark.parametrize("count", [48, 49, 528, 529])
def test_every_picture_is_shown_once(run: Any, count: int) -> None:
    report = run.report(images=[run.image(f"{n:04d}") for n in range(count)])
    static = [a for a in page_of(report).all("a") if a.get("class") == "shot"][1:]
    loaded = [row for name in report.files if "gallery-" in name for row in rows_of(report, name)]
    assert (len(static), len(loaded)) == (48, count)


def test_the_report_comes_back_from_disk(run: Any, tmp_path: Any) -> None:
    report = run.report(images=[run.image("0001")])
    report.save(FolderSink(tmp_path, stem=""))
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(report.files)
    assert all((tmp_path / name).read_bytes() == data for name, data in report.files.items())
