"""Whatever happens to frames on their way, no packet comes out that was not sent, and chunks make no difference."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.packets.extract import LinkState, demultiplex
from stages.packets.space_packets import index_packets, walk_packets
from stages.profile import Link

LENGTH = 40
SETTINGS = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Downlink:
    """What was sent: frames of several virtual channels in turn, and the packets in them."""

    kind: str
    frames: np.ndarray
    packets: dict[int, list[bytes]]

    @property
    def link(self) -> Link:
        return Link.from_mapping({"frame": self.kind, "frame_length": LENGTH, "fecf": False, "spacecraft": 77})


def space_packet(number: int, apid: int, octets: int) -> bytes:
    """Every packet is different, so that a stitched one cannot pass for one that was sent."""
    head = (0x0800 | apid).to_bytes(2, "big") + (0xC000 | number % 16384).to_bytes(2, "big")
    body = np.random.default_rng(number * 64 + apid).integers(0, 256, octets, np.uint8).tobytes()
    return head + (octets - 1).to_bytes(2, "big") + body


def frames_of(kind: str, channel: int, counter: int, packets: list[bytes]) -> list[bytes]:
    """Put packets into the zones of consecutive frames, filled up with an idle packet."""
    size = LENGTH - (8 if kind == "aos" else 6)
    stream = b"".join(packets)
    rest = -len(stream) % size
    fill = rest if rest >= 7 or not rest else rest + size
    if fill:
        packets = [*packets, space_packet(0, 2047, fill - 6)]
        stream += packets[-1]
    starts = np.cumsum([0, *(len(packet) for packet in packets)])[:-1]
    out = []
    for number in range(len(stream) // size):
        here = starts[(starts >= number * size) & (starts < (number + 1) * size)]
        pointer = int(here[0] - number * size) if len(here) else 0x7FF
        if kind == "aos":
            count = ((counter + number) % (1 << 24)).to_bytes(3, "big")
            head = (1 << 14 | 77 << 6 | channel).to_bytes(2, "big") + count + b"\0" + pointer.to_bytes(2, "big")
        else:
            head = (77 << 4 | channel << 1).to_bytes(2, "big") + bytes([0, (counter + number) % 256])
            head += (3 << 11 | pointer).to_bytes(2, "big")
        out.append(head + stream[number * size : (number + 1) * size])
    return out


@st.composite
def downlinks(draw: st.DrawFn) -> Downlink:
    kind = draw(st.sampled_from(["aos", "tm"]))
    queues, sent = [], {}
    for channel in range(draw(st.integers(1, 3))):
        sizes = draw(st.lists(st.integers(1, 150), min_size=1, max_size=12))
        packets = [space_packet(number, channel + 1, size) for number, size in enumerate(sizes)]
        counter = draw(st.sampled_from([0, 5, 250, (1 << 24) - 3]))
        sent[channel] = packets
        queues.append(frames_of(kind, channel, counter, packets))
    order = draw(st.permutations([channel for channel, queue in enumerate(queues) for _ in queue]))
    frames = [queues[channel].pop(0) for channel in order]
    return Downlink(kind, np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), LENGTH), sent)


def received(frames: np.ndarray, link: Link, cuts: list[int]) -> tuple[list[tuple[int, bytes, int, int]], list[tuple[int, ...]], LinkState]:
    """Extract in chunks; give channel, octets, position and frames of each packet, the gaps, and the last state."""
    out, gaps, state = [], [], None
    edges = [0, *sorted(cuts), len(frames)]
    for start, stop in itertools.pairwise(edges):
        positions = np.arange(start, stop, dtype=np.int64) * LENGTH * 8
        result = demultiplex(frames[start:stop], link=link, carry=state, positions=positions)
        state = result.state
        gaps += [tuple(int(value) for value in gap) for gap in result.gaps]
        for row in result.table:
            octets = result.data[row["offset"] : row["offset"] + row["length"]].tobytes()
            out.append((int(row["virtual_channel"]), octets, int(row["position"]), int(row["frames"])))
    assert state is not None
    return out, gaps, state


@SETTINGS
@given(downlinks(), st.data())
def test_an_undisturbed_downlink_gives_every_packet_once(sent: Downlink, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(sent.frames)), max_size=5))
    packets, gaps, _ = received(sent.frames, sent.link, cuts)
    assert not gaps
    for channel, theirs in sent.packets.items():
        assert [octets for number, octets, _, _ in packets if number == channel and octets[:2] != b"\x0f\xff"] == theirs


@SETTINGS
@given(downlinks(), st.data())
def test_dropped_repeated_and_swapped_frames_never_make_a_packet_that_was_not_sent(sent: Downlink, data: st.DataObject) -> None:
    rows = list(range(len(sent.frames)))
    # Of an 8-bit counter, 256 frames lost in a row look like none: only the first header pointers stand against that.
    rows = [row for row in rows if data.draw(st.integers(0, 4))]
    for _ in range(data.draw(st.integers(0, 3))):
        if rows:
            rows.insert(data.draw(st.integers(0, len(rows))), data.draw(st.sampled_from(rows)))
    for _ in range(data.draw(st.integers(0, 2))):
        if len(rows) > 1:
            at = data.draw(st.integers(0, len(rows) - 2))
            rows[at], rows[at + 1] = rows[at + 1], rows[at]
    frames = sent.frames[rows]
    whole = {(channel, octets) for channel, theirs in sent.packets.items() for octets in theirs}
    cuts = data.draw(st.lists(st.integers(0, len(frames)), max_size=4))
    packets, gaps, state = received(frames, sent.link, cuts)
    assert {(number, octets) for number, octets, _, _ in packets if octets[:2] != b"\x0f\xff"} <= whole
    assert (packets, gaps, state) == received(frames, sent.link, [])


@SETTINGS
@given(downlinks(), st.data())
def test_repeated_frames_alone_lose_nothing(sent: Downlink, data: st.DataObject) -> None:
    rows = []
    for row in range(len(sent.frames)):
        rows.append(row)
        if data.draw(st.booleans()):
            rows.append(data.draw(st.integers(max(0, row - 3), row)))
    packets, gaps, _ = received(sent.frames[rows], sent.link, data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    assert not gaps
    assert [row[:2] for row in packets] == [row[:2] for row in received(sent.frames, sent.link, [])[0]]


@SETTINGS
@given(
    st.binary(min_size=LENGTH * 3, max_size=LENGTH * 30),
    st.sampled_from(["strict", "consistent", "ignore"]),
    st.sampled_from(["aos", "tm"]),
    st.integers(0, 30),
)
def test_noise_is_survived_in_chunks_and_at_once(noise: bytes, policy: str, kind: str, cut: int) -> None:
    frames = np.frombuffer(noise[: len(noise) // LENGTH * LENGTH], np.uint8).reshape(-1, LENGTH).copy()
    # One spacecraft and two channels, so that the noise is read and not passed over.
    frames[:, :2] = frames[:, :2] & 1 | np.array([0x40, 0x00] if kind == "aos" else [0x00, 0x00], np.uint8)
    link = Link.from_mapping({"frame": kind, "frame_length": LENGTH, "fecf": False, "gap_policy": policy})
    packets, gaps, state = received(frames, link, [min(cut, len(frames))])
    assert (packets, gaps, state) == received(frames, link, [])
    assert sum(len(octets) for _, octets, _, _ in packets) <= frames.size


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 2047), st.integers(0, 16383), st.integers(1, 300)), max_size=20), st.binary(max_size=40))
def test_the_index_finds_every_packet_and_never_reaches_past_the_end(rows: list[tuple[int, int, int]], tail: bytes) -> None:
    stream = b"".join(space_packet(sequence, apid, size) for apid, sequence, size in rows)
    table = index_packets(np.frombuffer(stream, np.uint8))
    assert [tuple(int(value) for value in row) for row in table[["apid", "sequence", "length"]]] == [
        (apid, sequence, size + 6) for apid, sequence, size in rows
    ]
    walk = walk_packets(np.frombuffer(stream + tail, np.uint8))
    assert walk.end <= len(stream + tail)
    assert walk.table[: len(rows)].tolist() == table.tolist()
