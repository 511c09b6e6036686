"""The committed downlinks against their truth, without any decoder of ours."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sample_data import FOLDER, downlinks
from sample_data.build import MANIFEST, made_with, manifest
from sample_data.coding import BLOCK, MARKER, crc16, randomiser
from sample_data.truth import Truth, load

MISSIONS = Path(__file__).parents[3] / "stages" / "missions"
UNIT = len(MARKER) + BLOCK


@pytest.fixture(scope="module")
def truth() -> Truth:
    return load()


@pytest.fixture(scope="module")
def recordings(truth: Truth) -> dict[str, bytes]:
    folder = FOLDER / "downlinks"
    return {one["name"]: b"".join((folder / part["file"]).read_bytes() for part in one["parts"]) for one in truth.passes}


def test_the_manifest_is_true_and_the_sample_is_small() -> None:
    assert (FOLDER / MANIFEST).read_text() == manifest(FOLDER)
    kept = [*downlinks(), *(FOLDER / "truth").glob("*.npy"), *(FOLDER / "truth").glob("*.json")]
    assert sum(path.stat().st_size for path in kept) < 20_000_000


def test_every_recording_is_named_and_whole(truth: Truth, recordings: dict[str, bytes]) -> None:
    assert [path.name for path in downlinks()] == sorted(part["file"] for one in truth.passes for part in one["parts"])
    for one in truth.passes:
        assert hashlib.sha256(recordings[one["name"]]).hexdigest() == one["sha256"]
        suffix = {"bits": "cadu", "frames": "frames"}[one["level"]]
        assert [part["file"] for part in one["parts"]] == [f"{one['name']}.part{n:03d}.{suffix}" for n in range(len(one["parts"]))]


def units_of(truth: Truth, number: int, data: bytes, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the recorded units of a pass out of its recording, upright; return them and their rows of the truth's frames."""
    own = truth.transfer_frames[truth.transfer_frames["pass"] == number]
    recorded = np.flatnonzero(own["corrected"] >= 0)
    octets = np.frombuffer(data + b"\0", np.uint8).astype(np.uint16)
    start, shift = own["bit"][recorded] // 8, (own["bit"][recorded] % 8).astype(np.uint16)
    at = start[:, None] + np.arange(length)
    units = (((octets[at] << 8 | octets[at + 1]) >> (8 - shift)[:, None]) & 0xFF).astype(np.uint8)
    first, stop = truth.passes[number]["faults"]["inverted"]
    units[(recorded >= first) & (recorded < stop)] ^= 0xFF
    return units, own[recorded]


def test_frames_lie_where_the_truth_says(truth: Truth, recordings: dict[str, bytes]) -> None:
    for number, one in enumerate(truth.passes):
        bits = one["level"] == "bits"
        units, own = units_of(truth, number, recordings[one["name"]], UNIT if bits else 1115)
        if bits:
            wrong = np.unpackbits(units[:, :4] ^ np.frombuffer(MARKER, np.uint8), axis=1).sum(1)
            assert wrong.max() == 2
            units = units[:, 4:] ^ np.resize(randomiser(), BLOCK)
        clean = own["corrected"] == 0
        frames, own = units[clean, :1115], own[clean]
        assert (crc16(frames) == 0).all()
        assert np.array_equal(frames[:, 1] & 63, own["virtual_channel"])
        counters = frames[:, 2].astype(int) << 16 | frames[:, 3].astype(int) << 8 | frames[:, 4]
        assert np.array_equal(counters, own["counter"])
        assert ((frames[:, 0] == 0x6A) & (frames[:, 1] >> 6 == 0)).all()


def test_the_downlink_has_what_links_have(truth: Truth) -> None:
    first = next(one for one in truth.passes if one["name"].endswith("049a"))
    faults = first["faults"]
    own = truth.transfer_frames[truth.transfer_frames["pass"] == truth.passes.index(first)]
    assert (own["corrected"] > 0).mean() > 0.2
    assert own["corrected"].max() >= 64  # a burst that only interleaving makes bearable
    assert len(faults["hopeless"]) >= 10
    assert faults["slips"]
    assert faults["torn"]
    assert faults["cut"]
    assert faults["noise"]
    assert faults["inverted"][1] - faults["inverted"][0] > 100
    assert len(faults["marker_bits"]) > 100
    assert {link["virtual_channel"] for link in first["link"]} == {0, 1, 2, 63}
    counters = own["counter"][own["virtual_channel"] == 1]
    assert 0 in counters.tolist(), "a counter runs over"
    assert {0xFFFFFF} <= set(counters.tolist())


def test_only_what_shall_stay_incomplete_does(truth: Truth) -> None:
    missing = {(row["name"][:2], row["name"][9:23]): row for row in truth.files if not row["complete"]}
    assert set(missing) == {("ES", "0666952933_583"), ("ED", "0666952896_500"), ("EM", "0666952936_000")}
    torn = missing["ES", "0666952933_583"]
    assert torn["metadata"]
    assert torn["end"]
    assert len(torn["gaps"]) == 1
    assert 0.7 < torn["received"] / torn["size"] < 0.95
    assert not missing["ED", "0666952896_500"]["sent"]
    silent = missing["EM", "0666952936_000"]
    assert silent["sent"]
    assert (silent["received"], silent["metadata"], silent["end"]) == (0, False, False)
    assert truth.sound["gaps"] == [[240_000, 252_000]]


