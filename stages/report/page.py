"""Puts the page together: gathers what its sections show, fills the template, cuts long galleries into pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.product import Entry
from stages.formats.ticks import clock_face
from stages.products import ChannelTable, EventTable, Report
from stages.profile import Clock, Dictionary, Mission, Timeline
from stages.report import words
from stages.report.costs import costs
from stages.report.facets import facets
from stages.report.heard import SoundView, sound_views
from stages.report.index import index_csv
from stages.report.link import PassHealth, link_health
from stages.report.losses import trace_losses
from stages.report.origin import origin_of
from stages.report.pictures import CameraView, cameras, hero, leaf_urls
from stages.report.plot import camera_lane, plot, sound_lane, sparkline, telemetry_lane, timeline_figure
from stages.report.received import FileView, file_views
from stages.report.shots import Gap
from stages.report.span import Span, marks_in, span_of
from stages.report.styles import Styles
from stages.report.telemetry import Series, event_rows, leading, series_of

__all__ = ["make_report"]

FOLDER = Path(__file__).parent
STATIC = 48
"""Pictures of a camera that stand in the page itself; the rest is loaded as the reader gets there."""
PIECE = 480
"""Pictures of a piece; the pieces hold all of a camera's, those in the page too, with more about each."""
SCRIPTS = ("report.css", "report.js", "gallery.js", "viewer.js", "sound.js", "live.js")
MOST_FILES = 200
MOST_CHUNKS = 1000
MOST_CHANNELS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A number at the top of the page, with how much of it is whole."""

    href: str
    value: str
    name: str
    whole: float | None
    """Shares of the bar, 0 to 1; what is neither whole nor partial is missing. None where it is not known how much there should be."""
    partial: float
    note: str


def make_report(
    *,
    images: Sequence[Entry],
    sheets: Sequence[Entry],
    books: Sequence[Entry],
    recordings: Sequence[Entry],
    spectrograms: Sequence[Entry],
    files: Sequence[Entry],
    frames: Sequence[Entry],
    packets: Sequence[Entry],
    chunks: Sequence[Entry],
    together: Sequence[Entry],
    channels: ChannelTable | None,
    events: EventTable | None,
    mission: Mission,
    timeline: Timeline,
    clock: Clock,
    dictionary: Dictionary,
) -> Report:
    """Write all files of the report."""
    losses = trace_losses(packets, files)
    views = cameras(images, sheets, books, timeline, clock, losses)
    sounds = sound_views(recordings, spectrograms, files, timeline, losses)
    series = series_of(channels, clock, dictionary)
    received = file_views(files)
    passes = link_health(frames, packets)
    rows, row_count = event_rows(events, timeline, clock)
    span = span_of(list(times_of(images, sounds, series)), timeline, clock)
    styles = Styles()
    lead = hero(views)
    context = {
        "mission": mission,
        "views": views,
        "static": STATIC,
        "pieces": {view.name: pieces_of(view) for view in views},
        "styles": styles,
        "facets": facets(views, timeline),
        "costs": costs(views, sounds, losses),
        "hero": lead,
        "sounds": sounds,
        "files": received[:MOST_FILES],
        "file_count": len(received),
        "passes": passes,
        "events": rows,
        "event_count": row_count,
        "tiles": list(tiles(views, sounds, received, passes, series, row_count)),
        "missing": list(missing(views, sounds, received, passes)),
        "caveats": caveats((*images, *recordings, *files, *frames, *packets)),
        "zero": timeline.zero_name,
        "w": words,
    }
    origin = origin_of(mission, files, (*frames, *packets))
    made_from = [shot.file for view in views for shot in view.shots]
    heard = [mission.credit] if recordings and not origin.by_file else []
    context |= {
        "notes": origin.notes,
        "credit": origin.of(lead[1].file) if lead else "",
        "credits": list(dict.fromkeys([*origin.all(made_from), *heard])),
        "recorded": recorded(chunks),
        "together": [url for entry in together for url in leaf_urls(entry)],
    }
    context |= drawings(span, views, sounds, series, timeline, clock)
    out = {"index.html": render(context), "index.csv": index_csv(images, clock)}
    out |= {f"page/{name}": (FOLDER / name).read_bytes() for name in SCRIPTS}
    out["page/places.css"] = styles.sheet()
    out |= dict(piece_files(views))
    return Report(files=out)


def render(context: dict[str, Any]) -> bytes:
    """Fill the template; every value is escaped unless it is markup of our own."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("index.html").render(context)
    return (text.rstrip() + "\n").encode()


