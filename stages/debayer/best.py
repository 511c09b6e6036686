"""Which edition of a frame is developed."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import DataError
from pipeline.product import Entry

__all__ = ["choose"]

RANKS = {"lossless": 0, "jpeg": 1, "video": 2, "thumbnail": 3}


def choose(entries: Sequence[Entry]) -> int:
    """Give the place of the best edition, from what the catalog knows of each.

    Among those with at least 95 % of the most valid samples that any has: lossless before jpeg before video before thumbnail, then by
    completeness, then by key.
    """
    if not entries:
        raise DataError("a frame without any edition cannot be developed")
    most = max(entry.completeness.received for entry in entries)

    def rank(place: int) -> tuple[int, float, str]:
        entry = entries[place]
        return RANKS.get(entry.key["edition"], len(RANKS)), -(entry.completeness.fraction or 0.0), entry.key.text

    return min((place for place, entry in enumerate(entries) if entry.completeness.received * 100 >= most * 95), key=rank)
