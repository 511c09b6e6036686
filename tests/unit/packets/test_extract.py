"""Frames to packets: real captures with counts from elsewhere, and frames made by hand for each rule."""

from __future__ import annotations

import binascii
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DataError
from stages.packets.extract import Extraction, LinkState, demultiplex, extract_packets
from stages.profile import Link

ZONE = 20
PLAIN = {"frame_length": 28, "fecf": False, "spacecraft": 168}


def packet(length: int, apid: int = 5, sequence: int = 0) -> bytes:
    head = (0x0800 | apid).to_bytes(2, "big") + (0xC000 | sequence).to_bytes(2, "big") + (length - 7).to_bytes(2, "big")
    return head + bytes((sequence + n) % 251 for n in range(length - 6))


def aos(counter: int, pointer: int, zone: bytes, *, channel: int = 1, spacecraft: int = 168, signalling: int = 0) -> bytes:
    master = 1 << 14 | spacecraft << 6 | channel
    return master.to_bytes(2, "big") + counter.to_bytes(3, "big") + bytes([signalling]) + pointer.to_bytes(2, "big") + zone


def tm(counter: int, pointer: int, zone: bytes, *, channel: int = 3, secondary: bytes = b"", control: bytes = b"") -> bytes:
    master = 234 << 4 | channel << 1 | bool(control)
    status = bool(secondary) << 15 | 3 << 11 | pointer
    return master.to_bytes(2, "big") + bytes([0, counter]) + status.to_bytes(2, "big") + secondary + zone + control


def run(*frames: bytes, carry: LinkState | None = None, **link: object) -> Extraction:
    matrix = np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), -1)
    return demultiplex(matrix, link=Link.from_mapping(PLAIN | link), carry=carry)


def packets_of(result: Extraction) -> list[bytes]:
    return [result.data[row["offset"] : row["offset"] + row["length"]].tobytes() for row in result.table]


def row_of(result: Extraction, channel: int = 1) -> dict[str, int]:
    return next(dict(row) for row in result.link if row["virtual_channel"] == channel)


def zones(stream: bytes, size: int = ZONE) -> list[bytes]:
    assert len(stream) % size == 0
    return [stream[at : at + size] for at in range(0, len(stream), size)]


# Real captures


def test_perseverance_in_cruise(real: Path) -> None:
    frames = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8).reshape(-1, 1115)
    good = np.array([binascii.crc_hqx(frame.tobytes(), 0xFFFF) == 0 for frame in frames])
    assert np.flatnonzero(~good).tolist() == [927, 928, 929, 949]
    result = demultiplex(frames[good], link=Link.from_mapping({"spacecraft": 168}))
    assert Counter(result.table["apid"].tolist()) == {2047: 741, 9: 58, 247: 14}
    row = row_of(result, 0)
    assert {name: row[name] for name in ("frames", "gaps", "lost", "truncated_packets", "duplicates")} == {
        "frames": 946,
        "gaps": 6,
        "lost": 17,
        "truncated_packets": 0,
        "duplicates": 0,
    }
    assert result.gaps["lost"].tolist() == [1, 1, 1, 1, 1, 12]
    # Sequence counts: 3514, 3535 and 3570 of APID 9, 14 idle packets.
    assert row["missing_packets"] == 17
    assert result.table["frames"].max() == 10
    assert not result.table["flags"].min() < 3


def test_perseverance_without_the_gap_rule_would_invent_packets(real: Path) -> None:
    frames = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8).reshape(-1, 1115)[:900]
    whole = {*packets_of(demultiplex(frames, link=Link()))}
    holed = np.delete(frames, [100, 101, 250, 251, 252, 400, 600, 777], axis=0)
    result = demultiplex(holed, link=Link())
    assert row_of(result, 0)["truncated_packets"] > 0
    assert {*packets_of(result)} < whole


def test_stereo_a_tm_frames_with_secondary_header_and_control_field(real: Path) -> None:
    frames = np.fromfile(real / "link" / "stereo_a_tm_frames_2022-09-24.u8", np.uint8).reshape(-1, 1115)
    counts = {1140: 128, 1137: 77, 2047: 72, 624: 22, 1393: 22, 880: 22, 0: 9}
    for options in ({"insert_zone": 15, "ocf": True}, {}):
        table, _, _ = extract_packets(frames, link=Link.from_mapping({"frame": "tm", "spacecraft": 234, **options}))
        assert Counter(table["apid"].tolist()) == counts


