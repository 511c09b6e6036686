"""Sequences: what only many frames of a camera tell, kept apart from the frames so that a new one does not remake all."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.stage import Group, stage
from stages.products import Mosaic, Repair, Sequence, Sighting
from stages.profile import Camera

__all__ = ["repairs", "sequence", "survey"]


@stage(version=1)
def survey(mosaic: Mosaic, camera: Camera, *, every: int = 8, span: int = 1024) -> Iterator[Sighting]:
    """Look at a lossless mosaic for what its sequence may tell: its histogram, and of every so many frames spots and means of cells.

    every  of numbered frames, those whose number this divides are looked at in full; of frames with names, all are
    span   frame numbers of a sequence; frames with names make one an hour of the clock, or one in all

    A spot stands out from all of its neighbours of the same colour. Lossy editions tell nothing: what was coded is not what was measured.
    ProfileError for a setting that is out of range.
    """
    from stages.sequence.sighting import sight

    yield from sight(mosaic, camera, every=every, span=span)


@stage(version=1, settled=True)
def sequence(sightings: Group[Sighting], camera: Camera, *, stretch: bool = True, hot_pixels: bool = True, flat: bool = False) -> Sequence:
    """Find what the frames of a span have in common.

    stretch     a linear stretch of the levels, by the gaps that it leaves in the histogram
    hot_pixels  samples that stand out in most frames, whatever the scene
    flat        the median of the frames as a flat: an estimate, good only where the scene moves

    What the frames do not tell for sure is left alone, with a caveat.
    """
    from stages.sequence.common import find_common

    return find_common(sightings, camera, stretch=stretch, hot_pixels=hot_pixels, flat=flat)


@stage(version=1)
def repairs(sequence: Sequence) -> Iterator[Repair]:
    """Say for each frame that needs it what is to be done to its mosaics."""
    from stages.sequence.common import repairs_of

    yield from repairs_of(sequence)
