"""The colours that sheets, spectrograms and the page share: a dark room, in which pictures are the brightest thing."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AMBER",
    "BACKGROUND",
    "EDITIONS",
    "FAINT",
    "GREEN",
    "INK",
    "LINE",
    "MUTED",
    "PANEL",
    "RED",
    "RUST",
    "colour_map",
    "hatch",
]

Colour: TypeAlias = tuple[int, int, int]

BACKGROUND: Colour = (13, 15, 19)
PANEL: Colour = (23, 26, 32)
LINE: Colour = (45, 50, 59)
FAINT: Colour = (96, 104, 116)
MUTED: Colour = (147, 155, 167)
INK: Colour = (233, 236, 240)
RUST: Colour = (226, 112, 74)
"""Of what leads the eye."""
GREEN: Colour = (86, 176, 122)
"""Of what is whole."""
AMBER: Colour = (232, 178, 72)
"""Of what is partly lost."""
RED: Colour = (214, 84, 84)
"""Of what is missing."""

EDITIONS: dict[str, Colour] = {"lossless": (120, 190, 235), "jpeg": (176, 160, 235), "video": (226, 150, 190), "thumbnail": FAINT}


def hatch(height: int, width: int, *, x: int = 0, y: int = 0, period: int = 9) -> NDArray[np.uint8]:
    """Draw what stands for lost data: diagonal stripes, (height, width, 3).

    x, y    place of the upper left corner on the page, so that neighbouring pieces join
    period  pixels from stripe to stripe, measured along a row
    """
    rows, columns = np.ogrid[y : y + height, x : x + width]
    stripe = (rows + columns) % period < max(2, period // 4)
    pair = np.array([(24, 22, 22), (104, 78, 42)], np.uint8)
    stripes: NDArray[np.uint8] = pair[stripe.astype(np.intp)]
    return stripes


def colour_map() -> NDArray[np.uint8]:
    """Give 256 colours, (256, 3), from black over violet and rust to pale cream, whose lightness rises in equal steps.

    Equal steps are measured in OKLab (B. Ottosson, A perceptual color space for image processing, 2020). Chroma is cut back where
    sRGB cannot show it, so lightness never gives way.
    """
    level = np.linspace(0.0, 1.0, 256)
    lightness = 0.09 + 0.89 * level
    hue = np.interp(level, [0.0, 0.3, 0.55, 0.8, 1.0], np.radians([285.0, 325.0, 385.0, 435.0, 465.0]))
    chroma = np.interp(level, [0.0, 0.25, 0.55, 0.8, 1.0], [0.02, 0.15, 0.19, 0.15, 0.04])
    for _ in range(40):
        linear = _linear_srgb(lightness, chroma * np.cos(hue), chroma * np.sin(hue))
        outside = (linear.min(axis=1) < 0) | (linear.max(axis=1) > 1)
        chroma = np.where(outside, chroma * 0.95, chroma)
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return colours


def _linear_srgb(lightness: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Turn OKLab into linear sRGB, (n, 3)."""
    cones = np.stack([lightness, a, b], axis=1) @ np.array(
        [[1.0, 1.0, 1.0], [0.3963377774, -0.1055613458, -0.0894841775], [0.2158037573, -0.0638541728, -1.2914855480]]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -1.2684380046, -0.0041960863],
            [-3.3077115913, 2.6097574011, -0.7034186147],
            [0.2309699292, -0.3413193965, 1.7076147010],
        ]
    )
    linear: NDArray[np.float64] = cones**3 @ to_rgb
    return linear
