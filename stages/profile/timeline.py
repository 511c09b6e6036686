"""What happened when: `[timeline]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, tables, within

__all__ = ["Timeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Section):
    """What happened when: `[timeline]`."""

    NAME: ClassVar[str] = "timeline"

    zero: float | None = None
    """Clock seconds of the moment that times are counted from."""
    zero_name: str = ""
    events: tuple[Mapping[str, Any], ...] = ()
    """Each {clock, name, title}, in order."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[timeline]` table."""
        del name
        values = checked(cls, mapping, "timeline")
        events = tables(values.get("events", ()), "timeline.events")
        for number, event in enumerate(events):
            within(event.get("clock"), -1e12, 1e12, f"timeline.events[{number}].clock")
            for key in ("name", "title"):
                if not isinstance(event.get(key, ""), str):
                    raise ProfileError(f"{event[key]!r} is not a text", where=f"timeline.events[{number}].{key}")
        values["events"] = tuple(sorted(events, key=lambda event: float(event["clock"])))
        return made(cls, values, "timeline")

    def since_zero(self, seconds: float | None) -> str:
        """Give a clock reading as time since zero: T+254.37 s, T-1:02:03, T+3 d 04:05; empty if either is unknown."""
        if seconds is None or self.zero is None:
            return ""
        apart = round(seconds - self.zero, 2)
        sign, apart = ("-" if apart < 0 else "+"), abs(apart)
        if apart < 1000:
            return f"T{sign}{apart:.2f} s"
        minutes, second = divmod(int(apart), 60)
        if apart < 86400:
            return f"T{sign}{minutes // 60}:{minutes % 60:02d}:{second:02d}"
        return f"T{sign}{minutes // 1440} d {minutes // 60 % 24:02d}:{minutes % 60:02d}"
