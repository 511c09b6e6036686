"""The backshell's camera that looks up: the mortar fires, the parachute opens and swings."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from sample_data.scenes.canopy import LINES, PALETTE, canopy, skirt
from sample_data.scenes.light import Lamps, draw
from sample_data.scenes.mesh import Floats, Mesh, cylinder, join, lathe, rotation, tube
from sample_data.scenes.noise import fractal, smoothstep
from sample_data.scenes.raster import View
from sample_data.scenes.ruc import sky
from sample_data.scenes.terrain import SUN
from sample_data.timeline import MORTAR, altitude

__all__ = ["HEIGHT", "WIDTH", "fill", "render"]

WIDTH, HEIGHT, FOCAL = 1280, 1024, 2400.0
RISER = 11.2
"""Metres from the backshell to where the lines meet."""
CAMERA = np.array([0.30, -0.62, 0.0])
"""Beside the riser's foot."""


def fill(clock: float) -> float:
    """How full the parachute is: it leaves its bag when the lines are taut and is open six tenths of a second later."""
    share: float = float(np.clip((clock - MORTAR - 1.04) / 0.62, 0, 1)) ** 1.6
    return share


def _swing(clock: float) -> Floats:
    """Turn of the whole parachute about the backshell."""
    since = clock - MORTAR - 1.7
    calm = 1.5 * float(np.exp(-max(since, 0) / 40)) + 0.7
    opened = float(smoothstep(0.0, 3.0, since))
    return (
        rotation("x", opened * calm * np.sin(2 * np.pi * since / 7.1))
        @ rotation("y", opened * calm * 0.9 * np.sin(2 * np.pi * since / 6.3 + 1.1))
        @ rotation("z", 20 + 26 * np.sin(since / 21) + 5 * np.sin(since / 3.3))
    )


def render(clock: float, *, fine: int = 2) -> Floats:
    """Give the scene at a clock reading: (1024, 1280, 3) float32, 1 is as bright as white paper in the sun."""
    # The picture's right is x; seen from below, y is down, so that gores run clockwise.
    view = View(eye=CAMERA, axes=np.diag([1.0, 1.0, 1.0]), focal=FOCAL, width=WIDTH, height=HEIGHT, near=0.3)
    since = clock - MORTAR
    sun = rotation("z", -70) @ SUN
    depth = 0.60 + 0.32 * float(np.exp(-float(altitude(clock)) / 5200))
    background = sky(view.rays(), sun, depth=depth)
    turn = _swing(clock)
    mesh, joint, mouth = _parachute(clock, turn)
    lamps = Lamps(
        sun=sun,
        direct=np.array([1.16, 1.13, 1.07]),
        above=np.array([0.22, 0.20, 0.17]),
        below=np.array([0.50, 0.43, 0.335]),
    )
    picture, _ = draw(mesh, view, PALETTE, lamps, background, fine=fine)
    if mouth is not None:
        ends = np.broadcast_to(joint, mouth.shape)
        picture = _thin_lines(picture, view, mouth, ends, sun)
    if 0 <= since < 0.5:
        picture = _smoke(picture, view, since)
    return picture.astype(np.float32)


def _parachute(clock: float, turn: Floats) -> tuple[Mesh, Floats, Floats | None]:
    """Give what is solid, where the lines meet, and the mouth's points if there is cloth."""
    since = clock - MORTAR
    pieces: list[Mesh] = []
    open_share = fill(clock)
    if since < 1.04:
        reach = max(44.0 * since, 0.4)
        ahead = np.array([0.10 * since, -0.16 * since, 1.0])
        top = turn @ (ahead * (1.5 + reach))
        pieces.append(_bag(since).moved(tuple(top)))
        share = np.linspace(0, 1, 80)[:, None]
        wave = 0.10 * reach**0.5 * np.sin(np.pi * share) * np.c_[np.sin(7 * share + 9 * since), np.cos(5 * share + 7 * since), 0 * share]
        pieces.append(tube(share * top + wave * 0.6, np.linspace(0.03, 0.055, 80), 2, sides=10))
        return join(pieces), top, None
    height = RISER + LINES * (0.9 + 0.1 * (1 - open_share)) + 0.6
    cloth = canopy(open_share, clock)
    joint = turn @ np.array([0, 0, RISER])
    pieces.append(cloth.moved((0, 0, height)).turned(turn))
    if since < 1.9:
        gone = since - 1.04
        pieces.append(_bag(since).moved(tuple(turn @ np.array([1.2 * gone, -1.8 * gone, height + 11 + 26 * gone]))))
    foot = np.array([0.0, 0.0, 0.9])
    share = np.linspace(0, 1, 40)[:, None]
    pieces.append(tube(foot + share * (joint - foot), 0.024, 2, sides=12))
    pieces.append(lathe([(0.05, -0.16), (0.085, -0.1), (0.085, 0.1), (0.05, 0.16)], 4, sides=24).turned(turn).moved(tuple(joint)))
    return join(pieces), joint, (skirt(open_share, clock) + np.array([0.0, 0.0, height])) @ turn.T


