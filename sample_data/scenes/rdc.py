"""The rover's camera that looks down: the heat shield falls away, the ground grows, dust comes."""

from __future__ import annotations

import numpy as np

from sample_data.scenes.dust import DUST_LIGHT, dust
from sample_data.scenes.light import Lamps, Material, draw
from sample_data.scenes.mesh import Floats, Mesh, join, lathe, rotation, tube
from sample_data.scenes.raster import View
from sample_data.scenes.terrain import SUN, ground, lit
from sample_data.timeline import BACKSHELL, HEAT_SHIELD, SKY_CRANE, altitude, drift

__all__ = ["HEIGHT", "WIDTH", "attitude", "render"]

WIDTH, HEIGHT, FOCAL = 1280, 1024, 1979.0
HAZE = np.array([0.70, 0.565, 0.42], np.float32)


def attitude(clock: float) -> tuple[float, float, float]:
    """Tilt to the east and to the north, and heading, in degrees: the parachute swings, the engines hold still."""
    since = clock - HEAT_SHIELD
    swing = 6.5 * np.exp(-max(since, 0) / 60) + 1.6
    if clock > BACKSHELL:
        swing *= float(np.exp(-(clock - BACKSHELL) / 6))
    east = swing * np.sin(2 * np.pi * since / 9.7 + 0.4)
    north = swing * 0.8 * np.sin(2 * np.pi * since / 8.3 + 1.9)
    if BACKSHELL < clock < SKY_CRANE:
        lean = np.sin(np.pi * (clock - BACKSHELL) / (SKY_CRANE - BACKSHELL)) ** 2
        east += 17 * lean
        north -= 6 * lean
    heading = 24 + 9 * np.sin(since / 14) + 40 * (1 / (1 + np.exp(-(clock - BACKSHELL - 6) / 2)))
    return float(east), float(north), float(heading)


def _view(clock: float, height: float) -> tuple[View, Floats]:
    east, north, heading = attitude(clock)
    turn = rotation("z", heading) @ rotation("y", east) @ rotation("x", north)
    axes = np.stack([turn @ (1, 0, 0), turn @ (0, -1, 0), turn @ (0, 0, -1)])
    place = np.array([*drift(clock), height])
    return View(eye=place, axes=axes, focal=FOCAL, width=WIDTH, height=HEIGHT), place


def render(clock: float, *, fine: int = 2) -> Floats:
    """Give the scene at a clock reading: (1024, 1280, 3) float32, 1 is as bright as white paper in the sun."""
    height = float(altitude(clock)) + 0.85
    view, place = _view(clock, height)
    rays = view.rays()
    distance = height / np.maximum(-rays[..., 2], 0.15)
    x = rays[..., 0] * distance + np.float32(place[0])
    y = rays[..., 1] * distance + np.float32(place[1])
    footprint = float(np.median(distance)) / FOCAL
    surface = ground(x, y, footprint)
    picture = lit(surface, footprint, view.axes[:2, 0] / np.hypot(*view.axes[:2, 0]), view.axes[:2, 1] / np.hypot(*view.axes[:2, 1]))
    haze = (0.30 * (1 - np.exp(-distance / 16000)))[..., None].astype(np.float32)
    picture = picture + (HAZE - picture) * haze
    if height < 80:
        veil, shine = dust(x - np.float32(place[0]), y - np.float32(place[1]), clock)
        picture = picture + (DUST_LIGHT * shine[..., None] * 0.93 - picture) * veil[..., None]
    since = clock - HEAT_SHIELD
    if 0 <= since < 25:
        picture = _heat_shield(picture, view, since, fine)
    return picture.astype(np.float32)


