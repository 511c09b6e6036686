"""The gains that make white things white: told by the profile, or measured in the mosaic."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from stages.products import Mosaic
from stages.profile import Camera

__all__ = ["NEUTRAL", "Gains", "find_gains", "normalised"]

Gains: TypeAlias = tuple[float, float, float]

NEUTRAL: Gains = (1.0, 1.0, 1.0)
GREATEST = 8.0
"""A measured gain over this tells that there was nothing neutral to measure."""
FEWEST = 64
"""Cells of two by two samples that a measurement needs."""


def find_gains(
    mosaic: Mosaic, camera: Camera, red: tuple[int, int], white: int, balance: str, target: str
) -> tuple[Gains, dict[str, Any], str]:
    """Find the gains of red, green and blue; also what to record of it, and a caveat or nothing.

    balance  "none", "profile", "grey-world" (what is not saturated is grey on the whole) or "target" (the named thing is)

    A measurement that cannot be made gives way to the profile's gains, and says so.
    """
    if balance == "none":
        return NEUTRAL, {}, ""
    problem = ""
    if balance != "profile":
        box = _box(mosaic, camera, target) if balance == "target" else (0, 0, *mosaic.mask.shape)
        gains = None if box is None else measure(mosaic, red, box, camera.bias, white)
        if gains is not None:
            return gains, {"gains": [round(gain, 6) for gain in gains], "balance": balance, **({"target": target} if target else {})}, ""
        what = "grey world" if balance == "grey-world" else f"target {target!r}"
        problem = f"could not be balanced by {what}: the gains of the profile stand"
    done = {"gains": list(camera.gains)} if len(set(camera.gains)) > 1 else {}
    return camera.gains, done, problem


def normalised(gains: Gains) -> Gains:
    """Divide by the least: a full sample stays full in every colour then, and highlights neutral.

    With a gain under 1 the green of a highlight in which all colours are full would stay behind and turn it pink.
    """
    least = min(gains)
    return gains[0] / least, gains[1] / least, gains[2] / least


def _box(mosaic: Mosaic, camera: Camera, target: str) -> tuple[int, int, int, int] | None:
    """Give first row, first column, height and width of a target in this mosaic; None if it does not show in it."""
    if target not in camera.targets:
        return None
    column, row, width, height = camera.targets[target]
    top, left = row - int(mosaic.meta.get("y", 0)), column - int(mosaic.meta.get("x", 0))
    full = (camera.height or mosaic.mask.shape[0], camera.width or mosaic.mask.shape[1])
    reduced = mosaic.edition == "thumbnail" and mosaic.mask.shape != full
    inside = top >= 0 and left >= 0 and top + height <= mosaic.mask.shape[0] and left + width <= mosaic.mask.shape[1]
    return (top, left, height, width) if inside and not reduced else None


def measure(mosaic: Mosaic, red: tuple[int, int], box: tuple[int, int, int, int], bias: float, white: int) -> Gains | None:
    """Measure the gains that make a box grey in the mean; None if too little of it is there, unsaturated and not black.

    A cell of which one colour is full or lost is left out as a whole: without its brightest colour it would look tinted.
    """
    top, left = box[0] + box[0] % 2, box[1] + box[1] % 2
    height, width = (box[0] + box[2] - top) // 2 * 2, (box[1] + box[3] - left) // 2 * 2
    if height <= 0 or width <= 0:
        return None
    samples, lost = mosaic.samples[top : top + height, left : left + width], mosaic.mask[top : top + height, left : left + width]
    places = [np.s_[row::2, column::2] for row in range(2) for column in range(2)]
    good = np.logical_and.reduce([~lost[place] & (samples[place] < white * 0.98) & (samples[place] > bias) for place in places])
    if np.count_nonzero(good) < FEWEST:
        return None
    means = np.array([np.mean(samples[place], where=good, dtype=np.float64) - bias for place in places])
    at = 2 * red[0] + red[1]
    green = (means.sum() - means[at] - means[3 - at]) / 2
    gains = (float(green / means[at]), 1.0, float(green / means[3 - at]))
    return gains if max(normalised(gains)) <= GREATEST else None
