"""Images of the PDS3 archives: an ODL label, in front of the samples or in a file of its own (PDS Standards Reference 3.8, A.20).

A line is LINE_PREFIX_BYTES, LINE_SAMPLES samples and LINE_SUFFIX_BYTES. Pointers count from 1: records of RECORD_BYTES, or bytes if
they say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps
from stages.formats.label_facts import label_facts, label_layout
from stages.formats.labels import Block, Quantity, Value, parse_label
from stages.formats.layout import Layout, read_layout
from stages.formats.raster import Raster

__all__ = ["LONGEST_LABEL", "Pointed", "describe", "image_pointer", "parse_attached", "pointed_byte", "read_pds3", "whole_number"]

LONGEST_LABEL = 1 << 20
REMEDY = "Fetch the file again, or mend its label"
ORDERS = {"MSB": ">", "SUN": ">", "MAC": ">", "": ">", "LSB": "<", "PC": "<", "VAX": "<"}
"""A type without a machine's name is that of the machines with the high byte first (appendix C)."""
SAMPLE_TYPE = re.compile(r"(?:(MSB|LSB|SUN|MAC|PC|VAX|IEEE)_)?(UNSIGNED_INTEGER|INTEGER|REAL|DOUBLE|FLOAT)")
STORAGE = {"BAND_SEQUENTIAL", "LINE_INTERLEAVED", "SAMPLE_INTERLEAVED"}
LARGEST_COUNT = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """Where a label says that its image is."""

    file: str
    """Another file's name; empty for the label's own."""
    offset: int
    """Byte of that file."""
    image: Block
    """The IMAGE object."""


def read_pds3(data: bytes, name: str, gaps: Gaps = ()) -> Raster:
    """Read an image with an attached label, of one band or three.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes that are lost

    Returns as `read_layout`; meta has the label's facts.
    Raises DataError, naming the byte, for a broken label, for one whose image is elsewhere, and for what cannot be read.
    """
    label = parse_attached(data, name, gaps)
    layout, file = describe(label, name)
    if file:
        where = f"{name} at byte 0"
        raise DataError(f"is the label of {file[:60]!r}", where=where, remedy="Keep both in one folder, and name the label")
    return read_layout(data, layout, name, gaps, {"format": "pds3"} | label_facts(label))


def parse_attached(data: bytes, name: str, gaps: Gaps = ()) -> Block:
    """Read the label at the beginning of a file; DataError if it is broken, or has a gap."""
    label, size = parse_label(data[:LONGEST_LABEL].decode("latin-1"), name)
    if any(start < size for start, _ in gaps):
        raise DataError("has a gap in its label", where=f"{name} at byte {gaps[0][0]}", remedy="Wait for the rest of it")
    return label


def describe(label: Block, name: str) -> tuple[Layout, str]:
    """Give the place of a label's image, and the name of the file that it is in (empty: the label's own).

    Raises DataError for a label without an image, and for one that says what cannot be.
    """
    pointed = image_pointer(label, name)
    image = pointed.image
    if str(image.values.get("ENCODING_TYPE", "N/A")).upper() not in {"N/A", "NONE"}:
        encoding = str(image.values["ENCODING_TYPE"])[:40]
        raise DataError(f"is coded by {encoding!r}", where=f"{name} at byte 0", remedy="Only plain samples are read: expand it first")
    lines, samples, bands = (
        whole_number(image, keyword, name, default) for keyword, default in (("LINES", 0), ("LINE_SAMPLES", 0), ("BANDS", 1))
    )
    type_, itemsize = _type(image, name)
    prefix, suffix = (whole_number(image, keyword, name, 0) for keyword in ("LINE_PREFIX_BYTES", "LINE_SUFFIX_BYTES"))
    storage = str(image.values.get("BAND_STORAGE_TYPE", "BAND_SEQUENTIAL")).upper()
    if bands > 1 and storage not in STORAGE:
        raise DataError(f"stores its bands as {storage[:40]!r}", where=f"{name} at byte 0", remedy=f"{', '.join(sorted(STORAGE))} are read")
    row = prefix + suffix + samples * itemsize
    strides = {
        "LINE_INTERLEAVED": (row * bands, itemsize, row),
        "SAMPLE_INTERLEAVED": (prefix + suffix + samples * bands * itemsize, bands * itemsize, itemsize),
    }.get(storage, (row, itemsize, max(row * lines, itemsize)))
    layout = Layout(offset=pointed.offset + prefix, lines=lines, samples=samples, bands=bands, type=type_, strides=strides)
    return _without_constants(label, image, layout), pointed.file


