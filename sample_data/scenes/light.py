"""Light solid shapes: sun with shadows, the sky around, the ground below, gloss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sample_data.scenes.mesh import Floats, Mesh
from sample_data.scenes.raster import Buffer, View, interpolate, rasterise

__all__ = ["Lamps", "Material", "ShadowMap", "draw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a surface is made of."""

    colour: tuple[float, float, float]
    """Reflectance."""
    gloss: float = 0.0
    """Strength of the highlight."""
    sharp: float = 24.0
    """Exponent of the highlight (Blinn 1977)."""
    mirror: float = 0.0
    """Share of the light that comes from the surroundings mirrored: metal foil."""
    translucent: float = 0.0
    """Share of the sun on its back that comes through: cloth."""
    vary: float = 0.06
    """How much like parts differ in tone."""
    texture: Callable[[Floats, Floats], Floats] | None = None
    """Factor (n,) or (n, 3) from places (n, 3) and normals (n, 3), both of the shape before it was placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """What shines."""

    sun: Floats
    """(3,) unit vector to the sun."""
    direct: Floats
    """(3,) light of the sun on a surface that faces it."""
    above: Floats
    """(3,) light from straight above."""
    below: Floats
    """(3,) light from straight below."""
    shadow_pixels: int = 2048


def _finer(view: View, factor: int) -> View:
    return replace(view, focal=view.focal * factor, width=view.width * factor, height=view.height * factor)


def draw(
    mesh: Mesh,
    view: View,
    palette: Sequence[Material],
    lamps: Lamps,
    background: Floats,
    *,
    fine: int = 2,
    shadow: ShadowMap | None = None,
) -> tuple[Floats, Floats]:
    """Draw the mesh over a background (height, width, 3); give the picture and the share of each pixel that the mesh covers.

    Each pixel is the mean of fine x fine samples. `shadow` is the mesh's own, if it has been made before.
    """
    big = _finer(view, fine)
    buffer = rasterise(mesh, big)
    shadow = shadow or ShadowMap(mesh, lamps)
    hollow = _hollows(buffer, big)
    picture, cover = np.empty_like(background, np.float32), np.empty(background.shape[:2], np.float32)
    band = max(1, 65536 // big.width) * fine
    for start in range(0, big.height, band):
        rows = slice(start, min(start + band, big.height))
        seen, there = _shade(mesh, big, buffer, rows, palette, lamps, shadow, hollow)
        height = (rows.stop - rows.start) // fine
        blocks = (height, fine, view.width, fine)
        small = slice(rows.start // fine, rows.stop // fine)
        cover[small] = there.reshape(blocks).mean((1, 3))
        picture[small] = seen.reshape(*blocks, 3).mean((1, 3)) + background[small] * (1 - cover[small][..., None])
    return picture, cover


def _shade(
    mesh: Mesh,
    view: View,
    buffer: Buffer,
    rows: slice,
    palette: Sequence[Material],
    lamps: Lamps,
    shadow: ShadowMap,
    hollow: Floats,
) -> tuple[Floats, Floats]:
    """Give colour, black where nothing is, and cover of some rows."""
    face = buffer.face[rows]
    there = face >= 0
    colour = np.zeros((*face.shape, 3), np.float32)
    if not there.any():
        return colour, there.astype(np.float32)
    faces, weights = face[there], buffer.weights[rows][there]
    rays = view.rays(rows)[there]
    place = view.eye.astype(np.float32) + rays * buffer.depth[rows][there][:, None]
    normal = interpolate(mesh.normals, mesh, faces, weights)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    eye = -rays / np.linalg.norm(rays, axis=1, keepdims=True)
    normal *= np.where((normal * eye).sum(1) < 0, -1, 1)[:, None].astype(np.float32)
    local = interpolate(mesh.local, mesh, faces, weights)

    slant = normal @ lamps.sun.astype(np.float32)
    sun = slant.clip(0) * shadow.lit(place + 0.012 * normal)
    up = (0.5 + 0.5 * normal[:, 2:]) * hollow[rows][there][:, None]
    down = (0.5 - 0.5 * normal[:, 2:]) * hollow[rows][there][:, None]
    light = (sun[:, None] * lamps.direct + up * lamps.above + down * lamps.below).astype(np.float32)
    half = lamps.sun.astype(np.float32) + eye
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    glance = (normal * half).sum(1).clip(0)

    out = np.empty_like(light)
    kinds, tones = mesh.material[faces], _tone(mesh.part[faces])
    for number in np.unique(kinds):
        chosen, material = kinds == number, palette[number]
        base = np.array(material.colour, np.float32) * (1 + material.vary * tones[chosen])[:, None]
        if material.texture is not None:
            factor = material.texture(local[chosen], normal[chosen])
            base = base * (factor[:, None] if factor.ndim == 1 else factor)
        value = base * light[chosen]
        if material.translucent:
            through = material.translucent * (-slant[chosen]).clip(0)
            value += base * np.sqrt(base) * (through[:, None] * lamps.direct).astype(np.float32)
        if material.mirror:
            value += material.mirror * base * _surroundings(normal[chosen], eye[chosen], lamps) * hollow[rows][there][chosen][:, None]
        if material.gloss:
            value += (material.gloss * sun[chosen] * glance[chosen] ** material.sharp)[:, None] * lamps.direct.astype(np.float32)
        out[chosen] = value
    colour[there] = out
    return colour, there.astype(np.float32)


def _tone(part: NDArray[np.int32]) -> Floats:
    """Give each part a number of its own, -1 to 1."""
    tone: Floats = ((part.astype(np.int64) * 7919 % 1009) / 504.5 - 1).astype(np.float32)
    return tone


def _surroundings(normal: Floats, eye: Floats, lamps: Lamps) -> Floats:
    """What crinkled foil mirrors: bright sky, dark ground, a horizon between."""
    mirrored = 2 * (normal * eye).sum(1, keepdims=True) * normal - eye
    rise = mirrored[:, 2:] + 0.25 * np.sin(23 * mirrored[:, :1] + 9 * mirrored[:, 1:2])
    share = 1 / (1 + np.exp(-7 * rise))
    mirrored_light: Floats = lamps.above * share * 2.2 + lamps.below * (1 - share) * 0.9
    return mirrored_light


def _hollows(buffer: Buffer, view: View) -> Floats:
    """Darken what lies deeper than its surroundings (unsharp mask of the depth, Luft 2006)."""
    there = np.isfinite(buffer.depth)
    if not there.any():
        return np.ones(buffer.depth.shape, np.float32)
    step = 2
    known = there[::step, ::step].astype(np.float32)
    depth = np.where(known > 0, buffer.depth[::step, ::step], 0).astype(np.float32)
    typical = float(depth[known > 0].mean())
    result = np.ones_like(depth)
    for metres, strength in ((0.03, 3.5), (0.11, 1.6), (0.35, 0.5)):
        sigma = max(metres * view.focal / (1 if view.parallel else typical) / step, 0.7)
        if sigma > 120:
            continue
        mean = gaussian_filter(depth, sigma, truncate=2.5) / np.maximum(gaussian_filter(known, sigma, truncate=2.5), 1e-3)
        deeper = (depth - mean) / metres
        result *= np.clip(1 - strength * 0.22 * deeper, 0.35, 1.12)
    return np.repeat(np.repeat(result, step, 0), step, 1)[: there.shape[0], : there.shape[1]]


class ShadowMap:
    """What the sun sees of a mesh."""

    def __init__(self, mesh: Mesh, lamps: Lamps) -> None:
        forward = -lamps.sun
        right = np.cross([0.0, 0.0, 1.0], forward)
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        axes = np.stack([right, down, forward])
        spread = mesh.points @ axes.T
        low, high = spread.min(0), spread.max(0)
        middle = (low + high) / 2
        eye = np.array([middle[0], middle[1], low[2] - 1.0]) @ axes
        size = lamps.shadow_pixels
        self.view = View(eye=eye, axes=axes, focal=(size - 8) / float((high - low)[:2].max()), width=size, height=size, parallel=True)
        self.depth = rasterise(mesh, self.view).depth

    def lit(self, place: Floats) -> Floats:
        """Share of the sun that reaches (n, 3) places: the mean over nine neighbours, so that edges are soft."""
        pixels, depth = self.view.project(place)
        column, row = (np.floor(pixels[:, axis]).astype(int) for axis in (0, 1))
        total = np.zeros(len(place), np.float32)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                at = (np.clip(row + dy, 0, self.view.height - 1), np.clip(column + dx, 0, self.view.width - 1))
                total += depth < self.depth[at] + 0.02
        return total / 9
