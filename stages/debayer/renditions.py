"""The three renditions that archives have of a frame: as taken, balanced, and approximately true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.debayer.white_balance import NEUTRAL, Gains
from stages.profile import Camera

__all__ = ["Look", "Recipe", "look_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings of `stages.debayer.debayer`."""

    method: str = "malvar"
    white_balance: str = "profile"
    target: str = ""
    renditions: str = "balanced"
    tone: str = "linear"

    @property
    def names(self) -> tuple[str, ...]:
        """Renditions that are made; the first is the picture."""
        return ("balanced", "taken", "true") if self.renditions == "all" else (self.renditions,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is done to the colours for one rendition."""

    gains: Gains
    matrix: NDArray[np.float64]
    whitens: bool
    """Samples of 8 bits are scaled so that full is 255."""
    done: dict[str, Any] = field(default_factory=dict)
    """For the image's record."""


def look_of(name: str, camera: Camera, gains: Gains, done: dict[str, Any], *, balanced: bool) -> Look:
    """Say what a rendition does.

    name      "taken": nothing. "balanced": gains, then the camera's matrix. "true": after that, the colour of the light
    gains     of red, green and blue, and in `done` what to record of them
    balanced  False where balance is off: then every rendition is as taken

    The light comes last, after values were cut at white: it tints a highlight and leaves its hue alone.
    """
    record: dict[str, Any] = {"rendition": name}
    if name == "taken" or not balanced:
        return Look(gains=NEUTRAL, matrix=np.eye(3), whitens=False, done=record)
    matrix = np.array(camera.matrix)
    record |= done
    if not np.array_equal(matrix, np.eye(3)):
        record["matrix"] = [list(row) for row in camera.matrix]
    if name == "true":
        matrix = np.array(camera.illuminant)[:, np.newaxis] * matrix
        record["illuminant"] = list(camera.illuminant)
    return Look(gains=gains, matrix=matrix, whitens=True, done=record)
