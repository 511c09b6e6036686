"""The rover, stowed for landing, as the descent stage sees it: x forward, y to port, z up from the middle of its deck, metres."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from sample_data.scenes.mesh import Floats, Mesh, Vector, box, cylinder, join, lathe, panel, prism, rotation, tube
from sample_data.scenes.paint import (
    AMBER,
    BLACK,
    BLUE,
    CABLE,
    COPPER,
    DARK,
    DECK,
    FINS,
    GREEN,
    GREY,
    HOLE,
    KAPTON,
    MARK,
    MESH_GREY,
    METAL,
    RED,
    SILVER,
    TREAD,
    WHITE,
)

__all__ = ["BRIDLE_POINTS", "UMBILICAL_POINT", "WHEEL_DROP", "curve", "rover"]

BRIDLE_POINTS = ((0.62, 0.40, 0.06), (0.50, -0.46, 0.06), (-0.42, 0.05, 0.06))
"""Where the bridles hold the deck."""
UMBILICAL_POINT = (-0.62, 0.50, 0.12)
WHEEL_DROP = 1.16
"""From the deck to the foot of the wheels."""


def curve(points: Sequence[Vector], count: int = 40) -> Floats:
    """Give a smooth path through points (centripetal Catmull-Rom, after Barry and Goldman 1988)."""
    from scipy.interpolate import CubicSpline

    knots = np.asarray(points, float)
    step = np.sqrt(np.linalg.norm(np.diff(knots, axis=0), axis=1)) + 1e-6
    run = np.concatenate([[0], np.cumsum(step)])
    path: Floats = CubicSpline(run, knots)(np.linspace(0, run[-1], count))
    return path


def _body() -> list[Mesh]:
    hull = prism([(-0.93, -0.50), (0.55, -0.50), (0.86, -0.36), (0.86, 0.36), (0.55, 0.50), (-0.93, 0.50)], 0.46, WHITE)
    pieces = [
        hull.moved((0, 0, -0.49)),
        prism([(-0.95, -0.56), (0.52, -0.56), (0.93, -0.44), (0.93, 0.44), (0.52, 0.56), (-0.95, 0.56)], 0.03, DECK).moved((0, 0, -0.03)),
        box((1.30, 0.03, 0.10), GREY, (-0.2, 0.575, -0.10)),
        box((1.30, 0.03, 0.10), GREY, (-0.2, -0.575, -0.10)),
        box((0.05, 1.0, 0.07), METAL, (-0.96, 0, -0.03)),
        # Dark walkways and the hub between them.
        prism([(0.16, -0.52), (0.30, -0.52), (0.27, -0.05), (0.18, -0.05)], 0.012, MESH_GREY),
        prism([(0.18, 0.17), (0.27, 0.17), (0.30, 0.52), (0.14, 0.52)], 0.012, MESH_GREY),
        lathe([(0.105, 0.0), (0.105, 0.035), (0.085, 0.04), (0, 0.04)], GREY, sides=40).moved((0.225, 0.06, 0)),
        lathe([(0.06, 0.0), (0.06, 0.048), (0, 0.05)], WHITE, sides=32).moved((0.225, 0.06, 0)),
    ]
    bolt = cylinder(0.008, 0.06, DARK, sides=8)
    pieces += [bolt.moved((0.225 + 0.08 * np.cos(a), 0.06 + 0.08 * np.sin(a), 0.02)) for a in np.radians(range(0, 360, 36))]
    return pieces


def _generator() -> list[Mesh]:
    """The radioisotope generator between its two tilted heat exchangers, behind the deck."""
    pieces = []
    for side in (-1, 1):
        wall = [(-0.98, 0.14, 0.02), (-1.72, 0.14, 0.30), (-1.72, 0.47, 0.44), (-0.98, 0.47, 0.16)]
        pieces.append(panel([(x, side * y, z) for x, y, z in wall], FINS))
        outer = [(-0.98, 0.47, 0.16), (-1.72, 0.47, 0.44), (-1.72, 0.49, -0.05), (-0.98, 0.49, -0.32)]
        pieces.append(panel([(x, side * y, z) for x, y, z in outer], WHITE))
        for edge in ((-0.98, 0.475, 0.17, -1.72, 0.475, 0.45), (-0.98, 0.14, 0.03, -1.72, 0.14, 0.31)):
            path = np.linspace((edge[0], side * edge[1], edge[2]), (edge[3], side * edge[4], edge[5]), 6)
            pieces.append(tube(path, 0.016, METAL))
        for step in (0.25, 0.5, 0.75):
            x, z = -0.98 - 0.74 * step, 0.28 * step
            path = np.array([(x, side * 0.145, z + 0.03), (x, side * 0.30, z + 0.085), (x, side * 0.47, z + 0.165)])
            pieces.append(tube(path, 0.006, GREY))
    body = lathe([(0, -0.34), (0.13, -0.34), (0.13, 0.34), (0.10, 0.36), (0, 0.36)], FINS, sides=36).turned(rotation("y", -69))
    pieces.append(body.moved((-1.36, 0, 0.10)))
    for angle in range(0, 360, 45):
        fin = box((0.62, 0.012, 0.11), WHITE, (0, 0, 0.18)).turned(rotation("x", angle)).turned(rotation("y", 21))
        pieces.append(fin.moved((-1.36, 0, 0.10)))
    # A lattice holds the front, a foil skirt closes the end.
    lattice = tube(np.array([(-0.99, 0.0, 0.02), (-0.98, 0.07, 0.17), (-0.98, 0.15, 0.02)]), 0.011, METAL)
    pieces += [lattice.moved((0, start, 0)) for start in np.linspace(-0.45, 0.36, 6)]
    pieces.append(tube(np.array([(-0.98, -0.5, 0.18), (-0.98, 0, 0.185), (-0.98, 0.5, 0.18)]), 0.015, METAL))
    pieces.append(tube(np.array([(-0.99, -0.5, 0.02), (-0.99, 0, 0.02), (-0.99, 0.5, 0.02)]), 0.014, METAL))
    pieces.append(panel([(-1.72, -0.48, 0.45), (-1.72, 0.48, 0.45), (-1.86, 0.44, 0.30), (-1.86, -0.44, 0.30)], SILVER))
    pieces.append(tube(curve([(-1.72, -0.5, 0.46), (-1.76, -0.2, 0.50), (-1.76, 0.2, 0.50), (-1.72, 0.5, 0.46)]), 0.028, WHITE))
    for side in (-1, 1):
        pieces.append(cylinder(0.025, 0.16, METAL).moved((-1.73, side * 0.49, 0.45)))
        pieces.append(tube(curve([(-1.0, side * 0.53, 0.0), (-1.35, side * 0.55, 0.16), (-1.70, side * 0.53, 0.30)]), 0.02, COPPER))
    return pieces


def _mast() -> list[Mesh]:
    """The mast, folded across the front of the deck; its head looks out to starboard."""
    pieces = [
        tube(np.array([(0.62, 0.34, 0.12), (0.68, -0.1, 0.13), (0.72, -0.52, 0.14)]), 0.05, WHITE, sides=16),
        lathe([(0.09, 0), (0.09, 0.14), (0.06, 0.18), (0, 0.18)], WHITE).moved((0.60, 0.36, 0)),
        cylinder(0.075, 0.16, METAL, axis="x").moved((0.66, 0.02, 0.13)),
        box((0.30, 0.26, 0.20), WHITE).turned(rotation("z", 6)).moved((0.86, -0.66, 0.20)),
        box((0.13, 0.10, 0.12), WHITE, (0.66, -0.66, 0.21)),
        box((0.11, 0.14, 0.15), GREY, (0.98, -0.48, 0.18)),
        cylinder(0.065, 0.06, BLACK, axis="x").moved((1.02, -0.62, 0.22)),
        cylinder(0.055, 0.05, METAL, axis="x").moved((1.02, -0.73, 0.22)),
        cylinder(0.03, 0.07, BLACK, axis="y").moved((0.80, -0.81, 0.21)),
        cylinder(0.03, 0.07, BLACK, axis="y").moved((0.93, -0.81, 0.21)),
        box((0.52, 0.15, 0.13), WHITE, (0.58, 0.20, 0.09)).turned(rotation("z", 3)),
        box((0.05, 0.17, 0.15), METAL, (0.40, 0.20, 0.09)),
        box((0.05, 0.17, 0.15), METAL, (0.74, 0.22, 0.09)),
    ]
    for number in range(5):
        y = -0.02 - 0.1 * number
        pieces.append(box((0.10, 0.045, 0.10), (BLACK, METAL, DARK, WHITE, BLACK)[number], (0.56 + 0.02 * number, y, 0.08)))
        pieces.append(cylinder(0.062, 0.022, METAL, axis="y").moved((0.68, y - 0.05, 0.135)))
    return pieces


def _arm() -> list[Mesh]:
    """The folded arm with its turret, and the bit carousel, before the front of the deck."""
    shoulder, elbow, wrist = (0.98, -0.50, -0.28), (1.30, -0.80, -0.34), (1.62, 0.02, -0.34)
    pieces = [
        tube(np.linspace(shoulder, elbow, 6), 0.075, BLACK, sides=16),
        tube(np.linspace(elbow, wrist, 12), 0.062, BLACK, sides=16),
        cylinder(0.11, 0.24, DARK, axis="z").moved(shoulder),
        cylinder(0.10, 0.26, BLACK, axis="z").moved(elbow),
        cylinder(0.065, 0.12, COPPER, axis="z").moved((1.30, -0.80, -0.16)),
        box((0.16, 0.14, 0.10), COPPER, (1.16, -0.70, -0.21)),
        cylinder(0.12, 0.26, DARK, axis="z").moved(wrist),
        # Turret: drill, instruments, a white cover, black boxes.
        box((0.34, 0.30, 0.26), DARK, (1.62, 0.26, -0.30)),
        box((0.24, 0.34, 0.18), MESH_GREY, (1.66, 0.36, -0.14)),
        box((0.30, 0.12, 0.22), BLACK, (1.52, 0.56, -0.26)),
        cylinder(0.07, 0.42, BLACK, axis="x").moved((1.80, 0.20, -0.28)),
        cylinder(0.045, 0.36, METAL, axis="x").moved((1.86, 0.36, -0.30)),
        prism([(0.13 * np.cos(a), 0.13 * np.sin(a)) for a in np.arange(6) * np.pi / 3], 0.2, WHITE).moved((1.50, 0.14, -0.22)),
        box((0.14, 0.20, 0.18), WHITE, (1.44, 0.60, -0.20)),
        cylinder(0.05, 0.12, KAPTON, axis="x").moved((1.70, 0.60, -0.20)),
        # Bit carousel.
        lathe([(0.27, -0.30), (0.27, 0.02), (0.23, 0.06), (0.10, 0.075), (0, 0.075)], WHITE, sides=48).moved((1.12, 0.10, -0.10)),
        lathe([(0.275, -0.1), (0.29, -0.08), (0.29, -0.03), (0.272, -0.02)], METAL, sides=48).moved((1.12, 0.10, -0.06)),
        lathe([(0.085, 0.0), (0.085, 0.03), (0, 0.03)], HOLE, sides=24).moved((1.24, 0.02, -0.04)),
        lathe([(0.05, 0.0), (0.05, 0.025), (0, 0.025)], METAL, sides=20).moved((1.04, 0.19, -0.035)),
        lathe([(0.10, 0), (0.105, 0.09), (0.06, 0.16), (0, 0.17)], BLACK, sides=24).moved((1.33, 0.36, -0.14)),
        box((0.10, 0.98, 0.10), WHITE, (0.97, 0, -0.22)),
    ]
    bolt = cylinder(0.009, 0.03, DARK, sides=8)
    pieces += [bolt.moved((1.12 + 0.245 * np.cos(a), 0.10 + 0.245 * np.sin(a), -0.045)) for a in np.arange(16) * np.pi / 8]
    for number in range(7):
        pieces.append(
            tube(
                curve(
                    [
                        (1.42 + 0.03 * number, 0.10, -0.12),
                        (1.5 + 0.02 * number, 0.30, 0.0 + 0.01 * number),
                        (1.46 + 0.04 * number, 0.52, -0.12),
                    ]
                ),
                0.011,
                (CABLE, BLACK, COPPER)[number % 3],
            )
        )
    return pieces


def _wheel() -> Mesh:
    """Hollow wheel, axle along y."""
    tyre = lathe([(0.235, -0.2), (0.262, -0.2), (0.266, 0.0), (0.262, 0.2), (0.235, 0.2), (0.235, -0.2)], TREAD, sides=72)
    hub = [
        tyre.turned(rotation("x", -90)),
        cylinder(0.075, 0.20, METAL, axis="y"),
        cylinder(0.10, 0.05, BLACK, axis="y").moved((0, 0.12, 0)),
    ]
    for number in range(6):
        angle = np.pi * number / 3
        spoke = np.array(
            [
                (0.07 * np.cos(angle), 0.06, 0.07 * np.sin(angle)),
                (0.16 * np.cos(angle + 0.2), 0.10, 0.16 * np.sin(angle + 0.2)),
                (0.235 * np.cos(angle + 0.1), 0.02, 0.235 * np.sin(angle + 0.1)),
            ]
        )
        hub.append(tube(spoke, 0.014, METAL))
    return join(hub)


def _legs() -> list[Mesh]:
    """Rockers, bogies and six wheels, hanging."""
    pieces = []
    for side in (-1, 1):
        pivot, knee = (-0.02, 0.66, -0.30), (-0.62, 0.86, -0.52)
        front, middle, rear = (1.13, 1.07, -0.90), (0.02, 1.17, -0.90), (-1.10, 1.05, -0.90)
        runs = [
            ([pivot, (0.52, 0.80, -0.42), (1.05, 0.92, -0.46)], 0.052),
            ([(1.05, 0.92, -0.46), (1.12, 0.93, -0.62), (1.13, 0.90, -0.90)], 0.045),
            ([pivot, (-0.32, 0.78, -0.40), knee], 0.052),
            ([knee, (-0.28, 0.94, -0.62), (0.02, 0.98, -0.66)], 0.042),
            ([(0.02, 0.98, -0.66), (0.02, 0.97, -0.78), (0.02, 0.99, -0.90)], 0.042),
            ([knee, (-0.86, 0.90, -0.56), (-1.08, 0.90, -0.60)], 0.042),
            ([(-1.08, 0.90, -0.60), (-1.10, 0.89, -0.74), (-1.10, 0.88, -0.90)], 0.042),
        ]
        for points, radius in runs:
            path = np.array([(x, side * y, z) for x, y, z in points])
            pieces.append(tube(path, radius, BLACK, sides=16))
            pieces.append(tube(path + np.array([0.0, 0.0, radius + 0.008]), 0.010, CABLE))
        for place, radius, kind in ((pivot, 0.12, METAL), (knee, 0.09, BLACK)):
            pieces.append(cylinder(radius, 0.16, kind, axis="y").moved((place[0], side * place[1], place[2])))
        for number, (x, y, z) in enumerate((front, middle, rear)):
            turned = _wheel() if side > 0 else _wheel().turned(rotation("z", 180))
            pieces.append(turned.turned(rotation("z", side * (3, -2, 5)[number])).moved((x, side * y, z)))
            top = -0.42 if number == 0 else -0.56
            if number != 1:
                pieces.append(cylinder(0.075, 0.20, DARK).moved((x, side * 0.91, top)))
                pieces.append(cylinder(0.05, 0.06, METAL).moved((x, side * 0.91, top + 0.13)))
                pieces.append(_fiducial().moved((x, side * 0.91, top + 0.165)))
            pieces.append(box((0.10, 0.09, 0.10), METAL, (x + 0.02, side * (y - 0.23), z + 0.30)))
            pieces.append(box((0.16, 0.05, 0.07), COPPER, (x - 0.10, side * (y - 0.24), z + 0.26)))
    # The differential bar over the deck.
    pieces.append(tube(curve([(-0.03, -0.66, -0.16), (-0.06, -0.3, 0.05), (-0.06, 0.3, 0.05), (-0.03, 0.66, -0.16)]), 0.028, BLACK))
    return pieces


def _fiducial() -> Mesh:
    return lathe([(0.034, 0.0), (0.034, 0.004), (0, 0.004)], MARK, sides=24)


def _furniture() -> list[Mesh]:
    """What stands on the deck: antennas, calibration target, boxes, cables, marks."""
    hexagon = [(0.205 * np.cos(a), 0.205 * np.sin(a)) for a in np.arange(6) * np.pi / 3 + 0.3]
    pieces = [
        prism(hexagon, 0.022, AMBER).turned(rotation("y", 5)).moved((0.03, 0.57, 0.21)),
        tube(curve([(0.03, 0.40, 0.0), (0.05, 0.50, 0.10), (0.03, 0.57, 0.20)]), 0.035, WHITE),
        box((0.14, 0.12, 0.13), METAL, (0.04, 0.42, 0.06)),
        # Low-gain and UHF antennas, on starboard aft.
        lathe([(0.142, 0.0), (0.142, 0.34), (0.13, 0.355)], DARK, sides=48).moved((-0.90, -0.66, -0.02)),
        lathe([(0.135, 0.34), (0.07, 0.36), (0, 0.345)], SILVER, sides=48).moved((-0.90, -0.66, -0.02)),
        lathe([(0.05, 0), (0.05, 0.22), (0.03, 0.24), (0, 0.24)], WHITE).moved((-0.80, 0.66, -0.05)),
        lathe([(0.07, 0), (0.07, 0.02), (0, 0.02)], METAL).moved((-0.80, 0.66, 0.0)),
        # Instrument box with the camera calibration target on it.
        box((0.50, 0.32, 0.07), WHITE, (-0.06, -0.36, 0.035)),
        box((0.20, 0.12, 0.10), GREY, (-0.16, -0.26, 0.11)),
        box((0.16, 0.09, 0.05), KAPTON, (0.06, -0.24, 0.09)),
        lathe([(0.062, 0), (0.062, 0.012), (0, 0.012)], GREY, sides=32).moved((-0.02, -0.42, 0.07)),
        lathe([(0.040, 0), (0.040, 0.018), (0.026, 0.018)], WHITE, sides=32).moved((-0.02, -0.42, 0.07)),
        lathe([(0.026, 0), (0.026, 0.020), (0, 0.020)], DARK, sides=24).moved((-0.02, -0.42, 0.07)),
        # Aft electronics.
        box((0.26, 0.30, 0.09), WHITE, (-0.72, -0.36, 0.045)),
        box((0.20, 0.18, 0.14), METAL, (-0.70, 0.12, 0.07)),
        box((0.30, 0.22, 0.06), GREY, (-0.46, 0.34, 0.03)),
        box((0.16, 0.20, 0.11), BLACK, (-0.84, 0.30, 0.055)),
        box((0.12, 0.34, 0.04), KAPTON, (-0.53, -0.02, 0.03)),
        lathe([(0.10, 0), (0.10, 0.08), (0.07, 0.11), (0, 0.11)], METAL).moved((-0.45, -0.36, 0.0)),
        lathe([(0.075, 0), (0.075, 0.05), (0, 0.05)], WHITE, sides=20).moved((-0.72, -0.06, 0.0)),
        # Hole of the sample inlet, starboard front camera hood, port box.
        box((0.22, 0.20, 0.08), WHITE, (0.46, -0.30, 0.04)),
        lathe([(0.055, 0), (0.055, 0.10), (0.03, 0.10)], BLACK, sides=20).moved((0.46, -0.30, 0.0)),
        box((0.18, 0.22, 0.06), WHITE, (0.34, 0.42, 0.03)),
        lathe([(0.07, 0), (0.07, 0.025), (0, 0.025)], BLACK, sides=24).moved((0.44, 0.43, 0.05)),
        box((0.10, 0.08, 0.10), WHITE, (0.80, 0.30, 0.05)),
        box((0.10, 0.08, 0.10), WHITE, (0.80, -0.26, 0.05)),
    ]
    for number, kind in enumerate((RED, GREEN, BLUE, AMBER, WHITE, GREY, DARK, COPPER)):
        angle = 2 * np.pi * number / 8
        patch = cylinder(0.010, 0.008, kind, sides=14)
        pieces.append(patch.moved((-0.02 + 0.051 * np.cos(angle), -0.42 + 0.051 * np.sin(angle), 0.085)))
    mount = lathe([(0.055, -0.06), (0.055, 0.0), (0.03, 0.03), (0, 0.03)], METAL)
    pieces += [mount.moved(place) for place in BRIDLE_POINTS]
    marks = [
        (-0.26, -0.44, 0.072),
        (0.13, -0.46, 0.002),
        (0.72, 0.10, 0.002),
        (0.32, -0.12, 0.002),
        (-0.62, -0.30, 0.092),
        (-0.33, 0.50, 0.002),
        (0.10, 0.28, 0.014),
        (0.60, 0.50, 0.002),
        (-0.86, -0.18, 0.002),
        (-0.25, 0.14, 0.002),
    ]
    pieces += [_fiducial().moved(place) for place in marks]
    return pieces


def _details() -> list[Mesh]:
    """Small boxes, connectors and cables where drawings show a tangle; drawn from a fixed seed."""
    rng = np.random.default_rng(2020)
    pieces = []
    for _ in range(95):
        x, y = (
            (rng.uniform(-0.92, -0.36), rng.uniform(-0.5, 0.5))
            if rng.random() < 0.62
            else (rng.uniform(0.36, 0.88), rng.uniform(-0.36, 0.40))
        )
        size = rng.uniform(0.018, 0.075, 3) * (1, 1, 0.7)
        kind = int(rng.choice([WHITE, METAL, BLACK, DARK, GREY, KAPTON, COPPER], p=[0.30, 0.2, 0.16, 0.12, 0.12, 0.05, 0.05]))
        shape = box(size, kind) if rng.random() < 0.7 else cylinder(size[0] / 2, size[2] * 2, kind, sides=14)
        pieces.append(shape.turned(rotation("z", float(rng.choice([0, 0, 0, 90, 30])))).moved((x, y, size[2] / 2)))
    for number in range(34):
        start = (
            np.array([rng.uniform(-0.9, -0.3), rng.uniform(-0.5, 0.5), 0.02])
            if number % 3
            else np.array([rng.uniform(0.3, 0.85), rng.uniform(-0.4, 0.4), 0.02])
        )
        points = [start]
        for _ in range(3):
            points.append(points[-1] + (*rng.uniform(-0.17, 0.17, 2), rng.uniform(-0.005, 0.02)))
        path = curve([tuple(np.clip(point, (-0.93, -0.54, 0.012), (0.9, 0.54, 0.07))) for point in points], 24)
        pieces.append(tube(path, rng.uniform(0.005, 0.011), int(rng.choice([CABLE, CABLE, COPPER, BLACK, WHITE])), sides=6))
    for side in (-1, 1):
        for level in range(4):
            y, z = side * (0.58 + 0.012 * level), -0.06 - 0.05 * level
            path = curve(
                [(-0.9, y, z), (-0.4, y + side * 0.02, z - 0.02), (0.1, y, z + 0.01), (0.5, y - side * 0.01, z), (0.86, side * 0.46, z)]
            )
            pieces.append(tube(path, 0.012, (CABLE, COPPER, BLACK, METAL)[level], sides=6))
    return pieces


@functools.cache
def rover() -> Mesh:
    """All of it, without bridles and umbilical."""
    return join([*_body(), *_generator(), *_mast(), *_arm(), *_legs(), *_furniture(), *_details()])
