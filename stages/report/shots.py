"""What stands in a gallery: pictures, and gaps where some are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from stages.report.losses import LinkLoss, told

__all__ = ["Gap", "Shot", "Sprite"]

MOST_ROWS = 20
"""Runs of lost rows that the page names."""


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
    mosaic: str
    """Of the edition that it was made from."""
    sprite: Sprite | None
    edition: str
    editions: tuple[str, ...]
    fraction: float
    time: str
    since: str
    source: str
    width: int
    height: int
    clock: float | None
    """Seconds."""
    file: str
    """That it was made from."""
    received: int
    """Pixels, as `expected`."""
    expected: int
    rows: tuple[tuple[int, int], ...]
    """[start, stop) of picture rows in which any pixel is lost."""
    digest: str
    histogram: str
    losses: tuple[LinkLoss, ...]
    """Of the link, that cost it what is missing."""

    @property
    def name(self) -> str:
        """The frame."""
        return self.frame

    @property
    def why(self) -> str:
        """Say what cost it what is missing."""
        return told(self.losses)

    @property
    def embedded(self) -> int:
        """Pixels at the picture's corner that hold telemetry of the camera: never image, so never lost."""
        return max(0, self.width * self.height - self.expected)

    @property
    def alternative(self) -> str:
        """What the picture is, for those who cannot see it."""
        lost = "" if self.fraction >= 1 else ", partly lost"
        return f"{self.camera} frame {self.frame}{lost}"

    @property
    def state(self) -> str:
        """Say how complete it is: whole, partial or thumbnail."""
        if self.fraction < 1:
            return "partial"
        return "thumbnail" if self.editions == ("thumbnail",) else "whole"

    def row(self) -> list[Any]:
        """Give what the script of the page shows, in the order in which it reads it."""
        return [
            self.frame,
            self.url,
            list(self.sprite) if self.sprite else None,
            self.edition,
            int(self.fraction * 1000) / 1000,
            self.since or self.time,
            self.source,
            self.clock,
            self.state,
            list(self.editions),
            [self.width, self.height, self.received, self.expected],
            [list(run) for run in self.rows[:MOST_ROWS]],
            self.time,
            self.tiff,
            self.mosaic,
            self.digest[:16],
            self.histogram,
            self.why,
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Frames that the numbering says are missing, where they would stand."""

    name: str
    """First and last number."""
    count: int
    losses: tuple[LinkLoss, ...]
    """Of the link, that fell between the frames around them."""

    @property
    def why(self) -> str:
        """Say what may have cost them."""
        return told(self.losses)

    def row(self) -> list[Any]:
        """Give what the script of the page shows: it knows a gap by the missing address."""
        return [self.name, "", self.count, self.why]
