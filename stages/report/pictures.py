"""The cameras of a run: what each one's gallery shows, what is missing, and which picture leads the page."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from pipeline.product import Entry
from stages.profile import Clock, Timeline
from stages.report.index import picture_path
from stages.report.words import finite_clock, short_utc, since_zero

__all__ = ["CameraView", "SheetView", "Shot", "cameras", "hero", "shot_of"]

EDITIONS = ("lossless", "jpeg", "video", "thumbnail")
"""Best first."""


class Sprite(NamedTuple):
    """A picture cut from a sheet: galleries need no further files."""

    url: str
    sheet_width: int
    sheet_height: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture of a gallery."""

    camera: str
    frame: str
    url: str
    """Of the whole picture; empty if it is not on disk."""
    tiff: str
    sprite: Sprite | None
    edition: str
    editions: tuple[str, ...]
    fraction: float
    time: str
    since: str
    source: str
    width: int
    height: int

    @property
    def alternative(self) -> str:
        """What the picture is, for those who cannot see it."""
        lost = "" if self.fraction >= 1 else ", partly lost"
        return f"{self.camera} frame {self.frame}{lost}"

    def row(self) -> list[Any]:
        """Give what the script of the page builds a gallery item from."""
        sprite = list(self.sprite) if self.sprite else None
        fraction = int(self.fraction * 1000) / 1000
        return [self.frame, self.url, sprite, self.edition, fraction, self.since or self.time, self.source]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """A leaf of a contact sheet."""

    url: str
    name: str
    span: str
    """First and last frame."""
    whole: bool
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """A camera's section of the page."""

    name: str
    title: str
    shots: tuple[Shot, ...]
    sheets: tuple[SheetView, ...]
    book: str
    editions: tuple[tuple[str, int], ...]
    partial: int
    missing: tuple[tuple[int, int], ...]
    """[start, stop) of frame numbers between others that came."""
    thumbnails: int
    """Frames of which only the thumbnail has come."""

    @property
    def anchor(self) -> str:
        """Name of the section within the page."""
        return f"camera-{self.name.replace(' ', '_')}"

    @property
    def missing_count(self) -> int:
        """Frames that are known to be missing."""
        return sum(stop - start for start, stop in self.missing)

    @property
    def missing_frames(self) -> list[str]:
        """Name the missing frames, runs by first and last, with the digits of those that came."""
        digits = next((len(shot.frame) for shot in self.shots if shot.frame.isdecimal()), 1)
        return [f"{a:0{digits}d}" + (f" \N{EN DASH} {b - 1:0{digits}d}" if b > a + 1 else "") for a, b in self.missing]

    @property
    def whole(self) -> int:
        """Frames that came whole, better than as a thumbnail."""
        return max(0, len(self.shots) - self.partial - self.thumbnails)


def cameras(images: Sequence[Entry], sheets: Sequence[Entry], books: Sequence[Entry], timeline: Timeline, clock: Clock) -> list[CameraView]:
    """Make a view for each camera that has an image or a sheet, in the order of the profile, then by name."""
    names = sorted({entry.key["camera"] for entry in (*images, *sheets)})
    views = []
    for name in names:
        mine = [entry for entry in images if entry.key["camera"] == name]
        own_sheets = [entry for entry in sheets if entry.key["camera"] == name]
        book = next((entry for entry in books if entry.key["camera"] == name), None)
        sprites = dict(sprites_of(own_sheets))
        shots = sorted((shot_of(entry, sprites, timeline, clock) for entry in mine), key=frame_order)
        order, title = next(((e.facts.get("order", 100), e.facts.get("title", "")) for e in own_sheets), (100, ""))
        view = CameraView(
            name=name,
            title=title or name,
            shots=tuple(in_time(mine, shots)),
            sheets=tuple(itertools.chain.from_iterable(sheet_views(entry) for entry in own_sheets)),
            book=quote(book.paths[0]) if book and book.paths else "",
            editions=tuple(sorted(Counter(edition for shot in shots for edition in shot.editions).items(), key=edition_order)),
            partial=sum(shot.fraction < 1 for shot in shots),
            missing=tuple(gaps(shots)),
            thumbnails=sum(shot.editions == ("thumbnail",) and shot.fraction >= 1 for shot in shots),
        )
        views.append((order, name, view))
    return [view for _, _, view in sorted(views, key=lambda item: item[:2])]


