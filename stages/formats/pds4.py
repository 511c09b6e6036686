"""Images of the PDS4 archives: an XML label beside a file of plain arrays (PDS4 Information Model, Array_2D_Image and Array_3D_Image).

A label from outside may be hostile: document type declarations, and with them entities, are refused, and size, depth and number of
elements are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from pipeline.errors import DataError
from stages.formats.labels import BitPattern, scalar
from stages.formats.layout import Layout

__all__ = ["LONGEST_LABEL", "Element", "is_pds4", "parse_pds4", "pds4_facts", "pds4_layout"]

LONGEST_LABEL = 1 << 22
"""Bytes; the largest of Mars 2020 are a tenth of it."""
DEEPEST = 64
MOST_ELEMENTS = 100_000
LONGEST_TEXT = 1 << 16
REMEDY = "Fetch the label again, or mend it"
ARRAYS = {"Array_2D_Image", "Array_3D_Image"}
TYPES = {
    "UnsignedByte": "u1",
    "SignedByte": "i1",
    **{
        f"{sign}{order}{size}": f"{mark}{kind}{size}"
        for sign, kind in (("Unsigned", "u"), ("Signed", "i"))
        for order, mark in (("MSB", ">"), ("LSB", "<"))
        for size in (2, 4, 8)
    },
    "IEEE754MSBSingle": ">f4",
    "IEEE754LSBSingle": "<f4",
    "IEEE754MSBDouble": ">f8",
    "IEEE754LSBDouble": "<f8",
}
CONSTANTS = ("missing_constant", "invalid_constant", "error_constant", "unknown_constant", "not_applicable_constant")
FACTS = {
    "product": "logical_identifier",
    "version": "version_id",
    "start_time": "start_date_time",
    "stop_time": "stop_date_time",
    "clock_start": "spacecraft_clock_start",
    "clock_stop": "spacecraft_clock_stop",
    "companding": "processing_algorithm",
    "companding_state": "companding_state",
    "compression": "compression_algorithm",
    "exposure": "exposure_duration",
    "bayer_method": "bayer_method",
    "first_line": "first_line",
    "first_sample": "first_sample",
    "target": "target_name",
}
"""Our name to the element's, of whatever discipline's part of the label."""


@dataclass(slots=True)
class Element:
    """An element of a label, its name without the namespace."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """Give this element and all in it, in the order of the label."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> str:
        """Give the text of the first element of that name in this one; empty if there is none."""
        return next((element.text.strip() for element in self.walk() if element.name == name), "")


