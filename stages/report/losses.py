"""Which losses of the link cost which files, and so which pictures: traced by where in the pass each was received.

A hole in a file lies between two of its packets that came; the frames that carried what is missing were sent between them. So do those of a
frame of which nothing came at all, if the files before and behind it came one after the other in the same pass.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.product import Entry
from stages.products.chunk import Place, part_of, told_place
from stages.report.words import count

__all__ = ["LinkLoss", "Losses", "told", "trace_losses"]

Window: TypeAlias = tuple[str, Place | None, Place | None]
"""Pass, place before, place after; None where the pass brought nothing on that side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLoss:
    """A jump of a virtual channel's counter."""

    pass_: str
    channel: int
    lost: int
    """Frames."""
    position: int
    """Bit of the pass behind it; of the part, if there is one."""
    part: str = ""
    """Of a pass that came in numbered parts: where each begins in the pass nobody knows, so bits count anew in each."""

    @property
    def place(self) -> str:
        """Say where: byte 4,000 of the pass."""
        return told_place([self.position], self.part) + ("" if self.part else " of the pass")


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses of the link, and what each cost."""

    by_file: Mapping[str, tuple[LinkLoss, ...]] = field(default_factory=dict)
    gaps: Mapping[str, Mapping[int, tuple[list[Place], list[LinkLoss]]]] = field(default_factory=dict)
    """By pass and virtual channel: places, ascending, and the losses there."""
    windows: Mapping[str, Mapping[str, tuple[Place, Place]]] = field(default_factory=dict)
    """By file and pass: first and last place."""
    channels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By pass: virtual channels, the one that files come down on first, as far as their holes tell."""

    def between(self, before: str, after: str) -> tuple[LinkLoss, ...]:
        """Give the losses between two files that one pass brought in this order; none otherwise."""
        first, second = self.windows.get(before, {}), self.windows.get(after, {})
        for name in sorted(first.keys() & second.keys()):
            if first[name][1] < second[name][0]:
                return self.within((name, first[name][1], second[name][0]))
        return ()

    def within(self, window: Window) -> tuple[LinkLoss, ...]:
        """Give the losses of a stretch of a pass: of the first virtual channel that has any."""
        for channel in self.channels.get(window[0], ()):
            if found := losses_in(self.gaps[window[0]][channel], window):
                return found
        return ()


def trace_losses(packets: Iterable[Entry], files: Sequence[Entry]) -> Losses:
    """Lay holes of files beside losses of the link."""
    gaps = gaps_of(packets)
    holes = [(entry.key["file"], window) for entry in files for window in windows_of(entry)]
    votes: dict[str, Counter[int]] = {name: Counter() for name in gaps}
    for _, window in holes:
        votes.get(window[0], Counter()).update(channel for channel, row in gaps.get(window[0], {}).items() if losses_in(row, window))
    channels = {name: tuple(sorted(rows, key=lambda channel: (-votes[name][channel], channel))) for name, rows in gaps.items()}
    windows = {
        entry.key["file"]: {name: (tuple(first), tuple(last)) for name, first, last in entry.facts.get("passes", ())}
        for entry in files
        if entry.paths
    }
    losses = Losses({}, gaps, windows, channels)
    found: dict[str, dict[LinkLoss, None]] = {}
    for file, window in holes:
        found.setdefault(file, {}).update(dict.fromkeys(losses.within(window)))
    return Losses({file: tuple(rows) for file, rows in found.items() if rows}, gaps, windows, channels)


def gaps_of(packets: Iterable[Entry]) -> dict[str, dict[int, tuple[list[Place], list[LinkLoss]]]]:
    """Sort the losses by pass, virtual channel and place."""
    rows = sorted(
        (entry.key["pass"], channel, part_of(entry.key["chunk"]), position, lost)
        for entry in packets
        for channel, lost, position in entry.facts.get("gaps", ())
    )
    out: dict[str, dict[int, tuple[list[Place], list[LinkLoss]]]] = {}
    for name, channel, part, position, lost in rows:
        places, losses = out.setdefault(name, {}).setdefault(channel, ([], []))
        places.append((part, position))
        losses.append(LinkLoss(pass_=name, channel=channel, lost=lost, position=position, part=part))
    return out


def windows_of(entry: Entry) -> Iterator[Window]:
    """Give the stretches of passes in which a file's missing bytes were sent."""
    for _, _, name, before, after in entry.facts.get("holes", ()):
        yield name, before and tuple(before), after and tuple(after)


def losses_in(row: tuple[list[Place], list[LinkLoss]], window: Window) -> tuple[LinkLoss, ...]:
    """Give the losses after one place, up to another; where a side is open the one that is nearest."""
    places, losses = row
    _, before, after = window
    if before is not None and after is not None and bool(before[0]) != bool(after[0]):
        # Where a numbered part lies among the bytes of the pass nobody knows.
        return ()
    low = 0 if before is None else bisect.bisect_right(places, before)
    high = len(places) if after is None else bisect.bisect_right(places, after)
    if before is None:
        low = max(0, high - 1)
    elif after is None:
        high = min(high, low + 1)
    return tuple(losses[low:high])


def told(losses: Sequence[LinkLoss]) -> str:
    """Say it: 15 transfer frames lost in pass one: 12 at byte 4,000 of the pass, 3 at byte 9,000 of the pass."""
    if not losses:
        return ""
    places = [f"{loss.lost:,} at {loss.place}" for loss in losses[:3]]
    rest = f" and {len(losses) - 3} more times" if len(losses) > 3 else ""
    return f"{count(sum(loss.lost for loss in losses), 'transfer frame')} lost in pass {losses[0].pass_}: {', '.join(places)}{rest}"
