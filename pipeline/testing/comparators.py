"""Compares arrays the way that losses show: by the largest difference, the count above a tolerance, and the worst tile.

One score for a whole picture is the wrong way round: it fails harmless rounding and passes a lost packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Difference", "compare", "tree_digests"]

TILE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two arrays differ."""

    shape: str = ""
    """What is wrong with shape or dtype; empty if they agree."""
    largest: float = 0.0
    count: int = 0
    """Of the samples whose difference is above the tolerance."""
    worst_tile: float = 0.0
    """Largest mean difference of any tile of 32 x 32 (of 1024 samples in a row, for sound)."""
    where: tuple[int, ...] = ()
    """Index of the largest difference."""
    tolerance: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether they agree within the tolerance, everywhere."""
        return not self.shape and self.count == 0

    def __str__(self) -> str:
        if self.shape:
            return self.shape
        if self.equal:
            return f"equal within {self.tolerance:g} (largest difference {self.largest:g})"
        where = ", ".join(map(str, self.where))
        count = f"{self.count} samples differ by more than {self.tolerance:g}"
        return f"{count}; largest {self.largest:g} at [{where}]; worst tile {self.worst_tile:.2f}"


def compare(got: NDArray[Any], want: NDArray[Any], *, tolerance: float = 0.0) -> Difference:
    """Compare two arrays of any shape and number type."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return Difference(shape=f"is {got.dtype}{list(got.shape)} instead of {want.dtype}{list(want.shape)}", tolerance=tolerance)
    if got.size == 0:
        return Difference(tolerance=tolerance)
    distance = np.abs(got.astype(np.float64) - want.astype(np.float64))
    at = np.unravel_index(int(distance.argmax()), distance.shape)
    return Difference(
        largest=float(distance[at]),
        count=int((distance > tolerance).sum()),
        worst_tile=_worst_tile(distance),
        where=tuple(int(index) for index in at),
        tolerance=tolerance,
    )


def _worst_tile(distance: NDArray[np.float64]) -> float:
    flat = distance.reshape(distance.shape[0], -1) if distance.ndim > 1 else distance[:, None]
    height = TILE if distance.ndim > 1 else TILE * TILE
    width = TILE * (distance.shape[2] if distance.ndim == 3 else 1)
    return max(
        float(flat[row : row + height, column : column + width].mean())
        for row in range(0, flat.shape[0], height)
        for column in range(0, flat.shape[1], width)
    )


def tree_digests(out: Any) -> dict[str, str]:
    """SHA-256 of every public file of an output folder, by path: equal trees have equal dictionaries."""
    import hashlib
    from pathlib import Path

    root = Path(out)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".skycrane" not in path.relative_to(root).parts
    }
