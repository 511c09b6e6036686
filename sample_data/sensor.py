"""From light to data numbers: colour filters, photons, read noise, eight bits."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sample_data.scenes.mesh import Floats

__all__ = ["BALANCE", "SEED", "colour_numbers", "expose", "generator", "mosaic_of", "telemetry_row"]

T = TypeVar("T", bound=np.generic)

SEED = 20210218
BALANCE = (1.32, 1.0, 2.75)
"""Gains of red, green and blue that turn the camera's colours into natural ones: the light on Mars has little blue."""
FULL_WELL = 36000.0
"""Electrons at data number 255."""
READ_NOISE = 0.45
"""Data numbers."""
EMBEDDED = MappingProxyType({"DDC": 48})
"""Samples at the start of the first row that the camera overwrites with its settings."""


def generator(*names: object) -> np.random.Generator:
    """Give the random numbers that belong to these names, and to nothing else."""
    digest = hashlib.sha256("/".join(map(str, (SEED, *names))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def colour_numbers(scene: Floats) -> Floats:
    """Give (height, width, 3) float32: the data numbers that a sensor without noise and with all colours at each place would give."""
    numbers: Floats = np.minimum(scene * (255.0 / np.asarray(BALANCE, np.float32)), 255.0).astype(np.float32)
    return numbers


def mosaic_of(colour: NDArray[T], red: tuple[int, int] = (0, 0)) -> NDArray[T]:
    """Sample a picture, (height, width, 3), through a Bayer filter; `red` is the row and column of the first red sample, 0 or 1."""
    row, column = red
    mosaic = colour[..., 1].copy()
    mosaic[row::2, column::2] = colour[row::2, column::2, 0]
    mosaic[1 - row :: 2, 1 - column :: 2] = colour[1 - row :: 2, 1 - column :: 2, 2]
    return mosaic


def expose(colour: Floats, camera: str, frame: int, clock: float, *, take: int = 0) -> NDArray[np.uint8]:
    """Give the mosaic (height, width) uint8 with the noise of one exposure.

    Shot noise is drawn as normal numbers of the photons' variance, so that the draws do not depend on the picture.
    """
    mean = mosaic_of(colour).astype(np.float64)
    rng = generator("noise", camera, frame, take)
    spread = np.sqrt(mean * (255.0 / FULL_WELL) + READ_NOISE**2)
    mosaic = np.clip(np.rint(mean + spread * rng.standard_normal(mean.shape)), 0, 255).astype(np.uint8)
    if camera in EMBEDDED:
        mosaic[0, : EMBEDDED[camera]] = telemetry_row(frame, clock)
    return mosaic


def telemetry_row(frame: int, clock: float) -> NDArray[np.uint8]:
    """Give 48 octets as such cameras put them over their first samples: twelve big-endian words of settings."""
    ticks = round(clock * 8000) & 0xFFFFFFFF
    words = [ticks, 0xCE000000, 0xCE00007E, 0x82000000 + frame, 0xC6000177, 0x82000200, 0xDA000000, frame, 0, 0x40000000, 0, 0x0000FEF2]
    return np.frombuffer(np.array(words, ">u4").tobytes(), np.uint8)
