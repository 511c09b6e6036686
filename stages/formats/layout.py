"""Pictures stored as plain arrays, as planetary archives have them: where each sample stands, and what is lost of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps
from stages.formats.labels import BitPattern
from stages.formats.raster import Mask, Raster, any_lost, check_extent
from stages.formats.vax import from_vax

__all__ = ["LARGEST_SPAN", "Layout", "read_array", "read_layout"]

LARGEST_SPAN = 1 << 28
"""Bytes from the first sample to the last. A label can claim any; what is lost of them takes room all the same."""
LEAST = 256
"""Part of that which a file must hold for one sample of it to be read: so a short file takes little room, whatever it claims."""
TYPES = frozenset({"u1", "i1"} | {order + kind for order in "<>" for kind in ("u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")})
VAX_TYPES = {"vax-f": 4, "vax-d": 8}
REMEDY = "Fetch the file again, or mend its label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the samples of a picture stand in its file."""

    offset: int
    """Byte of the first sample."""
    lines: int
    samples: int
    bands: int = 1
    type: str = "u1"
    """numpy's name of the stored number with its byte order, or "vax-f" or "vax-d"."""
    strides: tuple[int, int, int]
    """Bytes from line to line, from sample to sample and from band to band."""
    missing: tuple[float, ...] = ()
    """Values that stand for lost samples."""
    missing_bits: tuple[int, ...] = ()
    """The same, as the bits of the stored number."""
    bits: int = 0
    """Bits of a sample that are used; 0 if not said."""

    @property
    def itemsize(self) -> int:
        """Bytes of a sample."""
        return VAX_TYPES.get(self.type) or np.dtype(self.type).itemsize

    @property
    def span(self) -> int:
        """Bytes from the first sample to the end of the last."""
        shape = (self.lines, self.samples, self.bands)
        return sum((number - 1) * stride for number, stride in zip(shape, self.strides, strict=True)) + self.itemsize

    def check(self, name: str) -> None:
        """Raise DataError for a layout that cannot be."""
        where = f"{name} at byte {max(self.offset, 0)}"
        if self.type not in TYPES and self.type not in VAX_TYPES:
            raise DataError(f"holds samples of an unknown type {self.type[:20]!r}", where=where, remedy=REMEDY)
        if self.bands not in {1, 3}:
            raise DataError(f"holds {self.bands} bands", where=where, remedy="Pictures of one band or of three are read: cut it up first")
        check_extent(self.samples, self.lines, name, max(self.offset, 0))
        if self.offset < 0 or min(self.strides) < self.itemsize or self.span > LARGEST_SPAN:
            raise DataError(f"claims an array of {self.span} bytes", where=where, remedy=f"Arrays of up to {LARGEST_SPAN} bytes are read")

    def to_mapping(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return dataclasses.asdict(self) | {name: list(getattr(self, name)) for name in ("strides", "missing", "missing_bits")}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], name: str) -> Self:
        """Read what `to_mapping` gave; DataError for anything else."""
        counts = [mapping.get(key) for key in ("offset", "lines", "samples", "bands", "bits")]
        lists = [mapping.get(key) for key in ("strides", "missing", "missing_bits")]
        whole = [*counts, *(lists[0] if isinstance(lists[0], list) else [None]), *(lists[2] if isinstance(lists[2], list) else [None])]
        numbers = lists[1] if isinstance(lists[1], list) else [None]
        sound = all(isinstance(value, int) and 0 <= value < 1 << 64 for value in whole) and len(whole) >= 8
        if not sound or not all(isinstance(value, (int, float)) for value in numbers) or not isinstance(mapping.get("type"), str):
            raise DataError("is described by a layout that cannot be", where=name, remedy=REMEDY)
        strides, missing, bits = (tuple(value or ()) for value in lists)
        if len(strides) != 3:
            raise DataError("is described by a layout without strides", where=name, remedy=REMEDY)
        named = dict(zip(("offset", "lines", "samples", "bands", "bits"), counts, strict=True))
        return cls(**named, type=mapping["type"], strides=strides, missing=missing, missing_bits=bits)  # type: ignore[arg-type]  # seen above

    def without(self, constants: Iterable[object]) -> Self:
        """Add constants that stand for lost samples; those in another base than ten are bits, and words are none."""
        numbers = [value for value in constants if isinstance(value, (int, float))]
        bits = tuple(int(value) for value in numbers if isinstance(value, BitPattern) and value >= 0)
        plain = tuple(float(value) for value in numbers if not isinstance(value, BitPattern) or value < 0)
        return dataclasses.replace(self, missing=self.missing + plain, missing_bits=self.missing_bits + bits)


