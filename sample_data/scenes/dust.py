"""Dust that the engines' plumes drive over the ground."""

from __future__ import annotations

import numpy as np

from sample_data.scenes.mesh import Floats
from sample_data.scenes.noise import fractal, smoothstep
from sample_data.timeline import altitude

__all__ = ["DUST_LIGHT", "dust", "thickness"]

DUST_LIGHT = np.array([0.745, 0.545, 0.372], np.float32)
"""What a thick cloud of it reflects."""


def thickness(clock: float) -> float:
    """How much dust is up: none over sixty metres, 1.25 at touchdown, less when the descent stage has gone."""
    height = float(altitude(clock))
    rising = 1.25 * float(smoothstep(62.0, -2.0, height)) ** 2
    return rising * (1.0 - 0.75 * float(smoothstep(666952940.5, 666952952.0, clock)))


def dust(x: Floats, y: Floats, clock: float) -> tuple[Floats, Floats]:
    """Give opacity 0 to 1 and brightness about 1 of the dust over (x, y) metres from the point under the vehicle.

    Four plumes strike the ground; from each, sheets run outwards and tear into streaks.
    """
    amount = thickness(clock)
    height = float(altitude(clock))
    flow = (clock - 666952900.0) * 1.7
    opacity, shine, total = np.zeros(x.shape, np.float32), np.zeros(x.shape, np.float32), np.zeros(x.shape, np.float32)
    for number, (side_x, side_y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        reach = 2.1 + 0.16 * height
        dx, dy = (x - side_x * reach).astype(np.float32), (y - side_y * reach).astype(np.float32)
        distance, angle = np.hypot(dx, dy) + 0.05, np.arctan2(dy, dx)
        run = np.log(distance)
        # Noise on a cylinder has no seam: angle becomes a circle, wound once round by the run.
        around, across = 5.5 * np.cos(angle), 5.5 * np.sin(angle)
        streak = fractal(around + 0.55 * run, across + 0.35 * run - 0.21 * flow + 13 * number, 200 + number, octaves=4, gain=0.62)
        sheet = fractal(dx / 3.1 + 0.9 * flow * side_x, dy / 3.1 + 0.9 * flow * side_y, 230 + number, octaves=3)
        near = 1 / (distance * distance + 0.8)
        lifted = smoothstep(0.15, 1.5, distance)
        opacity += near * lifted * np.clip(0.62 + 0.75 * streak + 0.5 * sheet, 0, 1.4)
        shine += near * (1 + 0.30 * streak + 0.16 * sheet)
        total += near
    veil = np.clip(amount * opacity / total, 0, 0.97)
    return veil.astype(np.float32), (shine / total).astype(np.float32)
