"""Solid shapes as triangles: boxes, lathes, tubes and prisms, placed and joined."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Mesh", "Vector", "box", "cylinder", "join", "lathe", "panel", "prism", "rotation", "tube"]

Floats: TypeAlias = NDArray[np.floating[Any]]
Vector: TypeAlias = Sequence[float] | Floats
"""Three numbers."""
Ints: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Triangles with normals, places in their own shape, and what they are made of."""

    points: Floats
    """(n, 3) metres."""
    normals: Floats
    """(n, 3) unit vectors, outwards."""
    local: Floats
    """(n, 3) metres, before the shape was placed: textures follow it."""
    faces: Ints
    """(m, 3) rows of `points`."""
    material: Ints
    """(m,) row of the palette."""
    part: Ints
    """(m,) number of the shape, so that like shapes differ a little in tone."""
    solid: NDArray[np.bool_]
    """(m,) whether the face belongs to a closed shape: what faces away of it is never seen."""

    def moved(self, offset: Vector) -> Mesh:
        """Shift by (x, y, z) metres."""
        return replace(self, points=self.points + np.asarray(offset, float))

    def turned(self, matrix: Floats) -> Mesh:
        """Turn about the origin."""
        return replace(self, points=self.points @ matrix.T, normals=self.normals @ matrix.T)

    def scaled(self, factors: Vector) -> Mesh:
        """Stretch along the axes; normals follow."""
        stretch = np.asarray(factors, float)
        normals = self.normals / stretch
        return replace(self, points=self.points * stretch, normals=normals / np.linalg.norm(normals, axis=1, keepdims=True))


def rotation(axis: str, degrees: float) -> Floats:
    """Matrix that turns counterclockwise about x, y or z."""
    angle = np.radians(degrees)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -np.sin(angle)
    return matrix


def join(meshes: Iterable[Mesh]) -> Mesh:
    """Make one mesh of many; each keeps its materials and becomes parts of its own."""
    items = list(meshes)
    starts = np.cumsum([0, *(len(item.points) for item in items)])
    parts = np.cumsum([0, *(int(item.part.max(initial=0)) + 1 for item in items)])
    return Mesh(
        points=np.concatenate([item.points for item in items]),
        normals=np.concatenate([item.normals for item in items]),
        local=np.concatenate([item.local for item in items]),
        faces=np.concatenate([item.faces + start for item, start in zip(items, starts[:-1], strict=True)]).astype(np.int32),
        material=np.concatenate([item.material for item in items]),
        part=np.concatenate([item.part + first for item, first in zip(items, parts[:-1], strict=True)]).astype(np.int32),
        solid=np.concatenate([item.solid for item in items]),
    )


def _mesh(points: Floats, normals: Floats, faces: Ints, material: int) -> Mesh:
    return Mesh(
        points=points,
        normals=normals,
        local=points.copy(),
        faces=faces.astype(np.int32),
        material=np.full(len(faces), material, np.int32),
        part=np.zeros(len(faces), np.int32),
        solid=np.zeros(len(faces), bool),
    )


def _closed(mesh: Mesh) -> Mesh:
    return replace(mesh, solid=np.ones(len(mesh.faces), bool))


def box(size: Vector, material: int, centre: Vector = (0, 0, 0)) -> Mesh:
    """Box with sides `size`, flat faces."""
    points: list[Floats] = []
    normals: list[Floats] = []
    faces: list[tuple[int, int, int]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            first, second = (axis + 1) % 3, (axis + 2) % 3
            start = len(points) * 4
            corners = np.zeros((4, 3))
            corners[:, axis] = sign
            corners[:, first] = (-1, 1, 1, -1)
            corners[:, second] = (-1, -1, 1, 1)
            points.append(corners)
            normals.append(np.tile(normal, (4, 1)))
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    mesh = _mesh(np.concatenate(points) * np.asarray(size, float) / 2, np.concatenate(normals), np.array(faces), material)
    return _closed(mesh.moved(centre))


def _grid_faces(rows: int, columns: int, *, closed: bool) -> Ints:
    """Two triangles for each cell of a (rows, columns) grid of points, wrapped round if closed."""
    row, column = np.mgrid[0 : rows - 1, 0 : columns if closed else columns - 1]
    after = (column + 1) % columns
    a, b = row * columns + column, row * columns + after
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([a, d, c], -1).reshape(-1, 3)]).astype(np.int32)


