"""Mosaics become colour images."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from pipeline.stage import Group, stage
from stages.products import Image, Mosaic, Repair
from stages.profile import Camera

__all__ = ["Balance", "Method", "Renditions", "Tone", "debayer", "demosaic"]

Method: TypeAlias = Literal["malvar", "mlri", "superpixel"]
Balance: TypeAlias = Literal["profile", "none", "grey-world", "target"]
Renditions: TypeAlias = Literal["balanced", "taken", "true", "all"]
Tone: TypeAlias = Literal["linear", "srgb"]
ALONE: Group[Repair] = Group.of(())
"""A frame of which no sequence tells anything."""


@stage(version=7)
def debayer(
    mosaics: Group[Mosaic],
    camera: Camera,
    repairs: Group[Repair] = ALONE,
    *,
    method: Method = "malvar",
    white_balance: Balance = "profile",
    target: str = "",
    renditions: Renditions = "balanced",
    tone: Tone = "linear",
) -> Image:
    """Develop the best mosaic of a frame in colour.

    mosaics        every edition of one frame, (height, width) uint8 or uint16, data numbers; mask True where a sample is lost
    repairs        what the frame's sequence tells of it: a stretch to be undone, hot samples to be filled, a flat
    method         "malvar" (5x5, the flight and ground convention), "mlri" (slow, best) or "superpixel" (half size)
    white_balance  "profile": the camera's gains; "grey-world" and "target": measured in the frame; "none": the camera's own colour
    target         name of the neutral thing in the profile's camera.NAME.targets by which "target" balances
    renditions     the picture's: "balanced", "taken" (no balance) or "true" (in the light of the place); "all": balanced, others beside it
    tone           curve of 8-bit pictures: "linear" (none) or "srgb", for linear samples; a TIFF of 16 bits stays linear

    The best one: among those with at least 95 % of the most valid samples that any has, lossless before jpeg before video before
    thumbnail, then by completeness, then by key. Lost samples stay lost: the image's mask covers every pixel that depends on one.
    Calibrated by the camera's bias, dark and flat, balanced, demosaiced, then mixed by its matrix: what was done stands in the image's
    record. What is full in all colours stays white, which is 255 in pictures of 8 bits, but for those as taken. Mono is calibrated,
    colour passes through. DataError for a mosaic that is too small, ProfileError for a dark or flat that cannot be read.
    """
    from stages.debayer.best import choose
    from stages.debayer.develop import develop
    from stages.debayer.mend import mended
    from stages.debayer.renditions import Recipe

    editions = tuple(sorted({entry.key["edition"] for entry in mosaics.entries}))
    recipe = Recipe(method=method, white_balance=white_balance, target=target, renditions=renditions, tone=tone)
    return develop(mended(mosaics[choose(mosaics.entries)], repairs, mono=camera.cfa == "mono"), camera, editions, recipe)


def demosaic(
    mosaic: NDArray[Any],
    *,
    pattern: str = "RGGB",
    method: Method = "malvar",
    white: int | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Fill in the colours that each sample of a Bayer mosaic lacks.

    mosaic   (h, w) uint8 or uint16, h and w at least 2
    pattern  colours of the samples (0,0), (0,1), (1,0), (1,1): "RGGB", "GRBG", "GBRG" or "BGGR"
    method   "malvar": Malvar, He, Cutler, ICASSP 2004, in exact integers; "mlri": Kiku et al., SPIE 2014; "superpixel": one pixel a cell
    white    largest value of a result; by default the largest of the dtype
    out      array to fill, C-contiguous

    Returns (h, w, 3) of the same dtype, (h // 2, w // 2, 3) for superpixel. Borders mirror about the edge sample.
    DataError for any other array, ProfileError for an unknown pattern or method.
    """
    from stages.debayer.develop import demosaic_masked

    return demosaic_masked(mosaic, pattern=pattern, method=method, white=white, out=out)
