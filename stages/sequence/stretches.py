"""Which frames of a span were stretched alike, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.stage import Group
from stages.products import Sighting, Stretch
from stages.sequence.comb import Comb, belongs, clipped_ends, find_comb

__all__ = ["find_stretches"]

Histogram = NDArray[np.int64]


@dataclass(slots=True)
class _Party:
    """Frames whose histograms one comb explains."""

    pooled: Histogram
    comb: Comb
    files: list[tuple[str, str]] = field(default_factory=list)
    """Frame and file of each."""


def find_stretches(sightings: Group[Sighting]) -> tuple[tuple[Stretch, ...], tuple[str, ...]]:
    """Find the stretches of a sequence, and say of which frames none was found though they are combed.

    Frames that were stretched alike are pooled: a level that no sample of one has may be filled in another, and shows then that it is no
    gap. A frame too dark or small to tell by itself belongs to a stretch that others show, if it has no sample in any of the gaps.
    """
    combed = [at for at, entry in enumerate(sightings.entries) if entry.facts["combed"]]
    if not combed:
        return (), ()
    parties: list[_Party] = []
    odd: list[str] = []
    for at in combed:
        sighting = sightings[at]
        if not _join(parties, sighting) and not _found(parties, sighting):
            odd.append(sighting.frame)
    for at, entry in enumerate(sightings.entries if parties else ()):
        if entry.facts["combed"]:
            continue
        sighting = sightings[at]
        fitting = [party for party in parties if sighting.histogram.size and belongs(sighting.histogram, party.comb.levels)]
        if len(fitting) == 1:
            fitting[0].files.append((sighting.frame, sighting.file))
    caveats = [f"{len(odd)} frames have gaps in their histograms that no straight stretch explains: {_some(odd)}"] if odd else []
    return tuple(_stretch(party) for party in parties), tuple(caveats)


def _join(parties: list[_Party], sighting: Sighting) -> bool:
    """Add a frame to those that were stretched alike, if their histograms together still are those of one stretch."""
    for party in parties:
        if sighting.histogram[_outside(party.comb.levels)].any():
            continue
        pooled = party.pooled + sighting.histogram
        comb = find_comb(pooled)
        if comb is not None:
            party.pooled, party.comb = pooled, comb
            party.files.append((sighting.frame, sighting.file))
            return True
    return False


def _found(parties: list[_Party], sighting: Sighting) -> bool:
    comb = find_comb(sighting.histogram)
    if comb is None:
        return False
    parties.append(_Party(sighting.histogram, comb, [(sighting.frame, sighting.file)]))
    return True


def _outside(levels: tuple[int, ...]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(256), levels)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def _stretch(party: _Party) -> Stretch:
    return Stretch(
        levels=party.comb.levels,
        files=tuple(sorted(set(party.files))),
        gaps=party.comb.gaps,
        unsure=party.comb.unsure,
        clipped=clipped_ends(party.pooled, party.comb.levels),
    )
