"""The descent stage's camera: the rover on its three bridles, the ground below, dust."""

from __future__ import annotations

import numpy as np

from sample_data.scenes.dust import DUST_LIGHT, dust, thickness
from sample_data.scenes.light import Lamps, ShadowMap, draw
from sample_data.scenes.mesh import Floats, Mesh, join, rotation, tube
from sample_data.scenes.paint import PALETTE, ROPE, UMBILICAL
from sample_data.scenes.raster import View
from sample_data.scenes.rover import BRIDLE_POINTS, UMBILICAL_POINT, WHEEL_DROP, curve, rover
from sample_data.scenes.terrain import SUN, ground, lit
from sample_data.timeline import BRIDLE_CUT, CONTACT, RAPPEL, altitude, bridle_length

__all__ = ["HEIGHT", "WIDTH", "render"]

WIDTH, HEIGHT, FOCAL = 2048, 1536, 2460.0
HEADING = 216.0
"""Degrees counterclockwise from the picture's right to the rover's forward."""
NORTH = 65.0
"""Degrees counterclockwise from the picture's right to the east of the ground."""
CONFLUENCE = np.array([0.75, 0.78, 0.15])
"""Where the bridles leave the descent stage: (right, down, ahead of the camera) metres."""


def _swing(clock: float) -> tuple[float, float, float]:
    """Right, down and turn of the rover under the camera: metres, metres, degrees."""
    since = clock - RAPPEL[0]
    calm = float(np.exp(-max(since, 0) / 9))
    length = float(bridle_length(clock))
    return (
        (0.024 * np.sin(2 * np.pi * since / 3.7) * calm + 0.006 * np.sin(since * 1.1)) * length,
        (0.020 * np.sin(2 * np.pi * since / 4.3 + 1.0) * calm + 0.005 * np.sin(since * 0.9 + 2)) * length,
        4.5 * np.sin(2 * np.pi * since / 6.1) * calm + 1.2 * np.sin(0.7 * since),
    )


def render(clock: float, *, fine: int = 2) -> Floats:
    """Give the scene at a clock reading: (1536, 2048, 3) float32, 1 is as bright as white paper in the sun."""
    deck = float(bridle_length(clock))
    view = View(eye=np.zeros(3), axes=np.diag([1.0, -1.0, -1.0]), focal=FOCAL, width=WIDTH, height=HEIGHT)
    right, down, turn = _swing(clock)
    heading = HEADING + turn
    placed = rover().turned(rotation("x", 1.5 * np.sin(clock))).turned(rotation("z", heading))
    # The camera sits over the rover's middle at the far end, a little aft of it near by.
    place = np.array([right + 0.12, -(down + 0.05), -deck])
    mesh = join([placed.moved(place), *_lines(clock, place, heading)])
    floor = deck + WHEEL_DROP + float(altitude(clock))
    background = _floor(clock, floor, view)
    veil = thickness(clock)
    lamps = Lamps(
        sun=rotation("z", NORTH) @ SUN,
        direct=np.array([1.20, 1.165, 1.10]),
        above=np.array([0.30, 0.275, 0.24]),
        below=np.array([0.19, 0.135, 0.09]),
    )
    shadow = ShadowMap(mesh, lamps)
    shaded = _ground_shadow(background, view, shadow, floor) if floor < 16 else background
    picture, _ = draw(mesh, view, PALETTE, lamps, shaded, fine=fine, shadow=shadow)
    # A thin veil lies between the camera and everything.
    haze = np.float32(0.10 * veil)
    return picture * (1 - haze) + DUST_LIGHT * haze


