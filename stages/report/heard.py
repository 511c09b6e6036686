"""The microphones of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pipeline.product import Entry
from stages.formats.ticks import clock_face
from stages.profile import Timeline
from stages.report.words import count, duration, finite_clock, short_utc, since_zero

__all__ = ["GapView", "SoundView", "sound_views"]

MOST_GAPS = 100
TYPES = {".flac": "audio/flac", ".wav": "audio/wav"}
"""That browsers play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    """A stretch that is lost."""

    start: float
    """Seconds from the start."""
    text: str


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


def sound_views(recordings: Sequence[Entry], spectrograms: Sequence[Entry], timeline: Timeline) -> list[SoundView]:
    """Describe each recording and its spectrogram."""
    pictures = {entry.key["microphone"]: entry for entry in spectrograms}
    return [view_of(entry, pictures.get(entry.key["microphone"]), timeline) for entry in recordings]


def view_of(entry: Entry, spectrogram: Entry | None, timeline: Timeline) -> SoundView:
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
        gaps=tuple(GapView(start=a, text=f"{clock_face(a, 0.01)}, {duration(b - a)}") for a, b in runs[:MOST_GAPS]),
        seconds=facts["seconds"],
        missing=facts["missing_seconds"],
        clock=finite_clock(facts["clock"]),
        runs=runs,
    )
