"""Labels and JSON beside pictures: what they say reaches the mosaic, whenever they come, and broken ones harm nobody."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.drive import Run
from pipeline.errors import DataError
from pipeline.executors import SyncExecutor
from pipeline.mission import load_profile
from pipeline.product import Arrival
from pipeline.registry import discover
from pipeline.settings import Settings
from pipeline.stage import Group
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from stages.decode import decode, describe, labels
from stages.formats.png import encode_png, write_png
from stages.products import Description, LabelFile, ReceivedFile
from stages.profile import Clock, Names, Sidecars
from stages.recognise import recognise_label

PICTURE = np.random.default_rng(8).integers(0, 255, (16, 24)).astype(np.uint8)
MARS = Sidecars(
    records=("images",),
    product=("imageid",),
    files=("image_files.full_res",),
    clock=("extended.sclk",),
    utc=("date_taken_utc",),
    instrument=("camera.instrument",),
    untimed="EDL_.*",
)
PAGE = {
    "images": [
        {
            "imageid": "NLF_0001",
            "sol": 1,
            "camera": {"instrument": "NAVCAM_LEFT"},
            "extended": {"sclk": "667034000.123"},
            "date_taken_utc": "2021-02-19T19:23:00",
            "image_files": {"full_res": "https://example.org/a/NLF_0001.png?x=1", "small": None},
        },
        {
            "imageid": "ESF_0001",
            "camera": {"instrument": "EDL_DDCAM"},
            "sol": 1,
            "extended": {"sclk": 5.0},
            "date_taken_utc": "2021-02-19T16:06:00",
        },
        "no record",
        {"imageid": None},
    ]
}
PDS3 = b"""PDS_VERSION_ID = PDS3
^IMAGE = "PICTURE.PNG"
INSTRUMENT_ID = NAVCAM
START_TIME = 2021-049T20:41:04.447849
SPACECRAFT_CLOCK_START_COUNT = "666952774-00345"
END
"""


def told(data: bytes, name: str = "a.json", sidecars: Sidecars = MARS) -> dict[str, dict[str, Any]]:
    return {label.file: label.meta for label in labels(LabelFile(label=name, data=data, name=name), sidecars)}


def test_a_page_of_records_speaks_of_each_of_its_pictures() -> None:
    found = told(json.dumps(PAGE).encode())
    assert found["NLF_0001.png"]["label"] == {
        "product": "NLF_0001",
        "instrument": "NAVCAM_LEFT",
        "sol": 1,
        "clock_start": "667034000.123",
        "start_time": "2021-02-19T19:23:00",
    }
    # Times of descent products there are those of their downlink.
    assert found["ESF_0001.png"]["label"] == {"product": "ESF_0001", "instrument": "EDL_DDCAM", "sol": 1}


@pytest.mark.parametrize("name", ["shot.json", "shot.png.json", "shot-metadata.json", "shot_metadata.JSON"])
def test_a_record_without_a_name_speaks_of_the_file_whose_name_its_own_has(name: str) -> None:
    assert "shot.png" in told(json.dumps({"start_time": "2021-02-19T16:06:00"}).encode(), name, Sidecars())


def test_a_sidecar_that_has_its_files_full_name_speaks_of_no_other() -> None:
    assert list(told(b'{"start_time": "2021-02-19T16:06:00"}', "shot.png.json", Sidecars())) == ["shot.png"]
    assert list(told(b'{"start_time": "2021-02-19T16:06:00", "product": "shot"}', "shot.tif.json", Sidecars())) == ["shot.tif"]


def test_a_label_speaks_of_the_file_that_it_points_to_in_either_case() -> None:
    found = told(PDS3, "picture.lbl")
    assert {"PICTURE.PNG", "picture.png"} <= set(found)
    assert found["picture.png"]["label"]["instrument"] == "NAVCAM"


@pytest.mark.parametrize(
    "data, problem",
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a": "\xff"}', "no JSON"),
        (b"[1, 2]", "without a record"),
        (b"PDS_VERSION_ID = PDS3\r\nEND\r\n", "names no file"),
        (b'PDS_VERSION_ID = PDS3\r\n^IMAGE = "../../etc/passwd"\r\nEND\r\n', "names no file"),
        (b"nothing", "no label"),
    ],
)
def test_a_broken_label_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        told(data)


def test_labels_that_differ_are_named() -> None:
    texts = {"a.json": "2021-02-19T16:06:00", "b.json": "2021-02-19T16:07:00"}
    given = [
        label
        for name, text in texts.items()
        for label in labels(LabelFile(label=name, data=json.dumps({"file": "x.png", "start_time": text}).encode(), name=name), Sidecars())
    ]
    found = describe(Group.of(given))
    assert found.meta["label"]["start_time"] == "2021-02-19T16:06:00"
    assert found.meta["caveats"] == ["labels differ on its start time: 2021-02-19T16:06:00, and 2021-02-19T16:07:00 in b.json"]


def one(label: dict[str, Any], names: Names, correlated: Clock, **meta: Any) -> Any:
    data = encode_png(PICTURE)
    file = ReceivedFile(file="x.png", data=data, size=len(data), meta={"name": "ES100.png"} | meta)
    (found,) = decode(file, names, correlated, Description(file="x.png", meta={"label": label}))
    return found


def test_the_spacecrafts_time_holds_over_the_labels_and_that_over_the_names() -> None:
    names = Names.from_mapping({"rules": [{"pattern": r"(?P<instrument>ES)(?P<seconds>\d+)", "clock": ["seconds", ""]}]})
    clock = Clock(correlation=((0.0, 600000000.0, 1.0),))
    assert one({}, names, clock).clock == 100.0
    labelled = one({"clock_start": "200-32768", "start_time": "2020-01-01T00:00:00"}, names, clock)
    assert (labelled.clock, labelled.utc) == (200.5, "2020-01-01T00:00:00.000000Z")
    assert labelled.meta["caveats"] == ["its label says clock 200.500, its name or the spacecraft's record 100.000"]
    assert one({"clock_start": "200-32768"}, names, clock, clock=300.0).clock == 300.0
    by_utc = one({"start_time": clock.utc_text(250.25)}, names, clock)
    assert by_utc.clock == pytest.approx(250.25, abs=1e-6)


def test_a_label_tells_camera_and_corner_where_nothing_else_does() -> None:
    found = one({"instrument": "NAVCAM", "first_line": 3, "first_sample": 2}, Names(), Clock())
    assert (found.camera, found.meta["x"], found.meta["y"]) == ("NAVCAM", 1, 2)
    assert "x" not in one({"first_line": 1, "first_sample": 1}, Names(), Clock()).meta


def test_json_is_known_by_the_keys_that_the_profile_names() -> None:
    def known(data: bytes, sidecars: Sidecars = MARS) -> bool:
        arrival = Arrival(path=Path("a.json"), size=len(data), head=data)
        return recognise_label(arrival, lambda _: {"": sidecars}) is not None

    assert known(json.dumps(PAGE).encode())
    assert known(b'{"start_time": 1}', Sidecars())
    assert not known(b'{"anything": "start_time"}', Sidecars())
    assert not known(b"\x89PNG")


def run(out: Path, *paths: Path) -> list[dict[str, str]]:
    registry = discover()
    profile = load_profile("generic")
    with Run(Store(out).create(), registry, profile, Settings(mission="generic"), executor=SyncExecutor, progress=Quiet()) as engine:
        engine.admit(paths)
        engine.work()
    with (out / "index.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_label_that_comes_late_gives_the_picture_its_time_and_a_broken_one_ends_nothing(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    for name in ("a", "b"):
        write_png(landing / f"{name}.png", PICTURE if name == "a" else PICTURE[::-1])
    (landing / "b.json").write_text('{"start_time": "2021-02-18T20:41:04"')
    rows = run(tmp_path / "out", landing)
    assert [(row["source"], row["utc"]) for row in rows] == [("a", ""), ("b", "")]
    (landing / "b.json").write_text('{"start_time": "2021-02-18T20:41:04"}')
    (landing / "c.lbl").write_bytes(PDS3.replace(b"PICTURE.PNG", b"A.PNG"))
    rows = run(tmp_path / "out", landing)
    assert {row["source"]: row["utc"] for row in rows} == {"a": "2021-02-18T20:41:04.447849Z", "b": "2021-02-18T20:41:04.000000Z"}
    assert {row["camera"] for row in rows if row["source"] == "a"} == {"NAVCAM"}


def test_plain_samples_wait_for_their_label(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "plain.img").write_bytes(PICTURE.tobytes())
    assert run(tmp_path / "out", landing) == []
    label = b'PDS_VERSION_ID = PDS3\r\n^IMAGE = "plain.img"\r\nOBJECT = IMAGE\r\nLINES = 16\r\nLINE_SAMPLES = 24\r\nSAMPLE_BITS = 8\r\n'
    (landing / "plain.lbl").write_bytes(label + b"END_OBJECT\r\nEND\r\n")
    rows = run(tmp_path / "out", landing)
    assert [(row["source"], row["width"], row["height"]) for row in rows] == [("plain", "24", "16")]
