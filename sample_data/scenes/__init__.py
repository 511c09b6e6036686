"""What the cameras saw: four scenes in colour, before any sensor."""

from __future__ import annotations

import importlib
from types import MappingProxyType

import numpy as np

from sample_data.scenes.mesh import Floats

__all__ = ["SIZES", "render"]

SIZES = MappingProxyType({"PUC1": (1024, 1280), "DDC": (1536, 2048), "RUC": (1024, 1280), "RDC": (1024, 1280)})
"""Camera to (height, width)."""
_SCENES = MappingProxyType({"PUC1": "puc", "DDC": "ddc", "RUC": "ruc", "RDC": "rdc"})
_EXPOSURE = MappingProxyType({"PUC1": 1.0, "DDC": 1.0, "RUC": 1.0, "RDC": 1.0})


def render(camera: str, clock: float, *, fine: int = 2) -> Floats:
    """Give what falls on a camera's sensor at a clock reading: (height, width, 3) float32, white balanced; 1 fills the sensor.

    `fine` is the side of the square of samples that a pixel of a solid shape is the mean of.
    """
    from scipy.ndimage import gaussian_filter

    scene = importlib.import_module(f"sample_data.scenes.{_SCENES[camera]}").render(clock, fine=fine)
    # A lens darkens towards the corners and is never sharper than half a pixel.
    height, width = SIZES[camera]
    y = (np.arange(height) + 0.5 - height / 2) / (width / 2)
    x = (np.arange(width) + 0.5 - width / 2) / (width / 2)
    shade = 1 - 0.16 * (x[None, :] ** 2 + y[:, None] ** 2)
    sharp = gaussian_filter(scene * (_EXPOSURE[camera] * shade)[..., None].astype(np.float32), (0.5, 0.5, 0))
    return np.maximum(sharp, 0).astype(np.float32)
