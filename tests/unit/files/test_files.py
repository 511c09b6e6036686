"""Packets to files: the one real data product, and transfers made by hand for each rule."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pipeline.mission import load_profile
from pipeline.stage import Group, read_stage
from pipeline.testing.saving import reloaded
from stages.files import assemble, files
from stages.files.assembly import Coverage
from stages.files.m2020_data_products import read_metadata, read_pieces
from stages.packets.extract import extract_packets
from stages.packets.space_packets import index_packets
from stages.products import PACKET_DTYPE, Packets, ReceivedFile
from stages.profile import FileProtocol, Link

PROTOCOL = FileProtocol.from_mapping({"protocol": "m2020-dp", "apids": [[80, 95]], "largest": 1 << 20})
FIRST = 666952780 << 16 | 7


def packet(body: bytes, *, apid: int = 82, time: int = FIRST) -> bytes:
    octets = time.to_bytes(6, "big") + body
    return (0x0800 | apid).to_bytes(2, "big") + b"\xc0\0" + (len(octets) - 1).to_bytes(2, "big") + octets


def pieces(offset: int, *data: bytes, spoil: int = 0) -> bytes:
    body = b"\1" + offset.to_bytes(3, "big")
    for octets in data:
        total = (sum(octets) + spoil) & 0xFFFF
        body += b"\0\x0a\x42" + len(octets).to_bytes(3, "big") + octets + total.to_bytes(2, "big")
    return body


def end(size: int) -> bytes:
    return b"\2" + bytes(6) + size.to_bytes(3, "big")


def metadata(facts: Mapping[str, object] | bytes) -> bytes:
    text = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    return bytes(99) + len(text).to_bytes(2, "big") + text


def product(*octets: bytes, name: str = "a") -> Packets:
    data = np.frombuffer(b"".join(octets), np.uint8)
    index = index_packets(data)
    assert len(index) == len(octets)
    table = np.zeros(len(index), PACKET_DTYPE)
    for field in index.dtype.names:
        table[field] = index[field]
    table["position"] = 1000 * np.arange(len(table))
    table["frames"] = 1
    return Packets(pass_=name, chunk="0", data=data, table=table)


def received(*passes: Packets) -> dict[str, ReceivedFile]:
    parts = [part for one in passes for part in files(one, PROTOCOL)]
    return {name: assemble(Group.of([part for part in parts if part.file == name])) for name in {part.file for part in parts}}


def only(*octets: bytes) -> ReceivedFile:
    (file,) = received(product(*octets)).values()
    return file


def test_the_stages_obey_the_key_law() -> None:
    assert read_stage(files, "files").fan_out
    assert (read_stage(assemble, "files").name, read_stage(assemble, "files").dimensions) == ("files.assemble", ("file",))


def test_the_data_product_of_perseverance_is_complete_with_51_good_checksums(real: Path) -> None:
    frames = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8).reshape(-1, 1115)
    good = np.array([binascii.crc_hqx(frame.tobytes(), 0xFFFF) == 0 for frame in frames])
    table, data, _ = extract_packets(frames[good], link=Link.from_mapping({"spacecraft": 168}))
    packets = Packets(pass_="xband", chunk="0", data=data, table=table)  # noqa: S106 - a pass over a ground station
    (part,) = files(packets, load_profile("mars2020").section(FileProtocol))
    assert part.file == "0247-0649496646-65396"
    file = assemble(Group.of([part]))
    assert (len(file.data), file.size, file.gaps, file.checksums) == (99_398, 99_398, (), (51, 0))
    assert not file.completeness().partial
    # Records of u32 clock, u32 0, u16 length: every 14 s.
    at, clocks = 0, []
    while at < len(file.data):
        clocks.append(int.from_bytes(file.data[at : at + 4], "big"))
        at += 10 + int.from_bytes(file.data[at + 8 : at + 10], "big")
    assert clocks == list(range(649_497_374, 649_498_075, 14))
    assert at == len(file.data)
    # Each stretch is told with the frame in which its packet begins.
    assert file.sources[0][0] == 0
    assert file.sources[-1][1] == 99_398
    assert len(file.sources) == 12


def test_order_repeats_and_interleaving_do_not_matter() -> None:
    one = [packet(pieces(0, b"abc", b"def")), packet(pieces(6, b"gh")), packet(end(8)), packet(metadata({"name": "one.jpg"}))]
    two = [packet(pieces(0, b"XY"), time=FIRST + 1), packet(end(2), time=FIRST + 1)]
    three = [packet(pieces(0, b"Z"), apid=83), packet(end(1), apid=83)]
    plain = received(product(*one, *two, *three))
    mixed = received(product(one[2], two[1], one[1], three[0], one[0], one[1], three[1], one[3], two[0], one[0]))
    assert {name: (file.data, file.size, file.gaps, file.name) for name, file in plain.items()} == {
        name: (file.data, file.size, file.gaps, file.name) for name, file in mixed.items()
    }
    assert sorted(plain) == ["0082-0666952780-00007", "0082-0666952780-00008", "0083-0666952780-00007"]
    assert plain["0082-0666952780-00007"].data == b"abcdefgh"
    assert plain["0082-0666952780-00007"].name == "one.jpg"


def test_a_hole_is_zero_and_a_gap_and_another_pass_fills_it() -> None:
    first = product(packet(pieces(0, b"abc")), packet(pieces(6, b"ghi")), packet(end(12)))
    (torn,) = received(first).values()
    assert (torn.data, torn.gaps, torn.size) == (b"abc\0\0\0ghi", ((3, 6), (9, 12)), 12)
    assert torn.completeness().received == 6
    second = product(packet(pieces(3, b"def")), packet(pieces(9, b"jkl")), name="b")
    (whole,) = received(first, second).values()
    assert (whole.data, whole.gaps) == (b"abcdefghijkl", ())
    assert [(start, stop, name) for start, stop, name, _, _ in whole.sources] == [
        (0, 3, "a"), (3, 6, "b"), (6, 9, "a"), (9, 12, "b"),
    ]  # fmt: skip


def test_without_an_end_record_the_size_is_not_known() -> None:
    file = only(packet(pieces(3, b"def")))
    assert (file.data, file.size, file.gaps) == (b"\0\0\0def", None, ((0, 3),))
    tally = ReceivedFile.tally([Group.of([file]).entries[0]])
    assert tally == {"files": {"complete": 0, "partial": 1}}


def test_metadata_or_end_alone_make_a_file_of_which_nothing_has_come() -> None:
    assert only(packet(metadata({"name": "x.png"}))).name == "x.png"
    assert only(packet(end(10))).gaps == ((0, 10),)
    assert not only(packet(end(0))).completeness().partial


def test_a_piece_with_a_wrong_sum_is_lost_until_it_comes_well() -> None:
    spoiled = packet(pieces(3, b"dEf", spoil=1))
    torn = only(packet(pieces(0, b"abc")), spoiled, packet(end(6)))
    assert (torn.data, torn.gaps, torn.checksums) == (b"abc", ((3, 6),), (1, 1))
    assert "wrong checksum" in torn.completeness().caveats[0]
    mended = only(packet(pieces(0, b"abc")), spoiled, packet(end(6)), packet(pieces(3, b"def")))
    assert (mended.data, mended.gaps, mended.checksums) == (b"abcdef", (), (2, 0))
    assert not mended.completeness().caveats


def test_among_right_sums_the_majority_holds_and_then_the_first_pass() -> None:
    passes = [
        product(packet(pieces(0, octets)), packet(end(3)), name=name) for name, octets in zip("abc", (b"one", b"two", b"two"), strict=True)
    ]
    (majority,) = received(*passes).values()
    assert (majority.data, majority.overruled) == (b"two", 1)
    (tie,) = received(*passes[:2]).values()
    assert tie.data == b"one"
    assert "contradict" in tie.completeness().caveats[0]


def test_overlaps_that_agree_are_no_contradiction() -> None:
    file = only(packet(pieces(0, b"abcd")), packet(pieces(2, b"cdef")), packet(pieces(1, b"b")), packet(end(6)))
    assert (file.data, file.overruled, file.gaps) == (b"abcdef", 0, ())


def test_pieces_beyond_the_end_are_left_out() -> None:
    file = only(packet(pieces(0, b"abcdef")), packet(pieces(100, b"far")), packet(end(4)))
    assert (file.data, file.gaps) == (b"abcd", ())
    assert file.overruled == 2


def test_an_end_record_of_the_majority_holds() -> None:
    file = only(packet(end(4)), packet(pieces(0, b"abcd")))
    assert file.size == 4
    passes = [product(packet(end(size)), packet(pieces(0, b"abcd")), name=name) for name, size in zip("abc", (9, 4, 4), strict=True)]
    assert [file.size for file in received(*passes).values()] == [4]


@pytest.mark.parametrize(
    "body",
    [b"\1", b"\1\0\0", b"\1\0\0\0abc", b"\1\0\0\0\0\x0a\x42\xff\xff\xffabc\0\0", b"\2\0\0", b"\3hello", b"\0\0\0",
     pieces((1 << 20) - 1, b"ab"), end((1 << 20) + 1)],
)  # fmt: skip
def test_packets_that_make_no_sense_are_counted_and_cost_nothing(body: bytes) -> None:
    file = only(packet(body), packet(pieces(0, b"ok")), packet(end(2)))
    assert (file.data, file.gaps, file.refused) == (b"ok", (), 1)
    assert "could not be read" in file.completeness().caveats[0]


def test_what_stands_before_a_length_that_reaches_too_far_is_kept() -> None:
    body = pieces(0, b"abc") + b"\0\0\0" + b"\0\1\0" + b"short"
    assert read_pieces(body, 100) == ([(0, b"abc", True)], False)


def test_packets_of_other_apids_and_without_a_time_are_passed_over() -> None:
    naked = b"\0\x52\xc0\0\0\7" + bytes(8)
    assert list(files(product(packet(pieces(0, b"a"), apid=9), naked), PROTOCOL)) == []
    assert list(files(product(packet(pieces(0, b"a"))), FileProtocol())) == []


def test_facts_are_taken_over_as_far_as_they_are_plain() -> None:
    facts = {
        "name": "../../etc/ESF_0000.png",
        "ticks": (666952774 << 16) + 345,
        "width": 2048,
        "height": -1,
        "bits": 8,
        "cfa": "RGGB",
        "encoding": "loco",
        "sample": 1 << 60,
        "gain": 1.5,
        "list": [1],
        "Bad Key": 1,
        "clock": 5.0,
        "flag": True,
        "text": "x" * 200,
    }
    octets = json.dumps(facts).encode()
    assert read_metadata(len(octets).to_bytes(2, "big") + octets) == {
        "name": "ESF_0000.png",
        "clock": 666952774 + 345 / 65536,
        "width": 2048,
        "bits": 8,
        "cfa": "RGGB",
        "encoding": "loco",
        "gain": 1.5,
        "flag": True,
    }


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"{", b"[" * 60000, b'{"ticks":' + b"9" * 5000 + b"}", b"\xff\xfe\x00", b'{"name": "\\ud800"}', b'{"gain": NaN}'],
)  # fmt: skip
def test_hostile_metadata_gives_no_facts(text: bytes) -> None:
    assert read_metadata(len(text).to_bytes(2, "big") + text) == {}


def test_products_come_back_from_their_files(tmp_path: Path) -> None:
    source = product(packet(pieces(0, b"a\nc", b"de")), packet(end(9)), packet(metadata({"name": "n"})), packet(b"\7?"))
    (part,) = files(source, PROTOCOL)
    assert reloaded(part, tmp_path / "part") == part
    file = assemble(Group.of([part]))
    assert reloaded(file, tmp_path / "file") == file
    assert file.story()[0].startswith("bytes 0-5 from pass a")


def test_coverage_tells_what_is_new_and_what_is_missing() -> None:
    coverage = Coverage()
    assert coverage.add(10, 20) == [(10, 20)]
    assert coverage.add(30, 40) == [(30, 40)]
    assert coverage.add(5, 45) == [(5, 10), (20, 30), (40, 45)]
    assert coverage.add(12, 13) == []
    assert coverage.gaps(50) == ((0, 5), (45, 50))
    assert coverage.covers(5, 45)
    assert not coverage.covers(4, 6)
    assert not Coverage().covers(0, 1)
