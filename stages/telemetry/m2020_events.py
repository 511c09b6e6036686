"""Event report packets of Mars 2020.

Six octets of the reporting task's name, filled up with zeros; u32 event; u32 counter of its class; u32 counter of all reports; u8 number of
arguments; for each u8 size and as many octets, big-endian. Size 0 stands before a string: u8 length and as many characters.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stages.products.telemetry import EVENT_DTYPE
from stages.profile import Dictionary
from stages.telemetry.m2020_packets import BODY, choose_packets

__all__ = ["read_event", "read_events"]

Bytes: TypeAlias = NDArray[np.uint8]
Table: TypeAlias = NDArray[Any]
Argument: TypeAlias = int | float | str

HEAD = struct.Struct(">6sIIIB")
FORMATS = {
    "u8": ">B", "i8": ">b", "u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q", "f32": ">f", "f64": ">d",
}  # fmt: skip
LONGEST = EVENT_DTYPE["arguments"].itemsize


def read_events(data: Bytes, table: Table, dictionary: Dictionary) -> tuple[Table, int]:
    """Read all event packets.

    Returns (n,) EVENT_DTYPE in the order received, and how many packets end before their report does.
    """
    packets, ticks, refused = choose_packets(data, table, dictionary.event_apids)
    rows = []
    for row, clock in zip(packets, ticks.tolist(), strict=True):
        body = data[row["offset"] + BODY : row["offset"] + row["length"]].tobytes()
        report = read_event(body, dictionary.events)
        if report is not None:
            event, counter, task, arguments = report
            rows.append((clock, row["apid"], row["sequence"], event, counter, task, as_json(arguments)))
    return np.array(rows, EVENT_DTYPE), refused + len(packets) - len(rows)


def read_event(body: bytes, events: Mapping[int, Mapping[str, Any]]) -> tuple[int, int, bytes, list[Argument]] | None:
    """Read one report; return event, counter, task and arguments, None if the packet ends before it does.

    events  says of which types an event's arguments are; a number without a type is taken as unsigned
    """
    if len(body) < HEAD.size:
        return None
    task, event, _, counter, number = HEAD.unpack_from(body)
    types = events.get(event, {}).get("arguments", ())
    arguments: list[Argument] = []
    at = HEAD.size
    for place in range(number):
        text = body[at : at + 1] == b"\0"
        at += text
        if at >= len(body) or at + 1 + body[at] > len(body):
            return None
        octets = body[at + 1 : at + 1 + body[at]]
        at += 1 + len(octets)
        arguments.append(octets.decode("ascii", "replace") if text else as_number(octets, types[place : place + 1]))
    return event, counter, task.rstrip(b"\0"), arguments


def as_number(octets: bytes, types: Sequence[str]) -> Argument:
    """Read a number of this type, of an unsigned one if none is given or its size is another."""
    kind = types[0] if types and struct.calcsize(FORMATS[types[0]]) == len(octets) else ""
    if not kind:
        return int.from_bytes(octets, "big")
    value: float = struct.unpack(FORMATS[kind], octets)[0]
    if kind[0] != "f":
        return int(value)
    if not math.isfinite(value):
        return str(value)
    # The shortest decimal that gives the same 32 bits again: 1.8, not 1.7999999523162842.
    return float(str(np.float32(value))) if kind == "f32" else value


def as_json(arguments: list[Argument]) -> bytes:
    """Write a JSON list; where it would not fit, texts are cut and then arguments left out."""
    arguments = list(arguments)
    while len(text := json.dumps(arguments).encode()) > LONGEST:
        longest = max(range(len(arguments)), key=lambda place: len(json.dumps(arguments[place])))
        value = arguments[longest]
        if isinstance(value, str) and len(value) > 8:
            arguments[longest] = value[: len(value) // 2].rstrip(".") + "..."
        else:
            arguments.pop()
    return text
