"""The microphones of a run."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.product import Entry
from stages.formats.ticks import clock_face
from stages.profile import Timeline
from stages.report.losses import LinkLoss, Losses, told
from stages.report.words import count, duration, finite_clock, short_utc, since_zero

__all__ = ["GapView", "SoundView", "sound_views"]

NEAR = 0.01
"""Seconds that a file's clock may be off."""
TYPES = {".flac": "audio/flac", ".wav": "audio/wav"}
"""That browsers play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """A stretch that is lost."""

    start: float
    """Seconds from the start."""
    text: str
    why: str
    """What is known of the files that held it, or would have."""
    losses: tuple[LinkLoss, ...]
    """Of the link, that cost it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundView:
    """A recording."""

    name: str
    title: str
    url: str
    type: str
    """Empty if browsers do not play it."""
    picture: str
    plot: dict[str, Any]
    """Where the plot lies in the spectrogram."""
    facts: tuple[tuple[str, str], ...]
    gaps: tuple[GapView, ...]
    seconds: float
    missing: float
    clock: float | None
    runs: tuple[tuple[float, float], ...]
    """Gaps in seconds, for the time line."""

    @property
    def fraction(self) -> float:
        """Of the sound that is there."""
        return 1 - self.missing / self.seconds if self.seconds else 1.0


def sound_views(
    recordings: Sequence[Entry], spectrograms: Sequence[Entry], files: Sequence[Entry], timeline: Timeline, losses: Losses
) -> list[SoundView]:
    """Describe each recording and its spectrogram.

    Of a gap the files around it tell more, where their rate leaves no doubt whose they are.
    """
    pictures = {entry.key["microphone"]: entry for entry in spectrograms}
    rates = [entry.facts["rate"] for entry in recordings]
    return [
        view_of(entry, pictures.get(entry.key["microphone"]), files if rates.count(rate) == 1 else (), timeline, losses)
        for entry, rate in zip(recordings, rates, strict=True)
    ]


def view_of(entry: Entry, spectrogram: Entry | None, files: Sequence[Entry], timeline: Timeline, losses: Losses) -> SoundView:
    """Describe a recording."""
    facts, rate = entry.facts, entry.facts["rate"]
    path = next((path for path in entry.paths if not path.endswith(".json")), "")
    plot = dict(spectrogram.facts) if spectrogram is not None else {}
    runs = tuple((start / rate, stop / rate) for start, stop in entry.completeness.gaps)
    channels = {1: "mono", 2: "stereo"}.get(facts["channels"], f"{facts['channels']} channels")
    rows = [
        ("Length", duration(facts["seconds"])),
        ("Sampled", f"{rate / 1000:g} kHz, {facts['bits']} bit, {channels}"),
        ("Begins", "  ".join(part for part in (short_utc(facts["utc"]), since_zero(timeline, finite_clock(facts["clock"]))) if part)),
        ("Loudest", f"{plot['peak']:.1f} dBFS" if plot.get("peak") is not None else ""),
        ("Lost", f"{duration(facts['missing_seconds'])} in {count(facts['gaps'], 'gap')}" if facts["gaps"] else "nothing"),
    ]
    return SoundView(
        name=entry.key["microphone"],
        title=facts.get("title") or entry.key["microphone"],
        url=quote(path),
        type=next((kind for suffix, kind in TYPES.items() if path.endswith(suffix)), ""),
        picture=quote(spectrogram.paths[0]) if spectrogram is not None and spectrogram.paths else "",
        plot=plot,
        facts=tuple(row for row in rows if row[1]),
        gaps=tuple(gap_views(entry, runs, files, losses)),
        seconds=facts["seconds"],
        missing=facts["missing_seconds"],
        clock=finite_clock(facts["clock"]),
        runs=runs,
    )


def gap_views(entry: Entry, runs: Sequence[tuple[float, float]], files: Sequence[Entry], losses: Losses) -> Iterator[GapView]:
    """Describe what a recording misses."""
    sent = sent_with(files, entry.facts["rate"])
    begin = finite_clock(entry.facts["clock"])
    for start, stop in runs:
        why, found = ("", ()) if begin is None else cause(begin + start, begin + stop, sent, losses)
        yield GapView(start=start, text=f"{clock_face(start, 0.01)}, {duration(stop - start)}", why=why, losses=found)


def sent_with(files: Sequence[Entry], rate: int) -> list[tuple[float, Entry]]:
    """Give the files that say they hold sound of this rate, with the clock of each, in its order."""
    timed = [(finite_clock(meta.get("clock")), entry) for entry in files if (meta := entry.facts.get("meta") or {}).get("rate") == rate]
    return sorted(((clock, entry) for clock, entry in timed if clock is not None), key=lambda item: (item[0], item[1].key.text))


def cause(start: float, stop: float, sent: Sequence[tuple[float, Entry]], losses: Losses) -> tuple[str, tuple[LinkLoss, ...]]:
    """Say what is known of the files around a stretch of clock seconds: some are not complete, or none came between two that are."""
    low, high = (bisect.bisect_left(sent, moment - NEAR, key=lambda item: item[0]) for moment in (start, stop))
    around = [entry for _, entry in sent[max(0, low - 1) : high]]
    if torn := [entry for entry in around if entry.completeness.fraction != 1]:
        found = tuple(dict.fromkeys(loss for entry in torn for loss in losses.by_file.get(entry.key["file"], ())))
        said = f"{', '.join(name_of(entry) for entry in torn)} {'is' if len(torn) == 1 else 'are'} not complete"
        return said + (f"; {told(found)}" if found else ""), found
    if low != high or not 0 < low < len(sent) or abs(sent[low][0] - stop) > NEAR:
        return "", ()
    before, after = sent[low - 1][1], sent[low][1]
    found = losses.between(before.key["file"], after.key["file"])
    return f"no file is known to have come between {name_of(before)} and {name_of(after)}" + (f"; {told(found)}" if found else ""), found


def name_of(entry: Entry) -> str:
    """Name a file as the list of files does."""
    return str(entry.facts.get("name") or entry.key["file"])
