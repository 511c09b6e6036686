"""Who flies: `[mission]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipeline.stage import Section
from stages.profile.checks import checked, made

__all__ = ["Mission"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission(Section):
    """Who flies: `[mission]`."""

    NAME: ClassVar[str] = "mission"

    id: str = "generic"
    title: str = "Files without a mission profile"
    spacecraft: str = ""
    credit: str = ""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[mission]` table."""
        del name
        return made(cls, checked(cls, mapping, "mission"), "mission")