def _without_constants(label: Block, image: Block, layout: Layout) -> Layout:
    """Take constants and mask from the image's own object; what stands elsewhere may speak of tables."""
    groups = [block for block in label.blocks if block.kind == "GROUP" and "IMAGE" in block.name]
    return label_layout(Block(values=dict(image.values), blocks=groups), layout)


def image_pointer(label: Block, name: str, image: str = "IMAGE") -> Pointed:
    """Find where an image begins. Raises DataError if there is none, or if the pointer cannot be."""
    for block in label.walk():
        pointer = block.values.get(f"^{image}")
        objects = [inner for inner in block.walk() if inner.kind == "OBJECT" and inner.name == image]
        if pointer is not None and objects:
            file, offset = pointed_byte(label, pointer, name)
            return Pointed(file=file, offset=offset, image=objects[0])
    raise DataError(f"has a label without {image}", where=f"{name} at byte 0", remedy="Only images are read")


def pointed_byte(label: Block, pointer: Value, name: str) -> tuple[str, int]:
    """Give a pointer's file and byte: a record, a byte, a file's name, or a file's name and either."""
    file, place = "", pointer
    if isinstance(pointer, str):
        file, place = pointer, 1
    elif isinstance(pointer, tuple) and len(pointer) == 2 and isinstance(pointer[0], str) and not isinstance(pointer, Quantity):
        file, place = pointer[0], pointer[1]
    in_bytes = isinstance(place, Quantity) and place.unit.upper() in {"BYTE", "BYTES"}
    number = place.value if isinstance(place, Quantity) else place
    if not isinstance(number, int) or not 1 <= number <= LARGEST_COUNT:
        raise DataError(f"points to {str(pointer)[:60]}", where=f"{name} at byte 0", remedy=REMEDY)
    record = 1 if in_bytes or number == 1 else _record(label, name)
    return file, (number - 1) * record


def _record(label: Block, name: str) -> int:
    size = label.lookup("RECORD_BYTES")
    size = size.value if isinstance(size, Quantity) else size
    if not isinstance(size, int) or not 1 <= size <= LARGEST_COUNT:
        raise DataError("points to a record without saying how long one is", where=f"{name} at byte 0", remedy=REMEDY)
    return size


def _type(image: Block, name: str) -> tuple[str, int]:
    """Give numpy's name of the samples, and their size."""
    bits = whole_number(image, "SAMPLE_BITS", name, 8)
    told = str(image.values.get("SAMPLE_TYPE", "UNSIGNED_INTEGER")).upper()
    match = SAMPLE_TYPE.fullmatch(told)
    real = bool(match and match[2] in {"REAL", "DOUBLE", "FLOAT"})
    if match and bits in ({32, 64} if real else {8, 16, 32, 64}) and (real or match[1] != "IEEE"):
        if real:
            if match[1] == "VAX":
                return {32: "vax-f", 64: "vax-d"}[bits], bits // 8
            return ORDERS.get(match[1] or "", ">") + f"f{bits // 8}", bits // 8
        sign = "u" if match[2].startswith("UNSIGNED") else "i"
        return (ORDERS[match[1] or ""] if bits > 8 else "") + f"{sign}{bits // 8}", bits // 8
    raise DataError(f"holds samples of {bits} bits, {told[:40]}", where=f"{name} at byte 0", remedy="Whole and real numbers are read")


def whole_number(block: Block, keyword: str, name: str, default: int) -> int:
    """Give a count that a label states; DataError if it is none."""
    value: Any = block.values.get(keyword, default)
    value = value.value if isinstance(value, Quantity) else value
    if not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        raise DataError(f"says {keyword} = {str(value)[:40]}", where=f"{name} at byte 0", remedy=REMEDY)
    return value