@pytest.mark.parametrize("policy, number", [("ignore", 1681), ("consistent", 1681), ("strict", 1260)])
def test_meteor_m_whose_counter_is_stuck(real: Path, policy: str, number: int) -> None:
    units = np.fromfile(real / "link" / "meteor_m_vcdus_stuck_counter.bin", np.uint8).reshape(-1, 948)
    link = Link.from_mapping({"frame_length": 892, "insert_zone": 2, "fecf": False, "gap_policy": policy})
    table, _, _ = extract_packets(units[:, 12 : 12 + 892], link=link)
    assert len(table) == number
    if policy == "ignore":
        assert Counter(table["apid"].tolist()) == {65: 550, 64: 546, 66: 546, 70: 39}


def test_suomi_npp_packets_have_the_published_digest(real: Path) -> None:
    register, sequence = 0xFF, []
    for _ in range(255):
        octet = 0
        for _ in range(8):
            octet = octet << 1 | register & 1
            register = register >> 1 | ((register ^ register >> 3 ^ register >> 5 ^ register >> 7) & 1) << 7
        sequence.append(octet)
    units = np.fromfile(real / "link" / "suomi_npp_cadus.dat", np.uint8).reshape(65, 1024)[:, 4:]
    frames = (units ^ np.array(sequence * 4, np.uint8))[:, :892]
    table, data, _ = extract_packets(frames, link=Link.from_mapping({"frame_length": 892, "fecf": False, "spacecraft": 157}))
    assert Counter(table["apid"].tolist()) == {803: 11, 802: 1}
    assert (data.size, hashlib.md5(data).hexdigest()) == (53098, "5e11051d86c46ddc3500904c99bbe978")  # noqa: S324 - the published digest is an MD5


# The rules, one by one


def test_a_header_may_be_split_across_frames_and_a_packet_may_run_through_many() -> None:
    sent = [packet(17, sequence=1), packet(23, sequence=2), packet(195, sequence=3), packet(25, sequence=4)]
    stream = zones(b"".join(sent))
    begins = np.cumsum([0, 17, 23, 195])
    pointers = [next((int(at - n * ZONE) for at in begins if n * ZONE <= at < (n + 1) * ZONE), 0x7FF) for n in range(len(stream))]
    result = run(*(aos(n, pointer, zone) for n, (pointer, zone) in enumerate(zip(pointers, stream, strict=True))))
    assert packets_of(result) == sent
    assert result.table["frames"].tolist() == [1, 2, 10, 2]
    assert result.table["position"].tolist() == [0, 0, 2 * 28 * 8, 11 * 28 * 8]
    assert pointers.count(0x7FF) == 10


def test_virtual_channels_do_not_disturb_each_other() -> None:
    one, two = packet(40, apid=1), packet(40, apid=2)
    result = run(
        aos(0, 0, one[:20], channel=1),
        aos(9, 0, two[:20], channel=2),
        aos(10, 0x7FF, two[20:], channel=2),
        aos(1, 0x7FF, one[20:], channel=1),
    )
    assert packets_of(result) == [two, one]
    assert result.table["virtual_channel"].tolist() == [2, 1]


def test_the_counter_of_24_bits_wraps_and_with_its_cycle_has_28() -> None:
    whole = packet(40)
    assert packets_of(run(aos(0xFFFFFF, 0, whole[:20]), aos(0, 0x7FF, whole[20:]))) == [whole]
    joined = run(aos(0xFFFFFF, 0, whole[:20], signalling=0x43), aos(0, 0x7FF, whole[20:], signalling=0x44))
    assert packets_of(joined) == [whole]
    torn = run(aos(0xFFFFFF, 0, whole[:20], signalling=0x43), aos(0, 0x7FF, whole[20:], signalling=0x45))
    assert packets_of(torn) == []
    assert torn.gaps["lost"].tolist() == [1 << 24]


def test_the_counter_of_8_bits_wraps() -> None:
    whole = packet(40)
    result = run(tm(255, 0, whole[:20]), tm(0, 0x7FF, whole[20:]), frame="tm", spacecraft=234)
    assert packets_of(result) == [whole]
    assert row_of(result, 3)["gaps"] == 0


def test_tm_secondary_header_by_its_own_length_and_control_field_by_its_flag() -> None:
    whole = packet(20)
    frame = tm(7, 0, whole, secondary=bytes([2, 1, 2]), control=b"\1\0\0\0")
    assert packets_of(run(frame, frame_length=len(frame), frame="tm", spacecraft=234)) == [whole]


