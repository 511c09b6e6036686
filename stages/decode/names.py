"""Who a file is, from its name and from what the spacecraft said of it."""

from __future__ import annotations

import functools
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.product import safe_value
from stages.profile import NameRule, Names

__all__ = ["Identity", "frame_in", "identify", "product_name"]

IMAGES, SOUNDS = "IMAGES", "SOUNDS"
"""Camera and microphone of files whose names say none."""
LONGEST = 255
"""Characters of a name; matching a pattern against one from a hostile file must stay cheap."""
LONGEST_FRAME = 80
"""Characters of a name that stands for its frame: with edition and file it makes up a mosaic's file name, of at most 255."""
FRAME_DIGITS = 7
"""Frame numbers are padded to this, so that the names of any two products of a frame agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a name says; empty or None where it says nothing."""

    name: str
    """The product's, without path and extension."""
    known: bool
    """A rule of the profile matches."""
    camera: str
    microphone: str
    frame: str
    """The flight's number, zero-padded, else the name, in full up to 80 characters; fit for a key."""
    number: int | None = None
    """The flight's number of the frame, if there is one."""
    edition: str = ""
    kind: str = ""
    """mosaic or colour."""
    clock: float | None = None
    """Clock seconds of acquisition."""


def identify(name: str, names: Names, meta: Mapping[str, Any] | None = None) -> Identity:
    """Read a file's name by the profile's rules, of which the first that matches holds.

    meta  what the spacecraft said of the file: `clock` (seconds) holds over the name's, `frame` (a whole number) too

    A name that no rule matches is a frame of the camera IMAGES, or a block of the microphone SOUNDS.
    """
    stem = product_name(name)
    rule, groups = _match(stem, names)
    instrument = groups.get("instrument", "").upper()
    number = _number(groups.get(rule.frame, "")) if rule else None
    told = _told(meta or {})
    number = told.get("frame", number)
    return Identity(
        name=stem,
        known=rule is not None,
        camera=safe_value(names.cameras.get(instrument, instrument) or IMAGES),
        microphone=safe_value(names.microphones.get(instrument, instrument) or SOUNDS),
        frame=_frame(stem) if number is None else f"{number:0{FRAME_DIGITS}d}",
        number=number,
        edition=_edition(groups, names),
        kind=names.colours.get(groups.get("type", "").upper(), ""),
        clock=told.get("clock", _clock(rule, groups) if rule else None),
    )


def frame_in(identity: Identity, place: int) -> str:
    """Name a frame of a video: the number of the first and its place in it, else the video's name and the place."""
    if identity.number is not None:
        return f"{identity.number + place:0{FRAME_DIGITS}d}"
    return f"{_frame(identity.name, LONGEST_FRAME - FRAME_DIGITS - 1)}-{place:0{FRAME_DIGITS}d}"


def _frame(stem: str, longest: int = LONGEST_FRAME) -> str:
    """Let the name stand for the frame; of a very long one the beginning, and a digest that keeps it apart."""
    whole = safe_value(stem)
    if len(whole) <= longest:
        return whole
    digest = hashlib.sha256(stem.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{whole[: longest - 9]}~{digest}"


def product_name(name: str) -> str:
    """Take off folders, and an extension that begins with a letter: `.0001` is part of a name."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,3}$", "", last) or "unnamed"


def _match(stem: str, names: Names) -> tuple[NameRule | None, dict[str, str]]:
    for rule in names.rules if len(stem) <= LONGEST else ():
        match = _compiled(rule.pattern).fullmatch(stem)
        if match:
            groups = {name: value for name, value in match.groupdict().items() if value is not None}
            if all(_allowed(groups.get(group, ""), allowed) for group, allowed in rule.when.items()):
                return rule, groups
    return None, {}


@functools.lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _allowed(value: str, allowed: tuple[str, ...]) -> bool:
    """Say whether a value is one of those, or a number in one of their ranges `low..high`."""
    for choice in allowed:
        low, dots, high = choice.partition("..")
        number = _number(value)
        if dots and number is not None and int(low) <= number <= int(high):
            return True
        if value.upper() == choice.upper():
            return True
    return False


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _edition(groups: Mapping[str, str], names: Names) -> str:
    for row in names.editions if groups else ():
        conditions = {group: pattern for group, pattern in row.items() if group != "edition"}
        if all(re.fullmatch(pattern, groups.get(group, ""), re.IGNORECASE) for group, pattern in conditions.items()):
            return row["edition"]
    return ""


def _clock(rule: NameRule, groups: Mapping[str, str]) -> float | None:
    seconds, milliseconds = (_number(groups.get(group, "")) for group in rule.clock)
    return None if seconds is None else seconds + (milliseconds or 0) / 1000


def _told(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of the spacecraft's own record what is sound."""
    told: dict[str, Any] = {}
    clock, frame = meta.get("clock"), meta.get("frame")
    if isinstance(clock, (int, float)) and not isinstance(clock, bool) and math.isfinite(clock) and clock >= 0:
        told["clock"] = float(clock)
    if isinstance(frame, int) and not isinstance(frame, bool) and 0 <= frame < 10**18:
        told["frame"] = frame
    return told
