"""Who flies: `[mission]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, tables

__all__ = ["Mission", "PassNote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassNote:
    """What a reader must know of some passes: `[[mission.notes]]`."""

    passes: str
    """Regular expression that their names match in full."""
    text: str
    credit: str = ""
    """Of what came in them, in place of the mission's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission(Section):
    """Who flies: `[mission]`."""

    NAME: ClassVar[str] = "mission"

    id: str = "generic"
    title: str = "Files without a mission profile"
    spacecraft: str = ""
    credit: str = ""
    notes: tuple[PassNote, ...] = ()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[mission]` table."""
        del name
        values = checked(cls, mapping, "mission")
        notes = []
        for number, table in enumerate(tables(values.pop("notes", ()), "mission.notes")):
            where = f"mission.notes[{number}]"
            note = checked(PassNote, table, where)
            for key in ("passes", "text"):
                if key not in note:
                    raise ProfileError("is missing", where=f"{where}.{key}")
            notes.append(made(PassNote, note, where))
            try:
                re.compile(notes[-1].passes)
            except re.error as error:
                raise ProfileError(f"is no regular expression: {error}", where=f"{where}.passes") from None
        return made(cls, values | {"notes": tuple(notes)}, "mission")
