"""Values that a profile may hold by mistake: each is refused by an error that names its key."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from pipeline.errors import ProfileError
from pipeline.mission import Profile, load_profile
from stages.profile import Camera, Clock, Dictionary, FileProtocol, Link, Microphone, Mission, Names, Timeline

SECTIONS = {section.NAME: section for section in (Camera, Clock, Dictionary, FileProtocol, Link, Microphone, Mission, Names, Timeline)}

WRONG = {
    "link": """
        frame_length = "x"
        frame_length = 1115.5
        interleave = "5"
        reed_solomon = "32"
        reed_solomon = [1]
        marker = 5
        marker = ""
        marker_errors = 1.5
        marker_errors=9
        randomizer = 3
        randomizer = []
        fecf = "yes"
        dual_basis = 1
        insert_zone = -3
        insert_zone = "a"
        spacecraft = "M2020"
        spacecraft = 300
        spacecraft = -1
        idle_apid = "x"
        idle_apid=2048
        virtual_channels = 5
        virtual_channels = {1 = 3}
        virtual_channels = {"x" = {}}
        virtual_channels = {1={idle=5}}
        virtual_channels = {"²" = {}}
        virtual_channels={64={}}
        virtual_channels={1={gap_policy="x"}}
        virtual_channels={1={foo=1}}
        frame = "uslp"
        ocf = 4
        frame_length=100000
        frame_length = true
        interleave=0
        insert_zone = 5000
        frame_length=nan
        spacecraft=1.0
    """,
    "camera": """
        cfa="X"
        cfa=3
        bits=0
        bits=17
        bits="8"
        bits=8.5
        width="a"
        width=-1
        gains=5
        gains=[1,2]
        gains=[1,2,"a"]
        gains=[1,2,0]
        gains=[1,2,nan]
        frame_rate=-1
        frame_rate="x"
        frame_rate=inf
        embedded_samples=-1
        order="x"
        title=3
        companding=3
        companding=[1]
        companding=[{sols=3}]
    """,
    "clock": """
        ticks_per_second=0
        ticks_per_second="a"
        tdt_minus_utc="x"
        correlation=3
        correlation=[1]
        correlation=[[1,2]]
        correlation=[[1,2,"x"]]
        correlation=[[2,2,1],[1,2,1]]
        correlation=[[1,2,0]]
        correlation=[[1,1e300,1]]
        correlation=[[1,2,nan]]
    """,
    "microphone": """
        start="x"
        title=2
        start=true
    """,
    "names": """
        rules=3
        rules=[3]
        rules=[{}]
        rules=[{pattern="("}]
        rules=[{pattern=3}]
        rules=[{pattern="a",frame="q"}]
        rules=[{pattern="a",when=3}]
        rules=[{pattern="a",clock=["b"]}]
        rules=[{pattern="a",clock=["b","c"]}]
        cameras=3
        cameras={a=3}
        editions=3
        editions=[{}]
        editions=[{edition="x"}]
        editions=[{edition="jpeg",q="("}]
        colours={a=1}
    """,
    "telemetry": """
        grammar="x"
        channel_apids=3
        channel_apids=["a"]
        channels=3
        channels={a={}}
        channels={1={}}
        channels={1=3}
        events={1={arguments=["q"]}}
        events=[1]
        channel_apids=[3000]
        unnamed=3
    """,
    "files": """
        protocol="x"
        apids=3
        apids=["a"]
        apids=[[1]]
        apids=[[1,"b"]]
        apids=[[1,5000000000]]
        largest=0
        largest="a"
        largest=1e50
    """,
    "timeline": """
        zero="x"
        events=3
        events=[{}]
        events=[{clock="a"}]
        events=[{clock=1,name=3}]
        zero_name=3
    """,
    "mission": """
        id=3
        title=4
    """,
}
"""A line a table of one key."""


@pytest.mark.parametrize("line", [f"{name}: {line.strip()}" for name, lines in WRONG.items() for line in lines.strip().splitlines()])
def test_wrong_value_is_refused_by_its_key(line):
    name, _, text = line.partition(": ")
    mapping = tomllib.loads(text)
    (key,) = mapping
    with pytest.raises(ProfileError) as caught:
        SECTIONS[name].from_mapping(mapping, name="one")
    assert caught.value.where.startswith(f"{name}.one.{key}" if SECTIONS[name].KEY else f"{name}.{key}")


def test_error_of_a_command_names_file_and_key():
    profile = Profile(name="mine.toml", tables={"link": {"down": {"fecf": "yes"}}})
    with pytest.raises(ProfileError, match=r"^mine\.toml: link\.down\.fecf: 'yes' is not true or false$"):
        profile.sections(Link)


def test_numbers_of_numpy_are_numbers():
    link = Link.from_mapping({"frame_length": np.int64(892), "reed_solomon": np.uint8(32), "interleave": np.int32(4)})
    assert (link.virtual_fill, link.cadu_length) == (0, 1024)


def test_profiles_of_the_program_hold():
    for mission in ("generic", "mars2020"):
        profile = load_profile(mission)
        for section in SECTIONS.values():
            assert profile.sections(section) is not None


def test_torn_readings_have_no_utc_one_by_one_or_all_at_once():
    clock = Clock(ticks_per_second=1, correlation=((100.0, 0.0, 1.0), (200.0, 100.0, 1.0)))
    readings = [-5, 0, 99, 100, 150, 250, 10**11, 1 << 47, 1 << 62]
    single = [clock.utc(reading) for reading in readings]
    together = clock.utc_of_ticks(np.array(readings))
    assert [None if np.isnat(moment) else moment for moment in together] == single
    assert sum(moment is not None for moment in single) == 3
