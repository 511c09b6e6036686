"""How the spacecraft sends files: `[files]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.stage import Section
from stages.profile.checks import checked, one_of, within

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
        apids: list[int] = []
        for item in values.get("apids", ()):
            apids.extend(range(item[0], item[1] + 1) if isinstance(item, list) else [item])
        one_of(values.get("protocol", "none"), FileTransfer, "files.protocol")
        within(values.get("largest", 1), 1, 1 << 40, "files.largest")
        return cls(**(values | {"apids": tuple(apids)}))