def in_time(entries: Sequence[Entry], shots: Sequence[Shot]) -> list[Shot]:
    """Sort by time if all have one, else leave them by frame, as on the sheets."""
    clocks = {entry.key["frame"]: finite_clock(entry.facts.get("clock")) for entry in entries}
    if any(value is None for value in clocks.values()):
        return list(shots)
    return sorted(shots, key=lambda shot: float(clocks[shot.frame] or 0))


def frame_order(shot: Shot) -> tuple[bool, int, str]:
    """Numbers first, by value."""
    number = int(shot.frame) if shot.frame.isdecimal() else None
    return number is None, number or 0, shot.frame


def edition_order(item: tuple[str, int]) -> tuple[int, str]:
    """Best first."""
    return (EDITIONS.index(item[0]) if item[0] in EDITIONS else len(EDITIONS), item[0])


def gaps(shots: Sequence[Shot]) -> Iterator[tuple[int, int]]:
    """Give the runs of numbers that lie between frames that came."""
    numbers = sorted({int(shot.frame) for shot in shots if shot.frame.isdecimal()})
    return ((before + 1, after) for before, after in itertools.pairwise(numbers) if after > before + 1)


def sprites_of(sheets: Sequence[Entry]) -> Iterator[tuple[str, Sprite]]:
    """Find each frame's picture on the sheets."""
    for entry in sheets:
        urls = leaf_urls(entry)
        sizes = entry.facts.get("sizes", ())
        for frame, leaf, x, y, width, height in entry.facts.get("places", ()):
            if leaf < len(urls) and width > 0 and height > 0:
                yield frame, Sprite(urls[leaf], sizes[leaf][0], sizes[leaf][1], x, y, width, height)


def leaf_urls(entry: Entry) -> list[str]:
    """Give the leaves of a sheet in order: NAME.png, NAME.2.png, ..."""
    pictures = [path for path in entry.paths if path.endswith(".png")]
    return [quote(path) for path in sorted(pictures, key=lambda path: (len(path), path))]


def sheet_views(entry: Entry) -> Iterator[SheetView]:
    """Describe each leaf of a sheet."""
    facts = entry.facts
    for leaf, url in enumerate(leaf_urls(entry)):
        frames = [place[0] for place in facts.get("places", ()) if place[1] == leaf]
        span = (frames[0] if len(frames) == 1 else f"{frames[0]} \N{EN DASH} {frames[-1]}") if frames else ""
        name = entry.key["page"] + (f".{leaf + 1}" if leaf else "")
        lost = set(facts.get("partial", ())) & set(frames)
        width, height = facts["sizes"][leaf]
        yield SheetView(url=url, name=name, span=span, whole=not lost and not facts.get("missing"), width=width, height=height)


def shot_of(entry: Entry, sprites: dict[str, Sprite], timeline: Timeline, clock: Clock) -> Shot:
    """Describe an image."""
    facts = entry.facts
    seconds = finite_clock(facts.get("clock"))
    whole = entry.completeness.fraction
    return Shot(
        camera=entry.key["camera"],
        frame=entry.key["frame"],
        url=quote(picture_path(entry)),
        tiff=next((quote(path) for path in entry.paths if path.endswith(".tif")), ""),
        sprite=sprites.get(entry.key["frame"]),
        edition=facts.get("edition") or "",
        editions=tuple(facts.get("editions") or ()),
        fraction=1.0 if whole is None else whole,
        time=short_utc(facts.get("utc") or clock.utc_text(seconds)),
        since=since_zero(timeline, seconds),
        source=facts.get("source") or "",
        width=facts.get("width", 0),
        height=facts.get("height", 0),
    )


def hero(views: Sequence[CameraView]) -> tuple[CameraView, Shot] | None:
    """Choose the picture that leads the page: the most complete, of the best edition, the largest; of equals the one in the middle.

    Wholeness counts in twentieths: a frame that lost a line is still the better one if it is lossless.
    """
    best: list[tuple[CameraView, Shot]] = []
    rank: tuple[int, int, int] = (-1, 0, 0)
    for view in views:
        for shot in view.shots:
            edition = -EDITIONS.index(shot.edition) if shot.edition in EDITIONS else -len(EDITIONS)
            mine = (int(shot.fraction * 20), edition, shot.width * shot.height)
            if shot.url and mine > rank:
                rank, best = mine, []
            if shot.url and mine == rank:
                best.append((view, shot))
    return best[len(best) // 2] if best else None
