"""What a frame's sequence tells, done to its mosaic before all else: the web stretch undone, hot and cold samples filled, a flat."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.formats.raster import any_lost
from stages.products import Mosaic, Repair

__all__ = ["fill_spots", "flat_field", "mended", "noted", "unstretched"]

CELL = 16
"""Samples of a side of a flat's cell."""


def mended(mosaic: Mosaic, repairs: Iterable[Repair], *, mono: bool = False) -> Mosaic:
    """Apply what is known of a lossless mosaic's sequence; `meta` says what was done: destretched, filled, flat, caveats.

    mono  its camera has no colour filter

    Editions that were coded with loss stay as they are: their samples are no longer those that were stretched, or hot.
    """
    if mosaic.edition != "lossless" or mosaic.samples.ndim != 2:
        return mosaic
    for repair in repairs:
        mosaic = _mended(mosaic, repair, 1 if mono or mosaic.cfa == "mono" else 2)
    return mosaic


def _mended(mosaic: Mosaic, repair: Repair, step: int) -> Mosaic:
    samples: NDArray[Any] = mosaic.samples
    white, mask = mosaic.white, mosaic.mask
    meta: dict[str, Any] = dict(mosaic.meta)
    caveats = list(meta.get("caveats", ()))
    levels = repair.levels.get(mosaic.file, ())
    if levels and samples.dtype == np.uint8:
        samples, white = unstretched(samples, levels), max(1, len(levels) - 1)
        meta["destretched"] = len(levels)
        caveats += repair.caveats.get(mosaic.file, ())
    if len(repair.spots):
        samples, mask, count = fill_spots(samples, mask, _inside(repair.spots, mosaic), step)
        meta |= {"filled": count} if count else {}
    corner = (int(meta.get("y", 0)), int(meta.get("x", 0)))
    if repair.flat is not None and corner == (0, 0) and _covers(repair.flat, mask.shape):
        samples = np.minimum(np.rint(samples / flat_field(repair.flat, mask.shape)), white).astype(samples.dtype)
        meta["flat"] = "the sequence's median"
        caveats.append("divided by a flat that is an estimate from its own sequence")
    samples = np.where(mask, 0, samples).astype(samples.dtype) if any_lost(mask) else samples
    meta |= {"caveats": caveats} if caveats else {}
    return dataclasses.replace(mosaic, samples=samples, mask=mask, white=white, meta=meta)


def unstretched(samples: NDArray[Any], levels: tuple[int, ...]) -> NDArray[np.uint8]:
    """Give each sample (uint8) its place among the levels (ascending) that the stretch can give."""
    table = np.maximum(np.searchsorted(np.array(levels), np.arange(256), side="right") - 1, 0).astype(np.uint8)
    return np.asarray(table[samples])


def _inside(spots: NDArray[Any], mosaic: Mosaic) -> NDArray[np.int64]:
    """Give row and column in the mosaic of the spots that lie in it."""
    corner = [int(mosaic.meta.get(name, 0)) for name in ("y", "x")]
    places = np.stack([spots["y"].astype(np.int64), spots["x"].astype(np.int64)], axis=1) - corner
    return places[((places >= 0) & (places < mosaic.mask.shape)).all(axis=1)]


def fill_spots(
    samples: NDArray[Any], mask: NDArray[np.bool_], places: NDArray[np.int64], step: int
) -> tuple[NDArray[Any], NDArray[np.bool_], int]:
    """Replace samples by the median of their neighbours of the same colour; one without a neighbour is lost.

    places  (n, 2) rows and columns
    step    samples from one of a colour to the next

    Returns new samples and mask, and how many were there to be replaced.
    """
    samples, known = samples.copy(), ~mask
    known[places[:, 0], places[:, 1]] = False
    mask, count = mask.copy(), 0
    for y, x in places:
        if mask[y, x]:
            continue
        count += 1
        around = [
            samples[y + j, x + i]
            for j in (-step, 0, step)
            for i in (-step, 0, step)
            if 0 <= y + j < samples.shape[0] and 0 <= x + i < samples.shape[1] and known[y + j, x + i]
        ]
        if around:
            samples[y, x] = int(np.median(around))
        else:
            mask[y, x] = True
    return samples, mask, count


def _covers(flat: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    return flat.shape[:2] == (shape[0] // CELL, shape[1] // CELL) and flat.size > 0


def flat_field(flat: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate a flat of cells, (rows, columns, 4) for the places of two by two, between the cells' centres."""
    out = np.empty(shape, np.float32)
    for place in range(4):
        rows, columns = np.arange(place >> 1, shape[0], 2), np.arange(place & 1, shape[1], 2)
        down, across = _weights(rows, flat.shape[0]), _weights(columns, flat.shape[1])
        out[place >> 1 :: 2, place & 1 :: 2] = down @ flat[:, :, place].astype(np.float64) @ across.T
    return out


def _weights(places: NDArray[np.int64], cells: int) -> NDArray[np.float64]:
    """Give what each cell adds at each place, (places, cells)."""
    at = np.clip((places + 0.5) / CELL - 0.5, 0, cells - 1)
    first = np.minimum(at.astype(np.int64), max(cells - 2, 0))
    weights = np.zeros((places.size, cells))
    rows = np.arange(places.size)
    weights[rows, first] = 1 - (at - first)
    weights[rows, np.minimum(first + 1, cells - 1)] += at - first
    return weights


def noted(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Give of a mosaic's meta what an image's record says of its mending."""
    return {name: meta[name] for name in ("destretched", "filled", "flat") if name in meta}