def _floor(clock: float, floor: float, view: View) -> Floats:
    """Ground and dust, drawn at half the size: the camera is focused on the rover."""
    step = 2
    column = (np.arange(-8, view.width // step + 8) + 0.5) * step - view.width / 2
    line = (np.arange(-8, view.height // step + 8) + 0.5) * step - view.height / 2
    footprint = floor / FOCAL * step
    x, y = np.meshgrid((column * floor / FOCAL).astype(np.float32), (-line * floor / FOCAL).astype(np.float32))
    cosine, sine = np.cos(np.radians(NORTH)), np.sin(np.radians(NORTH))
    surface = ground(cosine * x + sine * y + 1.9, cosine * y - sine * x - 1.4, footprint)
    # A picture's second axis runs down, against the north of an upright one.
    picture = lit(surface, footprint, np.array([cosine, -sine]), np.array([-sine, -cosine])) * np.float32(0.86)
    veil, shine = dust(x - CONFLUENCE[0], y + CONFLUENCE[1], clock)
    picture = picture + (DUST_LIGHT * shine[..., None] * 0.80 - picture) * veil[..., None]
    return _twice(picture)[16:-16, 16:-16]


def _twice(small: Floats) -> Floats:
    """Double the size, linear between pixels."""
    tall = np.repeat(small, 2, 0)
    tall[1:-1:2], tall[2::2] = 0.75 * small[:-1] + 0.25 * small[1:], 0.25 * small[:-1] + 0.75 * small[1:]
    wide = np.repeat(tall, 2, 1)
    wide[:, 1:-1:2], wide[:, 2::2] = 0.75 * tall[:, :-1] + 0.25 * tall[:, 1:], 0.25 * tall[:, :-1] + 0.75 * tall[:, 1:]
    return wide


def _ground_shadow(background: Floats, view: View, shadow: ShadowMap, floor: float) -> Floats:
    """Let the rover's shadow fall on the ground."""
    from scipy.ndimage import gaussian_filter

    # Of every other pixel; an edge of a shadow from afar is soft anyhow.
    rays = view.rays()[::2, ::2]
    place = (rays * np.float32(floor)).reshape(-1, 3) + np.array([0.0, 0.0, 0.02])
    sun = shadow.lit(place.astype(np.float32)).reshape(rays.shape[:2])
    return background * (0.42 + 0.58 * _twice(gaussian_filter(sun, 1.8)))[..., None]


def _lines(clock: float, place: Floats, heading: float) -> list[Mesh]:
    """Bridles, taut until they are cut, and the umbilical, which hangs in loops."""
    turn = rotation("z", heading)
    stage = CONFLUENCE * (1, -1, -1)
    slack = max(clock - BRIDLE_CUT, 0.0)
    pieces = []
    for number, point in enumerate(BRIDLE_POINTS):
        foot = turn @ np.array(point) + place
        share = np.linspace(0, 1, 60)[:, None]
        spread = np.array([0.05 * np.cos(2.1 * number), 0.05 * np.sin(2.1 * number), 0.0])
        path = foot + share * (stage + spread - foot)
        if slack:
            wave = np.sin(np.pi * share) * min(slack * 2.0, 0.7)
            path = path + wave * np.c_[np.sin(9 * share + number), np.cos(7 * share + 2 * number), -0.2 * np.ones_like(share)]
        elif clock > CONTACT + 0.5:
            path = path + 0.03 * np.sin(np.pi * share) * np.c_[np.cos(2.0 * number), np.sin(2.0 * number), 0]
        pieces.append(tube(path, 0.0105, ROPE, sides=10))
    pieces.append(_umbilical(clock, place, turn))
    return pieces


def _umbilical(clock: float, place: Floats, turn: Floats) -> Mesh:
    foot = turn @ np.array(UMBILICAL_POINT) + place
    length = -place[2]
    top = np.array([length * 0.52, -0.02 * length, -0.25 * length])
    share = np.linspace(0, 1, 260)[:, None]
    sag = np.sin(np.pi * share) * np.array([0.0, -0.10, -0.16]) * length
    loops = 6.5 * share + 0.25 * np.sin(clock)
    coil = (
        0.028
        * length**0.5
        * np.sin(np.pi * share) ** 0.5
        * np.c_[np.zeros_like(share), np.cos(2 * np.pi * loops), np.sin(2 * np.pi * loops)]
    )
    lead = curve([(*(turn @ np.array([-0.1, 0.12, 0.05]) + place),), (*(turn @ np.array([-0.34, 0.32, 0.10]) + place),), (*foot,)], 40)
    path = np.concatenate([lead[:-1], foot + share * (top - foot) + sag + coil])
    return tube(path, 0.026, UMBILICAL, sides=12)
