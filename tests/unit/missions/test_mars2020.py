"""The profile of Mars 2020 against what its files, frames and clock are known to say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ProfileError
from pipeline.mission import Profile, available, load_profile
from stages.profile import Camera, Clock, Dictionary, FileProtocol, Link, Microphone, Mission, NameRule, Names, Timeline

SECTIONS = (Camera, Clock, Dictionary, FileProtocol, Link, Microphone, Mission, Names, Timeline)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("mars2020")


def fields(names: Names, name: str) -> tuple[NameRule, dict[str, str]]:
    """Match as `NameRule` says: case is ignored, the first rule whose conditions hold."""
    for rule in names.rules:
        match = re.fullmatch(rule.pattern, name, re.IGNORECASE)
        if match is None:
            continue
        groups = {group: (value or "").upper() for group, value in match.groupdict().items()}
        ranges = [(groups[group], allowed.split("..")) for group, values in rule.when.items() for allowed in values]
        if all(float(low) <= float(value) <= float(high) for value, (low, high) in ranges):
            return rule, groups
    raise AssertionError(name)


def edition(names: Names, groups: dict[str, str]) -> str:
    for entry in names.editions:
        if all(re.fullmatch(text, groups[group]) for group, text in entry.items() if group != "edition"):
            return entry["edition"]
    return ""


@pytest.mark.parametrize("name", ["mars2020", "generic"])
def test_every_section_of_every_profile_can_be_read(name: str) -> None:
    assert name in available()
    loaded = load_profile(name)
    for kind in SECTIONS:
        for section in loaded.sections(kind).values():
            assert isinstance(section, kind)


def test_clock_gives_the_utc_of_the_landing_cameras_label(profile: Profile) -> None:
    clock = profile.section(Clock)
    assert str(clock.utc(666952774.005264)) == "2021-02-18T20:41:04.447849"
    assert clock.utc_text(649497907.0) == "2020-07-31T20:04:06.643350Z"
    # Creation times of ops-era files, in the words of the reference.
    assert clock.utc_text(666965708.609).startswith("2021-02-19T00:16:39")
    assert clock.utc_text(667022666.963).startswith("2021-02-19T16:05:57")
    assert clock.utc_text(712748775.0).startswith("2022-08-02")
    assert clock.utc(0.0) is None


def test_clock_gives_many_moments_as_it_gives_one(profile: Profile) -> None:
    clock = profile.section(Clock)
    ticks = np.random.default_rng(4).integers(648_000_000 * 65536, 703_000_000 * 65536, 500)
    moments = [clock.utc(tick / 65536) for tick in ticks.tolist()]
    assert [None if np.isnat(moment) else moment for moment in clock.utc_of_ticks(ticks)] == moments
    assert np.isnat(Clock().utc_of_ticks(ticks)).all()


def test_clock_agrees_with_the_kernel(profile: Profile, real: Path) -> None:
    text = (real / "calibration" / "m2020_168_sclkscet_refit.tsc").read_text()
    triples = [line.split() for line in text[text.index("SCLK01_COEFFICIENTS_168") :].splitlines() if line.count("E+") >= 2]
    rows = {float(ticks) / 65536: (float(tdt), float(rate)) for ticks, tdt, rate in triples}
    table = profile.section(Clock).correlation
    assert len(table) == 267
    assert all(rows[start] == (tdt, rate) for start, tdt, rate in table)


def test_timeline_events_fall_at_their_utc(profile: Profile) -> None:
    clock, events = profile.section(Clock), {event["name"]: event for event in profile.section(Timeline).events}
    for name, utc in {
        "entry_interface": "20:36:50.078",
        "parachute_mortar": "20:40:50.710",
        "heat_shield_separation": "20:41:13.342",
        "backshell_separation": "20:42:47.377",
        "contact": "20:43:48.145",
        "touchdown": "20:43:49.643",
    }.items():
        moment = clock.utc(events[name]["clock"])
        assert moment is not None
        assert abs((moment - np.datetime64(f"2021-02-18T{utc}")) / np.timedelta64(1, "ms")) <= 1.5


@pytest.mark.parametrize(
    "name, camera, kind",
    [
        ("ESF_0000_0666965708_609ECM_N0010052EDLC00000_0000LUJ01", "DDC", "lossless"),
        ("EUF_0001_0667022666_963ECV_N0010052EDLC00001_0010LUJ01", "RUC", "lossless"),
        ("EBE_0450_0706921761_624ECM_N0260000EDLC00450_0050LUJ01", "PUC2", "lossless"),
        ("EDF_0001_0667022424_464ECM_N0010052EDLC00001_0010LUJ01", "RDC", "lossless"),
        ("Mars_Perseverance_EAE_0516_0712748775_129ECM_N0261222EDLC00516_0010LUJ01_1200", "PUC1", "lossless"),
        ("FLE_0000_0666958329_772ECM_N0010052AUT_04096_00_0LLJ01", "FL", "lossless"),
        ("FLF_0396_0702101051_786ECM_N0180000FHAZ02220_01_195J01", "FL", "jpeg"),
        ("SIF_1304_0782740375_648EBY_N0610376SRLC08046_0000LMJ01", "SI", "lossless"),
        ("WSM_0100_0675827328_000ECM_N0040218MEDA03145_0000LUJ01", "WS", "lossless"),
        ("ZL0_0038_0670307360_057ECM_N0031392ZCAM08007_1100LUJ", "ZL", "lossless"),
        ("ESF_0004_0667289069_518ECM_T0010052EDLC00004_001000J01", "DDC", "thumbnail"),
        ("ESF_0004_0667289069_518ECM_T0010052EDLC00004_0010LUJ01", "DDC", "thumbnail"),
        ("ESF_0004_0667289069_518ECV_N0010052EDLC00004_0010FHJ01", "DDC", "video"),
        ("ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010A0J01", "DDC", "jpeg"),
    ],
)
def test_names_of_operations_tell_camera_and_edition_and_no_time(profile: Profile, name: str, camera: str, kind: str) -> None:
    names = profile.section(Names)
    rule, groups = fields(names, name)
    assert (names.cameras[groups["instrument"]], edition(names, groups)) == (camera, kind)
    assert (rule.frame, rule.clock) == ("", ("", ""))


@pytest.mark.parametrize(
    "name, camera, kind, number, clock",
    [
        ("edf_0000_0666952787_126fdr_n0000371edlc00000_0000luj", "RDC", "lossless", "0000371", "0666952787.126"),
        ("edf_0000_0666952787_126fdr_t0000371edlc00000_0000luj", "RDC", "thumbnail", "0000371", "0666952787.126"),
        ("euf_0000_0666952787_126fdr_n0000371edlc00000_0000fhj", "RUC", "video", "0000371", "0666952787.126"),
        ("ELM_0000_0666952774_000FDR_N0000001LVS_04000_0000LUJ01", "LCAM", "lossless", "0000001", "0666952774.000"),
    ],
)
def test_archived_names_within_the_landing_tell_frame_and_time(
    profile: Profile, name: str, camera: str, kind: str, number: str, clock: str
) -> None:
    names = profile.section(Names)
    rule, groups = fields(names, name)
    assert (names.cameras[groups["instrument"]], edition(names, groups)) == (camera, kind)
    assert groups[rule.frame] == number
    assert ".".join(groups[group] for group in rule.clock) == clock


def test_sound_goes_to_the_microphone(profile: Profile) -> None:
    names = profile.section(Names)
    _, groups = fields(names, "EM__0001_0667022666_963ECM_N0010052EDLC00001_0010LUJ01")
    assert names.microphones[groups["instrument"]] == "EDL"


def test_every_camera_that_names_give_has_a_title_or_its_code(profile: Profile) -> None:
    cameras = profile.sections(Camera)
    for camera in ("PUC1", "PUC2", "PUC3", "DDC", "RUC", "RDC"):
        assert (cameras[camera].cfa, cameras[camera].bits) == ("RGGB", 8)
    assert (cameras["DDC"].width, cameras["DDC"].height) == (2048, 1536)
    assert cameras["LCAM"].cfa == "mono"
    assert set(cameras) <= set(profile.section(Names).cameras.values())


def test_dictionary_holds_the_channels_seen_in_flight_and_those_of_the_samples_apart(profile: Profile) -> None:
    dictionary = profile.section(Dictionary)
    seen = [index for index, channel in dictionary.channels.items() if channel["name"].startswith("channel_")]
    assert len(seen) == 1818
    assert min(set(dictionary.channels) - set(seen)) > max(seen)
    assert dictionary.channels[0x27A]["type"] == "f64"
    assert dictionary.channels[0x27D]["type"] == "u32"


@pytest.mark.parametrize(
    "table, problem",
    [
        ({"unnamed": {"u24": [1]}}, "u24"),
        ({"channels": {"1": {"name": "a", "type": "text"}}}, "text"),
        ({"channels": {"70000": {"name": "a", "type": "u8"}}}, "70000"),
        ({"channels": {"one": {"name": "a", "type": "u8"}}}, "one"),
        ({"events": {"1": {"name": "a", "arguments": ["str"]}}}, "str"),
        ({"grammar": "xtce"}, "xtce"),
    ],
)
def test_a_dictionary_that_makes_no_sense_is_refused(table: dict[str, object], problem: str) -> None:
    with pytest.raises(ProfileError, match=problem):
        Dictionary.from_mapping(table)


def test_links_have_the_lengths_that_were_recorded(profile: Profile) -> None:
    links = profile.sections(Link)
    assert (links["edl"].cadu_length, links["edl"].codeblock_length) == (4 + 1275, 1275)
    assert (links["xband"].frame_length, links["safe"].frame_length) == (1115, 223)
    assert list(links) == ["edl", "xband", "safe"]
    assert set(range(80, 96)) | {247} == set(profile.section(FileProtocol).apids)
