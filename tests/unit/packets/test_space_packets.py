"""The index over packet headers, against ccsdspy, spacepackets and real files."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import ccsdspy.utils
import numpy as np
import pytest
from spacepackets.ccsds.spacepacket import PacketType, SequenceFlags, SpacePacketHeader

from stages.packets.space_packets import index_packets, missing_packets, walk_packets


def packet(apid: int, sequence: int, octets: int, flags: SequenceFlags = SequenceFlags.UNSEGMENTED) -> bytes:
    """Let spacepackets write one."""
    header = SpacePacketHeader(
        packet_type=PacketType.TM, apid=apid, seq_count=sequence, seq_flags=flags, data_len=octets - 1, sec_header_flag=False
    )
    return bytes(header.pack()) + bytes(octets)


@pytest.mark.parametrize(
    "name, counts",
    [
        ("jpss1_geolocation_2021-04-09.DAT1", {11: 7200}),
        ("europa_clipper_ecm_raw2.bin", {1216: 944, 1219: 22, 1223: 22, 1227: 22, 1232: 16, 1217: 4}),
    ],
)
def test_real_files_give_the_published_counts_and_what_ccsdspy_gives(real: Path, name: str, counts: dict[int, int]) -> None:
    octets = (real / "packets" / name).read_bytes()
    table = index_packets(np.frombuffer(octets, np.uint8))
    assert Counter(table["apid"].tolist()) == counts
    theirs = list(ccsdspy.utils.iter_packet_bytes(io.BytesIO(octets)))
    ours = [octets[row["offset"] : row["offset"] + row["length"]] for row in table]
    assert ours == theirs
    headers = [SpacePacketHeader.unpack(data) for data in theirs]
    assert table["apid"].tolist() == [header.apid for header in headers]
    assert table["sequence"].tolist() == [header.seq_count for header in headers]
    assert table["flags"].tolist() == [header.seq_flags for header in headers]


def test_fields_are_those_that_spacepackets_wrote() -> None:
    sent = [(1, 0, 1, SequenceFlags.FIRST_SEGMENT), (2047, 16383, 65536, SequenceFlags.UNSEGMENTED), (0, 5, 2, SequenceFlags(0))]
    table = index_packets(np.frombuffer(b"".join(packet(*row) for row in sent), np.uint8))
    assert [tuple(row) for row in table[["apid", "sequence", "length", "flags"]]] == [
        (1, 0, 7, 1),
        (2047, 16383, 65542, 3),
        (0, 5, 8, 0),
    ]
    assert table["offset"].tolist() == [0, 7, 7 + 65542]


@pytest.mark.parametrize(
    "tail, reason",
    [
        (packet(9, 4, 100)[:60], "cut off"),
        (packet(9, 4, 100)[:5], "cut off"),
        (b"\xff" * 40, "version"),
        (b"", ""),
    ],
)
def test_the_walk_stops_at_the_first_header_that_cannot_be_one_and_says_so(tail: bytes, reason: str) -> None:
    whole = packet(9, 3, 10)
    walk = walk_packets(np.frombuffer(whole + tail, np.uint8))
    assert (len(walk.table), walk.end) == (1, len(whole))
    assert reason in walk.reason
    assert bool(walk.reason) == bool(tail)


def test_an_empty_file_has_no_packets() -> None:
    assert len(index_packets(np.zeros(0, np.uint8))) == 0


def test_more_packets_than_one_block_of_the_table_holds() -> None:
    octets = packet(5, 0, 1) * 200_000
    table = index_packets(np.frombuffer(octets, np.uint8))
    assert len(table) == 200_000
    assert (np.diff(table["offset"]) == 7).all()


def test_sequence_counts_name_the_packets_that_did_not_come() -> None:
    table = np.zeros(7, index_packets(np.zeros(0, np.uint8)).dtype)
    table["apid"] = [1, 2, 1, 1, 2, 2, 1]
    table["sequence"] = [16382, 100, 16383, 1, 103, 50, 2]
    missing, last = missing_packets(table, {1: 16380})
    # 16381 and 0 of APID 1; 101 and 102 of APID 2, whose step back to 50 is a count that began anew.
    assert missing.tolist() == [1, 0, 0, 1, 2, 0, 0]
    assert last == {1: 2, 2: 50}
    assert missing_packets(table[:0], {7: 3})[1] == {7: 3}
