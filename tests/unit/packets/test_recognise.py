"""What an arrival is: real captures of every level, at any bit phase, whole or beginning anywhere; and what it is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import DataError, UsageError
from pipeline.mission import load_profile
from pipeline.product import Arrival, Recognition
from stages.products import Chunk, Packets, ReceivedFile
from stages.profile import Dictionary, FileProtocol, Link
from stages.recognise import recognise_stream
from stages.recognise.recording import marker_positions

LINKS = {
    "turbo": Link.from_mapping({"spacecraft": 168}, name="turbo"),
    "npp": Link.from_mapping({"frame_length": 892, "reed_solomon": 32, "interleave": 4, "fecf": False, "spacecraft": 157}, name="npp"),
    "stereo": Link.from_mapping({"frame": "tm", "spacecraft": 234, "insert_zone": 15}, name="stereo"),
    "meteor": Link.from_mapping({"frame_length": 892, "fecf": False, "spacecraft": 0, "insert_zone": 2}, name="meteor"),
}


def sections(kind: type[Any]) -> Mapping[str, Any]:
    return LINKS if kind is Link else {"": {Dictionary: Dictionary(), FileProtocol: FileProtocol()}[kind]}


def recognise(
    octets: bytes, name: str = "pass.bin", *, level: str | None = None, section: str | None = None, known: Any = sections
) -> Recognition | None:
    arrival = Arrival(path=Path("/in") / name, size=len(octets), head=octets[: 1 << 20], level=level, section=section)
    found = [kind.recognise(arrival, known) for kind in (Chunk, Packets, ReceivedFile)]
    return max((one for one in found if one is not None), key=lambda one: one.confidence, default=None)


def shifted(octets: bytes, bits: int, *, inverted: bool) -> bytes:
    stream = np.unpackbits(np.frombuffer(octets, np.uint8)) ^ inverted
    return np.packbits(np.concatenate([np.ones(bits, np.uint8), stream])).tobytes()


def test_perseverances_frames_are_recognised_wherever_the_recording_begins(real: Path) -> None:
    octets = (real / "m2020" / "aos_frames_xband_2020-07-31.u8").read_bytes()
    for start in (0, 1, 700, 1114, 500_000):
        found = recognise(octets[start:], known=load_profile("mars2020").sections)
        assert found is not None
        assert (found.level, dict(found.sections), found.chunked) == ("frames", {"link": "xband"}, True)
        assert found.margin == 4 * 1115
        assert found.confidence >= 0.95
    found = recognise(octets[:1115], known=load_profile("mars2020").sections)
    assert found is not None
    assert found.confidence == 0.8
    assert recognise(octets[:1000], known=load_profile("mars2020").sections) is None


@pytest.mark.parametrize("bits, inverted", [(0, False), (3, False), (7, True), (0, True)])
def test_cadus_are_recognised_at_any_bit_phase_and_polarity(real: Path, bits: int, inverted: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    octets = (real / "link" / "suomi_npp_cadus.dat").read_bytes()
    found = recognise(shifted(octets[500:], bits, inverted=inverted))
    assert found is not None
    assert (found.level, dict(found.sections), found.margin) == ("bits", {"link": "npp"}, 4 * 1024)
    assert found.confidence == 0.95


def test_one_pair_of_markers_or_one_alone_is_less(real: Path) -> None:
    octets = (real / "link" / "suomi_npp_cadus.dat").read_bytes()
    assert [one and one.confidence for one in (recognise(octets[:2000]), recognise(octets[:1024]))] == [0.8, 0.6]


def test_tm_frames_and_frames_without_error_control_are_recognised_by_their_headers(real: Path) -> None:
    stereo = recognise((real / "link" / "stereo_a_tm_frames_2022-09-24.u8").read_bytes())
    assert stereo is not None
    assert dict(stereo.sections) == {"link": "stereo"}
    sequence = np.fromfile(real / "link" / "suomi_npp_cadus.dat", np.uint8).reshape(65, 1024)
    frames = sequence[:, 4 : 4 + 892].copy()
    # Derandomised as far as the header goes: version, spacecraft, channel and counter.
    frames[:, :5] ^= np.array([0xFF, 0x48, 0x0E, 0xC0, 0x9A], np.uint8)
    found = recognise(frames.tobytes())
    assert found is not None
    assert (found.confidence, dict(found.sections), found.level) == (0.7, {"link": "npp"}, "frames")


@pytest.mark.parametrize("name", ["jpss1_geolocation_2021-04-09.DAT1", "europa_clipper_ecm_raw2.bin"])
def test_packets_are_recognised_by_their_chain(real: Path, name: str) -> None:
    found = recognise((real / "packets" / name).read_bytes(), name)
    assert found is not None
    assert (found.level, found.chunked, found.margin) == ("packets", True, 0)
    assert found.confidence == 0.8


def test_packets_of_known_apids_are_surer(real: Path) -> None:
    def known(kind: type[Any]) -> Mapping[str, Any]:
        return {"": Dictionary.from_mapping({"channel_apids": [11]})} if kind is Dictionary else sections(kind)

    found = recognise((real / "packets" / "jpss1_geolocation_2021-04-09.DAT1").read_bytes()[:200_000], known=known)
    assert found is not None
    assert found.confidence == 0.9


@pytest.mark.parametrize(
    "octets",
    [b"\x89PNG\r\n\x1a\n....", b"\xff\xd8\xff\xf7...", b"II*\0....", b"MM\0*....", b"RIFF\x0a\x0b\0\0WAVEfmt ", b"fLaC\0\0\0"],
    ids=["png", "jpeg-ls", "tiff", "tiff big-endian", "wav", "flac"],
)
def test_media_are_recognised_by_their_first_octets_and_keep_their_name(octets: bytes) -> None:
    found = recognise(octets, "ESF_0004 (copy).png")
    assert found is not None
    assert (found.level, found.confidence, found.facts) == ("media", 0.99, {"name": "ESF_0004 (copy).png"})
    assert "(" not in found.key["file"]
    assert found.key["file"] != recognise(octets, "ESF_0004 [copy].png").key["file"]  # type: ignore[union-attr]


def test_a_name_that_is_no_text_does_no_harm() -> None:
    found = recognise(b"fLaC", "\udcff\udcfe.flac")
    assert found is not None
    assert found.facts["name"].encode() == "\ufffd\ufffd.flac".encode() or found.facts["name"].endswith(".flac")


@pytest.mark.parametrize(
    "octets",
    [bytes(100_000), b"\xff" * 100_000, b"hello, world\n" * 5000, b"", b"\0"],
    ids=["zeros", "ones", "text", "nothing", "one octet"],
)
def test_what_is_none_of_it_is_not_recognised(octets: bytes) -> None:
    assert recognise(octets) is None


def test_noise_is_not_recognised() -> None:
    for seed in range(20):
        assert recognise(np.random.default_rng(seed).integers(0, 256, 1 << 18, np.uint8).tobytes()) is None


def test_the_operators_word_holds(real: Path) -> None:
    octets = (real / "link" / "suomi_npp_cadus.dat").read_bytes()
    found = recognise(octets, level="bits", section="turbo")
    assert found is not None
    assert (found.confidence, dict(found.sections), found.margin) == (1.0, {"link": "turbo"}, 4 * 1119)
    evident = recognise(octets, level="bits")
    assert evident is not None
    assert dict(evident.sections) == {"link": "npp"}
    with pytest.raises(DataError, match="Name the link it came by: --link turbo or npp"):
        recognise(b"noise" * 1000, level="frames")
    named = recognise(b"noise" * 1000, level="frames", section="npp")
    assert named is not None
    assert dict(named.sections) == {"link": "npp"}
    assert recognise(b"\xff" * 1000, level="packets") is None
    named = recognise((real / "packets" / "europa_clipper_ecm_raw2.bin").read_bytes()[:60], level="packets")
    assert named is not None
    assert (named.level, named.confidence) == ("packets", 1.0)
    media = recognise(b"anything", level="media")
    assert media is not None
    assert media.level == "media"
    with pytest.raises(UsageError, match="no link 'ka'"):
        recognise(octets, section="ka")


def test_markers_are_found_where_they_stand() -> None:
    marker = bytes.fromhex("1ACFFC1D")
    octets = bytes(10) + marker + bytes(3)
    assert marker_positions(np.frombuffer(octets, np.uint8), marker).tolist() == [80]
    assert marker_positions(np.frombuffer(shifted(octets, 5, inverted=True), np.uint8), marker).tolist() == [85]
    assert marker_positions(np.frombuffer(marker[:3], np.uint8), marker).tolist() == []


def test_recognising_loads_no_compiler() -> None:
    code = "import sys, stages.recognise; print(sorted({'numba', 'scipy', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_listing_the_stages_loads_no_compiler() -> None:
    code = "import sys, stages.packets, stages.telemetry, stages.files; print(sorted({'numba', 'scipy', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_without_a_link_in_the_profile_the_error_says_what_to_name() -> None:
    arrival = Arrival(path=Path("/in/pass.bin"), size=5000, head=b"noise" * 1000, level="bits")
    with pytest.raises(DataError, match=r"/in/pass.bin: no link is known .* --mission"):
        recognise_stream(arrival, lambda _: {})
