"""Draw triangles into a depth buffer, through a pinhole or in parallel projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data.scenes.mesh import Floats, Mesh

__all__ = ["Buffer", "View", "interpolate", "rasterise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a picture is taken from. Its axes are x right, y down, z away from the eye."""

    eye: Floats
    """(3,) metres."""
    axes: Floats
    """(3, 3): rows are right, down and forward in the world."""
    focal: float
    """Pixels; of a parallel projection, pixels a metre."""
    width: int
    height: int
    parallel: bool = False
    near: float = 0.12
    """Metres; what is closer is not drawn."""

    @classmethod
    def looking(cls, eye: Floats, at: Floats, right: Floats, *, focal: float, width: int, height: int, **more: Any) -> View:
        """Look at a point; `right` is roughly what points right in the picture."""
        forward = np.asarray(at, float) - eye
        forward = forward / np.linalg.norm(forward)
        down = np.cross(forward, right)
        down = down / np.linalg.norm(down)
        return cls(
            eye=np.asarray(eye, float),
            axes=np.stack([np.cross(down, forward), down, forward]),
            focal=focal,
            width=width,
            height=height,
            **more,
        )

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Give (n, 2) pixels and (n,) depth in metres."""
        seen = (points - self.eye) @ self.axes.T
        scale = self.focal if self.parallel else self.focal / np.maximum(seen[:, 2:], 1e-6)
        return seen[:, :2] * scale + (self.width / 2, self.height / 2), seen[:, 2]

    def rays(self, rows: slice = slice(None)) -> Floats:
        """Give (rows, width, 3) float32 world directions through the pixels, of depth 1."""
        down = (np.arange(self.height)[rows] + 0.5 - self.height / 2) / self.focal
        right = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal
        flat: Floats = (right[None, :, None] * self.axes[0] + down[:, None, None] * self.axes[1] + self.axes[2]).astype(np.float32)
        return flat


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """What each pixel sees."""

    depth: NDArray[np.float32]
    """(height, width) metres; infinite where nothing is."""
    face: NDArray[np.int32]
    """(height, width) row of the mesh's faces; -1 where nothing is."""
    weights: NDArray[np.float32]
    """(height, width, 2) shares of the triangle's second and third corner."""


def rasterise(mesh: Mesh, view: View) -> Buffer:
    """Find the nearest triangle of every pixel."""
    pixels, depth = view.project(mesh.points)
    corners, depths = pixels[mesh.faces], depth[mesh.faces]
    low = np.floor(corners.min(1) - 0.5).astype(int) + 1
    high = np.floor(corners.max(1) - 0.5).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, (view.width, view.height))
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    drawn = (depths.min(1) > view.near) & (low < high).all(1) & (np.abs(area) > 1e-9) & ~_turned_away(mesh, view)
    buffer = Buffer(
        depth=np.full((view.height, view.width), np.inf, np.float32),
        face=np.full((view.height, view.width), -1, np.int32),
        weights=np.zeros((view.height, view.width, 2), np.float32),
    )
    inverse = depths if view.parallel else 1 / depths
    for face in np.flatnonzero(drawn).tolist():
        _draw(buffer, face, corners[face], inverse[face], area[face], low[face], high[face], parallel=view.parallel)
    return buffer


def _turned_away(mesh: Mesh, view: View) -> NDArray[np.bool_]:
    """Say of each face whether it is the far side of a closed shape."""
    towards = np.broadcast_to(view.axes[2], mesh.points.shape) if view.parallel else mesh.points - view.eye
    behind = (mesh.normals * towards).sum(1) > 0
    away: NDArray[np.bool_] = mesh.solid & behind[mesh.faces].all(1)
    return away


def _draw(buffer: Buffer, face: int, corners: Floats, inverse: Floats, area: float, low: Any, high: Any, *, parallel: bool) -> None:
    """Draw one triangle. `inverse` is linear in the picture: 1/depth, or depth in parallel projection."""
    x = np.arange(low[0], high[0]) + (0.5 - corners[0, 0])
    y = (np.arange(low[1], high[1]) + (0.5 - corners[0, 1]))[:, None]
    (x1, y1), (x2, y2) = corners[1] - corners[0], corners[2] - corners[0]
    second = (x * y2 - y * x2) / area
    third = (y * x1 - x * y1) / area
    value = inverse[0] + second * (inverse[1] - inverse[0]) + third * (inverse[2] - inverse[0])
    depth = value if parallel else 1 / np.maximum(value, 1e-9)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    inside = (second >= 0) & (third >= 0) & (second + third <= 1) & (depth < buffer.depth[window])
    if not inside.any():
        return
    buffer.depth[window][inside] = depth[inside]
    buffer.face[window][inside] = face
    if not parallel:
        second, third = second * inverse[1] * depth, third * inverse[2] * depth
    buffer.weights[window][inside] = np.stack([second[inside], third[inside]], -1)


def interpolate(values: Floats, mesh: Mesh, face: NDArray[np.int32], weights: NDArray[np.float32]) -> Floats:
    """Give (n, k) float32: the corners' values (points, k) at (n,) faces and (n, 2) weights."""
    corner = values.astype(np.float32)[mesh.faces]
    second, third = weights[:, :1], weights[:, 1:]
    mixed: Floats = corner[face, 0] * (1 - second - third) + corner[face, 1] * second + corner[face, 2] * third
    return mixed
