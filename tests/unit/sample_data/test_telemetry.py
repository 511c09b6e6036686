from __future__ import annotations

import struct
import tomllib
from pathlib import Path

import numpy as np
import pytest

from sample_data import telemetry
from sample_data.microphone import BLOCK, RATE, SECONDS, START, record
from sample_data.sensor import BALANCE, EMBEDDED
from sample_data.timeline import BRIDLE_CUT, CONTACT, ENTRY, EVENTS, MORTAR, altitude, bridle_length, descent_rate, drift, speed, ticks

MISSIONS = Path(__file__).parents[3] / "stages" / "missions"
FORMS = {"u8": "B", "u16": "H", "i16": "h", "u32": "I", "u64": "Q", "f32": "f", "f64": "d"}


@pytest.fixture(scope="module")
def dictionary() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads((MISSIONS / "mars2020_dictionary.toml").read_text())


@pytest.fixture(scope="module")
def mission() -> dict[str, dict[str, dict[str, object]]]:
    return tomllib.loads((MISSIONS / "mars2020.toml").read_text())


def test_channels_are_those_of_the_dictionary(dictionary: dict[str, dict[str, dict[str, str]]]) -> None:
    known = {int(index, 16): (row["name"], FORMS[row["type"]]) for index, row in dictionary["channels"].items()}
    assert dict(telemetry.CHANNELS) == known


def test_reports_are_those_of_the_dictionary(dictionary: dict[str, dict[str, dict[str, str]]]) -> None:
    known = {row["name"]: int(index, 16) for index, row in dictionary["events"].items()}
    assert dict(telemetry.REPORTS) == known


def test_the_profile_agrees_with_the_cameras(mission: dict[str, dict[str, dict[str, object]]]) -> None:
    assert tuple(mission["camera"]["DDC"]["gains"]) == BALANCE  # type: ignore[arg-type]
    assert mission["camera"]["DDC"]["embedded_samples"] == EMBEDDED["DDC"]


def test_events_happened_when_the_profile_says(mission: dict[str, dict[str, dict[str, object]]]) -> None:
    told = {row["name"]: row["clock"] for row in mission["timeline"]["events"]}  # type: ignore[index,attr-defined]
    shared = set(told) & set(EVENTS)
    assert {"parachute_mortar", "heat_shield_separation", "backshell_separation", "sky_crane", "contact"} <= shared
    assert {name: told[name] for name in shared} == {name: EVENTS[name] for name in shared}


def test_the_way_down_is_the_published_one() -> None:
    # Height above the site and vertical speed at instants of the reconstruction; heights were given to a few hundred metres.
    for clock, height, rate in (
        (MORTAR, 12_700, 112),
        (666952774.005, 11_222, None),
        (666952876.933, 2_178, 83),
        (666952919.361, 13.75, 0.75),
    ):
        assert float(altitude(clock)) == pytest.approx(height, rel=0.02)
        if rate is not None:
            assert float(descent_rate(clock)) == pytest.approx(rate, rel=0.02, abs=0.05)
    assert float(descent_rate(666952911.0)) == pytest.approx(32, abs=0.3)
    assert float(altitude(CONTACT)) == pytest.approx(0, abs=0.05)
    clock = np.arange(ENTRY, BRIDLE_CUT, 0.25)
    assert (np.diff(altitude(clock)) < 0.03).all()
    assert (speed(clock) + 1e-6 >= np.abs(descent_rate(clock))).all()
    assert np.abs(drift(CONTACT)).max() < 1e-6


def test_the_bridles_pay_out_between_their_instants() -> None:
    length = bridle_length(np.array([666952921.0, 666952924.76, 666952928.0]))
    assert length[0] == pytest.approx(1.15)
    assert 3 < length[1] < 4.5
    assert length[2] == pytest.approx(6.4)


def test_channel_packets_follow_the_grammar() -> None:
    blocks = list(telemetry.channel_blocks(MORTAR - 14, MORTAR + 2))
    widths = {index: struct.calcsize(form) for index, (_, form) in telemetry.CHANNELS.items()}
    clocks = [clock for clock, _ in blocks]
    assert clocks == sorted(clocks)
    assert {round(step, 1) for step in np.diff(clocks)} == {0.5, 1.0}
    for _, block in blocks:
        at, last = 0, -1
        while at < len(block):
            index = int.from_bytes(block[at : at + 2], "big")
            assert index > last
            at, last = at + 2 + widths[index], index
        assert at == len(block)
    assert sum(len(block) > 100 for _, block in blocks) in {1, 2}


def test_dynamic_pressure_and_load_at_the_parachute_are_the_published_ones() -> None:
    before = telemetry.channel_values(MORTAR)
    assert before[0xE006] == pytest.approx(519, rel=0.03)
    assert before[0xE005] == pytest.approx(1.81, abs=0.05)
    peak = max(telemetry.channel_values(MORTAR + after)[0xE008] for after in np.arange(1.2, 4, 0.1))
    assert peak == pytest.approx(152, rel=0.15)


def test_an_event_body_reads_back() -> None:
    report = telemetry.Report(0.0, "CAMERA_OFF", "edlcam", ("DDC", 238, 4430, 1.5))
    body = telemetry.event_body(report, 7)
    assert struct.unpack_from(">6sIIIB", body) == (b"edlcam", 0x53430021, 7, 1007, 4)
    assert body[19:] == b"\0\x03DDC" + b"\x01\xee" + b"\x04\0\0\x11\x4e" + b"\x04\x3f\xc0\0\0"


def test_reports_come_in_order_and_fit_the_camera_that_failed() -> None:
    rows = telemetry.reports()
    assert [row.clock for row in rows] == sorted(row.clock for row in rows)
    assert [row.arguments for row in rows if row.name == "CAMERA_LOST"] == [("PUC3",)]


def test_ticks_are_whole() -> None:
    assert ticks(666952774.005264) == 666952774 * 65536 + 345


@pytest.fixture(scope="module")
def sound() -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return record()


def test_sound_is_as_long_as_it_says_and_never_clips(sound: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
    assert sound.shape == (RATE * int(SECONDS),)
    assert len(sound) % BLOCK == 0
    assert 0.2 * 2**23 < np.abs(sound).max() < 2**23 - 1
    assert abs(sound.mean()) < 1e-3 * 2**23


def test_touchdown_and_bridle_cut_are_the_loudest(sound: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
    level = np.abs(sound.astype(np.int64)).reshape(-1, RATE // 20).max(1)
    loudest = START + np.argsort(level)[-4:] / 20
    assert all(min(abs(clock - CONTACT), abs(clock - BRIDLE_CUT)) < 0.2 for clock in loudest)


def test_the_engines_fade_when_the_stage_has_flown_off(sound: np.ndarray[tuple[int], np.dtype[np.int32]]) -> None:
    start = round((BRIDLE_CUT + 0.6 - START) * RATE)
    near, far = sound[start : start + RATE // 2].std(), sound[-RATE // 2 :].std()
    assert far < 0.4 * near


def test_the_mortar_is_heard_in_a_window_that_holds_it() -> None:
    early = record(MORTAR - 0.5, 1.5)
    at = MORTAR - 0.5 + np.abs(early.astype(np.int64)).argmax() / RATE
    assert at == pytest.approx(MORTAR, abs=0.05)
