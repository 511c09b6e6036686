"""Channel values and event reports: real packets of Mars 2020, packets made by hand, and the tables of a downlink."""

from __future__ import annotations

import binascii
import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.mission import load_profile
from pipeline.stage import Group, read_stage
from pipeline.testing.saving import FolderSink
from stages.packets.extract import extract_packets
from stages.packets.space_packets import index_packets
from stages.products import PACKET_DTYPE, Events, Packets
from stages.profile import Clock, Dictionary, Link
from stages.telemetry import channel_table, event_table, telemetry
from stages.telemetry.m2020_channels import count_values
from stages.telemetry.m2020_events import as_json, read_event

RECORDING = "xband"
CLOCK = 666952774 << 16 | 345


def packet(apid: int, body: bytes, *, sequence: int = 0, clock: int = CLOCK, secondary: bool = True) -> bytes:
    octets = (clock.to_bytes(6, "big") if secondary else b"") + body
    head = (secondary << 11 | apid).to_bytes(2, "big") + (0xC000 | sequence).to_bytes(2, "big")
    return head + (len(octets) - 1).to_bytes(2, "big") + octets


def product(*octets: bytes, name: str = "a") -> Packets:
    data = np.frombuffer(b"".join(octets), np.uint8)
    index = index_packets(data)
    assert len(index) == len(octets)
    table = np.zeros(len(index), PACKET_DTYPE)
    for field in index.dtype.names:
        table[field] = index[field]
    return Packets(pass_=name, chunk="0", data=data, table=table)


def report(event: int, *arguments: bytes, task: bytes = b"edl", counter: int = 7) -> bytes:
    head = task.ljust(6, b"\0") + struct.pack(">IIIB", event, 0x43B20000, counter, len(arguments))
    return head + b"".join(arguments)


def number(octets: bytes) -> bytes:
    return bytes([len(octets)]) + octets


def text(value: str) -> bytes:
    return b"\0" + bytes([len(value)]) + value.encode()


DICTIONARY = Dictionary.from_mapping(
    {
        "grammar": "m2020",
        "channel_apids": [9],
        "event_apids": [8],
        "channels": {
            "1": {"name": "volts", "type": "u16", "unit": "mV"},
            "2": {"name": "degrees", "type": "i8"},
            "5": {"name": "metres", "type": "f32", "unit": "m"},
            "9": {"name": "far", "type": "f64"},
            "12": {"name": "free", "type": "u64"},
        },
        "events": {
            "0x10": {"name": "MORTAR", "text": "Mach {0}, {1} Pa, {2}", "level": "info", "arguments": ["f32", "u16"]},
            "0x11": {"name": "BARE"},
        },
    }
)


@pytest.fixture(scope="module")
def flown(real: Path) -> Packets:
    frames = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8).reshape(-1, 1115)
    good = np.array([binascii.crc_hqx(frame.tobytes(), 0xFFFF) == 0 for frame in frames])
    table, data, _ = extract_packets(frames[good], link=Link.from_mapping({"spacecraft": 168}))
    return Packets(pass_=RECORDING, chunk="0", data=data, table=table)


def test_the_stages_obey_the_key_law() -> None:
    assert read_stage(telemetry, "telemetry").dimensions == ("pass", "chunk")
    assert read_stage(channel_table, "telemetry").settled
    assert read_stage(event_table, "telemetry").name == "telemetry.event_table"


def test_every_channel_packet_of_perseverance_is_explained(flown: Packets) -> None:
    channels, events = telemetry(flown, load_profile("mars2020").section(Dictionary))
    assert channels.refused == 0
    assert len(events.table) == 0
    assert len(np.unique(channels.table["sequence"])) == 58
    assert len(channels.table) == 22027
    # Every 14 s; the first packet by hand: 0x027A f64 3fc4b0a55e22a0db, 0x027D u32 0, 0x027F u32 0x7724.
    seconds = np.unique(channels.table["clock"]) / 65536
    assert np.allclose(np.diff(seconds) % 14, 0, atol=0.1) | np.allclose(np.diff(seconds) % 14, 14, atol=0.1)
    first = channels.table[:4]
    assert first["channel"].tolist() == [0x27A, 0x27D, 0x27E, 0x27F]
    assert first["value"].tolist() == [struct.unpack(">d", bytes.fromhex("3fc4b0a55e22a0db"))[0], 0, 0, 0x7724]


def test_every_recorded_block_of_perseverance_is_explained(flown: Packets) -> None:
    dictionary = load_profile("mars2020").section(Dictionary)
    widths = np.zeros(1 << 16, np.int64)
    for index, channel in dictionary.channels.items():
        widths[index] = int(channel["type"][1:]) // 8
    blocks = 0
    for row in flown.table[flown.table["apid"] == 247]:
        octets = flown.data[row["offset"] : row["offset"] + row["length"]].tobytes()
        at = 16
        while octets[12] == 1 and at < len(octets):
            length = int.from_bytes(octets[at + 3 : at + 6], "big")
            assert count_values(np.frombuffer(octets[at + 16 : at + 6 + length], np.uint8), widths) > 0
            at += 8 + length
            blocks += 1
    assert blocks == 51


def test_values_come_out_as_they_went_in() -> None:
    body = struct.pack(">HHHbHfHdHQ", 1, 31999, 2, -7, 5, 11222.5, 9, math.pi, 12, 1 << 40)
    channels, _ = telemetry(product(packet(9, body, sequence=3)), DICTIONARY)
    assert channels.table["channel"].tolist() == [1, 2, 5, 9, 12]
    assert channels.table["value"].tolist() == [31999, -7, 11222.5, math.pi, 1 << 40]
    assert channels.table["clock"].tolist() == [CLOCK] * 5
    assert channels.table["sequence"].tolist() == [3] * 5


