"""The cameras of a run: what each one's gallery shows, what is missing, and which picture leads the page."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pipeline.product import Entry, Key
from stages.products import Mosaic
from stages.profile import Clock, Timeline
from stages.report.index import picture_path
from stages.report.losses import Losses
from stages.report.shots import Gap, Shot, Sprite
from stages.report.words import finite_clock, short_utc, since_zero

__all__ = ["EDITIONS", "CameraView", "SheetView", "cameras", "edition_order", "hero", "shot_of"]

EDITIONS = ("lossless", "jpeg", "video", "thumbnail")
"""Best first."""


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
    line: tuple[Shot | Gap, ...]
    """The same, with what is missing between them."""
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
    def whole(self) -> int:
        """Frames that came whole, better than as a thumbnail."""
        return max(0, len(self.shots) - self.partial - self.thumbnails)


def cameras(
    images: Sequence[Entry], sheets: Sequence[Entry], books: Sequence[Entry], timeline: Timeline, clock: Clock, losses: Losses
) -> list[CameraView]:
    """Make a view for each camera that has an image or a sheet, in the order of the profile, then by name."""
    names = sorted({entry.key["camera"] for entry in (*images, *sheets)})
    views = []
    for name in names:
        mine = [entry for entry in images if entry.key["camera"] == name]
        own_sheets = [entry for entry in sheets if entry.key["camera"] == name]
        book = next((entry for entry in books if entry.key["camera"] == name), None)
        sprites = dict(sprites_of(own_sheets))
        marks = dict(histograms_of(own_sheets))
        shots = sorted((shot_of(entry, sprites, marks, timeline, clock, losses) for entry in mine), key=frame_order)
        missing = tuple(gaps(shots))
        files = {entry.key["frame"]: str(entry.facts.get("file") or "") for entry in mine}
        ordered = tuple(in_time(mine, shots))
        torn = {shot.frame for shot in shots if shot.state != "whole"}
        order, title = next(((e.facts.get("order", 100), e.facts.get("title", "")) for e in own_sheets), (100, ""))
        view = CameraView(
            name=name,
            title=title or name,
            shots=ordered,
            line=tuple(with_gaps(ordered, missing, files, losses)),
            sheets=tuple(itertools.chain.from_iterable(sheet_views(entry, torn) for entry in own_sheets)),
            book=quote(book.paths[0]) if book and book.paths else "",
            editions=tuple(sorted(Counter(edition for shot in shots for edition in shot.editions).items(), key=edition_order)),
            partial=sum(shot.fraction < 1 for shot in shots),
            missing=missing,
            thumbnails=sum(shot.editions == ("thumbnail",) and shot.fraction >= 1 for shot in shots),
        )
        views.append((order, name, view))
    return [view for _, _, view in sorted(views, key=lambda item: item[:2])]


def in_time(entries: Sequence[Entry], shots: Sequence[Shot]) -> list[Shot]:
    """Sort by the clock's time if all have one, by UTC if all have that, else leave them by frame, as on the sheets."""
    clocks = {entry.key["frame"]: finite_clock(entry.facts.get("clock")) for entry in entries}
    if all(value is not None for value in clocks.values()):
        return sorted(shots, key=lambda shot: float(clocks[shot.frame] or 0))
    moments = {entry.key["frame"]: str(entry.facts.get("utc") or "") for entry in entries}
    return sorted(shots, key=lambda shot: moments[shot.frame]) if all(moments.values()) else list(shots)


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


def with_gaps(shots: Sequence[Shot], missing: Sequence[tuple[int, int]], files: dict[str, str], losses: Losses) -> Iterator[Shot | Gap]:
    """Put what is missing behind the frame before it."""
    behind = {start - 1: (start, stop) for start, stop in missing}
    names = {int(shot.frame): shot.frame for shot in shots if shot.frame.isdecimal()}
    for shot in shots:
        yield shot
        if shot.frame.isdecimal() and (run := behind.get(int(shot.frame))):
            cost = losses.between(files[shot.frame], files[names[run[1]]])
            yield Gap(name=run_name(run, len(shot.frame)), count=run[1] - run[0], losses=cost)


def run_name(run: tuple[int, int], digits: int) -> str:
    """Name missing frames by the first and the last."""
    start, stop = run
    return f"{start:0{digits}d}" + (f" \N{EN DASH} {stop - 1:0{digits}d}" if stop > start + 1 else "")


def histograms_of(sheets: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Find each frame's histogram, as its cell has it."""
    for entry in sheets:
        for place, histogram in zip(entry.facts.get("places", ()), entry.facts.get("histograms", ()), strict=False):
            yield place[0], histogram


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


def sheet_views(entry: Entry, torn: set[str]) -> Iterator[SheetView]:
    """Describe each leaf of a sheet; `torn` are the frames that came in part or as a thumbnail only."""
    facts = entry.facts
    for leaf, url in enumerate(leaf_urls(entry)):
        frames = [place[0] for place in facts.get("places", ()) if place[1] == leaf]
        span = (frames[0] if len(frames) == 1 else f"{frames[0]} \N{EN DASH} {frames[-1]}") if frames else ""
        name = entry.key["page"] + (f".{leaf + 1}" if leaf else "")
        lost = torn.union(facts.get("partial", ())) & set(frames)
        width, height = facts["sizes"][leaf]
        yield SheetView(url=url, name=name, span=span, whole=not lost and not facts.get("missing"), width=width, height=height)


def shot_of(entry: Entry, sprites: dict[str, Sprite], histograms: dict[str, str], timeline: Timeline, clock: Clock, losses: Losses) -> Shot:
    """Describe an image."""
    facts, done = entry.facts, entry.completeness
    seconds = finite_clock(facts.get("clock"))
    whole = entry.completeness.fraction
    return Shot(
        camera=entry.key["camera"],
        frame=entry.key["frame"],
        url=quote(picture_path(entry)),
        tiff=next((quote(path) for path in entry.paths if path.endswith(".tif")), ""),
        mosaic=mosaic_path(entry),
        sprite=sprites.get(entry.key["frame"]),
        edition=facts.get("edition") or "",
        editions=tuple(facts.get("editions") or ()),
        fraction=1.0 if whole is None else whole,
        time=short_utc(facts.get("utc") or clock.utc_text(seconds)),
        since=since_zero(timeline, seconds),
        source=facts.get("source") or "",
        width=facts.get("width", 0),
        height=facts.get("height", 0),
        clock=seconds,
        file=facts.get("file") or "",
        received=done.received,
        expected=done.received if done.expected is None else done.expected,
        rows=tuple(lost_rows(done.gaps, facts.get("width", 0))),
        digest=entry.digest,
        histogram=histograms.get(entry.key["frame"], ""),
        losses=losses.by_file.get(facts.get("file") or "", ()) if done.partial else (),
    )


def mosaic_path(entry: Entry) -> str:
    """Give the path of the mosaic that an image was made from: it follows from its key."""
    edition, file = entry.facts.get("edition"), entry.facts.get("file")
    if edition not in EDITIONS or not file:
        return ""
    return quote(Mosaic.stem(Key([*entry.key.items(), ("edition", edition), ("file", file)])) + ".tif")


def lost_rows(gaps: Sequence[tuple[int, int]], width: int) -> Iterator[tuple[int, int]]:
    """Turn ranges of pixels in reading order into ranges of rows."""
    return ((start // width, -(-stop // width)) for start, stop in gaps if width)


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