def test_the_second_pass_completes_what_the_first_lost(truth: Truth) -> None:
    table = truth.packets
    first = {int(file) for file in table["file"][(table["pass"] == 1) & ~table["whole"]]} - {-1}
    completed = [truth.files[file]["name"] for file in first if truth.files[file]["complete"]]
    assert len(completed) >= 5
    assert not set(table["file"][table["pass"] == 1]) & {row for row, file in enumerate(truth.files) if file["name"].startswith("ESE")}


def test_packets_that_come_whole_are_those_that_the_link_counts(truth: Truth) -> None:
    for number, one in enumerate(truth.passes):
        own = truth.packets[(truth.packets["pass"] == number) & truth.packets["whole"]]
        for link in one["link"]:
            counts = Counter(own["apid"][own["virtual_channel"] == link["virtual_channel"]].tolist())
            assert {str(apid): count for apid, count in counts.items()} == link["packets"]


def test_names_are_those_of_the_mission(truth: Truth) -> None:
    names = tomllib.loads((MISSIONS / "mars2020.toml").read_text())["names"]
    pattern = re.compile(names["rules"][0]["pattern"])
    known = {**names["cameras"], **names["microphones"]}
    for row in truth.files:
        stem, _, extension = row["name"].rpartition(".")
        assert len(stem) == 54
        found = pattern.fullmatch(stem)
        assert found is not None
        ticks = row["facts"]["ticks"]
        assert int(found["seconds"]) + int(found["milliseconds"]) / 1000 == pytest.approx(ticks / 65536, abs=1e-4)
        assert known[found["instrument"]] in {"PUC1", "DDC", "RUC", "RDC", "EDL"}
        assert {80: "T", 81: "N", 82: "N", 83: "N"}[row["apid"]] == found["thumbnail"]
        assert extension in {80: {"jpg"}, 81: {"jpg"}, 82: {"jls"}, 83: {"flac", "wav"}}[row["apid"]]


def test_every_frame_has_a_thumbnail_and_each_camera_a_lossless_one(truth: Truth) -> None:
    assert Counter(row["camera"] for row in truth.frames) == {"PUC1": 10, "DDC": 12, "RUC": 10, "RDC": 10}
    assert all("thumbnail" in row["editions"] for row in truth.frames)
    assert [(row["camera"], row["frame"]) for row in truth.frames if "jpeg" not in row["editions"]] == [("RDC", "0000007")]
    assert Counter(row["camera"] for row in truth.frames if row["mosaic"]) == {"PUC1": 1, "DDC": 1, "RUC": 1, "RDC": 1}
    assert {what["cfa"] for row in truth.frames for name, what in row["editions"].items() if name == "jpeg"} == {"colour", "RGGB"}
    for camera in ("PUC1", "DDC", "RUC", "RDC"):
        clocks = [row["ticks"] for row in truth.frames if row["camera"] == camera]
        assert clocks == sorted(clocks)


def test_reading_the_truth_needs_no_encoder_and_nothing_of_the_pipeline() -> None:
    code = (
        "import sys, sample_data, sample_data.truth as truth\n"
        "truth.load(); sample_data.downlinks()\n"
        "heavy = {'reedsolo', 'galois', 'spacepackets', 'imagecodecs', 'soundfile', 'scipy', 'stages', 'pipeline'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_simulator_imports_nothing_of_the_pipeline() -> None:
    code = "import sys, sample_data.build\nassert not {'stages', 'pipeline', 'numba', 'dask'} & set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_sound_is_the_one_that_was_sent(truth: Truth) -> None:
    samples = truth.samples()
    assert hashlib.sha256(samples.astype("<i4").tobytes()).hexdigest() == truth.sound["sha256"]
    for start, stop in truth.sound["gaps"]:
        samples[start:stop] = 0
    assert hashlib.sha256(samples.astype("<i4").tobytes()).hexdigest() == truth.sound["received_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("camera", ["PUC1", "DDC", "RUC", "RDC"])
@pytest.mark.slow
def test_mosaics_are_made_again_to_the_last_bit(truth: Truth, camera: str) -> None:
    if truth.made_with["processor"] != made_with()["processor"]:
        pytest.skip("another processor rounds otherwise")
    (row,) = (row for row in truth.frames if row["camera"] == camera and row["mosaic"])
    mosaic = truth.mosaic(camera, row["frame"])
    assert hashlib.sha256(mosaic.tobytes()).hexdigest() == row["mosaic"]
    colour = truth.colour(camera, row["frame"], balanced=False)
    # The noise is that of the photons: about a data number.
    green = mosaic[0::2, 1::2].astype(float) - colour[0::2, 1::2, 1]
    inside = (colour[0::2, 1::2, 1] < 240)[2:]
    assert abs(green[2:][inside].mean()) < 0.02
    assert 0.5 < green[2:][inside].std() < 1.2
