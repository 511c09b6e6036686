"""What the frames of a span have in common, and what each needs for it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Many

import numpy as np
from numpy.typing import NDArray

from pipeline.stage import Group
from stages.products import Repair, Sequence, Sighting, Stretch
from stages.profile import Camera
from stages.sequence.fixed import find_fixed, find_flat, moves
from stages.sequence.stretches import find_stretches

__all__ = ["find_common", "repairs_of"]

MOST = 128
"""Frames of a span that are looked at in full."""
LEAST = 5
"""Frames without which nothing can be said of a single sample."""
LEAST_FLAT = 16


def find_common(sightings: Group[Sighting], camera: Camera, *, stretch: bool, hot_pixels: bool, flat: bool) -> Sequence:
    """Find what a sequence has in common as `stages.sequence.sequence` says; sightings are loaded one at a time."""
    entries = sightings.entries
    frames = tuple(sorted({entry.key["frame"] for entry in entries}))
    stretches, caveats = find_stretches(sightings) if stretch else ((), ())
    chosen = _chosen(sightings)
    notes = list(caveats)
    spots, grid = Sequence(camera="", span="", frames=(), sampled=0).spots, None
    if len(chosen) >= LEAST and (hot_pixels or flat):
        looked = [sightings[at] for at in chosen]
        if not moves(looked):
            notes.append("the scene does not move, so that nothing in it can be told from the sensor's own pattern")
        else:
            spots = find_fixed(looked) if hot_pixels else spots
            grid, note = _flat(looked, camera) if flat else (None, "")
            notes += [note] if note else []
    key = entries[0].key
    return Sequence(
        camera=key["camera"],
        span=key["span"],
        frames=frames,
        sampled=len(chosen),
        stretches=stretches,
        spots=spots,
        flat=grid,
        caveats=tuple(notes),
    )


def _chosen(sightings: Group[Sighting]) -> list[int]:
    """Choose the frames to be looked at: of the commonest shape and corner, each once, evenly over the span."""
    kinds: dict[str, list[int]] = {}
    seen: set[str] = set()
    for at, entry in enumerate(sightings.entries):
        frame = entry.key["frame"]
        if entry.facts["sampled"] and frame not in seen:
            seen.add(frame)
            kinds.setdefault(f"{entry.facts['shape']} {entry.facts['corner']}", []).append(at)
    if not kinds:
        return []
    places = max(sorted(kinds.items()), key=lambda item: len(item[1]))[1]
    return [places[at * len(places) // MOST] for at in range(MOST)] if len(places) > MOST else places


def _flat(looked: Many[Sighting], camera: Camera) -> tuple[NDArray[np.float32] | None, str]:
    if camera.companding:
        return None, "no flat: its samples are companded, and a flat divides light"
    if len(looked) < LEAST_FLAT:
        return None, f"no flat: {len(looked)} frames are too few, {LEAST_FLAT} are needed"
    if looked[0].corner != (0, 0):
        return None, "no flat: the frames are parts of the full frame"
    return find_flat(looked), f"the flat is an estimate from the median of {len(looked)} frames"


def repairs_of(sequence: Sequence) -> Iterator[Repair]:
    """Give a repair for each frame of which a file was stretched, or for all where samples are hot or there is a flat."""
    stretched: dict[str, dict[str, Stretch]] = {}
    for stretch in sequence.stretches:
        for frame, file in stretch.files:
            stretched.setdefault(frame, {})[file] = stretch
    every = bool(len(sequence.spots)) or sequence.flat is not None
    for frame in sequence.frames if every else sorted(stretched):
        mine = stretched.get(frame, {})
        yield Repair(
            camera=sequence.camera,
            span=sequence.span,
            frame=frame,
            levels={file: stretch.levels for file, stretch in mine.items()},
            spots=sequence.spots,
            flat=sequence.flat,
            caveats={file: stretch.caveats for file, stretch in mine.items()},
        )
