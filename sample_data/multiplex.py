"""The order in which the frames of a pass go out, and which of them are hurt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sample_data.faults import Wear
from sample_data.frames import Channel

__all__ = ["Order", "frames_of", "harsh", "middle_of", "mild", "multiplex", "rows_of"]

Order: TypeAlias = NDArray[np.int64]
"""(frames, 2): virtual channel and row of its frames, in the order sent."""
UNTOUCHED = 3
"""Frames at a channel's beginning and end that are never hurt, so that what is lost can be counted."""


def multiplex(
    channels: Mapping[int, Channel], *, starts: Mapping[int, float] | None = None, split: Mapping[int, tuple[float, float]] | None = None
) -> Order:
    """Order frames of all channels: each channel evenly over the pass, from `starts` on.

    split  channel: (share of its frames, share of the pass in which they go first)
    """
    rows, times = [], []
    for number, channel in channels.items():
        count = len(channel.frames)
        place = (np.arange(count) + 0.5) / max(count, 1)
        if split and number in split:
            head, until = split[number]
            place = np.where(place < head, place / head * until, until + (place - head) / (1 - head) * (0.92 - until))
        else:
            begin = (starts or {}).get(number, 0.0)
            place = begin + place * (1 - begin)
        rows.append(np.stack([np.full(count, number), np.arange(count)], -1))
        times.append(place)
    by_time = np.argsort(np.concatenate(times), kind="stable")
    order: Order = np.concatenate(rows)[by_time].astype(np.int64)
    return order


def frames_of(channel: Channel, files: Iterable[int], *, only: bool = False) -> set[int]:
    """Give the frames that hold packets of some files; `only`: nothing else."""
    wanted = set(files)
    mine: set[int] = set()
    others: set[int] = set()
    for packet, (first, last) in zip(channel.packets, channel.spans.tolist(), strict=True):
        (mine if packet.draft.file in wanted else others).update(range(first, last + 1))
    return mine - others if only else mine


def middle_of(channel: Channel, files: Sequence[int]) -> set[int]:
    """Give the frames of the pieces in the middle of files."""
    wanted = set(files)
    drafts = [packet.draft for packet in channel.packets]
    sizes = {number: max(draft.piece[1] for draft in drafts if draft.file == number) for number in wanted}
    frames: set[int] = set()
    for draft, (first, last) in zip(drafts, channel.spans.tolist(), strict=True):
        if draft.file in wanted and draft.kind == "piece" and 0.44 < draft.piece[0] / sizes[draft.file] < 0.60:
            frames.update(range(first, last + 1))
    return frames


def rows_of(order: Order, number: int, frames: set[int]) -> set[int]:
    """Give the places in the pass of some frames of a channel."""
    chosen = (order[:, 0] == number) & np.isin(order[:, 1], sorted(frames))
    return set(np.flatnonzero(chosen).tolist())


def _safe(channels: Mapping[int, Channel], order: Order) -> NDArray[np.bool_]:
    """Say of each frame whether it may be hurt."""
    counts = {number: len(channel.frames) for number, channel in channels.items()}
    stops = np.array([counts[number] for number in order[:, 0].tolist()])
    safe: NDArray[np.bool_] = (order[:, 1] >= UNTOUCHED) & (order[:, 1] < stops - UNTOUCHED)
    return safe


def harsh(channels: Mapping[int, Channel], order: Order, rng: np.random.Generator) -> Wear:
    """Everything that can go wrong: see `Wear`."""
    count = len(order)
    may = np.flatnonzero(_safe(channels, order))
    wear = Wear(inverted=(round(count * 0.36), round(count * 0.36) + max(count // 25, 4)))

    def spot(share: float) -> int:
        return int(may[round(share * (len(may) - 1))])

    wear.slips = {spot(0.21): 3, spot(0.31): 5}
    wear.torn = {spot(0.55): (700, 6), spot(0.63): (311, 2)}
    wear.cut = {spot(0.47): 611}
    wear.noise = {spot(0.71): 3456}
    wear.hopeless = set(rng.choice(may, max(count // 500, 6), replace=False).tolist())
    for start in rng.choice(may, max(count // 1200, 4), replace=False).tolist():
        wear.lost |= set(range(start, start + int(rng.integers(1, 7)))) & set(may.tolist())
    _wear_markers(wear, count, rng)
    return wear


def mild(channels: Mapping[int, Channel], order: Order, expendable: set[int], rng: np.random.Generator) -> Wear:
    """Bad and lost frames only where it does no harm: on channel 63, and in these frames of channel 2."""
    spare = rows_of(order, 2, expendable) | set(np.flatnonzero(order[:, 0] == 63).tolist())
    safe = _safe(channels, order)
    inner = [row for row in sorted(spare) if safe[row]]
    wear = Wear()
    if inner:
        wear.hopeless = set(rng.choice(inner, min(7, len(inner)), replace=False).tolist())
        wear.lost = set(rng.choice(inner, min(5, len(inner)), replace=False).tolist())
        wear.slips = {inner[len(inner) // 2]: 7}
    _wear_markers(wear, len(order), rng)
    return wear


def _wear_markers(wear: Wear, count: int, rng: np.random.Generator) -> None:
    """Let one or two bits of some markers be wrong; a frame is hurt in one way only."""
    wear.lost -= {*wear.cut, *wear.torn, *wear.slips, *wear.noise}
    wear.hopeless -= {*wear.lost, *wear.cut, *wear.torn}
    for row in np.flatnonzero(rng.random(count) < 0.02).tolist():
        wear.marker_bits[row] = tuple(sorted(rng.choice(32, int(rng.integers(1, 3)), replace=False).tolist()))
