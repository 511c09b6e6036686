"""Channels of HiRISE as the spacecraft sent them: EDRs (HiRISE EDR SIS, JPL D-32004).

A line is six bytes of identification, buffer pixels, image pixels and dark pixels. Eight-bit samples went through a table on board;
the label has its inverse, for each data number the range of what it was made from. The middle of that range, rounded up, stands for it,
as in ISIS. 255 is a gap, 0xFFFF with 16 bits.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps
from stages.formats.label_facts import label_facts
from stages.formats.labels import Block, Quantity, Value
from stages.formats.layout import Layout, read_array
from stages.formats.pds3 import describe, image_pointer, parse_attached, pointed_byte, whole_number
from stages.formats.raster import Mask, Raster

__all__ = ["Channel", "is_channel", "read_channel", "read_hirise"]

TABLE = "MRO:LOOKUP_CONVERSION_TABLE"
IDENTIFICATION = 6
"""Bytes before the buffer pixels."""
UNUSED = -9998
WHITE = (1 << 14) - 1
HIGHEST_16 = 0x3FFF
GAP_16 = 0xFFFF
GAP_8 = 255
MISSING_LINE = 0xFFFFFF
"""The identification of a line that never came, in place of its marker and channel."""
MOST_GAPS = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel, its kinds of pixels apart: 14-bit data numbers, uint16, 0 where lost."""

    samples: NDArray[np.uint16]
    """(lines, samples) image pixels."""
    mask: Mask
    buffer: NDArray[np.uint16]
    """(lines, 12 if 8 bit and unless the label says otherwise) buffer pixels."""
    buffer_mask: Mask
    dark: NDArray[np.uint16]
    """(lines, 16 / bytes of a sample) dark pixels."""
    dark_mask: Mask
    line_numbers: NDArray[np.int64]
    """(lines,) the instrument's own count; -1 for a line that never came."""
    saturated: tuple[int, int]
    """Image pixels at the lowest and the highest data number."""
    unmapped: int
    """Image pixels whose data number the table does not have; they count as lost."""
    meta: dict[str, Any]


def is_channel(label: Block) -> bool:
    """Say whether a PDS3 label is that of a HiRISE EDR."""
    return str(label.values.get("INSTRUMENT_ID")).upper() == "HIRISE" and label.lookup(TABLE) is not None


def read_hirise(data: bytes, name: str, gaps: Gaps = ()) -> Raster:
    """Read the image pixels of a channel as a picture of 14 bits; meta says what was done and what was seen.

    data  the file, or its beginning
    gaps  [start, stop) of bytes that are lost

    Raises as `read_channel`.
    """
    channel = read_channel(data, name, gaps)
    seen = channel.dark[~channel.dark_mask]
    extra: dict[str, Any] = {"saturated_low": channel.saturated[0], "saturated_high": channel.saturated[1], "unmapped": channel.unmapped}
    if seen.size:
        extra["dark_mean"] = float(seen.mean())
    meta = channel.meta | {"format": "pds3", "bits": 14, "lossless": True, "cfa": "mono", "hirise": extra}
    if channel.unmapped:
        meta["caveats"] = [f"{channel.unmapped} samples hold data numbers that the label's table does not have; they count as lost"]
    return Raster(channel.samples, channel.mask, meta)