def test_a_gap_drops_the_open_packet_and_the_next_pointer_synchronises_again() -> None:
    lost, kept = packet(60, sequence=1), packet(20, sequence=2)
    result = run(aos(4, 0, lost[:20]), aos(6, 0x7FF, lost[40:]), aos(7, 0, kept))
    assert packets_of(result) == [kept]
    row = row_of(result)
    assert (row["gaps"], row["lost"], row["truncated_packets"]) == (1, 1, 1)
    assert [tuple(gap) for gap in result.gaps] == [(1, 4, 6, 1, 28 * 8)]


def test_consistent_keeps_the_open_packet_if_the_pointer_agrees_and_drops_it_if_not() -> None:
    whole, after = packet(30, sequence=1), packet(10, sequence=2)
    agrees = (aos(4, 0, whole[:20]), aos(90, 10, whole[20:] + after))
    assert packets_of(run(*agrees, gap_policy="consistent")) == [whole, after]
    assert packets_of(run(*agrees)) == [after]
    differs = (aos(4, 0, whole[:20]), aos(90, 13, bytes(13) + packet(7, sequence=2)))
    assert packets_of(run(*differs, gap_policy="consistent")) == [packet(7, sequence=2)]
    assert row_of(run(*differs, gap_policy="ignore"))["pointer_conflicts"] == 1


def test_a_policy_of_one_virtual_channel_leaves_the_others_alone() -> None:
    whole = packet(40)
    channels = {"virtual_channels": {"2": {"gap_policy": "ignore"}}}
    frames = (
        aos(4, 0, whole[:20]),
        aos(4, 0, whole[:20], channel=2),
        aos(6, 0x7FF, whole[20:]),
        aos(6, 0x7FF, whole[20:], channel=2),
    )
    result = run(*frames, **channels)
    assert result.table["virtual_channel"].tolist() == [2]
    assert [row["gaps"] for row in result.link] == [1, 0]


def test_a_pointer_that_contradicts_the_packet_before_drops_it_even_if_the_counter_is_right() -> None:
    torn, kept = packet(60, sequence=1), packet(15, sequence=2)
    result = run(aos(4, 0, torn[:20]), aos(5, 5, torn[20:25] + kept))
    assert packets_of(result) == [kept]
    assert (row_of(result)["pointer_conflicts"], row_of(result)["truncated_packets"]) == (1, 1)


def test_a_pointer_past_the_zone_is_refused() -> None:
    kept = packet(20)
    result = run(aos(4, 21, bytes(20)), aos(5, 1500, bytes(20)), aos(6, 0, kept))
    assert packets_of(result) == [kept]


def test_idle_frames_and_idle_zones_pass_unread() -> None:
    whole = packet(40)
    result = run(
        aos(4, 0, whole[:20]),
        aos(0, 0, b"\x55" * 20, channel=63),
        aos(5, 0x7FE, b"\x55" * 20),
        aos(3, 0, b"\x55" * 20, channel=9),
        aos(6, 0x7FF, whole[20:]),
        virtual_channels={"9": {"idle": True}},
    )
    assert packets_of(result) == [whole]
    assert [(row["virtual_channel"], row["frames"]) for row in result.link] == [(1, 3), (9, 1), (63, 1)]


def test_a_frame_that_comes_again_is_dropped_and_counted_at_once_or_later() -> None:
    whole, after = packet(60, sequence=1), packet(20, sequence=2)
    first, second, third, fourth = (aos(n, p, z) for n, p, z in zip(
        range(4, 8), (0, 0x7FF, 0x7FF, 0), zones(whole + after), strict=True
    ))  # fmt: skip
    result = run(first, first, second, third, second, fourth)
    assert packets_of(result) == [whole, after]
    row = row_of(result)
    assert (row["frames"], row["duplicates"], row["gaps"], row["lost"]) == (4, 2, 0, 0)


def test_the_same_counter_with_other_octets_is_no_duplicate() -> None:
    one, two = packet(20, sequence=1), packet(20, sequence=2)
    result = run(aos(4, 0, one), aos(4, 0, two))
    assert packets_of(result) == [one, two]
    assert (row_of(result)["duplicates"], row_of(result)["gaps"], row_of(result)["lost"]) == (0, 1, 0)


def test_a_counter_that_steps_back_names_no_lost_frames() -> None:
    result = run(aos(1000, 0, packet(20)), aos(3, 0, packet(20, sequence=1)))
    assert (row_of(result)["gaps"], row_of(result)["lost"]) == (1, 0)
    assert len(result.table) == 2


