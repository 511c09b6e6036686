"""Transfer frames to space packets, all virtual channels of a link at once (732.0-B section 4.1.4.2, 132.0-B section 4.1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stages.formats.octets import Bytes, byte_rows
from stages.packets.headers import IDLE_CHANNEL, FrameHeaders, read_frame_headers
from stages.packets.sequence import DUPLICATE, FOREIGN, JUMPED, RECENT, digest_frame, follow_counters
from stages.packets.space_packets import missing_packets, read_headers
from stages.packets.zones import copy_packets, find_packets
from stages.products import GAP_DTYPE, PACKET_DTYPE, ChannelState
from stages.profile import Link

__all__ = ["Extraction", "LinkState", "demultiplex", "extract_packets"]

Integers: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[Any]

POLICIES = ("strict", "consistent", "ignore")
BLOCK = 1 << 16
"""Packets that are found before the table grows."""
MOST_CHANNELS = 128
"""That a state remembers: twice what one spacecraft can have. Without it, noise on an unchecked link would let it grow."""


class Carried(Protocol):
    """What extraction needs to know of the frames before."""

    @property
    def channels(self) -> Mapping[int, ChannelState]:
        """By global virtual channel."""

    @property
    def sequences(self) -> Mapping[int, int]:
        """By APID: the last sequence count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """What the frames that follow need to know of those before: nothing cumulative."""

    channels: Mapping[int, ChannelState] = field(default_factory=dict)
    """By global virtual channel: spacecraft * 64 + virtual channel."""
    sequences: Mapping[int, int] = field(default_factory=dict)
    """By APID: the last sequence count."""


class Extraction(NamedTuple):
    """All that the frames gave."""

    table: Table
    """(p,) PACKET_DTYPE."""
    data: Bytes
    """The packets, one after the other."""
    state: LinkState
    gaps: Table
    """(g,) GAP_DTYPE."""
    link: tuple[Mapping[str, Any], ...]
    """For each channel that had frames: {spacecraft, virtual_channel, frames, gaps, lost, truncated_packets, duplicates,
    missing_packets, pointer_conflicts}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Channels:
    """The state of the channels as arrays, a row a channel; the kernels bring it up to date."""

    numbers: list[int]
    policy: Integers
    idle: NDArray[np.bool_]
    last: Integers
    states: Integers
    headers: Bytes
    recent_counters: Integers
    recent_rows: Integers
    recent_digests: NDArray[np.uint64]
    counts: Integers


def extract_packets(frames: Bytes, *, link: Link, carry: Carried | None = None) -> tuple[Table, Bytes, LinkState]:
    """Take the space packets out of transfer frames.

    frames  (n, length) uint8: good frames without marker and parity, in the order received
    link    kind of frame, optional fields, and the gap policy of each virtual channel
    carry   what an earlier call returned for the frames right before these

    Returns the table of complete packets in the order completed (PACKET_DTYPE: apid, flags, sequence, offset, length,
    virtual_channel, position, frames), their octets one after the other, and the carry for the frames that follow. Frames of
    another version or spacecraft are passed over. Raises DataError for an array of another shape or type, and if frames of this length
    have no room for packets.
    """
    result = demultiplex(frames, link=link, carry=carry)
    return result.table, result.data, result.state


def demultiplex(frames: Bytes, *, link: Link, carry: Carried | None = None, positions: Integers | None = None) -> Extraction:
    """Take the packets out of transfer frames, with the account of what was lost.

    positions  (n,) bit of the pass, or of a part of it, at which each frame begins; None: the frames are the pass

    A packet is given only if no frame between its first and its last is known to be missing and every first header pointer on its
    way agrees with its length. A packet whose start was not received is passed over; one that is open at a gap is dropped.
    """
    frames = byte_rows(frames, "frames")
    carry = LinkState() if carry is None else carry
    headers = read_frame_headers(frames, link)
    if positions is None:
        positions = np.arange(len(frames), dtype=np.int64) * frames.shape[1] * 8
    channels, channel = _open_channels(headers, carry, link)
    status, lost, before = np.zeros(len(frames), np.uint8), np.zeros(len(frames), np.int64), np.zeros(len(frames), np.int64)
    follow_counters(
        frames, channel, headers.counter, headers.largest, channels.policy, channels.last, channels.recent_counters,
        channels.recent_rows, channels.recent_digests, status, lost, before,
    )  # fmt: skip
    carried = [carry.channels[number].open if number in carry.channels else b"" for number in channels.numbers]
    rows, data, states = _gather(frames, headers, status, channel, channels, carried, carry, positions)
    missing, sequences = missing_packets(rows, carry.sequences)
    jumps = np.flatnonzero(status == JUMPED)
    gaps = np.zeros(len(jumps), GAP_DTYPE)
    gaps["virtual_channel"] = headers.channel[jumps] & 63
    gaps["after"], gaps["before"] = before[jumps], headers.counter[jumps]
    gaps["lost"], gaps["position"] = lost[jumps], positions[jumps]
    link_rows = _account(channels, channel, status, lost, rows, missing)
    return Extraction(rows, data, LinkState(channels=states, sequences=sequences), gaps, link_rows)


def _open_channels(headers: FrameHeaders, carry: Carried, link: Link) -> tuple[_Channels, Integers]:
    """Give each channel a row; return the channels, and the row of each frame's."""
    here = np.unique(headers.channel[headers.valid]).tolist()
    numbers = sorted({*here, *carry.channels})
    index = np.searchsorted(np.array(numbers, np.int64), headers.channel)
    settings = [link.virtual_channels.get(number & 63) for number in numbers]
    size = len(numbers)
    channels = _Channels(
        numbers=numbers,
        policy=np.array([POLICIES.index(vc.gap_policy if vc else link.gap_policy) for vc in settings], np.int64),
        idle=np.array(
            [(vc is not None and vc.idle) or (link.frame == "aos" and number & 63 == IDLE_CHANNEL)
             for vc, number in zip(settings, numbers, strict=True)], np.bool_,
        ),
        last=np.full(size, -1, np.int64),
        states=np.zeros((size, 8), np.int64),
        headers=np.zeros((size, 6), np.uint8),
        recent_counters=np.full((size, RECENT), -1, np.int64),
        recent_rows=np.full((size, RECENT), -1, np.int64),
        recent_digests=np.zeros((size, RECENT), np.uint64),
        counts=np.zeros((size, 2), np.int64),
    )  # fmt: skip
    for row, number in enumerate(numbers):
        if number in carry.channels:
            _resume(channels, row, carry.channels[number])
    return channels, np.where(headers.valid, index, -1)


