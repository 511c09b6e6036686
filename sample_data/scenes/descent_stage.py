"""The descent stage from below: frame, tanks, eight engines, radar, the spool of the bridles. z up, origin at the spool, metres."""

from __future__ import annotations

import functools

import numpy as np

from sample_data.scenes.light import Material
from sample_data.scenes.mesh import Floats, Mesh, box, cylinder, join, lathe, panel, prism, rotation, tube
from sample_data.scenes.noise import fractal
from sample_data.scenes.paint import BLACK, CABLE, COPPER, DARK, HOLE, KAPTON, METAL, SILVER, WHITE
from sample_data.scenes.paint import PALETTE as ROVER_PALETTE
from sample_data.scenes.rover import curve

__all__ = ["BRIDLE_GUIDES", "PALETTE", "UMBILICAL_GUIDE", "descent_stage"]

BRIDLE_GUIDES = ((0.16, 0.05, -0.16), (-0.10, 0.14, -0.16), (-0.06, -0.16, -0.16))
UMBILICAL_GUIDE = (0.22, -0.30, -0.10)

BASE = len(ROVER_PALETTE)
ORANGE, TITANIUM, NOZZLE, THROAT, PANEL, RADAR, STRUT, BLANKET = range(BASE, BASE + 8)


def _quilt(local: Floats, normal: Floats) -> Floats:
    del normal
    crumple = fractal(local[:, 0] / 0.09 + local[:, 2] / 0.05, local[:, 1] / 0.09 - local[:, 2] / 0.07, 401, octaves=4)
    return 1 + 0.75 * crumple


def _isogrid(local: Floats, normal: Floats) -> Floats:
    """Milled triangles on the inside of the frame's panels."""
    del normal
    lines = [np.abs((local[:, 0] * c + local[:, 1] * s) / 0.085 % 1 - 0.5) for c, s in ((1, 0), (0.5, 0.866), (-0.5, 0.866))]
    factor: Floats = np.where(np.minimum(np.minimum(*lines[:2]), lines[2]) > 0.08, 0.78, 1.12)
    return factor


def _nozzle(local: Floats, normal: Floats) -> Floats:
    """Heat tint along the bell."""
    del normal
    heat = np.clip((local[:, 2] + 0.34) / 0.34, 0, 1)[:, None]
    tint: Floats = (1 - heat) * np.array([1.15, 0.95, 0.80]) + heat * np.array([0.80, 0.86, 1.05])
    return tint * (1 + 0.06 * np.sin(90 * local[:, 2:]))


PALETTE = (
    *ROVER_PALETTE,
    Material(colour=(0.66, 0.33, 0.10), gloss=0.35, sharp=9, mirror=0.38, texture=_quilt),
    Material(colour=(0.50, 0.47, 0.43), gloss=0.6, sharp=18, mirror=0.22, vary=0.05),
    Material(colour=(0.36, 0.335, 0.31), gloss=0.5, sharp=14, mirror=0.18, texture=_nozzle),
    Material(colour=(0.022, 0.020, 0.020)),
    Material(colour=(0.50, 0.49, 0.46), vary=0.06, texture=_isogrid),
    Material(colour=(0.84, 0.83, 0.80), gloss=0.15, vary=0.02),
    Material(colour=(0.16, 0.155, 0.15), gloss=0.2, vary=0.2),
    Material(colour=(0.78, 0.77, 0.75), gloss=0.45, sharp=10, mirror=0.40, texture=_quilt),
)


def _engine() -> Mesh:
    """One landing engine, its bell opening down; the origin is its mount."""
    return join(
        [
            lathe([(0.055, 0.05), (0.075, 0.0), (0.085, -0.10), (0.05, -0.15)], TITANIUM, sides=28),
            lathe([(0.045, -0.14), (0.07, -0.20), (0.10, -0.27), (0.122, -0.34)], NOZZLE, sides=40),
            lathe([(0.122, -0.34), (0.127, -0.345), (0.122, -0.35), (0.114, -0.34)], METAL, sides=40),
            lathe([(0.114, -0.34), (0.09, -0.26), (0.06, -0.20), (0.03, -0.15), (0, -0.14)], THROAT, sides=32),
            cylinder(0.05, 0.12, METAL, axis="x").moved((0.10, 0, -0.03)),
            tube(curve([(0.07, 0.03, 0.0), (0.15, 0.10, 0.08), (0.10, 0.16, 0.2)]), 0.013, TITANIUM),
            tube(curve([(-0.06, 0.03, -0.08), (-0.13, 0.05, 0.02), (-0.10, 0.06, 0.2)]), 0.010, COPPER),
        ]
    )


