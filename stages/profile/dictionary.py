"""What the channel and event packets hold: `[telemetry]`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, one_of, within

__all__ = ["Dictionary"]

ValueType: TypeAlias = Literal["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
PacketGrammar: TypeAlias = Literal["none", "m2020"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary(Section):
    """The telemetry dictionary: `[telemetry]`."""

    NAME: ClassVar[str] = "telemetry"

    grammar: PacketGrammar = "none"
    """How channel and event packets are built."""
    channel_apids: tuple[int, ...] = ()
    event_apids: tuple[int, ...] = ()
    channels: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Index to {name, type, unit, title}; type is one of u8 i8 u16 i16 u32 i32 u64 i64 f32 f64."""
    events: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Identifier to {name, text, level, arguments}: {0}, {1} ... in the text stand for the arguments, whose types `arguments` lists."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[telemetry]` table; `channels` and `events` may be a file of their own, whose bytes stand here.

        `unnamed` lists the indexes of channels of which only the type is known: {u16 = [1, 2, 3]}.
        """
        del name
        values = dict(mapping)
        loaded = values.pop("dictionary", None)
        if isinstance(loaded, bytes):
            values |= tomllib.loads(loaded.decode())
        unnamed = values.pop("unnamed", {})
        values = checked(cls, values, "telemetry")
        values["channels"] = _numbered(values.get("channels", {}), "telemetry.channels") | _unnamed(unnamed)
        values["events"] = _numbered(values.get("events", {}), "telemetry.events")
        for apids in ("channel_apids", "event_apids"):
            if isinstance(values.get(apids), list):
                values[apids] = tuple(values[apids])
        dictionary = made(cls, values, "telemetry")
        _check(dictionary)
        return dictionary


def _numbered(entries: Any, where: str) -> dict[int, dict[str, Any]]:
    """Read a table of tables whose keys are numbers, decimal or as 0x1F."""
    if not isinstance(entries, Mapping):
        raise ProfileError("must be a table", where=where)
    numbered = {}
    for key, entry in entries.items():
        try:
            number = int(str(key), 0)
        except ValueError:
            raise ProfileError("is a key that is no number", where=f"{where}.{key}") from None
        if not isinstance(entry, Mapping):
            raise ProfileError("must be a table", where=f"{where}.{key}")
        numbered[number] = dict(entry)
    return numbered


def _unnamed(kinds: Any) -> dict[int, dict[str, Any]]:
    where = "telemetry.unnamed"
    if not isinstance(kinds, Mapping):
        raise ProfileError("must be a table", where=where, remedy="Write u16 = [1, 2, 3]")
    channels = {}
    for kind, indexes in kinds.items():
        if not isinstance(indexes, list | tuple):
            raise ProfileError("must be a list of indexes", where=f"{where}.{kind}")
        for index in indexes:
            within(index, 0, 0xFFFF, f"{where}.{kind}")
            channels[index] = {"name": f"channel_{index:04X}", "type": kind}
    return channels


def _check(dictionary: Dictionary) -> None:
    for index, channel in dictionary.channels.items():
        within(index, 0, 0xFFFF, "telemetry.channels")
        one_of(channel.get("type"), ValueType, f"telemetry.channels.{index:#06x}.type")
    for number, event in dictionary.events.items():
        within(number, 0, 0xFFFFFFFF, "telemetry.events")
        for kind in event.get("arguments", ()):
            one_of(kind, ValueType, f"telemetry.events.{number:#010x}.arguments")
    for name, apids in (("channel_apids", dictionary.channel_apids), ("event_apids", dictionary.event_apids)):
        for apid in apids:
            within(apid, 0, 0x7FF, f"telemetry.{name}")
