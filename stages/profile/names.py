"""What the file names of a mission say: `[names]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, one_of, tables

__all__ = ["NameRule", "Names"]

Edition: TypeAlias = Literal["thumbnail", "jpeg", "video", "lossless"]


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
        rules = tables(values.get("rules", ()), "names.rules")
        values["rules"] = tuple(_rule(table, f"names.rules[{number}]") for number, table in enumerate(rules))
        values["editions"] = tuple(tables(values.get("editions", ()), "names.editions"))
        names = made(cls, values, "names")
        for number, edition in enumerate(names.editions):
            at = f"names.editions[{number}]"
            if "edition" not in edition:
                raise ProfileError("names no edition", where=at, remedy="Add edition = thumbnail, jpeg, video or lossless")
            one_of(edition["edition"], Edition, f"{at}.edition")
            for group, pattern in edition.items():
                _compiled(pattern, f"{at}.{group}")
        return names


def _rule(table: Mapping[str, Any], where: str) -> NameRule:
    rule = checked(NameRule, table, where)
    if "pattern" not in rule:
        raise ProfileError("is missing", where=f"{where}.pattern")
    groups = _compiled(rule["pattern"], f"{where}.pattern").groupindex
    if isinstance(rule.get("when", {}), Mapping):
        conditions = rule.get("when", {}).items()
        rule["when"] = {group: tuple(allowed) if isinstance(allowed, list) else (allowed,) for group, allowed in conditions}
    if isinstance(rule.get("clock"), list):
        rule["clock"] = tuple(rule["clock"])
    made_rule = made(NameRule, rule, where)
    for key, named in (("when", made_rule.when), ("frame", [made_rule.frame]), ("clock", made_rule.clock)):
        for group in named:
            if group and group not in groups:
                raise ProfileError(
                    f"the pattern has no group {group!r}", where=f"{where}.{key}", remedy=f"It has {', '.join(groups) or 'none'}"
                )
    return made_rule


def _compiled(pattern: object, where: str) -> re.Pattern[str]:
    if not isinstance(pattern, str):
        raise ProfileError(f"{pattern!r} is not a text", where=where)
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ProfileError(f"is not a regular expression: {error}", where=where) from None
