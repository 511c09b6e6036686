"""What the file names of a mission say: `[names]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked

__all__ = ["NameRule", "Names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """One form of a product's file name."""

    pattern: str
    """Regular expression with named groups, matched without regard to case against the name without extension."""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further conditions: a group's value must be one of these (case ignored), or a number in "low..high"."""
    frame: str = ""
    """Group that holds the frame number; empty: the whole name is the frame."""
    clock: tuple[str, str] = ("", "")
    """Groups of seconds and milliseconds, if the name's time is the time of acquisition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names(Section):
    """What the mission's file names say: `[names]`."""

    NAME: ClassVar[str] = "names"

    rules: tuple[NameRule, ...] = ()
    """The first that matches holds."""
    cameras: Mapping[str, str] = field(default_factory=dict)
    """Value of the group `instrument` (upper case) to camera."""
    microphones: Mapping[str, str] = field(default_factory=dict)
    editions: tuple[Mapping[str, str], ...] = ()
    """Group to regular expression, all of which must match fully; `edition` names the result; the first that matches holds."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Value of the group `type` to what its samples are: "mosaic" or "colour". Without one, the bands of the image decide."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[names]` table."""
        del name
        values = checked(cls, mapping, "names")
        rules = []
        for number, table in enumerate(values.get("rules", ())):
            at = f"names.rules[{number}]"
            rule = checked(NameRule, table, at)
            try:
                re.compile(rule.get("pattern", ""))
            except re.error as error:
                raise ProfileError(f"is not a regular expression: {error}", where=f"{at}.pattern") from None
            rule["when"] = {
                group: (allowed,) if isinstance(allowed, str) else tuple(allowed) for group, allowed in rule.get("when", {}).items()
            }
            rule["clock"] = tuple(rule.get("clock", ("", "")))
            rules.append(NameRule(**rule))
        values["rules"] = tuple(rules)
        values["editions"] = tuple(values.get("editions", ()))
        return cls(**values)
