"""What pictures can be chosen by: camera, edition, completeness and time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stages.profile import Timeline
from stages.report.pictures import CameraView, edition_order

__all__ = ["Choice", "Facets", "facets"]

STATES = {"whole": "Whole", "partial": "Partly lost", "thumbnail": "Thumbnail only"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that pictures can be chosen by."""

    value: str
    title: str
    count: int
    """Pictures that have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """All choices; a group that would leave nothing to choose is empty."""

    total: int
    cameras: tuple[Choice, ...]
    editions: tuple[Choice, ...]
    states: tuple[Choice, ...]
    times: tuple[float, float] | None
    """Clock seconds of the first and the last picture, rounded outwards."""
    zero: float | None
    """Clock seconds that times are counted from."""


def facets(views: Sequence[CameraView], timeline: Timeline) -> Facets:
    """Count what there is to choose from."""
    shots = [shot for view in views for shot in view.shots]
    editions, states = [shot.edition for shot in shots], [shot.state for shot in shots]
    ordered = [name for name, _ in sorted(((edition, 0) for edition in set(editions) if edition), key=edition_order)]
    clocks = [shot.clock for shot in shots if shot.clock is not None]
    low, high = (math.floor(min(clocks)), math.ceil(max(clocks))) if clocks else (0, 0)
    zero = timeline.zero
    return Facets(
        total=len(shots),
        cameras=several(Choice(value=view.name, title=view.name, count=len(view.shots)) for view in views if view.shots),
        editions=several(Choice(value=name, title=name, count=editions.count(name)) for name in ordered),
        states=several(Choice(value=name, title=title, count=states.count(name)) for name, title in STATES.items() if name in states),
        times=(low, high) if low < high else None,
        zero=zero if zero is not None and clocks and abs(low - zero) < 86400 else None,
    )


def several(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Keep a group only if it has two or more."""
    found = tuple(choices)
    return found if len(found) > 1 else ()
