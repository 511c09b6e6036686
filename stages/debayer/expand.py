"""From companded data numbers to linear ones, by the tables that the profile gives a camera."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np

from stages.formats.companding import expand
from stages.products import Mosaic
from stages.profile import Camera, CompandingTable

__all__ = ["expanded"]


def expanded(mosaic: Mosaic, camera: Camera) -> tuple[Mosaic, dict[str, Any]]:
    """Undo the companding of a mosaic of 8 bits: uint16 data numbers, white the table's last; lost samples stay 0.

    The first of the camera's tables holds whose name and sols agree with the file's label. Without one, and for pictures in colour,
    which were made from companded samples, nothing changes. Also returns what was done, for the image's record.
    """
    if mosaic.samples.dtype != np.uint8 or mosaic.samples.ndim != 2:
        return mosaic, {}
    label = mosaic.meta.get("label")
    table = next((table for table in camera.companding if _holds(table, label if isinstance(label, dict) else {})), None)
    if table is None:
        return mosaic, {}
    samples = expand(mosaic.samples, table.values)
    samples[mosaic.mask] = 0
    digest = hashlib.sha256(np.asarray(table.values, "<u2").tobytes()).hexdigest()
    done = {"companding": {"table": table.name, "sols": list(table.sols), "sha256": digest}}
    return dataclasses.replace(mosaic, samples=samples, white=max(1, table.values[-1])), done


def _holds(table: CompandingTable, label: dict[str, Any]) -> bool:
    sol = label.get("sol")
    in_time = not table.sols or (isinstance(sol, int) and table.sols[0] <= sol <= table.sols[1])
    return in_time and (not table.name or table.name == str(label.get("companding", "")).upper())
