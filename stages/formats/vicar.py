"""VICAR images: an ASCII label of KEYWORD=value, records of samples, and often a second label behind them.

The keywords are those of the VICAR file format (JPL, "The VICAR Image File Format"; system label items). A record holds NBB bytes that
are no samples and N1 samples; NLB records that are no image precede the first.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps
from stages.formats.label_facts import label_facts, label_layout
from stages.formats.labels import Block, Value, scalar
from stages.formats.layout import Layout, read_layout
from stages.formats.raster import Raster

__all__ = ["parse_vicar_label", "read_vicar"]

LONGEST_LABEL = 1 << 20
REMEDY = "Fetch the file again, or mend its label"
ITEM = re.compile(r"[\s\0]*([A-Za-z][A-Za-z0-9_:]*)[ ]*=[ ]*")
PART = re.compile(r"[\s\0]*(?:'((?:[^']|'')*)'|([^\s\0(),'=]+))[\s\0]*")
FORMATS = {
    "BYTE": ("u1", 1),
    "HALF": ("i2", 2),
    "WORD": ("i2", 2),
    "FULL": ("i4", 4),
    "LONG": ("i4", 4),
    "REAL": ("f4", 4),
    "DOUB": ("f8", 8),
}
"""Type and bytes; WORD and LONG are old names."""
INTEGER_ORDERS = {"LOW": "<", "HIGH": ">"}
REAL_ORDERS = {"RIEEE": "<", "IEEE": ">"}
VAX_REALS = {"f4": "vax-f", "f8": "vax-d"}
LARGEST_COUNT = 1 << 40


def read_vicar(data: bytes, name: str, gaps: Gaps = ()) -> Raster:
    """Read a VICAR image of one band or three.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes that are lost

    Returns as `read_layout`; meta has the label's facts.
    Raises DataError, naming the byte, for a broken label, for compressed or complex samples, and for more than can be read.
    """
    label, size = _front_label(data, name)
    if any(start < size for start, _ in gaps):
        raise DataError("has a gap in its label", where=f"{name} at byte {gaps[0][0]}", remedy="Wait for the rest of it")
    layout, end = _layout(label, size, name)
    meta: dict[str, Any] = {"format": "vicar"}
    if _whole(label, "EOL", name, 0) == 1:
        last = _end_label(data, end, name, gaps)
        if last is None:
            meta["caveats"] = ["the label at the end of the file is lost: what only it says is not known"]
        else:
            label.values = last.values | label.values
            label.blocks += last.blocks
    layout = label_layout(label, layout)
    return read_layout(data, layout, name, gaps, meta | label_facts(label))


def parse_vicar_label(text: str, name: str, offset: int = 0) -> Block:
    """Read the items of a label: those of the system as its values, each property and task as a group.

    Raises DataError, naming the byte (`offset` is where the label begins).
    """
    root = block = Block()
    at = 0
    while item := ITEM.match(text, at):
        value, at = _value(text, item.end(), name, offset)
        keyword = item[1].upper()
        if keyword in {"PROPERTY", "TASK"}:
            block = Block("GROUP", str(value).upper())
            root.blocks.append(block)
        else:
            block.values.setdefault(keyword, value)
    if text[at:].strip(" \0\t\r\n"):
        raise DataError(f"has {text[at : at + 20]!r} in its label", where=f"{name} at byte {offset + at}", remedy=REMEDY)
    return root


def _value(text: str, at: int, name: str, offset: int) -> tuple[Value, int]:
    if not text.startswith("(", at):
        return _part(text, at, name, offset)
    values: list[Value] = []
    at += 1
    while True:
        value, at = _part(text, at, name, offset)
        values.append(value)
        mark = text[at : at + 1]
        at += 1
        if mark == ")":
            return tuple(values), at
        if mark != ",":
            raise DataError("has a list without an end in its label", where=f"{name} at byte {offset + at}", remedy=REMEDY)


def _part(text: str, at: int, name: str, offset: int) -> tuple[Value, int]:
    part = PART.match(text, at)
    if part is None:
        raise DataError("has an item without a value in its label", where=f"{name} at byte {offset + at}", remedy=REMEDY)
    value = scalar(part[2]) if part[1] is None else part[1].replace("''", "'")
    return value, part.end()


def _front_label(data: bytes, name: str) -> tuple[Block, int]:
    size = _label_size(data, 0)
    if size is None or size > len(data):
        raise DataError("ends within its label, or says no size of it", where=f"{name} at byte 0", remedy=REMEDY)
    return parse_vicar_label(data[:size].decode("latin-1"), name), size


def _label_size(data: bytes, offset: int) -> int | None:
    match = re.compile(rb"LBLSIZE *= *([0-9]{1,7})[ \0]").match(data, offset)
    size = int(match[1]) if match else 0
    return size if match and match.end() - offset <= size <= LONGEST_LABEL else None


def _end_label(data: bytes, offset: int, name: str, gaps: Gaps) -> Block | None:
    """Read the label behind the samples, or nothing if it has not come in full."""
    size = _label_size(data, offset)
    if size is None or offset + size > len(data) or any(start < offset + size and stop > offset for start, stop in gaps):
        return None
    block = parse_vicar_label(data[offset : offset + size].decode("latin-1"), name, offset)
    del block.values["LBLSIZE"]
    return block


def _layout(label: Block, size: int, name: str) -> tuple[Layout, int]:
    """Give the place of the samples, and the byte behind them."""
    type_, itemsize = _type(label, name)
    organisation = _word(label, "ORG", "BSQ")
    lines, samples, bands = (_whole(label, keyword, name, default) for keyword, default in (("NL", 0), ("NS", 0), ("NB", 1)))
    shapes = {"BSQ": (samples, lines, bands), "BIL": (samples, bands, lines), "BIP": (bands, samples, lines)}
    if organisation not in shapes:
        raise DataError(f"is organised as {organisation[:20]!r}", where=f"{name} at byte 0", remedy="BSQ, BIL and BIP are read")
    first, second, third = shapes[organisation]
    if min(first, second, third) < 1:
        raise DataError(f"claims {samples} x {lines} pixels of {bands} bands", where=f"{name} at byte 0", remedy=REMEDY)
    prefix = _whole(label, "NBB", name, 0)
    record = prefix + first * itemsize
    told = _whole(label, "RECSIZE", name, record)
    if told != record:
        raise DataError(f"has records of {told} bytes, where {record} hold a row", where=f"{name} at byte 0", remedy=REMEDY)
    start = size + _whole(label, "NLB", name, 0) * record
    strides = {
        "BSQ": (record, itemsize, record * lines),
        "BIL": (record * bands, itemsize, record),
        "BIP": (record * samples, record, itemsize),
    }
    layout = Layout(offset=start + prefix, lines=lines, samples=samples, bands=bands, type=type_, strides=strides[organisation])
    return layout, start + second * third * record


def _type(label: Block, name: str) -> tuple[str, int]:
    """Give numpy's name of the samples, and their size."""
    if (packing := _word(label, "COMPRESS", "NONE")) != "NONE":
        raise DataError(f"is compressed by {packing[:20]!r}", where=f"{name} at byte 0", remedy="Expand it with VICAR first")
    if (kind := _word(label, "TYPE", "IMAGE")) != "IMAGE":
        raise DataError(f"holds no image but {kind[:20]!r}", where=f"{name} at byte 0", remedy="Only images are read")
    kind = _word(label, "FORMAT", "")
    if kind not in FORMATS:
        raise DataError(f"has samples of format {kind[:20]!r}", where=f"{name} at byte 0", remedy=f"{', '.join(FORMATS)} are read")
    type_, itemsize = FORMATS[kind]
    if itemsize == 1:
        return type_, 1
    # A label that does not say comes from a VAX.
    real = type_[0] == "f"
    order = _word(label, "REALFMT", "VAX") if real else _word(label, "INTFMT", "LOW")
    if real and order == "VAX":
        return VAX_REALS[type_], itemsize
    orders = REAL_ORDERS if real else INTEGER_ORDERS
    if order not in orders:
        raise DataError(f"has numbers in the order {order[:20]!r}", where=f"{name} at byte 0", remedy=f"{', '.join(orders)} are read")
    return orders[order] + type_, itemsize


def _word(label: Block, keyword: str, default: str) -> str:
    return str(label.values.get(keyword, default)).strip().upper() or default


def _whole(label: Block, keyword: str, name: str, default: int) -> int:
    value = label.values.get(keyword, default)
    if not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        raise DataError(f"says {keyword}={str(value)[:40]}", where=f"{name} at byte 0", remedy=REMEDY)
    return value
