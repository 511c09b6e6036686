"""Packets, frames and faults of the simulator, each against its own rules, on a downlink of a few small files."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from spacepackets.ccsds.spacepacket import SpacePacketHeader

from sample_data.coding import BLOCK, MARKER, crc16, randomiser
from sample_data.faults import Wear, _Tape, hurt, record
from sample_data.files import JPEG, LOSSLESS, SOUND, THUMBNAIL, File
from sample_data.frames import ZONE, Framer, idle_zone
from sample_data.ledger import file_rows, packet_table, pass_row
from sample_data.packets import Draft, Sender, product
from sample_data.passes import FIRST, Downlink, Plan, downlink

UNIT = len(MARKER) + BLOCK


def some_file(name: str, apid: int, size: int) -> File:
    data = np.random.default_rng(len(name) + size).integers(0, 256, size, dtype=np.uint8).tobytes()
    return File(name=name, apid=apid, data=data, facts={"ticks": 5})


@pytest.fixture(scope="module")
def sent() -> Downlink:
    files = [
        *(some_file(f"T{number}", THUMBNAIL, 3000) for number in range(8)),
        *(some_file(f"J{number}", JPEG, 60_000) for number in range(8)),
        some_file("ED", LOSSLESS, 120_000),
        some_file("ES", LOSSLESS, 90_000),
        *(some_file(f"S{number}", SOUND, 12_000) for number in range(12)),
    ]
    return downlink(files, Plan(torn="J3", silent=4, unsent=("J6",), again=("J1",)))


def test_a_product_is_cut_as_the_flown_one_was() -> None:
    file = some_file("EUF", JPEG, 25_000)
    first, *pieces, last = product(file, 7, 0x1234_5678_9ABC)
    assert (first.body[0], first.kind, first.ticks) == (0, "meta", 0x1234_5678_9ABC)
    length = int.from_bytes(first.body[99:101], "big")
    assert json.loads(first.body[101 : 101 + length]) == {"name": "EUF", "ticks": 5}
    assert len(first.body) == 101 + length
    assert struct.unpack_from(">f", first.body, 55)[0] == 1.0
    assert last.body[0] == 2
    assert int.from_bytes(last.body[7:], "big") == 25_000
    data = bytearray()
    for draft in pieces:
        assert draft.body[0] == 1
        assert len(draft.body) + 12 <= 10_239
        assert int.from_bytes(draft.body[1:4], "big") == len(data) == draft.piece[0]
        at = 4
        while at < len(draft.body):
            assert draft.body[at : at + 3] == b"\x00\x0a\x42"
            size = int.from_bytes(draft.body[at + 3 : at + 6], "big")
            octets = draft.body[at + 6 : at + 6 + size]
            assert sum(octets) & 0xFFFF == int.from_bytes(draft.body[at + 6 + size : at + 8 + size], "big")
            data += octets
            at += 8 + size
        assert len(data) == draft.piece[1]
    assert bytes(data) == file.data


def test_packets_are_numbered_per_apid_in_the_order_sent() -> None:
    sender = Sender()
    sender.counts[9] = 0x3FFF
    packets = [sender.send(Draft(apid=apid, ticks=65536 + 1, body=b"abc")) for apid in (9, 8, 9)]
    headers = [SpacePacketHeader.unpack(packet.data) for packet in packets]
    assert [(header.apid, header.seq_count) for header in headers] == [(9, 0x3FFF), (8, 0), (9, 0)]
    assert all(header.sec_header_flag and header.packet_len == len(packet.data) for header, packet in zip(headers, packets, strict=True))
    assert packets[0].data[6:] == bytes.fromhex("000000010001") + b"abc"


def test_first_header_pointers_lead_to_packets() -> None:
    rng = np.random.default_rng(3)
    sender, framer = Sender(), Framer()
    framer.counters[1] = 0xFFFFFE
    drafts = [Draft(apid=80, ticks=0, body=bytes(int(size))) for size in rng.choice([1, 40, 900, 1105, 1117, 5000], 60)]
    channel = framer.lay(1, [sender.send(draft) for draft in drafts], sender, 0)
    assert channel.counters[:4].tolist() == [0xFFFFFE, 0xFFFFFF, 0, 1]
    assert (crc16(channel.frames) == 0).all()  # over frame and its own check, the remainder is nothing
    starts = set(np.cumsum([0, *(len(packet.data) for packet in channel.packets)]).tolist())
    for row, frame in enumerate(channel.frames):
        pointer = int.from_bytes(frame[6:8].tobytes(), "big")
        inside = sorted(start - row * ZONE for start in starts if row * ZONE <= start < (row + 1) * ZONE)
        assert pointer == (inside[0] if inside else 0x7FF)
    assert b"".join(frame[8:-2].tobytes() for frame in channel.frames) == b"".join(packet.data for packet in channel.packets)


def test_idle_frames_say_so() -> None:
    channel = Framer().idle(3)
    assert (channel.frames[:, 1] & 63 == 63).all()
    assert (channel.frames[:, 6:8] == (0x07, 0xFE)).all()
    assert np.array_equal(channel.frames[0, 8:-2], idle_zone())


@pytest.mark.parametrize("seed", range(5))
def test_tape_lays_bits_end_to_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tape, bits = _Tape(), []
    for _ in range(30):
        if rng.random() < 0.5:
            value, count = int(rng.integers(128)), int(rng.integers(1, 8))
            tape.few(value, count)
            bits += [value >> place & 1 for place in range(count - 1, -1, -1)]
        else:
            octets = rng.integers(0, 256, int(rng.integers(0, 9)), dtype=np.uint8)
            tape.octets(octets)
            bits += np.unpackbits(octets).tolist()
    assert tape.length == len(bits)
    assert tape.finish() == np.packbits(np.array(bits, np.uint8)).tobytes()


def test_wrong_symbols_stay_within_the_code_except_where_they_shall_not() -> None:
    rng = np.random.default_rng(4)
    clean = rng.integers(0, 256, (400, UNIT), dtype=np.uint8)
    units = clean.copy()
    wrong = hurt(units, rng, Wear(hopeless={7, 8}, marker_bits={9: (0, 31)}), share=0.8)
    counts = np.stack([(units != clean)[:, 4 + codeword :: 5].sum(1) for codeword in range(5)], -1)
    assert (counts[[7, 8]].max(1) > 16).all()
    others = np.delete(np.arange(400), [7, 8])
    assert counts[others].max() == 16
    assert np.array_equal(wrong[others], counts[others].sum(1))
    assert wrong[[7, 8]].tolist() == [-1, -1]
    assert (clean[9, :4] ^ units[9, :4]).tolist() == [0x80, 0, 0, 1]


def test_every_kind_of_fault_leaves_the_other_frames_where_the_record_says() -> None:
    rng = np.random.default_rng(5)
    units = rng.integers(0, 256, (20, UNIT), dtype=np.uint8)
    wear = Wear(lost={3, 4}, cut={6: 100}, slips={2: 3, 12: 5}, torn={9: (700, 6)}, noise={15: 50}, inverted=(10, 14))
    done = record(units, np.zeros(20, np.int64), wear, rng)
    stream = np.unpackbits(np.frombuffer(done.data, np.uint8))
    for row in set(range(20)) - {3, 4, 6, 9}:
        octets = np.packbits(stream[done.bits[row] : done.bits[row] + 8 * UNIT])
        assert np.array_equal(octets, ~units[row] if 10 <= row < 14 else units[row]), row
    assert done.corrected.tolist() == [-2 if row in {3, 4} else -1 if row in {6, 9} else 0 for row in range(20)]
    assert done.bits[[3, 4]].tolist() == [-1, -1]


def frames_in(one: Any) -> dict[int, np.ndarray[Any, Any]]:
    """Read the frames without any error out of a recording."""
    stream = np.unpackbits(np.frombuffer(one.recording.data, np.uint8))
    frames = {}
    for row in np.flatnonzero(one.recording.corrected == 0).tolist():
        at = one.recording.bits[row]
        unit = np.packbits(stream[at : at + 8 * UNIT])
        unit = ~unit if one.wear.inverted[0] <= row < one.wear.inverted[1] else unit
        frames[row] = (unit[4:] ^ np.resize(randomiser(), BLOCK))[:1115]
    return frames


def test_recordings_hold_what_was_sent(sent: Downlink) -> None:
    for one in sent.passes[1:]:
        frames = frames_in(one)
        assert len(frames) > 0.5 * len(one.order)
        for row, frame in frames.items():
            number, place = one.order[row].tolist()
            assert np.array_equal(frame, one.channels[number].frames[place])
            assert frame[0] == 0x6A
            assert frame[1] == number


def test_what_comes_and_what_does_not(sent: Downlink) -> None:
    rows = {row["name"]: row for row in file_rows(sent)}
    assert [name for name, row in rows.items() if not row["complete"]] == ["J3", "J6", "S4"]
    assert 0 < rows["J3"]["received"] < rows["J3"]["size"]
    assert (rows["J6"]["sent"], rows["J6"]["received"]) == (False, 0)
    assert (rows["S4"]["sent"], rows["S4"]["received"], rows["S4"]["metadata"]) == (True, 0, False)


def test_the_first_pass_loses_on_every_channel_that_matters(sent: Downlink) -> None:
    counts = pass_row(next(one for one in sent.passes if one.name == FIRST))
    assert all(link["lost"] > 0 for link in counts["link"] if link["virtual_channel"] != 63)
    assert counts["bad"]["least"] >= 6
    assert all(counts["faults"][kind] for kind in ("slips", "torn", "cut", "noise", "inverted", "marker_bits"))


def test_packet_table_counts_each_packet_sent(sent: Downlink) -> None:
    table = packet_table(sent.passes)
    assert len(table) == sum(len(channel.packets) for one in sent.passes for channel in one.channels.values())
    again = table[(table["pass"] == 2) & (table["apid"] == 9)]
    first = table[(table["pass"] == 1) & (table["apid"] == 9) & ~table["whole"]]
    assert len(first) > 0
    assert np.isin(first["digest"], again["digest"]).all()  # telemetry is played back as it was
