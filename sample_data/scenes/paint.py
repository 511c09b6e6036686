"""What the rover and its lines are made of: a palette of materials, and the textures on them."""

from __future__ import annotations

import numpy as np

from sample_data.scenes.light import Material
from sample_data.scenes.mesh import Floats
from sample_data.scenes.noise import fractal

__all__ = [
    "AMBER",
    "BLACK",
    "BLUE",
    "CABLE",
    "COPPER",
    "DARK",
    "DECK",
    "FINS",
    "GREEN",
    "GREY",
    "HOLE",
    "KAPTON",
    "MARK",
    "MESH_GREY",
    "METAL",
    "PALETTE",
    "RED",
    "ROPE",
    "SILVER",
    "TREAD",
    "UMBILICAL",
    "WHITE",
]

(
    WHITE, GREY, BLACK, TREAD, KAPTON, METAL, COPPER, AMBER, CABLE, MARK, ROPE,
    UMBILICAL, FINS, HOLE, SILVER, DARK, DECK, MESH_GREY, RED, GREEN, BLUE,
) = range(21)  # fmt: skip
"""Rows of the palette."""


def _deck(local: Floats, normal: Floats) -> Floats:
    """Painted plates: seams, rows of bolts, a little dust."""
    x, y = local[:, 0], local[:, 1]
    seam = np.minimum(np.abs((x + 0.13) % 0.47 - 0.235), np.abs((y + 0.08) % 0.39 - 0.195))
    plate = np.where(seam > 0.1905, 0.62, 1.0)
    bolt = np.hypot((x + 0.02) % 0.117 - 0.0585, (y + 0.03) % 0.131 - 0.0655)
    grime = 1 + 0.05 * fractal(x / 0.21, y / 0.21, 301, octaves=3)
    top = normal[:, 2] > 0.5
    factor: Floats = np.where(top, plate * np.where(bolt < 0.0065, 0.42, 1.0) * grime, 0.9)
    return factor


def _mark(local: Floats, normal: Floats) -> Floats:
    """Photogrammetric mark: black ring and quarters on white."""
    del normal
    radius = np.hypot(local[:, 0], local[:, 1]) / 0.031
    quarter = (local[:, 0] * local[:, 1] > 0) & (radius < 0.55)
    ring = (radius > 0.72) & (radius < 0.93)
    factor: Floats = np.where(quarter | ring, 0.06, 1.0)
    return factor


def _tread(local: Floats, normal: Floats) -> Floats:
    """Forty-eight gently curved grousers round a wheel, which was turned about z before its axle lay along y."""
    del normal
    angle = np.arctan2(local[:, 1], local[:, 0]) * 48 / (2 * np.pi) + 1.4 * (local[:, 2] / 0.2) ** 2
    rim = np.abs(local[:, 2]) > 0.190
    phase = angle % 1
    factor: Floats = np.where(rim, 2.2, np.where(phase < 0.16, 2.9, np.where(phase < 0.30, 0.35, 1.0)))
    return factor


def _foil(local: Floats, normal: Floats) -> Floats:
    del normal
    crumple = fractal(local[:, 0] / 0.055, local[:, 1] / 0.055 + 3.1 * local[:, 2] / 0.055, 305, octaves=3)
    return 1 + 0.55 * crumple


def _umbilical(local: Floats, normal: Floats) -> Floats:
    """White sleeve with ribs, a red band every thirty centimetres."""
    del normal
    z = local[:, 2]
    rib = 0.86 + 0.16 * np.sin(2 * np.pi * z / 0.026)
    band = (z % 0.34) < 0.022
    return np.where(band[:, None], np.array([0.80, 0.24, 0.17]), rib[:, None] * np.array([1.0, 1.0, 1.0]))


def _rope(local: Floats, normal: Floats) -> Floats:
    del normal
    factor: Floats = 0.88 + 0.14 * np.sin(2 * np.pi * local[:, 2] / 0.018 + 2 * local[:, 0])
    return factor


def _fins(local: Floats, normal: Floats) -> Floats:
    del normal
    seams = np.minimum(np.abs(local[:, 0] % 0.19 - 0.095), np.abs(local[:, 1] % 0.23 - 0.115))
    factor: Floats = np.where(seams > 0.0, np.where(seams < 0.004, 0.7, 1.0), 1.0)
    return factor


def _perforated(local: Floats, normal: Floats) -> Floats:
    del normal
    hole = np.hypot(local[:, 0] % 0.034 - 0.017, local[:, 1] % 0.034 - 0.017)
    factor: Floats = np.where(hole < 0.008, 0.3, 1.0)
    return factor


def _cells(local: Floats, normal: Floats) -> Floats:
    """Elements of the high-gain antenna."""
    del normal
    line = np.minimum(np.abs(local[:, 0] % 0.04 - 0.02), np.abs(local[:, 1] % 0.04 - 0.02))
    factor: Floats = np.where(line > 0.0183, 0.82, 1.0)
    return factor


PALETTE = (
    Material(colour=(0.90, 0.885, 0.85), gloss=0.10, vary=0.035),
    Material(colour=(0.46, 0.455, 0.44), vary=0.10),
    Material(colour=(0.055, 0.054, 0.056), gloss=0.12, sharp=10, vary=0.25),
    Material(colour=(0.062, 0.061, 0.065), gloss=0.16, sharp=8, vary=0.1, texture=_tread),
    Material(colour=(0.62, 0.36, 0.12), gloss=0.5, sharp=10, mirror=0.25, texture=_foil),
    Material(colour=(0.62, 0.61, 0.60), gloss=0.8, sharp=30, mirror=0.30, vary=0.12),
    Material(colour=(0.52, 0.27, 0.14), gloss=0.4, vary=0.15),
    Material(colour=(0.86, 0.60, 0.24), gloss=0.12, vary=0.02, texture=_cells),
    Material(colour=(0.23, 0.17, 0.12), vary=0.35),
    Material(colour=(0.90, 0.89, 0.87), vary=0.0, texture=_mark),
    Material(colour=(0.78, 0.72, 0.58), vary=0.02, texture=_rope),
    Material(colour=(0.86, 0.82, 0.75), vary=0.02, texture=_umbilical),
    Material(colour=(0.84, 0.83, 0.80), vary=0.05, texture=_fins),
    Material(colour=(0.03, 0.03, 0.032), vary=0.2),
    Material(colour=(0.74, 0.74, 0.75), gloss=1.0, sharp=40, mirror=0.55, vary=0.05, texture=_foil),
    Material(colour=(0.14, 0.135, 0.13), gloss=0.10, vary=0.25),
    Material(colour=(0.90, 0.885, 0.85), gloss=0.06, vary=0.015, texture=_deck),
    Material(colour=(0.40, 0.395, 0.385), vary=0.05, texture=_perforated),
    Material(colour=(0.72, 0.13, 0.09), vary=0.0),
    Material(colour=(0.16, 0.46, 0.22), vary=0.0),
    Material(colour=(0.13, 0.25, 0.62), vary=0.0),
)
