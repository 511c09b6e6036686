"""Noise on an endless plane: the same place has the same value in every picture, whoever asks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data.scenes.mesh import Floats

__all__ = ["cells", "fractal", "gradient", "hashed", "smoothstep"]


def hashed(x: NDArray[np.int32], y: NDArray[np.int32], seed: int) -> NDArray[np.uint32]:
    """Mix two integer coordinates into 32 bits (multiply and shift rounds, wrapping)."""
    value = x.astype(np.uint32) * np.uint32(0x9E3779B1) + y.astype(np.uint32) * np.uint32(0x85EBCA77)
    value += np.uint32(seed * 0x27D4EB2F & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        value ^= value >> np.uint32(shift)
        value *= np.uint32(factor)
    mixed: NDArray[np.uint32] = value ^ (value >> np.uint32(16))
    return mixed


def _unit(value: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Give 24 bits of a hash as a number in [0, 1)."""
    return (value >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def smoothstep(low: Any, high: Any, value: Any) -> Any:
    """Rise from 0 at `low` to 1 at `high`, flat at both ends."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _lattice(x: Floats, y: Floats, seed: int) -> tuple[Floats, Floats, NDArray[np.intp], NDArray[np.uint32]]:
    """Split places into a fraction and the row of a table of hashes, one a lattice point; give x, y, row and table.

    A picture has far fewer lattice points than pixels, so hashing them and looking up is what makes noise cheap.
    """
    x0, y0 = np.floor(x), np.floor(y)
    left, top = int(x0.min()), int(y0.min())
    columns = np.arange(left, int(x0.max()) + 2).astype(np.int32)
    lines = np.arange(top, int(y0.max()) + 2).astype(np.int32)
    table = hashed(columns[None, :], lines[:, None], seed)
    row = (y0.astype(np.intp) - top) * len(columns) + (x0.astype(np.intp) - left)
    return (x - x0).astype(np.float32), (y - y0).astype(np.float32), row, table


def gradient(x: Floats, y: Floats, seed: int) -> Floats:
    """Gradient noise of wavelength 1, about -0.7 to 0.7 (Perlin 2002: quintic fade)."""
    fx, fy, row, table = _lattice(x, y, seed)
    turn = _unit(table) * np.float32(2 * np.pi)
    across, down = np.cos(turn).ravel(), np.sin(turn).ravel()
    u, v = fx * fx * fx * (fx * (fx * 6 - 15) + 10), fy * fy * fy * (fy * (fy * 6 - 15) + 10)

    def corner(dx: int, dy: int) -> Floats:
        at = row + (dy * table.shape[1] + dx)
        slope: Floats = across.take(at) * (fx - np.float32(dx)) + down.take(at) * (fy - np.float32(dy))
        return slope

    top = corner(0, 0)
    top += u * (corner(1, 0) - top)
    bottom = corner(0, 1)
    bottom += u * (corner(1, 1) - bottom)
    mixed: Floats = top + v * (bottom - top)
    return mixed


def fractal(x: Floats, y: Floats, seed: int, *, octaves: int, gain: float = 0.5) -> Floats:
    """Sum of octaves of gradient noise, the first of wavelength 1; each is turned so that no grid shows."""
    total = np.zeros(np.broadcast(x, y).shape, np.float32)
    weight = 1.0
    for octave in range(octaves):
        total += np.float32(weight) * gradient(x, y, seed + octave)
        x, y = 1.6 * x + 1.2 * y + 17.3, 1.6 * y - 1.2 * x - 9.1
        weight *= gain
    return total


def cells(x: Floats, y: Floats, seed: int, *, reach: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Scatter one thing in each cell of side 1, none nearer to the cell's edge than `reach`.

    Gives the offset (dx, dy) from the thing in this cell, and two numbers in [0, 1) that are its own.
    """
    fx, fy, row, table = _lattice(x, y, seed)
    # Four numbers of 8 bits would show as steps; mixing the hash again gives each its own 24.
    draws = [_unit(hashed(table.view(np.int32), np.full(1, number, np.int32), seed)) for number in range(4)]
    first, second, third, fourth = (draw.ravel().take(row) for draw in draws)
    dx = fx - (np.float32(reach) + np.float32(1 - 2 * reach) * first)
    dy = fy - (np.float32(reach) + np.float32(1 - 2 * reach) * second)
    return dx, dy, third, fourth
