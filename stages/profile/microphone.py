"""A microphone: `[microphone.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipeline.stage import Section
from stages.profile.checks import checked, made

__all__ = ["Microphone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Microphone(Section):
    """One microphone."""

    NAME: ClassVar[str] = "microphone"
    KEY: ClassVar[tuple[str, ...]] = ("microphone",)

    name: str = ""
    title: str = ""
    start: float | None = None
    """Clock seconds of the recording's first sample, where blocks carry times; None begins with the first block."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read a `[microphone.NAME]` table."""
        where = f"microphone.{name}"
        return made(cls, {**checked(cls, mapping, where), "name": name}, where)