def times_of(images: Sequence[Entry], sounds: Sequence[SoundView], series: Sequence[Series]) -> Iterator[tuple[float, float]]:
    """Give first and last time of all that has one."""
    for entry in images:
        seconds = words.finite_clock(entry.facts.get("clock"))
        if seconds is not None:
            yield seconds, seconds
    for sound in sounds:
        if sound.clock is not None:
            yield sound.clock, sound.clock + sound.seconds
    for item in series:
        if item.times.size:
            yield float(item.times[0]), float(item.times[-1])


def drawings(
    span: Span | None,
    views: Sequence[CameraView],
    sounds: Sequence[SoundView],
    series: Sequence[Series],
    timeline: Timeline,
    clock: Clock,
) -> dict[str, Any]:
    """Draw time line, plots and the table of channels."""
    if span is None:
        return {"span": None, "timeline": "", "marks": [], "plots": [], "channels": [], "channel_count": 0}
    marks = marks_in(span, timeline, clock)
    rows = [lane for view in views if (lane := camera_lane(view, span))]
    rows += [lane for sound in sounds if (lane := sound_lane(sound, span))]
    if rows and (lane := telemetry_lane(series, span)):
        rows.append(lane)
    first = leading(series)
    return {
        "span": span,
        "timeline": timeline_figure(rows, span, marks) if rows else "",
        "marks": marks,
        "plots": [(item, drawn) for item in first if (drawn := plot(item, span, marks))],
        "channels": [(item, sparkline(item)) for item in series[:MOST_CHANNELS]],
        "channel_count": len(series),
    }


def tiles(
    views: Sequence[CameraView],
    sounds: Sequence[SoundView],
    files: Sequence[FileView],
    passes: Sequence[PassHealth],
    series: Sequence[Series],
    events: int,
) -> Iterator[Tile]:
    """Give the numbers at the top: only of what there is."""
    shots = sum(len(view.shots) for view in views)
    if shots:
        gone = sum(view.missing_count for view in views)
        partial, thumbnails = sum(view.partial for view in views), sum(view.thumbnails for view in views)
        note = notes((partial, "partial"), (gone, "missing"), (thumbnails, "thumbnail only"))
        total = shots + gone
        whole = sum(view.whole for view in views)
        name = f"picture{'s' * (shots != 1)} from {words.count(len(views), 'camera')}"
        yield Tile(href="#pictures", value=f"{shots:,}", name=name, whole=whole / total, partial=(shots - whole) / total, note=note)
    if sounds:
        seconds, lost = sum(sound.seconds for sound in sounds), sum(sound.missing for sound in sounds)
        share = 1 - lost / seconds
        note = f"{words.duration(lost)} lost" if lost else "complete"
        yield Tile(href="#sound", value=words.duration(seconds), name="sound", whole=share, partial=0, note=note)
    if files:
        whole = sum(file.whole for file in files)
        note = notes((len(files) - whole, "partial"))
        share = whole / len(files)
        yield Tile(
            href="#files",
            value=f"{len(files):,}",
            name=f"file{'s' * (len(files) != 1)} received",
            whole=share,
            partial=1 - share,
            note=note,
        )
    if passes:
        good, lost_frames = sum(item.frames for item in passes), sum(item.lost for item in passes)
        note = f"{lost_frames:,} lost" if lost_frames else "none lost"
        share = good / max(1, good + lost_frames)
        yield Tile(href="#link", value=f"{good:,}", name=f"transfer frame{'s' * (good != 1)}", whole=share, partial=0, note=note)
    if series or events:
        note = ", ".join(words.count(n, what) for n, what in ((len(series), "channel"), (events, "event report")) if n)
        value = f"{sum(item.values.size for item in series):,}"
        yield Tile(href="#telemetry", value=value, name="telemetry values", whole=None, partial=0, note=note)