def _corners() -> list[Mesh]:
    """Four outriggers with two engines each, canted outwards."""
    pieces = []
    for corner in range(4):
        heading = 45 + 90 * corner
        turn = rotation("z", heading)
        parts = [
            tube(np.array([(0.62, 0.30, 0.10), (1.26, 0.26, 0.16)]), 0.038, STRUT, sides=14),
            tube(np.array([(0.62, -0.30, 0.10), (1.26, -0.26, 0.16)]), 0.038, STRUT, sides=14),
            tube(np.array([(0.62, 0.30, 0.10), (1.26, -0.26, 0.16)]), 0.022, METAL, sides=12),
            tube(np.array([(0.70, 0.05, 0.50), (1.30, 0.0, 0.20)]), 0.034, STRUT, sides=14),
            box((0.10, 0.72, 0.12), PANEL, (1.30, 0, 0.18)),
            box((0.20, 0.30, 0.16), ORANGE, (1.12, 0, 0.22)),
            box((0.12, 0.14, 0.10), WHITE, (0.96, 0.0, 0.10)),
        ]
        for side in (-1, 1):
            engine = _engine().turned(rotation("x", 5.0 * side)).turned(rotation("y", -22.5))
            parts.append(engine.moved((1.36, 0.235 * side, 0.10)))
            parts.append(
                tube(
                    curve([(0.6, 0.12 * side, 0.05), (0.9, 0.18 * side, 0.0), (1.2, 0.15 * side, 0.06), (1.34, 0.2 * side, 0.1)]),
                    0.016,
                    TITANIUM,
                )
            )
        parts.append(tube(curve([(0.55, 0.02, 0.02), (0.85, -0.05, -0.03), (1.1, 0.06, 0.05), (1.28, 0.0, 0.10)]), 0.022, CABLE))
        pieces += [part.turned(turn) for part in parts]
    return pieces


def _frame() -> list[Mesh]:
    """Eight-sided frame with its deck, panels and struts."""
    outer = [(1.02 * np.cos(a), 1.02 * np.sin(a)) for a in np.radians(np.arange(8) * 45 + 22.5)]
    pieces = [prism(outer, 0.03, PANEL).moved((0, 0, 0.42))]
    for (x0, y0), (x1, y1) in zip(outer, outer[1:] + outer[:1], strict=True):
        pieces.append(tube(np.array([(x0, y0, 0.06), (x1, y1, 0.06)]), 0.035, STRUT, sides=14))
        pieces.append(tube(np.array([(x0, y0, 0.06), (x0, y0, 0.44)]), 0.030, METAL, sides=12))
        pieces.append(tube(np.array([(x0, y0, 0.06), (0.93 * x1, 0.93 * y1, 0.43)]), 0.016, METAL, sides=10))
        pieces.append(panel([(x0, y0, 0.14), (x1, y1, 0.14), (x1, y1, 0.42), (x0, y0, 0.42)], BLANKET))
    for angle in np.radians((10, 70, 130, 190, 250, 310)):
        far = (0.98 * np.cos(angle), 0.98 * np.sin(angle), 0.10)
        pieces.append(tube(np.array([(0.30 * np.cos(angle), 0.30 * np.sin(angle), 0.02), far]), 0.026, STRUT, sides=12))
    return pieces


def _tanks() -> list[Mesh]:
    """Three propellant spheres, two of helium between them."""
    pieces = []
    sphere = [(np.cos(a), np.sin(a)) for a in np.radians(np.linspace(-90, 90, 25))]
    for number, angle in enumerate((90, 210, 330)):
        centre = (0.62 * np.cos(np.radians(angle)), 0.62 * np.sin(np.radians(angle)), 0.20)
        radius = 0.285
        ball = lathe([(radius * c, radius * s) for c, s in sphere], (TITANIUM, ORANGE, TITANIUM)[number], sides=56)
        pieces.append(_smooth(ball).moved(centre))
        pieces.append(lathe([(radius + 0.006, -0.02), (radius + 0.02, 0.0), (radius + 0.006, 0.02)], METAL, sides=56).moved(centre))
        pieces.append(lathe([(0.05, -radius - 0.05), (0.06, -radius + 0.02)], METAL, sides=20).moved(centre))
        pieces.append(
            tube(
                curve(
                    [(centre[0], centre[1], -0.12), (0.7 * centre[0], 0.7 * centre[1], -0.14), (0.4 * centre[0], 0.4 * centre[1], -0.05)]
                ),
                0.014,
                TITANIUM,
            )
        )
    for angle in (30, 150):
        centre = (0.66 * np.cos(np.radians(angle)), 0.66 * np.sin(np.radians(angle)), 0.20)
        ball = lathe([(0.165 * c, 0.165 * s) for c, s in sphere], BLACK, sides=40)
        pieces.append(_smooth(ball).moved(centre))
        pieces.append(lathe([(0.168, -0.015), (0.175, 0), (0.168, 0.015)], METAL, sides=40).moved(centre))
    return pieces