def _heat_shield(picture: Floats, view: View, since: float, fine: int) -> Floats:
    """Draw the heat shield, seen from inside, as it falls ahead."""
    ahead = 1.6 + 4.6 * since**2 / (1 + 0.045 * since)
    aside = np.array([0.35 * since + 0.05 * since**2, -0.22 * since - 0.03 * since**2])
    tumble = rotation("x", 7 * np.sin(0.9 * since)) @ rotation("y", 9 * np.sin(0.7 * since + 0.5)) @ rotation("z", 14 * since)
    flat = view.axes.T
    shell = _shell().turned(np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]]) @ tumble)
    mesh = shell.moved((aside[0], aside[1], ahead)).turned(flat).moved(view.eye)
    lamps = Lamps(sun=SUN, direct=np.array([0.95, 0.92, 0.86]), above=np.array([0.42, 0.37, 0.30]), below=np.array([0.16, 0.12, 0.09]))
    return draw(mesh, view, _PALETTE, lamps, picture, fine=fine)[0]


def _blanket(local: Floats, normal: Floats) -> Floats:
    """Quilted insulation: a seam every twenty centimetres, crinkles between."""
    del normal
    seams = np.minimum(np.abs((local[:, 0] / 0.2) % 1 - 0.5), np.abs((local[:, 1] / 0.2) % 1 - 0.5))
    crinkle = np.sin(31 * local[:, 0] + 7 * np.sin(23 * local[:, 1])) * np.sin(29 * local[:, 1] + 5 * np.sin(19 * local[:, 0]))
    factor: Floats = (0.92 + 0.13 * crinkle) * np.where(seams > 0.46, 0.75, 1.0)
    return factor


_PALETTE = (
    Material(colour=(0.66, 0.60, 0.50), gloss=0.25, sharp=16, texture=_blanket),  # insulation
    Material(colour=(0.33, 0.22, 0.13), vary=0.1),  # ablator's edge
    Material(colour=(0.82, 0.80, 0.76), gloss=0.4),  # fittings
    Material(colour=(0.60, 0.38, 0.12), gloss=0.4, sharp=12),  # kapton
    Material(colour=(0.08, 0.08, 0.09)),
)


def _shell() -> Mesh:
    """Inside of the heat shield, 4.5 m across, opening to +z: a blunt cone with ribs, harness and fittings."""
    pieces = [
        lathe([(0, 0.02), (0.55, 0.0)], 3, sides=64),
        lathe([(0.55, 0.0), (1.62, 0.36)], 0, sides=96),
        lathe([(1.62, 0.36), (1.66, 0.42), (1.72, 0.40)], 2, sides=96),
        lathe([(1.72, 0.40), (2.20, 0.62)], 0, sides=96),
        lathe([(2.20, 0.62), (2.25, 0.72), (2.25, 0.55), (2.0, 0.38)], 1, sides=96),
    ]
    for number in range(9):
        angle = 2 * np.pi * (number + 0.3) / 9
        spoke = np.array([np.cos(angle), np.sin(angle), 0])
        foot = np.outer(np.linspace(1.74, 2.22, 5), spoke) + np.outer(np.linspace(0.42, 0.66, 5), (0, 0, 1))
        pieces.append(tube(foot, 0.035, 2))
    rng = np.random.default_rng(4)
    for number in range(7):
        bend = np.linspace(0.9 * number, 0.9 * number + 0.5 * np.sin(number), 14)
        radius = np.linspace(0.25, 1.55 + 0.4 * (number % 2), 14)
        wobble = bend + 0.02 * np.sin(np.linspace(0, 9, 14))
        pieces.append(tube(np.c_[radius * np.cos(wobble), radius * np.sin(wobble), 0.045 + 0.31 * radius - 0.14], 0.018, 4))
        sensor = rng.uniform(0.4, 1.5)
        pieces.append(
            lathe([(0, 0.09), (0.07, 0.08), (0.075, 0)], 2, sides=16).moved(
                (sensor * np.cos(bend[5]), sensor * np.sin(bend[5]), 0.34 * sensor - 0.12)
            )
        )
    return join(pieces)
