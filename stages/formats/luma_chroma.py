"""Luma and chroma of a decoded video frame made into RGB, exactly the same on every machine (ITU-T H.273, section 8)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["from_planes", "planes_of"]

MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""Weights of red and blue in luma, by MatrixCoefficients (table 4)."""
HIGH_DEFINITION = 1280
"""Pixels of a row from which on a video that names no matrix has that of BT.709; smaller ones have that of BT.601."""
FULL_RANGE = 2
SHIFT = 13
"""Bits behind the point of the matrix's numbers."""


def planes_of(frame: Any, name: str) -> tuple[list[NDArray[Any]], int]:
    """Give the planes of a frame of libavcodec: Y, Cb and Cr, or G, B and R, or Y alone; and the bits of a sample.

    Raises DataError for a format of pixels that has no planes of its own for them, or planes of different depth.
    """
    layout = frame.format
    components = layout.components
    bits = components[0].bits
    plain = len(components) in {1, 3} and [part.plane for part in components] in ([0], [0, 1, 2], [2, 0, 1])
    if not plain or any(part.bits != bits for part in components) or not 8 <= bits <= 16 or layout.is_big_endian:
        raise DataError(f"holds pixels of the format {layout.name}", where=name, remedy="Convert it with ffmpeg -pix_fmt yuv420p")
    dtype = np.dtype(np.uint8 if bits == 8 else "<u2")
    planes = []
    for number, plane in enumerate(frame.planes):
        part = next(component for component in components if component.plane == number)
        rows = np.frombuffer(plane, dtype).reshape(-1, plane.line_size // dtype.itemsize)
        planes.append(np.ascontiguousarray(rows[: part.height, : part.width]).astype(dtype.newbyteorder("="), copy=False))
    return planes, bits


def from_planes(frame: Any, planes: list[NDArray[Any]], bits: int) -> NDArray[Any]:
    """Make RGB of three planes: (h, w, 3), uint8 or uint16, 0 to 2^bits - 1.

    Chroma of fewer samples is interpolated linearly, from where H.264 has it if it says nothing: beside every other luma sample of a row,
    and halfway between two rows.
    """
    if frame.format.is_rgb:
        green, blue, red = planes
        return np.stack([red, green, blue], axis=2)
    luma, blue, red = planes
    out = np.empty((*luma.shape, 3), luma.dtype)
    across, down = -(-luma.shape[1] // blue.shape[1]), -(-luma.shape[0] // blue.shape[0])
    # Sums of more than ten bits leave 32.
    dtype = np.int32 if bits <= 10 else np.int64
    _convert(luma, blue, red, across > 1, down > 1, _numbers(frame, bits).astype(dtype), out)
    return out


def _numbers(frame: Any, bits: int) -> NDArray[np.int64]:
    """Give black, grey, the matrix (luma to all, red's difference to red and green, blue's to green and blue), white, and a half."""
    fallback = 1 if frame.width >= HIGH_DEFINITION else 6
    red, blue = MATRICES.get(int(frame.colorspace), MATRICES[fallback])
    full = int(frame.color_range) == FULL_RANGE or frame.format.name.startswith("yuvj")
    most, unit = (1 << bits) - 1, 1 << (bits - 8)
    luma, chroma = (1.0, 1.0) if full else (most / (219 * unit), most / (224 * unit))
    green = 1 - red - blue
    matrix = [
        luma,
        2 * (1 - red) * chroma,
        -2 * (1 - red) * red / green * chroma,
        -2 * (1 - blue) * blue / green * chroma,
        2 * (1 - blue) * chroma,
    ]
    black = 0 if full else 16 * unit
    fixed = [round(number * (1 << SHIFT)) for number in matrix]
    return np.array([black, 1 << (bits - 1), 8 * fixed[0], *fixed[1:], most, 1 << (SHIFT + 2)], np.int64)


@njit(cache=True, nogil=True)
def _convert(
    luma: NDArray[Any],
    blue: NDArray[Any],
    red: NDArray[Any],
    across: bool,  # noqa: FBT001  numba kernels take their arguments by place
    down: bool,  # noqa: FBT001
    numbers: NDArray[Any],
    out: NDArray[Any],
) -> None:
    black, grey, scale, most, half = numbers[0], numbers[1], numbers[2], numbers[7], numbers[8]
    rows, columns = blue.shape
    width = luma.shape[1]
    # A row of chroma as wide as luma, in eighths: weights of 3 and 1 down, 1 and 1 across.
    bs, rs = np.empty(width + 2, numbers.dtype), np.empty(width + 2, numbers.dtype)
    for y in range(luma.shape[0]):
        near = min(y // 2, rows - 1) if down else y
        far = min(max(near - 1 + 2 * (y % 2), 0), rows - 1) if down else y
        _widen(blue[near], blue[far], grey, across, columns, width, bs)
        _widen(red[near], red[far], grey, across, columns, width, rs)
        row, target = luma[y], out[y].reshape(3 * width)
        for x in range(width):
            base = scale * (row[x] - black) + half
            b, r = bs[x], rs[x]
            target[3 * x] = min(max((base + numbers[3] * r) >> (SHIFT + 3), 0), most)
            target[3 * x + 1] = min(max((base + numbers[4] * r + numbers[5] * b) >> (SHIFT + 3), 0), most)
            target[3 * x + 2] = min(max((base + numbers[6] * b) >> (SHIFT + 3), 0), most)


@njit(cache=True, nogil=True, inline="always")
def _widen(near: NDArray[Any], far: NDArray[Any], grey: Any, across: bool, columns: int, width: int, out: NDArray[Any]) -> None:  # noqa: FBT001
    if not across:
        for x in range(width):
            out[x] = 2 * (3 * (near[x] - grey) + (far[x] - grey))
        return
    for x in range(columns):
        # Two are set beyond an odd width: there is room for them.
        if 2 * x < width:
            out[2 * x] = 2 * (3 * (near[x] - grey) + (far[x] - grey))
    for x in range(columns):
        if 2 * x + 1 < width:
            after = min(2 * x + 2, 2 * (min(columns, (width + 1) // 2) - 1))
            out[2 * x + 1] = (out[2 * x] + out[after]) >> 1
