"""The ground at the landing site: delta, craters, ripples, rocks, at any scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sample_data.scenes.mesh import Floats
from sample_data.scenes.noise import cells, fractal, gradient, smoothstep

__all__ = ["SUN", "Ground", "ground", "lit"]

SUN_ELEVATION = 37.0
"""Degrees; afternoon at Jezero. A little over the real sun, so that noise does not fill the shadows."""
SUN_AZIMUTH = 158.0
"""Degrees from east over north: where the light comes from."""
SUN = np.array(
    [
        np.cos(np.radians(SUN_ELEVATION)) * np.cos(np.radians(SUN_AZIMUTH)),
        np.cos(np.radians(SUN_ELEVATION)) * np.sin(np.radians(SUN_AZIMUTH)),
        np.sin(np.radians(SUN_ELEVATION)),
    ]
)
"""Unit vector to the sun: x east, y north, z up."""

DUST = np.array([0.68, 0.485, 0.325], np.float32)
ROCK = np.array([0.72, 0.575, 0.435], np.float32)
SAND = np.array([0.300, 0.248, 0.212], np.float32)
FLOOR = np.array([0.53, 0.400, 0.288], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The surface under each pixel."""

    height: Floats
    """(rows, columns) metres."""
    colour: Floats
    """(rows, columns, 3) reflectance."""


def _shown(wavelength: float, footprint: float) -> float:
    """How much of a detail a pixel of this footprint shows: none under two and a half pixels, all over eight."""
    return float(smoothstep(2.5, 8.0, wavelength / footprint))


def _craters(x: Floats, y: Floats, size: float, seed: int, *, share: Any) -> tuple[Floats, Floats]:
    """Give height and freshness of one generation of craters, one at most in each cell of `size` metres."""
    turn = 0.61 * seed
    u = (np.cos(turn) * x - np.sin(turn) * y) / size + 7.7 * seed
    v = (np.sin(turn) * x + np.cos(turn) * y) / size - 3.1 * seed
    dx, dy, there, kind = cells(u, v, seed, reach=0.42)
    radius = 0.06 + 0.13 * kind * kind
    wobble = 1 + 0.16 * gradient(u * 9, v * 9, seed + 5) + 0.07 * gradient(u * 31, v * 31, seed + 6)
    distance = np.hypot(dx, dy) / (radius * wobble)
    # A bowl with a flat floor; the rim is round, and the rounder the older the crater is.
    age = 0.22 + 0.78 * ((kind * 7.31) % 1) ** 1.5
    soft = 0.30 - 0.24 * age
    inside = 0.20 - 0.80 * smoothstep(1.0, 0.25, distance)
    outside = 0.20 * np.exp(-4.2 * (distance - 1).clip(0))
    share_out = smoothstep(1 - soft, 1 + soft, distance)
    bowl = inside + (outside - inside) * share_out
    near = smoothstep(2.2, 1.3, distance)
    shape = np.where(there < share, bowl * near * age, 0) * radius * size * 0.5
    fresh = np.where(there < share, near * age, 0)
    return shape.astype(np.float32), fresh.astype(np.float32)


def _rocks(x: Floats, y: Floats, size: float, seed: int, *, density: Floats) -> tuple[Floats, Floats]:
    """Give height and cover of the rocks of one size."""
    dx, dy, there, kind = cells(x / size + 0.37 * seed, y / size - 0.71 * seed, seed, reach=0.36)
    angle = 6.28 * kind
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    radius = 0.09 + 0.23 * ((kind * 5.17) % 1) ** 3
    rough = 0.30 * radius
    across = across + rough * gradient(dx * 7 + 31 * kind, dy * 7, seed + 3)
    along = along + rough * gradient(dx * 7, dy * 7 + 31 * kind, seed + 4)
    # Round from afar; a flat facet or two where it broke.
    broken = np.maximum(along + 0.3 * across, 0.8 * across - 0.4 * along) * (1.05 + 0.4 * kind)
    reach = np.maximum(np.hypot(along, across * 1.35), broken) / radius
    body = np.sqrt((1 - reach * reach).clip(0))
    solid = np.where(there < density, np.minimum(body * 1.5, 0.75 + 0.25 * body), 0)
    slope = 1 + 0.5 * (along * (kind - 0.5)) / radius
    return (solid * slope * radius * size * 0.42).astype(np.float32), smoothstep(0.0, 0.5, solid).astype(np.float32)


