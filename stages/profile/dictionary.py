"""What the channel and event packets hold: `[telemetry]`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, one_of, within

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
        one_of(values.get("grammar", "none"), PacketGrammar, "telemetry.grammar")
        for table in ("channels", "events"):
            try:
                values[table] = {int(str(key), 0): dict(entry) for key, entry in values.get(table, {}).items()}
            except ValueError as error:
                raise ProfileError(f"has a key that is not a number: {error}", where=f"telemetry.{table}") from None
        for kind, indexes in unnamed.items():
            values["channels"] |= {index: {"name": f"channel_{index:04X}", "type": kind} for index in indexes}
        for index, channel in values["channels"].items():
            within(index, 0, 0xFFFF, "telemetry.channels")
            one_of(channel.get("type"), ValueType, f"telemetry.channels.{index:#06x}.type")
        for number, event in values["events"].items():
            for kind in event.get("arguments", ()):
                one_of(kind, ValueType, f"telemetry.events.{number:#010x}.arguments")
        for apids in ("channel_apids", "event_apids"):
            values[apids] = tuple(values.get(apids, ()))
        return cls(**values)
