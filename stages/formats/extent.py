"""How large a picture is, from the beginning of its file: whoever lays pictures out need not decode them first."""

from __future__ import annotations

import struct
from pathlib import Path

from stages.formats.jpeg_markers import FRAMES, STANDALONE

__all__ = ["read_extent"]

HEAD = 1 << 16
WIDTH, HEIGHT = 256, 257
"""Tags of TIFF 6.0, section 3."""
INTEGERS = {3: "H", 4: "I"}
"""Types SHORT and LONG (section 2)."""


def read_extent(path: Path) -> tuple[int, int] | None:
    """Give (height, width) as the header of a PNG, JPEG or TIFF file claims; None for others, and where it is not found at once."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
            if head[:4] in {b"II*\0", b"MM\0*"} and len(head) >= 8:
                order = "<" if head[:1] == b"I" else ">"
                stream.seek(struct.unpack_from(f"{order}I", head, 4)[0])
                found = _of_directory(stream.read(2 + 12 * 64), order)
            elif head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR" and len(head) >= 24:
                width, height = struct.unpack_from(">II", head, 16)
                found = height, width
            else:
                found = _of_frame(head) if head[:3] == b"\xff\xd8\xff" else None
    except OSError:
        return None
    return found if found and min(found) > 0 else None


def _of_frame(head: bytes) -> tuple[int, int] | None:
    """Go from segment to segment of a JPEG file up to the frame's (ITU-T T.81 B.2.2)."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return height, width
        if marker == 0xFF:
            at += 1
        elif marker in STANDALONE:
            at += 2
        else:
            at += 2 + max(2, struct.unpack_from(">H", head, at + 2)[0])
    return None


def _of_directory(data: bytes, order: str) -> tuple[int, int] | None:
    """Read the tags of a TIFF file's first page."""
    found: dict[int, int] = {}
    for at in range(2, len(data) - 11, 12):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, at)
        if tag in {WIDTH, HEIGHT} and kind in INTEGERS and count == 1:
            found[tag] = struct.unpack_from(f"{order}{INTEGERS[kind]}", data, at + 8)[0]
    return (found[HEIGHT], found[WIDTH]) if len(found) == 2 else None