def read_layout(data: bytes, layout: Layout, name: str, gaps: Gaps = (), meta: Mapping[str, Any] | None = None) -> Raster:
    """Read a picture.

    data    the file, or its beginning
    layout  where its samples stand
    gaps    [start, stop) of bytes that are lost
    meta    what else the label says

    Returns samples (h, w) or (h, w, 3): uint8 or uint16 where all fit, else in the numbers that the file has. Lost is what the file
    lacks, what equals one of the layout's constants in every band, and what is no number in any.
    Raises DataError for a layout that cannot be, and for a file that holds less than a 256th of it.
    """
    values, mask = read_array(data, layout, name, gaps)
    samples = _settled(values, mask)
    used = max(layout.bits, int(samples.max()).bit_length()) if layout.bits and samples.dtype.kind == "u" else 0
    bits = used or 8 * samples.itemsize
    if layout.bands == 1:
        samples = samples[:, :, 0]
    return Raster(np.ascontiguousarray(samples), mask, {"bits": bits, "lossless": True} | dict(meta or {}))


def read_array(data: bytes, layout: Layout, name: str, gaps: Gaps = ()) -> tuple[NDArray[Any], Mask]:
    """Read the numbers as they are stored: (lines, samples, bands), native byte order; mask (lines, samples)."""
    layout.check(name)
    stop = layout.offset + layout.span
    if len(data) < layout.offset + layout.itemsize:
        raise DataError("ends before its first sample", where=f"{name} at byte {len(data)}", remedy=REMEDY)
    octets = np.frombuffer(data, np.uint8)[layout.offset : stop]
    if octets.size < layout.span // LEAST:
        raise DataError(f"holds {octets.size} of {layout.span} bytes", where=f"{name} at byte {len(data)}", remedy="Fetch the rest of it")
    lost = [
        (max(start, layout.offset), min(end, stop)) for start, end in (*gaps, (len(data), stop)) if end > layout.offset and start < stop
    ]
    lost = [(start - layout.offset, end - layout.offset) for start, end in lost if start < end]
    if octets.size < layout.span:
        octets = np.concatenate([octets, np.zeros(layout.span - octets.size, np.uint8)])
    values = _numbers(_strided(octets, layout), layout)
    mask = np.zeros((layout.lines, layout.samples), np.bool_)
    if lost:
        mask |= _touched(lost, layout)
    mask |= _constants(values, layout)
    if values.dtype.kind == "f":
        mask |= ~np.isfinite(values).all(axis=2)
    return values, mask


def _touched(ranges: Gaps, layout: Layout) -> Mask:
    """Say which pixels have a byte in any of the ranges, counted from the first sample."""
    octets = np.zeros(layout.span, np.bool_)
    for start, end in ranges:
        octets[start:end] = True
    return np.asarray(_strided(octets, layout).any(axis=(2, 3)))


def _strided(octets: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """See bytes as (lines, samples, bands, bytes of a sample)."""
    shape = (layout.lines, layout.samples, layout.bands, layout.itemsize)
    return np.lib.stride_tricks.as_strided(octets, shape, (*layout.strides, 1), writeable=False)


def _numbers(octets: NDArray[np.uint8], layout: Layout) -> NDArray[Any]:
    packed = np.ascontiguousarray(octets)
    if layout.type in VAX_TYPES:
        return from_vax(packed)
    stored: NDArray[Any] = packed.view(layout.type)[..., 0]
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _constants(values: NDArray[Any], layout: Layout) -> Mask:
    found: Mask = np.zeros(values.shape[:2], np.bool_)
    for constant in layout.missing:
        if _fits(constant, values.dtype):
            with np.errstate(over="ignore"):
                found |= (values == values.dtype.type(constant)).all(axis=2)
    bits = values.view(f"u{values.dtype.itemsize}")
    for pattern in layout.missing_bits:
        if 0 <= pattern < 1 << 8 * bits.itemsize:
            found |= (bits == pattern).all(axis=2)
    return found


def _fits(constant: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return constant == int(constant) and limits.min <= constant <= limits.max if np.isfinite(constant) else False


def _settled(values: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Make whole numbers uint8 or uint16 where all fit, and lost samples 0."""
    if any_lost(mask):
        values = values.copy()
        values[mask] = 0
    if values.dtype.kind == "f" or values.dtype.str in {"|u1", np.dtype(np.uint16).str}:
        return values
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high < 1 << 16:
        return values.astype(np.uint8 if values.dtype.itemsize == 1 else np.uint16)
    return values
