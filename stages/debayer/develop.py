"""From a mosaic to an image: calibration, white balance, demosaic, colour, and what is lost by any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from stages.debayer.calibration import Calibration, calibrate, make_calibration
from stages.debayer.expand import expanded
from stages.debayer.finish import Finish, make_finish
from stages.debayer.finish import finish as finish_picture
from stages.debayer.losses import grow_cell, grow_diamond, grow_square
from stages.debayer.malvar import demosaic_malvar
from stages.debayer.mend import noted
from stages.debayer.phase import doubt_of_phase
from stages.debayer.renditions import Look, Recipe, look_of
from stages.debayer.sensor import Sensor, sensor_of
from stages.debayer.superpixel import demosaic_superpixel
from stages.debayer.white_balance import NEUTRAL, find_gains, normalised
from stages.formats.raster import any_lost
from stages.formats.tone import shown
from stages.products import Image, Mosaic, Rendition
from stages.profile import Camera

__all__ = ["demosaic_masked", "develop"]

Samples: TypeAlias = NDArray[Any]
"""uint8 or uint16."""
Mask: TypeAlias = NDArray[np.bool_]

PATTERNS = {"RGGB": (0, 0), "GRBG": (0, 1), "GBRG": (1, 0), "BGGR": (1, 1)}
"""To row and column of the first red sample."""
REACH = 8
"""Pixels within which a lost sample spoils one that residual interpolation makes."""
GROWTHS: dict[str, Callable[[Mask], Mask]] = {
    "malvar": grow_diamond,
    "mlri": lambda mask: grow_square(mask, REACH),
    "superpixel": grow_cell,
}


def develop(mosaic: Mosaic, camera: Camera, editions: tuple[str, ...], recipe: Recipe) -> Image:
    """Develop one mosaic as `debayer` says."""
    mosaic, meta = expanded(mosaic, camera)
    pattern, full = _pattern(mosaic, camera), _white(mosaic, camera)
    sensor = Sensor() if pattern == "colour" else sensor_of(mosaic, camera)
    meta |= noted(mosaic.meta) | sensor.done
    caveats = [*mosaic.meta.get("caveats", ()), *sensor.caveats]
    lost = mosaic.mask if sensor.dead is None else mosaic.mask | sensor.dead
    gains, measured = NEUTRAL, dict[str, Any]()
    if pattern in PATTERNS:
        told = "the file" if mosaic.cfa != "RGGB" else f"the profile's camera {camera.name or mosaic.camera}"
        doubt = doubt_of_phase(mosaic.samples, mosaic.mask, pattern, told)
        gains, measured, problem = find_gains(mosaic, camera, PATTERNS[pattern], full, recipe.white_balance, recipe.target)
        caveats += [note for note in (doubt, problem) if note]
        meta["method"] = recipe.method
    names = recipe.names if pattern in PATTERNS else recipe.names[:1]
    looks = [look_of(name, camera, gains, measured, balanced=recipe.white_balance != "none") for name in names]
    whites = [_result_white(mosaic.samples, pattern, full, sensor, look) for look in looks]
    pictures = [_picture(mosaic.samples, lost, pattern, full, sensor, look, recipe) for look in looks]
    grow = GROWTHS[recipe.method] if pattern in PATTERNS else _as_it_is
    lost = grow(lost)
    telemetry = _telemetry(mosaic, camera)
    if telemetry:
        # Pictures that came in colour were developed from such samples too, by filters no wider than ours.
        lost, meta["telemetry"] = _spoil(lost, grow_diamond if pattern == "colour" else grow, telemetry, mosaic.mask.shape)
    for picture in pictures if any_lost(lost) else ():
        picture[lost] = 0
    meta |= looks[0].done if pattern in PATTERNS else {}
    meta |= {"tone": recipe.tone} if recipe.tone != "linear" and pattern != "colour" else {}
    meta |= {"caveats": caveats} if caveats else {}
    others = zip(names[1:], looks[1:], pictures[1:], whites[1:], strict=True)
    return Image(
        camera=mosaic.camera,
        frame=mosaic.frame,
        samples=pictures[0],
        mask=lost,
        edition=mosaic.edition,
        editions=editions,
        source=mosaic.source,
        file=mosaic.file,
        clock=mosaic.clock,
        utc=mosaic.utc,
        white=whites[0],
        meta=meta,
        renditions={name: Rendition(samples=shown(picture, white, recipe.tone), done=look.done) for name, look, picture, white in others},
    )


def _result_white(samples: Samples, pattern: str, full: int, sensor: Sensor, look: Look) -> int:
    """Give the largest value of a result: 255 where 8 bits are for people, else what is left of the largest sample."""
    if pattern == "colour":
        return full
    return 255 if look.whitens and samples.dtype == np.uint8 else max(1, round(full - sensor.bias))


def _picture(samples: Samples, lost: Mask, pattern: str, full: int, sensor: Sensor, look: Look, recipe: Recipe) -> Samples:
    """Develop one rendition; samples of 16 bits stay linear."""
    if pattern == "colour":
        return samples.copy()
    native = samples.dtype.newbyteorder("=")
    white = _result_white(samples, pattern, full, sensor, look)
    scale = white / max(1, full - sensor.bias) if look.whitens and native == np.uint8 else 1.0
    red, green, blue = normalised(look.gains) if pattern in PATTERNS else NEUTRAL
    gains = (red * scale, green * scale, blue * scale)
    calibration = make_calibration(native, sensor.bias, gains, full, white, sensor.dark, sensor.flat)
    finish = make_finish(native, look.matrix, recipe.tone if native == np.uint8 else "linear", white)
    if pattern in PATTERNS:
        return demosaic_masked(
            samples, pattern=pattern, method=recipe.method, white=white, mask=lost, calibration=calibration, finish=finish
        )
    mono = calibrate(np.require(samples, native, ["C", "W"]), (0, 0), calibration)
    finish_picture(mono, finish)
    return mono


def demosaic_masked(
    mosaic: Samples,
    *,
    pattern: str,
    method: str,
    white: int | None = None,
    out: Samples | None = None,
    mask: Mask | None = None,
    calibration: Calibration | None = None,
    finish: Finish | None = None,
) -> Samples:
    """Demosaic as `stages.debayer.demosaic` says; mlri leaves samples under the mask out of its windows.

    Samples are calibrated before, with no result over white, and pixels finished after it.
    """
    if pattern not in PATTERNS:
        raise ProfileError(f"{pattern!r} is no Bayer pattern", where="pattern", remedy=f"Use one of {', '.join(PATTERNS)}")
    if method not in GROWTHS:
        raise ProfileError(f"{method!r} is no way to demosaic", where="method", remedy=f"Use one of {', '.join(GROWTHS)}")
    for given in (mosaic, mosaic if out is None else out):
        if not isinstance(given, np.ndarray):
            raise DataError(f"{type(given).__name__} is no array", remedy="Give a NumPy array of uint8 or uint16")
    native = mosaic.dtype.newbyteorder("=")
    if mosaic.ndim != 2 or native not in (np.uint8, np.uint16) or min(mosaic.shape) < 2:
        raise DataError(f"an array of {mosaic.dtype} and shape {mosaic.shape} is no mosaic", remedy="Give (h, w) of uint8 or uint16")
    # Kernels are compiled for writable contiguous arrays; a copy costs a tenth of the work, a second set of kernels seconds.
    mosaic = np.require(mosaic, native, ["C", "W"])
    most = int(np.iinfo(native).max)
    white = most if white is None else white
    if not 1 <= white <= most:
        raise ProfileError(f"{white} is no largest value of {native}", where="white", remedy=f"Use 1 to {most}")
    height, width = mosaic.shape if method != "superpixel" else (mosaic.shape[0] // 2, mosaic.shape[1] // 2)
    out = np.empty((height, width, 3), native) if out is None else out
    if out.shape != (height, width, 3) or out.dtype != native or not out.flags.c_contiguous or not out.flags.writeable:
        raise DataError(
            f"cannot fill an array of {out.dtype} and shape {out.shape}", remedy=f"Give {(height, width, 3)} of {native}, contiguous"
        )
    if method == "malvar":
        demosaic_malvar(mosaic, PATTERNS[pattern], white, out, calibration, finish)
        return out
    mosaic = mosaic if calibration is None else calibrate(mosaic, PATTERNS[pattern], calibration)
    _fill(mosaic, PATTERNS[pattern], method, white, out, mask)
    if finish is not None:
        finish_picture(out, finish)
    return out


def _fill(mosaic: Samples, red: tuple[int, int], method: str, white: int, out: Samples, mask: Mask | None) -> None:
    if method == "superpixel":
        demosaic_superpixel(mosaic, red[0], red[1], np.int32(white), out)
    else:
        from stages.debayer.residual import demosaic_residual

        demosaic_residual(mosaic, red, white, out, mask)


def _pattern(mosaic: Mosaic, camera: Camera) -> str:
    """Give the colour filter of these samples.

    A decoder sees no profile: it writes RGGB, the default, for any mosaic. So that gives way to the camera's filter, which is that of
    the full frame: a subframe that begins in an odd row or column has it shifted.
    """
    small = mosaic.mask.shape[0] < camera.height or mosaic.mask.shape[1] < camera.width
    if mosaic.samples.ndim == 3:
        return "colour"
    if "mono" in {mosaic.cfa, camera.cfa} or (mosaic.edition == "thumbnail" and small):
        # Reduced to a thumbnail, a mosaic in one plane has no phase left.
        return "mono"
    if mosaic.cfa != "RGGB":
        return mosaic.cfa
    row, column = PATTERNS[camera.cfa]
    red = ((row + int(mosaic.meta.get("y", 0))) % 2, (column + int(mosaic.meta.get("x", 0))) % 2)
    return next(pattern for pattern, first in PATTERNS.items() if first == red)


def _white(mosaic: Mosaic, camera: Camera) -> int:
    """Give the largest data number: the container's, or the camera's where it has more than 8 bits and the container has more still."""
    most = min(mosaic.white, int(np.iinfo(mosaic.samples.dtype).max))
    return min(most, (1 << camera.bits) - 1) if camera.bits > 8 else most


def _telemetry(mosaic: Mosaic, camera: Camera) -> int:
    """Count the samples at the start of the first row that are camera telemetry; only full frames have them."""
    full = mosaic.mask.shape == (camera.height, camera.width) and mosaic.edition != "thumbnail"
    return min(camera.embedded_samples, camera.width) if full else 0


def _as_it_is(mask: Mask) -> Mask:
    return mask


def _spoil(lost: Mask, grow: Callable[[Mask], Mask], count: int, shape: tuple[int, ...]) -> tuple[Mask, list[int]]:
    """Mark what depends on the first samples of the first row as well; also return how many rows and columns that takes in."""
    top = np.zeros((min(shape[0], 2 * REACH + 2), shape[1]), np.bool_)
    top[0, :count] = True
    spoiled = grow(top)
    lost = lost.copy()
    lost[: len(spoiled)] |= spoiled
    rows, columns = np.nonzero(spoiled)
    return lost, [int(rows.max()) + 1, int(columns.max()) + 1]