def _smooth(ball: Mesh) -> Mesh:
    """Let normals of a sphere about the origin point away from it."""
    from dataclasses import replace

    return replace(ball, normals=ball.points / np.linalg.norm(ball.points, axis=1, keepdims=True))


def _middle() -> list[Mesh]:
    """The spool that pays out bridles and umbilical, and what surrounds it."""
    pieces = [
        lathe([(0.30, 0.10), (0.30, -0.02), (0.27, -0.05), (0.20, -0.06)], METAL, sides=56),
        lathe([(0.20, -0.06), (0.19, -0.14), (0.11, -0.18), (0.0, -0.18)], WHITE, sides=48),
        lathe([(0.305, 0.02), (0.315, 0.03), (0.305, 0.05)], COPPER, sides=56),
        lathe([(0.13, 0), (0.13, -0.13), (0.10, -0.17), (0, -0.17)], ORANGE, sides=32).moved((0.26, -0.34, 0.06)),
        box((0.30, 0.20, 0.16), WHITE, (-0.34, -0.30, 0.12)),
        box((0.22, 0.26, 0.18), SILVER, (-0.42, 0.22, 0.14)),
        box((0.24, 0.18, 0.14), BLACK, (0.40, 0.24, 0.12)),
        box((0.18, 0.14, 0.10), KAPTON, (0.12, 0.44, 0.10)),
    ]
    guide = lathe([(0.035, 0.02), (0.04, -0.05), (0.02, -0.06), (0.02, 0.0)], DARK, sides=20)
    pieces += [guide.moved(point) for point in BRIDLE_GUIDES]
    bolt = cylinder(0.011, 0.02, DARK, sides=10)
    pieces += [bolt.moved((0.245 * np.cos(a), 0.245 * np.sin(a), -0.06)) for a in np.radians(range(0, 360, 20))]
    # Three feet that the rover hung from.
    for angle in (30, 150, 270):
        place = (0.45 * np.cos(np.radians(angle)), 0.45 * np.sin(np.radians(angle)), -0.02)
        pieces.append(lathe([(0.06, 0.14), (0.045, 0.0), (0.05, -0.06), (0, -0.06)], METAL, sides=24).moved(place))
        pieces.append(lathe([(0.024, -0.06), (0.02, -0.075), (0, -0.075)], HOLE, sides=16).moved(place))
    return pieces


def _radar() -> list[Mesh]:
    """The landing radar's six round antennas, on a bracket of their own."""
    pieces = [box((0.10, 0.9, 0.40), PANEL, (-1.12, 0.0, 0.10)), box((0.30, 0.14, 0.08), STRUT, (-1.0, 0.0, 0.26))]
    places = [
        (-1.20, -0.34, -0.02, -28, -22),
        (-1.22, 0.0, -0.06, -38, 0),
        (-1.20, 0.34, -0.02, -28, 22),
        (-1.14, -0.20, -0.14, 0, -8),
        (-1.14, 0.20, -0.14, 0, 8),
        (-1.24, 0.0, 0.24, -62, 0),
    ]
    for x, y, z, pitch, roll in places:
        dish = join(
            [
                lathe([(0.125, 0.02), (0.13, -0.01), (0.118, -0.02), (0, -0.022)], RADAR, sides=40),
                lathe([(0.10, 0.06), (0.125, 0.02)], DARK, sides=32),
            ]
        )
        pieces.append(dish.turned(rotation("x", roll)).turned(rotation("y", -pitch)).moved((x, y, z)))
    return pieces


def _details() -> list[Mesh]:
    rng = np.random.default_rng(18)
    pieces = []
    for _ in range(90):
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.34, 0.96)
        size = rng.uniform(0.02, 0.10, 3)
        kind = int(rng.choice([WHITE, METAL, BLACK, DARK, KAPTON, ORANGE, COPPER, SILVER]))
        shape = box(size, kind) if rng.random() < 0.6 else cylinder(size[0] / 2, size[2] * 1.6, kind, sides=16)
        pieces.append(
            shape.turned(rotation("z", float(rng.uniform(0, 90)))).moved((radius * np.cos(angle), radius * np.sin(angle), 0.38 - size[2]))
        )
    for number in range(44):
        angle = rng.uniform(0, 2 * np.pi)
        points = []
        for radius in np.linspace(0.28, rng.uniform(0.6, 1.0), 5):
            angle += rng.uniform(-0.35, 0.35)
            points.append((radius * np.cos(angle), radius * np.sin(angle), rng.uniform(0.02, 0.30)))
        kind = (CABLE, COPPER, BLACK, TITANIUM, WHITE, KAPTON)[number % 6]
        pieces.append(tube(curve(points, 26), rng.uniform(0.006, 0.016), kind, sides=8))
    return pieces


@functools.cache
def descent_stage() -> Mesh:
    """All of it."""
    return join([*_frame(), *_corners(), *_tanks(), *_middle(), *_radar(), *_details()])