def _ripples(x: Floats, y: Floats, wavelength: float, seed: int) -> Floats:
    """Sharp-crested wind ripples, 0 to 1."""
    bend = fractal(x / (9 * wavelength), y / (9 * wavelength), seed, octaves=3)
    phase = (0.93 * x + 0.36 * y) / wavelength + 2.1 * bend
    wave = np.abs((phase % 1.0) - 0.38)
    crest = np.where((phase % 1.0) < 0.38, 1 - wave / 0.38, 1 - wave / 0.62)
    result: Floats = (crest**1.5).astype(np.float32)
    return result


def ground(x: Floats, y: Floats, footprint: float) -> Ground:
    """Make the ground at (x, y) metres east and north of the landing, with no detail finer than pixels of `footprint` metres show."""
    # Each place stands alone; strips stay in the processor's cache.
    strips = [_strip(x[at : at + 32], y[at : at + 32], footprint) for at in range(0, len(x), 32)]
    return Ground(height=np.concatenate([strip.height for strip in strips]), colour=np.concatenate([strip.colour for strip in strips]))


def _strip(x: Floats, y: Floats, footprint: float) -> Ground:
    x, y = x.astype(np.float32), y.astype(np.float32)
    wide = fractal(x / 5200, y / 5200, 11, octaves=4)
    height = np.zeros(np.shape(x), np.float32)
    # Folds of the basement: each octave steeper than scale invariance would have it is what reads as rugged ground.
    wavelength, slope, turn_x, turn_y, seed = 2600.0, 0.050, x, y, 20
    while wavelength > 2 * footprint and wavelength > 0.02:
        shown = _shown(wavelength, footprint)
        height += np.float32(shown * slope * wavelength) * gradient(turn_x / wavelength, turn_y / wavelength, seed)
        turn_x, turn_y = 0.8 * turn_x + 0.6 * turn_y, 0.8 * turn_y - 0.6 * turn_x
        wavelength, seed, slope = wavelength / 2.05, seed + 1, max(slope * 0.97, 0.034)
    colour = _cover(x, y, wide, height, footprint)
    return Ground(height=height, colour=colour.clip(0.02, 1))


def _cover(x: Floats, y: Floats, wide: Floats, height: Floats, footprint: float) -> Floats:
    """Lay the delta, sand, craters and rocks on the basement, in place, and give the colour."""
    # The delta stands to the north-west behind a lobed scarp; its edge is cut in steps, one a layer.
    edge = (-0.52 * x + 0.86 * y - 2350) / 900 + 1.5 * fractal(x / 1900, y / 1900, 40, octaves=5)
    plateau = smoothstep(-0.12, 0.5, edge)
    layers = plateau * 5
    stepped = (np.floor(layers) + smoothstep(0.45, 0.9, layers % 1.0)) / 5
    height += np.float32(75) * stepped.astype(np.float32)
    scarp = smoothstep(0.02, 0.25, plateau) * smoothstep(0.98, 0.7, plateau)

    # Sand gathers in drifts between the outcrops.
    drift = fractal(x / 620, y / 620, 50, octaves=5) + 0.55 * wide
    sandy = smoothstep(0.13, 0.32, drift) * (1 - plateau * 0.75)
    apron = smoothstep(0.0, 0.15, drift) * (1 - sandy)
    for number, wavelength in enumerate((46.0, 11.0, 1.9, 0.28)):
        shown = _shown(wavelength, footprint)
        if shown:
            patch = sandy if number < 3 else np.maximum(sandy, 0.35)
            height += np.float32(shown * 0.060 * wavelength) * patch * _ripples(x, y, wavelength, 60 + number)

    fresh = np.zeros_like(height)
    for number, size in enumerate((2900.0, 1450.0, 800.0, 420.0, 210.0, 105.0, 52.0, 24.0, 11.0)):
        if size * 0.2 > 3 * footprint:
            bare = 0.62 if size > 300 else 0.42 - (0.36 if size < 60 else 0.2) * sandy
            shape, bright = _craters(x, y, size, 70 + number, share=bare)
            height += shape * np.float32(0.5 + 0.5 * _shown(size * 0.2, footprint))
            fresh = np.maximum(fresh, bright * (size < 900))

    stony = (0.30 + 0.5 * fresh + 0.9 * fractal(x / 37, y / 37, 55, octaves=3)).clip(0, 0.85) * (1 - 0.85 * sandy)
    rock = np.zeros_like(height)
    for number, size in enumerate((14.0, 6.5, 3.1, 1.5, 0.72, 0.35, 0.17)):
        shown = _shown(size * 0.25, footprint)
        if shown:
            shape, cover = _rocks(
                x, y, size, 90 + number, density=stony * (0.05 if size > 4 else 0.15 if size > 2 else 0.4 if size > 0.5 else 0.7)
            )
            height += shape * np.float32(shown)
            rock = np.maximum(rock, cover * np.float32(shown))
    return _tint(x, y, footprint, plateau=plateau, scarp=scarp, sandy=sandy, apron=apron, fresh=fresh, rock=rock)


