"""The disk-gap-band parachute, 21.5 m, in any state from its bag to full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sample_data.scenes.light import Material
from sample_data.scenes.mesh import Floats, Mesh, join
from sample_data.scenes.message import GORES, rings
from sample_data.scenes.noise import fractal, gradient

__all__ = ["LINES", "PALETTE", "SKIRT", "canopy", "skirt"]

SKIRT = 7.37
"""Radius of the open mouth, metres."""
LINES = 36.5
"""Length of the suspension lines, metres."""

# (radius, height over the mouth) along the cloth when full: the band from the mouth up, then the disk from its edge to the vent.
_BAND = np.array([(7.37, 0.0), (7.26, 0.85), (7.06, 1.70), (6.78, 2.50)])
_DISK = np.array(
    [
        (6.52, 3.22),
        (6.36, 3.75),
        (6.00, 4.45),
        (5.40, 5.08),
        (4.55, 5.62),
        (3.50, 5.92),
        (2.40, 6.12),
        (1.30, 6.23),
        (0.62, 6.27),
        (0.30, 6.28),
    ]
)
_EDGES = (0.30, 2.75, 4.70, 6.6)
"""Radii at which the disk's rings begin and end."""
_STEPS = 6


def _cloth(local: Floats, normal: Floats) -> Floats:
    """Seams between gores, hems round the rings, creases."""
    del normal
    gore, run = local[:, 0], local[:, 1]
    seam = np.abs((gore + 0.5) % 1 - 0.5)
    width = 0.030 + 0.05 / (0.4 + local[:, 2])
    crease = 1 + 0.10 * fractal(gore * 0.9, run * 0.8, 601, octaves=3)
    hem = np.min([np.abs(local[:, 2] - edge) for edge in (*_EDGES[1:3], 6.52, 6.78, 7.37)], axis=0)
    tape = np.where((seam < width) | (hem < 0.045), 0.70, 1.0)
    factor: Floats = tape * crease
    return factor


def _braid(local: Floats, normal: Floats) -> Floats:
    del normal
    factor: Floats = 0.80 + 0.20 * np.sin(3 * local[:, 0] + 55 * local[:, 2]) * np.sin(3 * local[:, 0] - 55 * local[:, 2])
    return factor


PALETTE = (
    Material(colour=(0.86, 0.835, 0.79), translucent=0.74, vary=0.025, texture=_cloth),
    Material(colour=(0.80, 0.195, 0.075), translucent=0.74, vary=0.03, texture=_cloth),
    Material(colour=(0.80, 0.73, 0.58), vary=0.05, texture=_braid),
    Material(colour=(0.83, 0.80, 0.74), gloss=0.1),
    Material(colour=(0.20, 0.19, 0.18), gloss=0.2),
    Material(colour=(0.55, 0.30, 0.12), gloss=0.4, mirror=0.3),
)


def _shape(profile: Floats, angle: Floats, fill: float, clock: float) -> Floats:
    """Bend the cloth's profile (n, 2) round the axis at (m,) angles; give (n, m, 3)."""
    radius, height = profile[:, 0][:, None], profile[:, 1][:, None]
    # Closed, the cloth is a rope of its own length; open, it is full. Between, the mouth is narrow and the crown swells first.
    length = (9.2 - radius) * 1.05 + 0.2 * height
    slim = 0.22 + 0.055 * radius
    crown = np.clip((height / 6.3) ** 0.7, 0, 1)
    local_fill = np.clip(fill * (0.45 + 0.95 * crown * (1 - fill)) + fill * fill * 0.55, 0, 1) if fill < 1 else np.ones_like(crown)
    spread = slim + (radius - slim) * local_fill
    up = length * (1 - local_fill) * 0.9 + height * local_fill
    folds = (1 - fill) * (
        0.30 * np.cos(10 * angle + 3 * np.sin(0.9 * height)) + 0.20 * gradient(angle * 3.1, height * 0.8 + 0 * angle, 602)
    )
    breathing = 1 + 0.018 * np.sin(2 * angle + 4.1 * clock) + 0.012 * np.sin(3 * angle - 5.7 * clock)
    scallop = 1 - 0.0045 * np.cos(GORES * angle) * (radius / SKIRT)
    wide = spread * (1 + folds) * breathing * scallop
    return np.stack([wide * np.cos(angle), wide * np.sin(angle), up + 0.045 * np.cos(GORES * angle) * radius / SKIRT], -1)


def _sheet(profile: Floats, red: NDArray[np.bool_], ring: NDArray[np.int64], fill: float, clock: float) -> Mesh:
    """Mesh one piece of cloth; `ring` gives each stretch of the profile its ring of the message."""
    count = GORES * _STEPS
    angle = np.arange(count + 1) * 2 * np.pi / count
    points = _shape(profile, angle[None, :], fill, clock)
    along, around = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normals = np.cross(around, along)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9
    run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(profile, axis=0).T))])
    local = np.stack(np.broadcast_arrays(angle[None, :] * GORES / (2 * np.pi), run[:, None], profile[:, :1]), -1)
    row, column = np.mgrid[0 : len(profile) - 1, 0:count]
    first = row * (count + 1) + column
    faces = np.concatenate(
        [
            np.stack([first, first + 1, first + count + 2], -1).reshape(-1, 3),
            np.stack([first, first + count + 2, first + count + 1], -1).reshape(-1, 3),
        ]
    )
    gore = column // _STEPS
    material = red[ring[row], gore].astype(np.int32).ravel()
    return Mesh(
        points=points.reshape(-1, 3),
        normals=normals.reshape(-1, 3),
        local=local.reshape(-1, 3),
        faces=faces.astype(np.int32),
        material=np.tile(material, 2),
        part=np.tile((gore * 7 + ring[row]).ravel().astype(np.int32), 2),
        solid=np.zeros(len(faces), bool),
    )


def _refined(profile: Floats, parts: int) -> Floats:
    from scipy.interpolate import PchipInterpolator

    at = np.arange(len(profile))
    smooth: Floats = PchipInterpolator(at, profile)(np.linspace(0, len(profile) - 1, (len(profile) - 1) * parts + 1))
    return smooth


def canopy(fill: float, clock: float) -> Mesh:
    """Cloth of the parachute, its mouth at z = 0, axis z; fill 0 is a rope of cloth, 1 is full.

    The angle about z grows with the gore: clockwise for who looks up with x to the right and y down.
    """
    red = rings()
    band = _sheet(_refined(_BAND, 2), red, np.full(64, 3), fill, clock)
    disk_profile = np.concatenate([_refined(_DISK, 3)])
    for edge in _EDGES[1:3]:
        nearest = int(np.abs(disk_profile[:, 0] - edge).argmin())
        disk_profile[nearest, 0] = edge
    middle = (disk_profile[:-1, 0] + disk_profile[1:, 0]) / 2
    ring = np.searchsorted(_EDGES, middle) - 1
    disk = _sheet(disk_profile, red, ring.clip(0, 2), fill, clock)
    return join([band, disk])


def skirt(fill: float, clock: float) -> Floats:
    """Give (80, 3) points of the mouth where the lines are sewn on."""
    angle = np.arange(GORES) * 2 * np.pi / GORES
    points: Floats = _shape(_BAND[:1], angle[None, :], fill, clock)[0]
    return points
