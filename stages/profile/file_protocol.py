"""How the spacecraft sends files: `[files]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, within

__all__ = ["FileProtocol"]

FileTransfer: TypeAlias = Literal["none", "m2020-dp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProtocol(Section):
    """How the spacecraft sends files: `[files]`."""

    NAME: ClassVar[str] = "files"

    protocol: FileTransfer = "none"
    apids: tuple[int, ...] = ()
    """Packets of these are parts of files."""
    largest: int = 1 << 30
    """Bytes; a part that would make a file larger is refused."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[files]` table."""
        del name
        values = checked(cls, mapping, "files")
        if "apids" in values:
            values["apids"] = _apids(values["apids"])
        protocol = made(cls, values, "files")
        within(protocol.largest, 1, 1 << 40, "files.largest")
        return protocol


def _apids(items: Any) -> tuple[int, ...]:
    """Read numbers, and pairs of the first and the last."""
    if not isinstance(items, list | tuple):
        raise ProfileError("must be a list", where="files.apids", remedy="Write apids = [247, [80, 95]]")
    apids: list[int] = []
    for item in items:
        ends = item if isinstance(item, list) and len(item) == 2 else [item, item]
        for end in ends:
            within(end, 0, 0x7FF, "files.apids")
        if not all(isinstance(end, int) for end in ends):
            raise ProfileError(f"{item!r} is not a whole number", where="files.apids")
        apids.extend(range(ends[0], ends[1] + 1))
    return tuple(apids)