def test_frames_of_another_spacecraft_or_version_are_passed_over() -> None:
    whole = packet(40)
    wrong_version = b"\x2a" + aos(5, 0, bytes(20))[1:]
    frames = (aos(4, 0, whole[:20]), aos(5, 0, bytes(20), spacecraft=7), wrong_version, aos(5, 0x7FF, whole[20:]))
    assert packets_of(run(*frames)) == [whole]
    anyone = demultiplex(np.frombuffer(b"".join(frames), np.uint8).reshape(4, -1), link=Link.from_mapping(PLAIN | {"spacecraft": None}))
    assert [row["spacecraft"] for row in anyone.link] == [7, 168]


def test_what_is_no_packet_ends_the_zone_until_the_next_pointer() -> None:
    result = run(aos(4, 0, packet(10) + b"\xff" * 10), aos(5, 0x7FF, bytes(20)), aos(6, 0, packet(20, sequence=1)))
    assert packets_of(result) == [packet(10), packet(20, sequence=1)]


def test_insert_zone_header_control_and_trailers_are_left_out() -> None:
    whole = packet(20)
    frame = aos(1, 0, whole)
    padded = frame[:6] + b"HC" + b"INSERT" + frame[6:] + b"OCF!" + b"FE"
    options = {"insert_zone": 6, "header_error_control": True, "ocf": True, "fecf": True}
    assert packets_of(run(padded, frame_length=len(padded), **options)) == [whole]


def test_frames_without_room_are_refused_with_a_remedy() -> None:
    with pytest.raises(DataError, match="no room"):
        extract_packets(np.zeros((3, 9), np.uint8), link=Link())


def test_noise_on_an_unchecked_link_does_not_make_the_state_grow() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (20_000, 64)).astype(np.uint8)
    _, _, state = extract_packets(noise, link=Link.from_mapping({"frame_length": 64, "fecf": False}))
    assert len(state.channels) <= 128


# Chunks


def test_the_first_partial_packet_is_neither_gap_nor_truncated() -> None:
    result = run(aos(8, 5, bytes(5) + packet(15)))
    assert packets_of(result) == [packet(15)]
    assert (row_of(result)["gaps"], row_of(result)["truncated_packets"]) == (0, 0)


def test_a_gap_across_chunks_is_counted_once_and_a_repeat_across_chunks_is_known() -> None:
    whole = packet(60)
    frames = [aos(n, p, z) for n, p, z in zip((4, 5, 6), (0, 0x7FF, 0x7FF), zones(whole), strict=True)]
    first = run(frames[0])
    assert first.state.channels[168 << 6 | 1].open == whole[:20]
    gap = run(frames[2], carry=first.state)
    assert (len(first.gaps), len(gap.gaps), row_of(gap)["truncated_packets"]) == (0, 1, 1)
    again = run(frames[0], frames[1], frames[2], carry=first.state)
    assert packets_of(again) == [whole]
    assert row_of(again)["duplicates"] == 1
    assert again.table["position"].tolist() == [0]


def test_a_channel_without_frames_in_a_chunk_keeps_its_state() -> None:
    whole = packet(40)
    first = run(aos(4, 0, whole[:20]))
    silent = run(aos(0, 0, packet(20), channel=2), carry=first.state)
    assert silent.state.channels[168 << 6 | 1] == first.state.channels[168 << 6 | 1]
    assert packets_of(run(aos(5, 0x7FF, whole[20:]), carry=silent.state)) == [whole]


def test_no_frames_at_all() -> None:
    result = demultiplex(np.zeros((0, 1115), np.uint8), link=Link())
    assert (len(result.table), result.data.size, result.link) == (0, 0, ())


@pytest.mark.parametrize("have", [1, 2, 3, 4, 5])
def test_a_header_may_be_split_across_chunks(have: int) -> None:
    # Longer than 256 octets, so that both octets of the length count.
    before, whole = packet(ZONE - have, sequence=1) if ZONE - have >= 7 else b"", packet(2 * ZONE * 16 + have, sequence=2)
    stream = zones(before + whole)
    first = run(aos(0, 0, stream[0]))
    assert first.state.channels[168 << 6 | 1].open == whole[:have]
    rest = run(*(aos(n, 0x7FF, zone) for n, zone in enumerate(stream[1:], 1)), carry=first.state)
    assert packets_of(rest) == [whole]
    assert rest.table["frames"].tolist() == [len(stream)]
