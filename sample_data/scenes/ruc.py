"""The rover's camera that looks up: the descent stage lets it down, lets it go, and flies away."""

from __future__ import annotations

import numpy as np

from sample_data.scenes.descent_stage import BRIDLE_GUIDES, PALETTE, UMBILICAL_GUIDE, descent_stage
from sample_data.scenes.dust import DUST_LIGHT, thickness
from sample_data.scenes.light import Lamps, draw
from sample_data.scenes.mesh import Floats, Mesh, join, rotation, tube
from sample_data.scenes.noise import fractal
from sample_data.scenes.paint import ROPE, UMBILICAL
from sample_data.scenes.raster import View
from sample_data.scenes.rover import BRIDLE_POINTS, UMBILICAL_POINT
from sample_data.scenes.terrain import SUN
from sample_data.timeline import BRIDLE_CUT, RAPPEL, bridle_length

__all__ = ["HEIGHT", "WIDTH", "render", "sky"]

WIDTH, HEIGHT, FOCAL = 1280, 1024, 1979.0
CAMERA = np.array([0.10, -0.64, 0.10])
"""On the rover's deck."""
HEADING = 7.0
ZENITH = np.array([0.66, 0.555, 0.425], np.float32)
"""Colour of the dusty sky overhead."""


def sky(rays: Floats, sun: Floats, *, depth: float = 1.0) -> Floats:
    """Light of the sky along rays: dust scatters forwards, so it is brighter and less red towards the sun."""
    unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    towards = (unit @ sun.astype(np.float32))[..., None]
    glow = 0.55 * np.exp((towards - 1) * 4.0)
    low = 0.22 * (1 - unit[..., 2:].clip(0, 1))
    light: Floats = ZENITH * depth * (0.86 + low) + glow * np.array([0.72, 0.68, 0.64], np.float32)
    return light


def _stage_place(clock: float) -> tuple[Floats, Floats]:
    """Where the descent stage's spool is over the deck, and how it is turned."""
    since = clock - RAPPEL[0]
    length = float(bridle_length(clock))
    calm = float(np.exp(-max(since, 0) / 9))
    place = np.array([0.035 * np.sin(1.7 * since) * calm * length, 0.03 * np.sin(1.5 * since + 1) * calm * length, length])
    turn = (
        rotation("z", HEADING + 4.5 * np.sin(2 * np.pi * since / 6.1) * calm)
        @ rotation("x", 1.2 * np.sin(since))
        @ rotation("y", 1.0 * np.cos(1.3 * since))
    )
    gone = max(clock - BRIDLE_CUT - 0.35, 0.0)
    if gone:
        place = place + gone**2 * np.array([0.62, 0.40, 2.7])
        lean = 38 * gone**2 / (gone**2 + 3.0)
        axis = np.radians(33)
        swing = rotation("z", np.degrees(axis)) @ rotation("y", lean) @ rotation("z", -np.degrees(axis))
        turn = swing @ turn
    return place, turn


def _lines(clock: float, place: Floats, turn: Floats) -> list[Mesh]:
    """Bridles and umbilical between deck and stage; when cut they hang from the stage's side and drop to the deck."""
    slack = max(clock - BRIDLE_CUT, 0.0)
    share = np.linspace(0, 1, 90)[:, None]
    pieces = []
    for number, (foot, guide) in enumerate(zip(BRIDLE_POINTS, BRIDLE_GUIDES, strict=True)):
        start, stop = np.array(foot), turn @ np.array(guide) + place
        if slack < 1.1:
            if slack:
                # The knife is at the deck: the line springs up and curls.
                start = stop + (start - stop) * max(1 - 0.75 * slack, 0.25)
                curl = min(slack, 0.6) * np.sin(np.pi * share) * 0.55
                path = start + share * (stop - start) + curl * np.c_[np.sin(11 * share + 2 * number), np.cos(9 * share + number), 0 * share]
            else:
                path = start + share * (stop - start)
            pieces.append(tube(path, 0.0105, ROPE, sides=10))
    start, stop = np.array(UMBILICAL_POINT), turn @ np.array(UMBILICAL_GUIDE) + place
    if slack:
        start = stop + (start - stop) * max(1 - 0.5 * slack, 0.06)
    length = float(np.linalg.norm(stop - start))
    loops = 6.5 * share + 0.3 * np.sin(clock)
    coil = 0.032 * length**0.5 * np.sin(np.pi * share) ** 0.6
    sag = np.sin(np.pi * share) * np.array([-0.10, 0.16, 0.0]) * length
    path = start + share * (stop - start) + sag + coil * np.c_[np.cos(2 * np.pi * loops), np.sin(2 * np.pi * loops), np.zeros_like(share)]
    pieces.append(tube(np.repeat(path, 1, 0), 0.026, UMBILICAL, sides=12))
    return pieces


def render(clock: float, *, fine: int = 2) -> Floats:
    """Give the scene at a clock reading: (1024, 1280, 3) float32, 1 is as bright as white paper in the sun."""
    view = View.looking(CAMERA, np.array([0.05, -0.10, 7.5]), np.array([1.0, 0.0, 0.0]), focal=FOCAL, width=WIDTH, height=HEIGHT, near=0.10)
    place, turn = _stage_place(clock)
    sun = rotation("z", 40) @ SUN
    rays = view.rays()
    background = sky(rays, sun)
    veil = thickness(clock)
    cloud = fractal(rays[..., 0] * 3.4 + 0.21 * clock, rays[..., 1] * 3.4 - 0.13 * clock, 500, octaves=5, gain=0.55)
    background = background * (1 + 0.05 * veil * cloud[..., None])
    mesh = join([descent_stage().turned(turn).moved(place), *_lines(clock, place, turn)])
    lamps = Lamps(
        sun=sun,
        direct=np.array([1.20, 1.165, 1.10]),
        above=np.array([0.34, 0.30, 0.25]),
        below=np.array([0.66, 0.53, 0.385]) * (1 + 0.35 * veil),
    )
    picture, _ = draw(mesh, view, PALETTE, lamps, background, fine=fine)
    distance = float(np.linalg.norm(place))
    haze = (np.float32(0.05 + 0.013 * min(distance, 16)) * veil * np.clip(1 + 0.9 * cloud, 0.2, 2))[..., None]
    hazy: Floats = (picture + (DUST_LIGHT * 1.02 - picture) * haze).astype(np.float32)
    return hazy
