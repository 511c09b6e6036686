"""Pictures of the planetary archives, by what is in the file and by the label beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps
from stages.formats.layout import Layout, read_layout
from stages.formats.raster import Raster

__all__ = [
    "Described",
    "LabelText",
    "archive_format",
    "described_by",
    "is_label_alone",
    "label_beside",
    "read_archive",
    "read_beside",
    "read_label",
]

ODL = re.compile(rb"[\s\0]*(?:CCSD3ZF[0-9A-Z]+\s+)?(?:PDS_VERSION_ID|ODL_VERSION_ID)\s*=")
ATTACHED = re.compile(rb"\^IMAGE\s*=\s*[0-9]")
HEAD = 1 << 16
"""Bytes in which a label's pointers stand."""
SUFFIXES = (".xml", ".XML", ".lbl", ".LBL")
"""Of labels in files of their own."""
LONGEST_LABEL = 1 << 22
REMEDY = "Keep the label and its file in one folder, under the names that the archive gave them"


class Described(NamedTuple):
    """What a label in a file of its own says."""

    file: str
    """Name of the file that holds the samples."""
    layout: Layout
    meta: Mapping[str, Any]
    """For the picture's `Raster.meta`, JSON values."""


def archive_format(head: bytes) -> str | None:
    """Name the archive format of a picture that holds its own label: "vicar" or "pds3"; None for all else, labels alone included."""
    if head.startswith(b"LBLSIZE="):
        return "vicar"
    return "pds3" if ODL.match(head) and ATTACHED.search(head, 0, HEAD) else None


def is_label_alone(head: bytes) -> bool:
    """Say whether a file begins as a PDS3 or PDS4 label that holds no picture itself."""
    from stages.formats.pds4 import is_pds4

    return is_pds4(head) or (ODL.match(head) is not None and archive_format(head) is None)


def read_archive(data: bytes, name: str, gaps: Gaps, kind: str) -> Raster:
    """Read a picture of a format that `archive_format` names. Raises DataError, naming the byte, for what cannot be read."""
    if kind == "vicar":
        from stages.formats.vicar import read_vicar

        return read_vicar(data, name, gaps)
    from stages.formats.hirise import is_channel, read_hirise
    from stages.formats.pds3 import parse_attached, read_pds3

    if is_channel(parse_attached(data, name, gaps)):
        return read_hirise(data, name, gaps)
    return read_pds3(data, name, gaps)


def described_by(data: bytes, name: str) -> Described | None:
    """Read a label that stands in a file of its own; None if it is no such label.

    Raises DataError for a label that is broken, that describes no picture, or that names a file of another folder.
    """
    from stages.formats.pds4 import is_pds4

    if is_pds4(data):
        described = _of_pds4(data, name)
    elif ODL.match(data) and archive_format(data) is None:
        described = _of_pds3(data, name)
    else:
        return None
    if not described.file or Path(described.file).name != described.file or "\\" in described.file or described.file.startswith("."):
        raise DataError(f"is a label that names the file {described.file[:60]!r}", where=f"{name} at byte 0", remedy=REMEDY)
    described.layout.check(name)
    return described


def _of_pds4(data: bytes, name: str) -> Described:
    from stages.formats.pds4 import parse_pds4, pds4_facts, pds4_layout

    label = parse_pds4(data, name)
    layout, file = pds4_layout(label, name)
    return Described(file, layout, {"format": "pds4"} | pds4_facts(label))


def _of_pds3(data: bytes, name: str) -> Described:
    from stages.formats.label_facts import label_facts
    from stages.formats.pds3 import describe, parse_attached

    label = parse_attached(data, name)
    layout, file = describe(label, name)
    return Described(file, layout, {"format": "pds3"} | label_facts(label))


class LabelText(NamedTuple):
    """What a label says of files beside it, pictures or not."""

    files: tuple[str, ...]
    meta: Mapping[str, Any]
    """label, lossless, cfa as in `Raster.meta`, and `layout` where plain samples stand."""


def read_label(data: bytes, name: str) -> LabelText:
    """Read a PDS3 or PDS4 label for the files that it names. Raises DataError for what is none, is broken, or names no file."""
    from stages.formats.label_facts import label_facts
    from stages.formats.pds3 import parse_attached
    from stages.formats.pds4 import is_pds4, parse_pds4, pds4_facts

    if is_pds4(data):
        xml = parse_pds4(data, name)
        files = [element.text.strip() for element in xml.walk() if element.name == "file_name"]
        meta = {"format": "pds4"} | pds4_facts(xml)
    elif ODL.match(data):
        label = parse_attached(data, name)
        pointers = [value for block in label.walk() for key, value in block.values.items() if key.startswith("^") or key == "FILE_NAME"]
        files = [str(first) for value in pointers if isinstance(first := value[0] if isinstance(value, tuple) and value else value, str)]
        meta = {"format": "pds3"} | label_facts(label)
    else:
        raise DataError("is no label of a known kind", where=f"{name} at byte 0", remedy="PDS3, PDS4 and JSON are read")
    files = sorted({file for file in files if Path(file).name == file and "\\" not in file and not file.startswith(".")})
    if not files:
        raise DataError("is a label that names no file beside it", where=f"{name} at byte 0", remedy=REMEDY)
    try:
        described = described_by(data, name)
    except DataError:
        described = None
    if described is not None:
        meta["layout"] = described.layout.to_mapping()
        files = [described.file]
    return LabelText(tuple(files), meta)


def label_beside(path: Path) -> Described | None:
    """Find the label of a file that holds none: of the same name, beside it, and naming it. Broken labels count as none."""
    for suffix in SUFFIXES:
        label = path.with_suffix(suffix)
        if label == path or not label.is_file() or label.stat().st_size > LONGEST_LABEL:
            continue
        try:
            described = described_by(label.read_bytes(), str(label))
        except DataError:
            continue
        if described is not None and described.file.casefold() == path.name.casefold():
            return described
    return None


def read_beside(path: Path, data: bytes) -> Raster | None:
    """Read a picture whose label is another file: `path` is either of the two. None if there is no such pair.

    Raises DataError if the label's file is not beside it, or cannot be read.
    """
    described = described_by(data[:LONGEST_LABEL], str(path))
    if described is None:
        described = label_beside(path)
    else:
        path = _beside(path, described.file)
        data = path.read_bytes()
    return None if described is None else read_layout(data, described.layout, str(path), (), described.meta)


def _beside(label: Path, file: str) -> Path:
    """Find a file in the label's folder; archives differ in the case of names."""
    if (path := label.with_name(file)).is_file():
        return path
    for path in sorted(label.parent.iterdir()):
        if path.name.casefold() == file.casefold() and path.is_file():
            return path
    raise DataError(f"is the label of {file}, which is not beside it", where=f"{label} at byte 0", remedy=REMEDY)
