"""A run in words: entries as the catalog would give them, no product behind them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from pipeline.product import Completeness, Entry, Key, Product
from pipeline.stage import Group
from stages import report as room
from stages.products import ChannelTable, EventTable, Report
from stages.profile import Clock, Dictionary, Mission, Timeline

ZERO = 1000.0


def refuse(index: int) -> Product:
    """Stand for a group whose products nobody may load."""
    raise AssertionError(index)


def group(entries: Sequence[Entry]) -> Group[Any]:
    return Group(sorted(entries, key=lambda entry: entry.key.text), refuse)


class Run:
    """Builds entries and the report of them."""

    def __init__(self) -> None:
        self.mission = Mission(id="x", title="A landing", spacecraft="Lander", credit="An agency")
        self.timeline = Timeline(
            zero=ZERO,
            zero_name="entry",
            events=(
                {"clock": 1000.0, "name": "entry", "title": "Entry"},
                {"clock": 1240.0, "name": "chute", "title": "Parachute"},
                {"clock": 1420.0, "name": "touchdown", "title": "Touchdown"},
            ),
        )
        self.clock = Clock(ticks_per_second=10, correlation=((0.0, 0.0, 1.0),), tdt_minus_utc=0.0)
        self.dictionary = Dictionary(channels={1: {"title": "Altitude"}})

    def image(self, frame: str, *, camera: str = "DDC", lost: int = 0, **facts: Any) -> Entry:
        known = {
            "width": 640,
            "height": 480,
            "edition": "lossless",
            "editions": ["jpeg", "lossless"],
            "source": f"P_{frame}",
            "file": "f",
            "clock": None,
            "utc": "",
        }
        done = Completeness(received=1000 - lost, expected=1000, unit="pixels", gaps=((0, lost),) if lost else ())
        key = Key([("camera", camera), ("frame", frame)])
        return Entry(key=key, digest="d", completeness=done, facts=known | facts, paths=(f"images/{camera}/{frame}.png",))

    def sheet(self, page: str, frames: Sequence[str], *, camera: str = "DDC", **facts: Any) -> Entry:
        known = {
            "title": f"Camera {camera}",
            "order": 1,
            "sizes": [[800, 600]],
            "frames": list(frames),
            "partial": [],
            "missing": [],
            "places": [[frame, 0, 10 + 110 * i, 20, 100, 75] for i, frame in enumerate(frames)],
        }
        key = Key([("camera", camera), ("page", page)])
        paths = (f"contact_sheets/{camera}-{page}.png",)
        return Entry(key=key, digest="d", completeness=Completeness(received=1, expected=1), facts=known | facts, paths=paths)

    def book(self, *, camera: str = "DDC") -> Entry:
        key = Key([("camera", camera)])
        paths = (f"contact_sheets/{camera}.pdf",)
        return Entry(key=key, digest="d", completeness=Completeness(received=1, expected=1), facts={"pages": 1}, paths=paths)

    def recording(self, *, gaps: tuple[tuple[int, int], ...] = (), suffix: str = ".flac", **facts: Any) -> Entry:
        missing = sum(stop - start for start, stop in gaps)
        known = {
            "title": "Microphone",
            "rate": 1000,
            "channels": 1,
            "bits": 24,
            "seconds": 60.0,
            "gaps": len(gaps),
            "missing_seconds": missing / 1000,
            "clock": 1380.0,
            "utc": "",
        }
        done = Completeness(received=60000 - missing, expected=60000, unit="samples", gaps=gaps)
        paths = ("audio/EDL.json", f"audio/EDL{suffix}")
        return Entry(key=Key([("microphone", "EDL")]), digest="d", completeness=done, facts=known | facts, paths=paths)

    def spectrogram(self) -> Entry:
        facts = {"left": 0.1, "right": 0.9, "top": 0.2, "bottom": 0.8, "width": 1800, "height": 700}
        facts |= {"seconds": 60.0, "hertz": 500.0, "peak": -3.0, "rms": -20.0}
        paths = ("audio/EDL-spectrogram.png",)
        return Entry(key=Key([("microphone", "EDL")]), digest="d", completeness=Completeness(received=1), facts=facts, paths=paths)

    def file(self, name: str, *, size: int | None = 1000, gaps: tuple[tuple[int, int], ...] = (), bad: int = 0) -> Entry:
        received = (size or 500) - sum(stop - start for start, stop in gaps)
        done = Completeness(received=received, expected=size, gaps=gaps)
        facts = {"name": name, "size": size, "checksums": [3, bad], "meta": {}}
        key = Key([("file", f"80-{zlib.crc32(name.encode()):08x}")])
        return Entry(key=key, digest="d", completeness=done, facts=facts, paths=(f"files/{key['file']}", f"files/{key['file']}.json"))

    def packets(self, chunk: str, **row: Any) -> Entry:
        known = {"spacecraft": 168, "virtual_channel": 0, "frames": 90, "bad": 1, "gaps": 1, "lost": 10}
        known |= {"truncated_packets": 2, "packets": {"9": 50, "8": 4}} | row
        key = Key([("pass", "one"), ("chunk", chunk)])
        return Entry(key=key, digest="d", completeness=Completeness(received=1), facts={"link": [known], "packets": 54})

    def frames(self, chunk: str) -> Entry:
        facts = {"frames": 90, "bad": 3, "corrected_symbols": 7, "uncorrectable": 1}
        key = Key([("pass", "one"), ("chunk", chunk)])
        return Entry(key=key, digest="d", completeness=Completeness(received=1), facts=facts)

    def channels(self, rows: Sequence[tuple[float, int, str, float, str]]) -> ChannelTable:
        """Make the table of (clock seconds, channel, name, value, unit)."""
        clock, channel, name, value, unit = zip(*rows, strict=True)
        ticks = pa.array([round(seconds * 10) for seconds in clock], pa.int64())
        columns = {"clock": ticks, "channel": pa.array(channel, pa.uint16()), "name": pa.array(name), "value": pa.array(value)}
        return ChannelTable(table=pa.table(columns | {"unit": pa.array(unit)}))

    def events(self, rows: Sequence[tuple[float, str, str, str]]) -> EventTable:
        """Make the table of (clock seconds, level, name, message)."""
        clock, level, name, message = zip(*rows, strict=True)
        ticks = pa.array([round(seconds * 10) for seconds in clock], pa.int64())
        return EventTable(table=pa.table({"clock": ticks, "level": list(level), "name": list(name), "message": list(message)}))

    def report(self, *, channels: ChannelTable | None = None, events: EventTable | None = None, **entries: Sequence[Entry]) -> Report:
        names = ("images", "sheets", "books", "recordings", "spectrograms", "files", "frames", "packets", "chunks", "together")
        groups = {name: group(entries.pop(name, ())) for name in names}
        assert not entries
        return room.report(
            **groups,
            channels=channels,
            events=events,
            mission=self.mission,
            timeline=self.timeline,
            clock=self.clock,
            dictionary=self.dictionary,
        )


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def full(run: Run) -> Callable[..., Report]:
    """Give the report of a run that has everything."""

    def make(*, turned: bool = False, count: int = 600) -> Report:
        images = [run.image(f"{n:04d}", lost=100 * (n == 7), clock=1390.0 + n / 20) for n in range(count) if n not in {3, 4, 9}]
        sheets = [run.sheet(f"{p + 1:04d}", [f"{n:04d}" for n in range(48 * p, 48 * p + 48)]) for p in range(count // 48 + 1)]
        files = [run.file("a.dat"), run.file("b.dat", gaps=((100, 300), (500, 501)), bad=1), run.file("c.dat", size=None)]
        packets = [run.packets("0"), run.packets("1"), run.packets("1", virtual_channel=3, lost=0)]
        step = -1 if turned else 1
        return run.report(
            images=images[::step],
            sheets=sheets[::step],
            books=[run.book()],
            recordings=[run.recording(gaps=((1000, 2000), (5000, 5250)))],
            spectrograms=[run.spectrogram()],
            files=files[::step],
            frames=[run.frames("0"), run.frames("1")][::step],
            packets=packets[::step],
            channels=run.channels([(1000.0 + n, 1, "altitude", 9000.0 - 20 * n, "m") for n in range(420)]),
            events=run.events([(1000.0, "info", "ENTRY", "Entry"), (1240.0, "warning", "CHUTE", "Chute")]),
        )

    return make