def _resume(channels: _Channels, row: int, state: ChannelState) -> None:
    """Put the state that was carried here into the arrays."""
    head = np.frombuffer(state.open[:6], np.uint8)
    need = 7 + int.from_bytes(state.open[4:6], "big") if len(head) == 6 else 0
    channels.headers[row, : len(head)] = head
    channels.last[row] = -1 if state.counter is None else state.counter
    channels.states[row] = (len(state.open), need, -1, 0, state.frames, state.synchronised, -1, -1)
    for slot, (counter, digest) in enumerate(state.recent[-RECENT:], RECENT - len(state.recent[-RECENT:])):
        channels.recent_counters[row, slot] = counter
        channels.recent_digests[row, slot] = digest


def _gather(
    frames: Bytes,
    headers: FrameHeaders,
    status: Bytes,
    channel: Integers,
    channels: _Channels,
    carried: list[bytes],
    carry: Carried,
    positions: Integers,
) -> tuple[Table, Bytes, dict[int, ChannelState]]:
    """Find and copy the packets; give their table, their octets and what each channel hands on."""
    following = np.full(len(frames), -1, np.int64)
    blocks: list[Integers] = []
    row = 0
    while row < len(frames):
        block = np.empty((BLOCK + frames.shape[1] // 7, 6), np.int64)
        count, row = find_packets(
            frames, status, channel, headers.start, headers.stop, headers.pointer, channels.policy, channels.idle, channels.states,
            channels.headers, channels.counts, following, block, row,
        )  # fmt: skip
        blocks.append(block[:count])
    found = sum(len(block) for block in blocks)
    open_packets = channels.states[:, [2, 3, 0, 0, 4, 7]]
    open_packets[:, 3] = np.arange(len(carried))
    packets = np.concatenate([*blocks, open_packets])
    offsets = np.concatenate([[0], np.cumsum(packets[:, 2])])
    out = np.empty(int(offsets[-1]), np.uint8)
    waiting = np.frombuffer(b"".join(carried), np.uint8)
    starts = np.concatenate([[0], np.cumsum([len(octets) for octets in carried])]).astype(np.int64)
    copy_packets(frames, headers.start, headers.stop, following, packets, offsets[:-1], waiting, starts, out)
    begun = np.array([known.position if (known := carry.channels.get(n)) else 0 for n in channels.numbers], np.int64)
    origin = np.where(packets[:, 0] < 0, begun[packets[:, 3]], positions[packets[:, 0]] if len(positions) else 0)
    table = _tabulate(packets[:found], offsets[:found], out, channels.numbers, origin[:found])
    rest = [out[offsets[found + row] : offsets[found + row + 1]].tobytes() for row in range(len(carried))]
    states = _hand_on(frames, channels, rest, origin[found:], carry)
    return table, out[: offsets[found]], states


def _tabulate(packets: Integers, offsets: Integers, data: Bytes, numbers: list[int], origin: Integers) -> Table:
    """Make the table of complete packets."""
    table = np.zeros(len(packets), PACKET_DTYPE)
    table["apid"], table["flags"], table["sequence"] = read_headers(data, offsets)
    table["offset"], table["length"], table["position"] = offsets, packets[:, 2], origin
    table["virtual_channel"] = np.array(numbers, np.int64)[packets[:, 3]] & 63
    table["frames"] = packets[:, 4]
    return table


def _hand_on(frames: Bytes, channels: _Channels, rest: list[bytes], origin: Integers, carry: Carried) -> dict[int, ChannelState]:
    """Give the state of each channel for the frames that follow; of too many channels, those heard of last."""
    latest = channels.recent_rows[:, -1]
    kept = sorted(np.argsort(latest, kind="stable")[-MOST_CHANNELS:].tolist())
    states = {}
    for row in kept:
        number = channels.numbers[row]
        if latest[row] < 0:
            states[number] = carry.channels[number]
            continue
        recent = [
            (int(counter), int(digest if at < 0 else digest_frame(frames[at])))
            for counter, at, digest in zip(
                channels.recent_counters[row], channels.recent_rows[row], channels.recent_digests[row], strict=True
            )
            if counter >= 0
        ]
        waits = bool(rest[row])
        states[number] = ChannelState(
            counter=int(channels.last[row]),
            open=rest[row],
            synchronised=bool(channels.states[row, 5]),
            position=int(origin[row]) if waits else 0,
            frames=int(channels.states[row, 4]) if waits else 0,
            recent=tuple(recent) if channels.policy[row] != POLICIES.index("ignore") else (),
        )
    return states


def _account(
    channels: _Channels, channel: Integers, status: Bytes, lost: Integers, rows: Table, missing: Integers
) -> tuple[Mapping[str, Any], ...]:
    """Count per channel what came and what did not."""
    size = len(channels.numbers)

    def count(chosen: NDArray[np.bool_], weights: Integers | None = None) -> list[int]:
        own = chosen & (channel >= 0)
        return [int(n) for n in np.bincount(channel[own], None if weights is None else weights[own], minlength=size)]

    came = count(status != FOREIGN)
    again, jumps, gone = count(status == DUPLICATE), count(status == JUMPED), count(status == JUMPED, lost)
    absent = np.bincount(rows["virtual_channel"], missing, minlength=64)
    return tuple(
        {
            "spacecraft": number >> 6,
            "virtual_channel": number & 63,
            "frames": came[row] - again[row],
            "gaps": jumps[row],
            "lost": gone[row],
            "truncated_packets": int(channels.counts[row, 0]),
            "duplicates": again[row],
            "missing_packets": int(absent[number & 63]),
            "pointer_conflicts": int(channels.counts[row, 1]),
        }
        for row, number in enumerate(channels.numbers)
        if came[row]
    )
