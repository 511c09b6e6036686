"""The tables of the whole downlink: each packet once, with names, units, messages and UTC."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stages.products.telemetry import CHANNEL_DTYPE, EVENT_DTYPE
from stages.profile import Clock, Dictionary

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["message", "tabulate_channels", "tabulate_events"]

Table: TypeAlias = NDArray[Any]


def tabulate_channels(tables: Iterable[Table], clock: Clock, dictionary: Dictionary) -> pa.Table:
    """Make the table of channel values.

    tables  CHANNEL_DTYPE of each chunk, in key order

    A packet that came in several passes counts once: APID, sequence count, clock and channel tell a value; of unequal ones the first in
    key order holds. Columns clock (ticks), utc, channel, name, value, unit, apid, sequence; by clock and channel.
    """
    import pyarrow as pa

    rows = once(np.concatenate([np.zeros(0, CHANNEL_DTYPE), *tables]), ("clock", "channel", "apid", "sequence"))
    numbers, which = np.unique(rows["channel"], return_inverse=True)
    known = [dictionary.channels.get(number, {}) for number in numbers.tolist()]
    names = [str(entry.get("name", f"channel_{number:04X}")) for entry, number in zip(known, numbers.tolist(), strict=True)]
    return pa.table(
        {
            "clock": pa.array(rows["clock"]),
            "utc": moments(rows["clock"], clock),
            "channel": pa.array(rows["channel"]),
            "name": words(which, names),
            "value": pa.array(rows["value"]),
            "unit": words(which, [str(entry.get("unit", "")) for entry in known]),
            "apid": pa.array(rows["apid"]),
            "sequence": pa.array(rows["sequence"]),
        }
    )


def tabulate_events(tables: Iterable[Table], clock: Clock, dictionary: Dictionary) -> pa.Table:
    """Make the table of event reports.

    tables  EVENT_DTYPE of each chunk, in key order

    Each packet counts once, as with channels. Columns clock (ticks), utc, event, name, message, level, task, counter, apid, sequence;
    by clock and counter. An event that the dictionary has not is named after its number, and its arguments are the message.
    """
    import pyarrow as pa

    rows = once(np.concatenate([np.zeros(0, EVENT_DTYPE), *tables]), ("clock", "counter", "apid", "sequence", "event"))
    numbers, which = np.unique(rows["event"], return_inverse=True)
    known = [dictionary.events.get(number, {}) for number in numbers.tolist()]
    names = [str(entry.get("name", f"event_{number:08X}")) for entry, number in zip(known, numbers.tolist(), strict=True)]
    messages = [message(known[at], arguments) for at, arguments in zip(which.tolist(), rows["arguments"].tolist(), strict=True)]
    return pa.table(
        {
            "clock": pa.array(rows["clock"]),
            "utc": moments(rows["clock"], clock),
            "event": pa.array(rows["event"]),
            "name": words(which, names),
            "message": pa.array(messages, pa.string()),
            "level": words(which, [str(entry.get("level", "")) for entry in known]),
            "task": pa.array([task.decode("ascii", "replace") for task in rows["task"].tolist()], pa.string()),
            "counter": pa.array(rows["counter"]),
            "apid": pa.array(rows["apid"]),
            "sequence": pa.array(rows["sequence"]),
        }
    )


def once(rows: Table, identity: tuple[str, ...]) -> Table:
    """Sort by these fields, the first of them leading, and keep the first of equal rows."""
    rows = rows[np.lexsort([rows[field] for field in reversed(identity)])]
    new = np.ones(len(rows), np.bool_)
    new[1:] = np.logical_or.reduce([rows[field][1:] != rows[field][:-1] for field in identity])
    return rows[new]


def moments(ticks: NDArray[np.int64], clock: Clock) -> pa.Array:
    """UTC to the microsecond; null where the clock is not known."""
    import pyarrow as pa

    return pa.array(clock.utc_of_ticks(ticks), pa.timestamp("us", tz="UTC"))


def words(which: NDArray[np.intp], values: list[str]) -> pa.DictionaryArray:
    """A column of few different texts."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(which.astype(np.int32), pa.array(values, pa.string()))


def message(entry: Mapping[str, Any], arguments: bytes) -> str:
    """Put the arguments in the places of an event's text; without a text, they are the message."""
    values = json.loads(arguments or b"[]")
    if "text" not in entry:
        return ", ".join(str(value) for value in values)
    return re.sub(r"\{(\d{1,2})\}", lambda place: str(values[int(place[1])]) if int(place[1]) < len(values) else "?", str(entry["text"]))