def is_pds4(head: bytes) -> bool:
    """Say whether a file begins as a PDS4 label of an observation."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and b"<Product_Observational" in head[: 1 << 16]


def parse_pds4(data: bytes, name: str) -> Element:
    """Read a label. Raises DataError, naming the byte, for XML that is broken, hostile or too large."""
    if len(data) > LONGEST_LABEL:
        raise DataError(f"is a label of {len(data)} bytes", where=f"{name} at byte 0", remedy=f"Labels of up to {LONGEST_LABEL} are read")
    builder = _Builder(name)
    try:
        builder.parser.Parse(data, True)
    except DataError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise DataError(f"is no XML label: {error}", where=builder.where, remedy=REMEDY) from error
    if builder.root is None or not builder.root.name.startswith("Product_"):
        raise DataError("is no PDS4 label", where=f"{name} at byte 0", remedy=REMEDY)
    return builder.root


class _Builder:
    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Element | None = None
        self.open: list[Element] = []
        self.count = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse

    @property
    def where(self) -> str:
        return f"{self.name} at byte {max(self.parser.CurrentByteIndex, 0)}"

    def refuse(self, *_: object) -> None:
        raise DataError("is XML with a document type or entities, which no label needs", where=self.where, remedy="Do not trust its source")

    def start(self, name: str, _: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) >= DEEPEST or self.count > MOST_ELEMENTS:
            raise DataError(
                f"is XML of more than {DEEPEST} levels or {MOST_ELEMENTS} elements", where=self.where, remedy="Do not trust its source"
            )
        element = Element(name.rpartition(":")[2])
        if self.open:
            self.open[-1].children.append(element)
        elif self.root is None:
            self.root = element
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def characters(self, text: str) -> None:
        if self.open and len(self.open[-1].text) < LONGEST_TEXT:
            self.open[-1].text += text


def pds4_layout(label: Element, name: str) -> tuple[Layout, str]:
    """Give the place of a label's first image, and the name of the file that it is in.

    Raises DataError for a label without an image, and for one that says what cannot be.
    """
    for area in label.walk():
        arrays = [child for child in area.children if child.name in ARRAYS] if area.name.startswith("File_Area") else []
        if arrays:
            return _array_layout(arrays[0], name), area.find("file_name")
    raise DataError("has a label without an image", where=f"{name} at byte 0", remedy="Array_2D_Image and Array_3D_Image are read")


def _array_layout(array: Element, name: str) -> Layout:
    told = array.find("data_type")
    if told not in TYPES:
        raise DataError(f"holds samples of type {told[:40]!r}", where=f"{name} at byte 0", remedy="Whole and IEEE numbers are read")
    if array.find("axis_index_order") not in {"", "Last Index Fastest"}:
        raise DataError("orders its axes otherwise than the standard", where=f"{name} at byte 0", remedy=REMEDY)
    axes = sorted((_axis(axis, name) for axis in array.children if axis.name == "Axis_Array"), key=lambda axis: axis[0])
    lengths = {axis: length for _, axis, length in axes}
    if len(lengths) != len(axes) or {"Line", "Sample"} - set(lengths) or set(lengths) - {"Line", "Sample", "Band"}:
        raise DataError(f"has the axes {', '.join(lengths)[:60]}", where=f"{name} at byte 0", remedy="Line, Sample and Band are read")
    step = int(TYPES[told][-1])
    strides: dict[str, int] = {"Band": step}
    for _, axis, length in reversed(axes):
        strides[axis] = step
        step *= length
    constants = next((child for child in array.children if child.name == "Special_Constants"), Element(""))
    layout = Layout(
        offset=_whole(array.find("offset") or "0", name),
        lines=lengths["Line"],
        samples=lengths["Sample"],
        bands=lengths.get("Band", 1),
        type=TYPES[told],
        strides=(strides["Line"], strides["Sample"], strides["Band"]),
        bits=_bits(array.find("sample_bit_mask") or array.find("sample_bits")),
    )
    return layout.without(_constant(constants.find(constant)) for constant in CONSTANTS)


def _axis(axis: Element, name: str) -> tuple[int, str, int]:
    return _whole(axis.find("sequence_number"), name), axis.find("axis_name")[:40], max(1, _whole(axis.find("elements"), name))


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise DataError(f"says {text[:40]!r} where a whole number belongs", where=f"{name} at byte 0", remedy=REMEDY)
    return int(text)


def _bits(text: str) -> int:
    text = text.strip()
    if text.startswith("2#") and set(text.strip("2#")) <= {"0", "1"}:
        return len(text[2:].strip("#").lstrip("0"))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 and int(text) <= 16 else 0


def _constant(text: str) -> object:
    """Read a special constant: a number, or bits as 16#FF7FFFFB# or 0xFF7FFFFB."""
    if text[:2].lower() == "0x":
        try:
            return BitPattern(int(text[2:34], 16))
        except ValueError:
            return text
    return scalar(text)


def pds4_facts(label: Element) -> dict[str, Any]:
    """Give the facts of a label: `label` with those of FACTS that it has, `lossless`, and `cfa` where it names a colour filter."""
    facts: dict[str, Any] = {ours: text[:200] for ours, theirs in FACTS.items() if (text := label.find(theirs))}
    for part in label.walk():
        if part.name == "Observing_System_Component" and part.find("type") in {"Instrument", "Host", "Spacecraft"}:
            facts.setdefault("instrument" if part.find("type") == "Instrument" else "spacecraft", part.find("name")[:200])
    lossy = label.find("compression_type").lower() == "lossy"
    meta: dict[str, Any] = {"label": facts, "lossless": not lossy}
    pattern = label.find("color_filter_array_type").upper().replace("BAYER_", "").replace("BAYER ", "")
    if pattern in {"RGGB", "GRBG", "GBRG", "BGGR"} and label.find("color_filter_array_state") in {"", "Encoded", "None", "No CFA"}:
        meta["cfa"] = pattern
    return meta