def _tint(x: Floats, y: Floats, footprint: float, **cover: Floats) -> Floats:
    """Mix the colours of what lies on top."""
    pale = fractal(x / 310, y / 310, 57, octaves=6, gain=0.6)[..., None]
    colour = FLOOR + (DUST - FLOOR) * smoothstep(-0.25, 0.35, pale)
    colour = colour + (ROCK * 0.93 - colour) * (0.55 * cover["plateau"])[..., None]
    colour = colour + (ROCK * 1.08 - colour) * (0.75 * cover["scarp"])[..., None]
    colour = colour + (DUST * 1.05 - colour) * (0.5 * cover["apron"])[..., None]
    colour = colour + (SAND - colour) * (0.86 * cover["sandy"])[..., None]
    colour = colour + (DUST * 1.16 - colour) * (0.30 * cover["fresh"])[..., None]
    speckle = gradient(x / 0.9, y / 0.9, 58)[..., None] if footprint < 0.4 else 0.0
    stone = SAND * 1.15 + (ROCK - SAND) * (0.45 + 0.5 * speckle)
    mixed: Floats = colour + (stone - colour) * (0.85 * cover["rock"])[..., None]
    return mixed.astype(np.float32)


def lit(surface: Ground, footprint: float, east: Floats, north: Floats) -> Floats:
    """Light the ground on a grid of pixels: sun with cast shadows, and the sky, which is half as bright as the sun on Mars.

    `east` and `north` are the (right, down) pixel directions of the world's x and y.
    """
    down, right = np.gradient(surface.height, footprint)
    slope_east = right * east[0] + down * east[1]
    slope_north = right * north[0] + down * north[1]
    steep = 1 / np.sqrt(1 + slope_east**2 + slope_north**2)
    direct = (SUN[2] - SUN[0] * slope_east - SUN[1] * slope_north) * steep / SUN[2]
    towards = np.array([SUN[0] * east[0] + SUN[1] * north[0], SUN[0] * east[1] + SUN[1] * north[1]])
    shadow = _cast(surface.height / footprint, towards)
    hollow = np.clip(1 - 0.10 * _curvature(surface.height, footprint), 0.6, 1.25)
    sun = np.float32(0.70) * direct.clip(0) * shadow
    sky = np.float32(0.30) * steep * hollow
    light: Floats = sun[..., None] * np.array([1.03, 1.0, 0.95], np.float32) + sky[..., None] * np.array([1.0, 0.96, 0.92], np.float32)
    return surface.colour * light


def _cast(height: Floats, towards: Floats) -> Floats:
    """Give the share of the sun that (height in pixels) leaves, looking towards it in growing steps."""
    flat = np.hypot(*towards)
    unit, rise = towards / flat, SUN[2] / flat
    blocked = np.full(height.shape, -1e9, np.float32)
    rows, columns = height.shape
    for step in (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48):
        dx, dy = round(unit[0] * step), round(unit[1] * step)
        length = np.hypot(dx, dy)
        row = np.clip(np.arange(rows) + dy, 0, rows - 1)
        column = np.clip(np.arange(columns) + dx, 0, columns - 1)
        over = height[row][:, column] - height - np.float32(rise * length)
        np.maximum(blocked, over, out=blocked)
    left: Floats = smoothstep(0.8, -0.8, blocked).astype(np.float32)
    return left


def _curvature(height: Floats, footprint: float) -> Floats:
    """How much a place lies under its neighbourhood, in tenths of a typical slope."""
    from scipy.ndimage import gaussian_filter

    around = gaussian_filter(height, 6, mode="nearest")
    return (around - height) / np.float32(footprint * 0.5)
