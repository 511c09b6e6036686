"""What every image file comes down to: samples, what is lost of them, and what the file says."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["LARGEST", "Raster", "any_lost", "as_read", "check_extent", "count_lost", "for_kernels", "from_channels", "nothing_lost"]

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Mask: TypeAlias = NDArray[np.bool_]

LARGEST = 1 << 26
"""Pixels of a picture. A few hundred bytes of PNG can claim 2^62; this many, in colour and developed, stay under a gigabyte."""


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture as its file gives it."""

    samples: Samples
    """(h, w) grey or (h, w, 3) RGB; uint8 or uint16. Archives also have negative and real numbers: those stay int16, int32, int64, float32
    or float64, and `stages.formats.levels` makes levels of them."""
    mask: Mask
    """(h, w), True where lost: where the file ends early, has a gap, is transparent or says so itself. Not to be written to: one in which
    nothing is lost may be a single octet, `nothing_lost`."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """format: "png", "jpeg", "jpeg-ls", "tiff" or another's name. lossless: whether its samples are the ones that were written.
    bits: of a sample. text: keywords of PNG and what they say. record: of our own TIFF files. label: product, instrument, start_time,
    compression and other facts of an archive's label. cfa: the colour filter that a label names. levels: what `as_levels` did.
    caveats: what a user should know, a sentence each."""


def nothing_lost(shape: tuple[int, ...]) -> Mask:
    """Give the mask of a picture, (h, w), that is there as a whole: as most are, it takes no memory, nor time to look through."""
    return np.broadcast_to(np.False_, shape)


def as_read(mask: Mask) -> Mask:
    """Give a mask, (h, w), as it comes out of a file: if nothing is lost, as `nothing_lost` gives it."""
    return mask if any_lost(mask) else nothing_lost(mask.shape)


def for_kernels(mask: Mask) -> Mask:
    """Give a mask, (h, w), as compiled code takes it, which only reads it: with all of its octets side by side."""
    if any(mask.strides) or any_lost(mask) or mask.size > _NOTHING:
        return np.require(mask, np.bool_, ["C", "W"])
    return _nothing()[: mask.size].reshape(mask.shape)


_NOTHING = 1 << 22
"""Octets of the one mask that all pictures of no more pixels share in kernels."""


@functools.cache
def _nothing() -> Mask:
    return np.zeros(_NOTHING, np.bool_)


def any_lost(mask: Mask) -> bool:
    """Say whether anything is masked: the largest octet of a picture's mask takes a fifth of the time of counting."""
    if not mask.size:
        return False
    return bool(mask.view(np.uint8).max() if any(mask.strides) else mask[(0,) * mask.ndim])


def count_lost(mask: Mask) -> int:
    """Count what is masked."""
    return int(np.count_nonzero(mask)) if any_lost(mask) else 0


def check_extent(width: int, height: int, name: str, offset: int = 0) -> None:
    """Raise DataError for a picture without pixels, or with more than LARGEST; `offset` is where the file says so."""
    if width < 1 or height < 1 or width * height > LARGEST:
        raise DataError(
            f"claims {width} x {height} pixels",
            where=f"{name} at byte {offset}",
            remedy=f"Pictures of 1 to {LARGEST} pixels are read; cut larger ones into tiles",
        )


def from_channels(channels: NDArray[Any], mask: Mask | None = None) -> tuple[Samples, Mask]:
    """Split off an alpha channel: (h, w), or (h, w, 1 to 4) of uint8 or uint16 -> samples and mask.

    Pixels of alpha 0 are lost, besides those that `mask` names.
    """
    lost = nothing_lost(channels.shape[:2]) if mask is None else mask
    if channels.ndim == 3 and channels.shape[2] in {2, 4}:
        lost = lost | (channels[:, :, -1] == 0)
        channels = channels[:, :, :-1]
    if channels.ndim == 3 and channels.shape[2] == 1:
        channels = channels[:, :, 0]
    return np.ascontiguousarray(channels), lost