@pytest.mark.parametrize(
    "octets",
    [
        packet(9, struct.pack(">HHHb", 2, 0, 1, 0)),
        packet(9, struct.pack(">HHHH", 1, 0, 1, 0)),
        packet(9, struct.pack(">HHH", 1, 0, 3)),
        packet(9, struct.pack(">HHH", 1, 0, 2)),
        packet(9, struct.pack(">HHB", 1, 0, 2)),
        packet(9, struct.pack(">HH", 1, 0), secondary=False),
        packet(9, b"\0"),
    ],
    ids=["descending", "twice", "unknown", "no value", "half an index", "no clock", "one octet"],
)
def test_a_packet_that_breaks_the_grammar_is_refused_as_a_whole(octets: bytes) -> None:
    good = packet(9, struct.pack(">HH", 1, 5), sequence=8)
    channels, _ = telemetry(product(octets, good), DICTIONARY)
    assert channels.table["value"].tolist() == [5]
    assert channels.refused == 1
    assert channels.completeness().caveats


def test_other_packets_and_missions_without_a_grammar_give_nothing() -> None:
    channels, events = telemetry(product(packet(2047, b"idle"), packet(9, b"????")), Dictionary())
    assert (len(channels.table), channels.refused, len(events.table), events.refused) == (0, 0, 0, 0)


def test_event_reports_by_hand() -> None:
    body = report(0x10, number(struct.pack(">f", 1.81)), number(struct.pack(">H", 518)), text("sfp_15000"), task=b"seqeng")
    _, events = telemetry(product(packet(8, body)), DICTIONARY)
    (row,) = events.table
    assert (row["event"], row["counter"], row["task"], row["clock"]) == (0x10, 7, b"seqeng", CLOCK)
    assert json.loads(row["arguments"]) == [1.81, 518, "sfp_15000"]


@pytest.mark.parametrize("size", [*range(18), 19, 22, 24])
def test_an_event_report_that_ends_too_early_is_refused(size: int) -> None:
    body = report(0x11, number(b"\0\0\0\0"), text("ab"))
    assert size < len(body)
    _, events = telemetry(product(packet(8, body[:size] or b"\0")), DICTIONARY)
    assert (len(events.table), events.refused) == (0, 1)


def test_numbers_of_another_size_than_the_dictionary_says_and_those_that_are_none() -> None:
    read = read_event(report(0x10, number(b"\1\2"), number(b""), number(b"\0\5")), DICTIONARY.events)
    assert read is None or read[3] == [258, 0, 5]
    assert read_event(report(0x10, number(struct.pack(">f", math.nan))), DICTIONARY.events) == (16, 7, b"edl", ["nan"])


def test_long_arguments_are_cut_to_valid_json() -> None:
    for arguments in (["x" * 250, "y" * 250], ["\x00" * 200], list(range(255)), ["z" * 255] * 200):
        octets = as_json(arguments)
        assert len(octets) <= 256
        assert isinstance(json.loads(octets), list)


def test_tables_count_each_packet_once_and_sort_by_clock() -> None:
    late = packet(9, struct.pack(">HHHb", 1, 2, 2, 3), clock=CLOCK + 65536, sequence=1)
    early = packet(9, struct.pack(">HH", 1, 1), sequence=0)
    first = telemetry(product(late, early, packet(8, report(0x10, number(b"\0\0\0\0")))), DICTIONARY)
    again = telemetry(product(early, packet(8, report(0x99, number(b"\1")), sequence=5), name="b"), DICTIONARY)
    clock = load_profile("mars2020").section(Clock)
    values = channel_table(Group.of([first[0], again[0]]), clock, DICTIONARY).table
    assert values.column_names == ["clock", "utc", "channel", "name", "value", "unit", "apid", "sequence"]
    assert values["name"].to_pylist() == ["volts", "volts", "degrees"]
    assert values["value"].to_pylist() == [1, 2, 3]
    assert values["unit"].to_pylist() == ["mV", "mV", ""]
    assert values["utc"][0].as_py().isoformat() == "2021-02-18T20:41:04.447849+00:00"
    reports = event_table(Group.of([first[1], again[1]]), clock, DICTIONARY).table
    assert reports["name"].to_pylist() == ["MORTAR", "event_00000099"]
    assert reports["message"].to_pylist() == ["Mach 0.0, ? Pa, ?", "1"]
    assert reports["level"].to_pylist() == ["info", ""]


def test_tables_of_nothing() -> None:
    empty, _ = telemetry(Packets(pass_=RECORDING, chunk="0", data=np.zeros(0, np.uint8), table=np.zeros(0, PACKET_DTYPE)), DICTIONARY)
    assert channel_table(Group.of([empty]), Clock(), DICTIONARY).table.num_rows == 0
    assert event_table(Group[Events].of([]), Clock(), DICTIONARY).table.num_rows == 0


def test_equal_input_gives_equal_parquet(flown: Packets, tmp_path: Path) -> None:
    profile = load_profile("mars2020")
    dictionary, clock = profile.section(Dictionary), profile.section(Clock)
    written = []
    for number_of_run in range(2):
        channels, _ = telemetry(flown, dictionary)
        sink = FolderSink(tmp_path / str(number_of_run))
        channel_table(Group.of([channels, channels]), clock, dictionary).save(sink)
        written.append(sink.files[".parquet"].read_bytes())
    assert written[0] == written[1]