def read_channel(data: bytes, name: str, gaps: Gaps = (), *, image: str = "IMAGE") -> Channel:
    """Read one of a channel's images with the pixels beside it.

    image  IMAGE, or CALIBRATION_IMAGE for the lines that were read before it

    Lost is what the file lacks, what its gap table names, what holds the gap value, lines that never came, and what the table has no
    range for. Raises DataError, naming the byte, for a label or table that is broken.
    """
    label = parse_attached(data, name, gaps)
    pointed = image_pointer(label, name, image)
    if pointed.file:
        raise DataError(f"is the label of {pointed.file[:60]!r}", where=f"{name} at byte 0", remedy="HiRISE EDRs hold their own label")
    values: dict[str, Value] = {"^IMAGE": Quantity(pointed.offset + 1, "BYTES")}
    layout, _ = describe(Block(values=values, blocks=[Block("OBJECT", "IMAGE", pointed.image.values)]), name)
    prefix, suffix = (whole_number(pointed.image, f"LINE_{end}_BYTES", name, 0) for end in ("PREFIX", "SUFFIX"))
    layout.check(name)
    size = layout.itemsize
    if layout.bands != 1 or layout.type not in {"u1", ">u2"} or prefix < IDENTIFICATION:
        raise DataError("is no HiRISE channel: its lines have no identification", where=f"{name} at byte {layout.offset}")
    whole = dataclasses.replace(layout, missing=(), missing_bits=(), bits=0)
    gaps = [*gaps, *_gap_table(data, label, name)]
    head = dataclasses.replace(whole, offset=layout.offset - prefix, samples=IDENTIFICATION, type="u1", strides=(layout.strides[0], 1, 1))
    numbers, absent = _lines(data, head, name, gaps)
    table = _table(label, name, size)
    parts = [
        _part(data, whole, start, count, table, absent, name, gaps)
        for start, count in (
            (layout.offset - prefix + IDENTIFICATION, (prefix - IDENTIFICATION) // size),
            (layout.offset, layout.samples),
            (layout.offset + layout.samples * size, suffix // size),
        )
    ]
    (buffer, buffer_mask, _, _), (samples, mask, saturated, unmapped), (dark, dark_mask, _, _) = parts
    return Channel(
        samples=samples,
        mask=mask,
        buffer=buffer,
        buffer_mask=buffer_mask,
        dark=dark,
        dark_mask=dark_mask,
        line_numbers=numbers,
        saturated=saturated,
        unmapped=unmapped,
        meta=label_facts(label),
    )


def _lines(data: bytes, layout: Layout, name: str, gaps: Gaps) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read the identification of each line: its number, and whether the line never came."""
    octets, lost = read_array(data, layout, name, gaps)
    words = octets[:, :, 0].astype(np.int64)
    marker = words[:, 0] << 16 | words[:, 1] << 8 | words[:, 2]
    unknown = lost.any(axis=1)
    absent = (marker == MISSING_LINE) & ~unknown
    numbers = words[:, 3] << 16 | words[:, 4] << 8 | words[:, 5]
    return np.where(absent | unknown, -1, numbers), absent


def _part(
    data: bytes, layout: Layout, offset: int, count: int, table: NDArray[np.int32], absent: NDArray[np.bool_], name: str, gaps: Gaps
) -> tuple[NDArray[np.uint16], Mask, tuple[int, int], int]:
    """Read one kind of pixels, through the table."""
    if not count:
        empty = np.zeros((layout.lines, 0), np.uint16)
        return empty, empty.astype(np.bool_), (0, 0), 0
    stored, mask = read_array(data, dataclasses.replace(layout, offset=offset, samples=count), name, gaps)
    stored = stored[:, :, 0]
    mask = mask | absent[:, None] | (stored == (GAP_8 if stored.itemsize == 1 else GAP_16))
    values = table[stored]
    unmapped = (values < 0) & ~mask
    mask |= unmapped
    highest = GAP_8 - 1 if stored.itemsize == 1 else HIGHEST_16
    saturated = int(((stored == 0) & ~mask).sum()), int(((stored == highest) & ~mask).sum())
    return np.where(mask, 0, values).astype(np.uint16), mask, saturated, int(unmapped.sum())


def _table(label: Block, name: str, size: int) -> NDArray[np.int32]:
    """Give for each stored number the 14-bit one, or -1."""
    if size == 2:
        numbers = np.arange(1 << 16, dtype=np.int32)
        return np.where(numbers <= HIGHEST_16, numbers, -1)
    rows = label.lookup(TABLE)
    ranges = [_range(row, name) for row in rows] if isinstance(rows, tuple) and len(rows) <= 256 else []
    if not ranges:
        raise DataError(f"has no {TABLE} that can be read", where=f"{name} at byte 0", remedy="Fetch the file again")
    table = np.full(256, -1, np.int32)
    if ranges == [(0, 0)]:
        table[:GAP_8] = np.arange(GAP_8)
    for number, (low, high) in enumerate(ranges[:GAP_8]):
        if ranges != [(0, 0)] and low != UNUSED:
            table[number] = (low + high + 1) // 2
    return table


def _range(row: Value, name: str) -> tuple[int, int]:
    if isinstance(row, tuple) and len(row) == 2 and isinstance(row[0], int) and isinstance(row[1], int):
        low, high = int(row[0]), int(row[1])
        if low == high == UNUSED or 0 <= low <= high <= WHITE:
            return low, high
    raise DataError(f"has the range {str(row)[:40]} in its {TABLE}", where=f"{name} at byte 0", remedy="Fetch the file again")


def _gap_table(data: bytes, label: Block, name: str) -> list[tuple[int, int]]:
    """Read the ranges of bytes that the ground filled; what is not there of the table is passed over."""
    pointer = label.values.get("^GAP_TABLE")
    tables = [block for block in label.blocks if block.name == "GAP_TABLE"]
    rows = tables[0].values.get("ROWS") if tables else None
    if pointer is None or not isinstance(rows, int) or rows < 1:
        return []
    _, offset = pointed_byte(label, pointer, name)
    stored = data[offset : offset + 8 * min(rows, MOST_GAPS)]
    ranges = np.frombuffer(stored[: len(stored) // 8 * 8], ">u4").reshape(-1, 2).tolist()
    return [(start, stop) for start, stop in ranges if start < stop]
