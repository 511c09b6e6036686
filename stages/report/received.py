"""The files of a run, and which of their bytes are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from pipeline.product import Entry
from stages.report.words import count, size

__all__ = ["FileView", "file_views", "gap_map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A file that the spacecraft sent."""

    name: str
    url: str
    size: str
    received: str
    fraction: float | None
    """None while its size is not known."""
    gaps: int
    bad: int
    """Segments with a wrong checksum."""
    bar: Markup

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return self.fraction == 1


def file_views(files: Sequence[Entry]) -> list[FileView]:
    """Describe each file that is kept under OUT, those that miss most first."""
    views = [view_of(entry) for entry in files if entry.paths]
    return sorted(views, key=lambda view: (-1.0 if view.fraction is None else view.fraction, view.name))


def view_of(entry: Entry) -> FileView:
    """Describe a file."""
    done, facts = entry.completeness, entry.facts
    path = next((path for path in entry.paths if not path.endswith(".json")), entry.paths[0])
    fraction = done.fraction
    if fraction == 1 and done.gaps:
        fraction = 0.999
    return FileView(
        name=facts.get("name") or entry.key["file"],
        url=quote(path),
        size="not known" if done.expected is None else size(done.expected),
        received=size(done.received),
        fraction=fraction,
        gaps=len(done.gaps),
        bad=(facts.get("checksums") or (0, 0))[1],
        bar=gap_map(done.gaps, done.expected),
    )


def gap_map(gaps: Sequence[tuple[int, int]], length: int | None) -> Markup:
    """Draw a file as a bar from first to last byte, with its gaps; none while its length is not known."""
    if not length:
        return Markup()
    drawn = list(thousandths(gaps, length))
    label = "no gaps" if not gaps else count(len(gaps), "gap")
    rects = (Markup('<rect class="lost" x="{}" y="0" width="{}" height="10"/>').format(a, b - a) for a, b in drawn)
    return Markup(
        '<svg class="gapmap" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="whole" width="1000" height="10"/>{}</svg>'
    ).format(label, Markup("").join(rects))


def thousandths(gaps: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Round gaps outwards to thousandths of the file, at least two wide so that they can be seen; join those that touch."""
    start = stop = -1
    for low, high in sorted(gaps):
        a = min(998, low * 1000 // length)
        b = max(a + 2, min(1000, -(-high * 1000 // length)))
        if a > stop:
            if stop > start:
                yield start, stop
            start, stop = a, b
        else:
            stop = max(stop, b)
    if stop > start:
        yield start, stop