def lathe(profile: Sequence[tuple[float, float]], material: int, *, sides: int = 32) -> Mesh:
    """Turn a profile of (radius, height) about z; each stretch of the profile is smooth round and sharp at its ends."""
    angle = np.arange(sides) * 2 * np.pi / sides
    ring = np.stack([np.cos(angle), np.sin(angle)], -1)
    pieces = []
    for (r0, z0), (r1, z1) in itertools.pairwise(profile):
        slope = np.array([z1 - z0, r0 - r1], float)
        slope /= np.linalg.norm(slope) or 1.0
        points = np.concatenate([np.c_[ring * r0, np.full(sides, z0)], np.c_[ring * r1, np.full(sides, z1)]])
        normals = np.tile(np.c_[ring * slope[0], np.full(sides, slope[1])], (2, 1))
        pieces.append(_mesh(points, normals, _grid_faces(2, sides, closed=True), material))
    whole = join(pieces)
    return replace(whole, part=np.zeros_like(whole.part))


def cylinder(radius: float, length: float, material: int, *, axis: str = "z", sides: int = 24) -> Mesh:
    """Closed cylinder centred at the origin."""
    half = length / 2
    mesh = lathe([(0, -half), (radius, -half), (radius, half), (0, half)], material, sides=sides)
    # A profile that runs inwards along the foot points its normal down, as it should; the head's points up.
    return _closed(mesh if axis == "z" else mesh.turned(rotation("y", 90) if axis == "x" else rotation("x", -90)))


def prism(outline: Sequence[tuple[float, float]], thickness: float, material: int) -> Mesh:
    """Stand a convex outline (counterclockwise) up from z = 0."""
    flat = np.asarray(outline, float)
    count = len(flat)
    fan = np.array([(0, i, i + 1) for i in range(1, count - 1)])
    pieces = []
    for height, sign in ((thickness, 1.0), (0.0, -1.0)):
        pieces.append(_mesh(np.c_[flat, np.full(count, height)], np.tile([0.0, 0.0, sign], (count, 1)), fan, material))
    for start, stop in zip(flat, np.roll(flat, -1, 0), strict=True):
        edge = stop - start
        normal = np.array([edge[1], -edge[0], 0.0]) / (np.hypot(*edge) or 1.0)
        corners = np.array([[*start, 0], [*stop, 0], [*stop, thickness], [*start, thickness]])
        pieces.append(_mesh(corners, np.tile(normal, (4, 1)), np.array([(0, 1, 2), (0, 2, 3)]), material))
    whole = join(pieces)
    return _closed(replace(whole, part=np.zeros_like(whole.part)))


def panel(corners: Sequence[Vector], material: int) -> Mesh:
    """Flat sheet of four corners, in order; seen from both sides."""
    points = np.asarray(corners, float)
    normal = np.cross(points[1] - points[0], points[3] - points[0])
    normal /= np.linalg.norm(normal)
    return _mesh(points, np.tile(normal, (4, 1)), np.array([(0, 1, 2), (0, 2, 3)]), material)


def tube(path: Floats, radius: float | Floats, material: int, *, sides: int = 8) -> Mesh:
    """Round tube along (n, 3) points. Its local z is the length along it, x the angle round it."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, [0.31, 0.17, 0.94])
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    across = np.cross(along, aside)
    angle = np.arange(sides) * 2 * np.pi / sides
    spokes = np.cos(angle)[None, :, None] * aside[:, None] + np.sin(angle)[None, :, None] * across[:, None]
    width = np.broadcast_to(np.asarray(radius, float), (len(path),))[:, None, None]
    mesh = _mesh(
        (path[:, None] + width * spokes).reshape(-1, 3),
        spokes.reshape(-1, 3),
        _grid_faces(len(path), sides, closed=True),
        material,
    )
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    local = np.stack([np.tile(angle, len(path)), np.zeros(len(path) * sides), np.repeat(length, sides)], -1)
    return _closed(replace(mesh, local=local))