def notes(*parts: tuple[int, str]) -> str:
    """Join what is not zero."""
    return ", ".join(f"{number:,} {text}" for number, text in parts if number) or "all complete"


def missing(
    views: Sequence[CameraView], sounds: Sequence[SoundView], files: Sequence[FileView], passes: Sequence[PassHealth]
) -> Iterator[tuple[str, str, str]]:
    """Say what is missing: (section, what, where)."""
    for view in views:
        where = f"#{view.anchor}"
        if view.missing:
            what = f"{view.name}: {words.count(view.missing_count, 'frame')} missing from the numbering"
            yield where, what, listed([because(item.name, item.why) for item in view.line if isinstance(item, Gap)])
        if view.partial:
            frames = [because(part_of(shot.frame, shot.fraction, "picture"), shot.why) for shot in view.shots if shot.fraction < 1]
            yield where, f"{view.name}: {words.count(view.partial, 'frame')} partly lost", listed(frames)
        if view.thumbnails:
            frames = [shot.frame for shot in view.shots if shot.state == "thumbnail"]
            what = f"{view.name}: {words.count(view.thumbnails, 'frame')} of which only the thumbnail has come"
            yield where, what, f"{listed(frames)}; of the picture itself nothing was in any pass so far"
    for sound in sounds:
        if sound.missing:
            gaps = [
                because(f"{words.duration(stop - start)} at {clock_face(start, 0.01)}", gap.why)
                for (start, stop), gap in zip(sound.runs, sound.gaps, strict=True)
            ]
            yield "#sound", f"{sound.name}: {words.duration(sound.missing)} of sound lost", listed(gaps, 6)
    partial = [file for file in files if not file.whole]
    if partial:
        yield (
            "#files",
            f"{words.count(len(partial), 'file')} not complete",
            listed([part_of(file.name, file.fraction, "file") for file in partial], 6),
        )
    for item in passes:
        if item.lost:
            yield "#link", f"Pass {item.name}: {words.count(item.lost, 'transfer frame')} lost", ""


def part_of(name: str, fraction: float | None, whole: str) -> str:
    """Name what came in part, with how much of it came, if that is known."""
    return name if fraction is None else f"{name} ({words.percent(fraction)} of the {whole})"


def because(name: str, why: str) -> str:
    """Join a frame and what cost it."""
    return f"{name}: {why}" if why else name


def listed(items: Sequence[str], most: int = 12) -> str:
    """Name the first ones."""
    return ("; " if any(":" in item for item in items[:most]) else ", ").join(items[:most]) + (
        f" and {len(items) - most:,} more" if len(items) > most else ""
    )


def recorded(chunks: Sequence[Entry]) -> list[tuple[str, str, str, str]]:
    """List the recordings that all of it was made from: pass, place in it, size and SHA-256."""
    return [
        (entry.key["pass"], entry.key["chunk"], words.size(entry.completeness.received), entry.digest) for entry in chunks[:MOST_CHUNKS]
    ]


def caveats(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    """Count what users should know, most frequent first."""
    counts: dict[str, int] = {}
    for entry in entries:
        for caveat in entry.completeness.caveats:
            counts[caveat] = counts.get(caveat, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:100]


def pieces_of(view: CameraView) -> list[str]:
    """Name the pieces of a camera's gallery."""
    return [f"page/gallery-{view.name}-{number:03d}.js" for number in range(1, -(-len(view.line) // PIECE) + 1)]


def piece_files(views: Sequence[CameraView]) -> Iterator[tuple[str, bytes]]:
    """Write the pieces: scripts, because a page from a file may not fetch."""
    for view in views:
        for number, name in enumerate(pieces_of(view)):
            rows = [item.row() for item in view.line[PIECE * number : PIECE * (number + 1)]]
            yield name, f"skycrane.piece({script_json(view.name)}, {number}, {script_json(rows)});\n".encode()


def script_json(value: list[Any] | str) -> str:
    """Give JSON that no parser of HTML or JavaScript can misread."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
