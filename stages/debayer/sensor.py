"""The sensor's own pattern for a mosaic: bias, dark and flat of the profile, cut to where the mosaic lies in the full frame."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from stages.products import Mosaic
from stages.profile import Camera

__all__ = ["Sensor", "sensor_of"]

Plane: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """What the profile knows of the samples of one mosaic."""

    bias: float = 0.0
    dark: Plane | None = None
    flat: Plane | None = None
    """Factors: each colour's mean response over its own."""
    dead: Mask | None = None
    """Samples that dark or flat cannot tell."""
    done: dict[str, Any] = field(default_factory=dict)
    """For the image's record."""
    caveats: tuple[str, ...] = ()


def sensor_of(mosaic: Mosaic, camera: Camera) -> Sensor:
    """Find bias, dark and flat for a mosaic; ProfileError if one of them is no grey picture of 8 or 16 bits.

    A picture that was reduced, or lies outside of them, goes without, and says so.
    """
    done: dict[str, Any] = {"bias": camera.bias} if camera.bias else {}
    top, left = int(mosaic.meta.get("y", 0)), int(mosaic.meta.get("x", 0))
    height, width = mosaic.mask.shape
    planes: dict[str, Plane] = {}
    dead, caveats = None, []
    for name, data in (("dark", camera.dark), ("flat", camera.flat)):
        if not data:
            continue
        plane, lost = _plane(data, name, camera.name)
        if mosaic.edition == "thumbnail" or top + height > plane.shape[0] or left + width > plane.shape[1]:
            caveats.append(f"was not corrected by the {name} of {camera.name}, which does not cover it")
            continue
        window = np.s_[top : top + height, left : left + width]
        planes[name] = np.ascontiguousarray(plane[window])
        dead = lost[window] if dead is None else dead | lost[window]
        done[name] = {"sha256": hashlib.sha256(data).hexdigest()}
    return Sensor(
        bias=camera.bias,
        dark=planes.get("dark"),
        flat=planes.get("flat"),
        dead=dead if dead is not None and dead.any() else None,
        done=done,
        caveats=tuple(caveats),
    )


@functools.lru_cache(maxsize=8)
def _plane(data: bytes, name: str, camera: str) -> tuple[Plane, Mask]:
    """Read a dark or a flat: its samples, or factors, and what it does not tell."""
    from stages.formats.images import read_image_bytes

    where = f"camera.{camera}.{name}"
    try:
        raster = read_image_bytes(data, where)
    except DataError as error:
        raise ProfileError(error.problem, where=error.where or where, remedy=error.remedy) from None
    if raster.samples.ndim != 2 or raster.samples.dtype not in (np.uint8, np.uint16) or not raster.meta.get("lossless"):
        raise ProfileError("must be a grey picture of 8 or 16 bits that no lossy code has been through", where=where)
    plane, lost = raster.samples.astype(np.float32), raster.mask.copy()
    if name == "flat":
        lost |= plane == 0
        plane = _factors(plane, lost)
    return plane, lost


def _factors(flat: Plane, lost: Mask) -> Plane:
    """Divide each colour's mean response by its own: one colour has every second row and column, whatever the pattern."""
    factors = np.ones_like(flat)
    for row in range(2):
        for column in range(2):
            place = np.s_[row::2, column::2]
            there = ~lost[place]
            if there.any():
                factors[place] = np.where(there, np.mean(flat[place], where=there) / np.where(there, flat[place], 1), 1)
    return factors