def _bag(since: float) -> Mesh:
    """Deployment bag and sabot."""
    bag = join(
        [
            lathe([(0, -0.55), (0.36, -0.52), (0.40, 0.0), (0.36, 0.50), (0, 0.55)], 3, sides=40),
            lathe([(0.405, -0.05), (0.415, 0.0), (0.405, 0.05)], 5, sides=40),
            lathe([(0.385, 0.3), (0.395, 0.33), (0.385, 0.36)], 4, sides=40),
            cylinder(0.15, 0.06, 5).moved((0, 0, -0.56)),
        ]
    )
    return bag.turned(rotation("x", 25 * since)).turned(rotation("y", -40 * since)).turned(rotation("z", 90 * since))


def _thin_lines(picture: Floats, view: View, starts: Floats, stops: Floats, sun: Floats) -> Floats:
    """Draw suspension lines, thinner than a pixel, by what they cover of each pixel."""
    share = (np.arange(2600) + 0.5) / 2600
    cover, light = np.zeros(picture.shape[:2], np.float32), np.zeros(picture.shape[:2], np.float32)
    for start, stop in zip(starts, stops, strict=True):
        pixels, depth = view.project(start + share[:, None] * (stop - start))
        weight = 2 * 0.0075 * view.focal / depth * np.linalg.norm(np.gradient(pixels, axis=0), axis=1)
        across = np.cross((stop - start) / np.linalg.norm(stop - start), sun)
        bright = 0.30 + 0.62 * float(np.linalg.norm(across)) * (0.75 + 0.25 * np.sin(40 * share))
        _splat(cover, pixels, weight)
        _splat(light, pixels, weight * bright)
    alpha = np.minimum(cover, 1.0)
    tone = np.where(cover > 0, light / np.maximum(cover, 1e-6), 0)[..., None] * np.array([0.92, 0.86, 0.74], np.float32)
    drawn: Floats = picture * (1 - alpha[..., None]) + tone * alpha[..., None]
    return drawn


def _splat(target: Floats, pixels: Floats, weight: Floats) -> None:
    """Add weights at fractional places, shared among the four nearest pixels."""
    spot = pixels - 0.5
    corner = np.floor(spot).astype(int)
    part = spot - corner
    height, width = target.shape
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = corner[:, 0] + dx, corner[:, 1] + dy
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            share = np.where(dx, part[:, 0], 1 - part[:, 0]) * np.where(dy, part[:, 1], 1 - part[:, 1])
            np.add.at(target, (y[inside], x[inside]), (share * weight)[inside])


def _smoke(picture: Floats, view: View, since: float) -> Floats:
    """The mortar's gas, thinning out."""
    rays = view.rays()
    wide = 0.05 + 0.42 * since
    distance = np.hypot(rays[..., 0] + 0.02, rays[..., 1] + 0.03) / wide
    puff = np.exp(-(distance**2)) * (1 + 0.9 * fractal(rays[..., 0] / wide * 1.6, rays[..., 1] / wide * 1.6 - 3 * since, 640, octaves=5))
    veil = gaussian_filter(np.clip(puff * 0.95 * float(np.exp(-since * 3.4)), 0, 0.9), 1.2)[..., None]
    smoky: Floats = picture + (np.array([0.74, 0.70, 0.65], np.float32) - picture) * veil
    return smoky
