"""What the spacecraft says of itself on the way down: channel values every second or half second, and event reports."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from sample_data.sensor import generator
from sample_data.timeline import (
    BACKSHELL,
    BRIDLE_CUT,
    CONTACT,
    ENTRY,
    EVENTS,
    MORTAR,
    POWERED,
    SKY_CRANE,
    altitude,
    bridle_length,
    descent_rate,
    drift,
    speed,
    ticks,
)

__all__ = ["CHANNELS", "REPORTS", "Report", "channel_blocks", "channel_values", "event_body", "reports"]

CHANNELS = MappingProxyType(
    {
        0xE001: ("altitude", "f"), 0xE002: ("vertical_velocity", "f"), 0xE003: ("horizontal_velocity", "f"), 0xE004: ("speed", "f"),
        0xE005: ("mach", "f"), 0xE006: ("dynamic_pressure", "f"), 0xE007: ("deceleration", "f"), 0xE008: ("parachute_load", "f"),
        0xE009: ("engine_throttle", "B"), 0xE00A: ("bridle_length", "f"), 0xE010: ("east", "f"), 0xE011: ("north", "f"),
        0xE020: ("bus_voltage", "H"), 0xE021: ("bus_current", "H"), 0xE030: ("ddc_temperature", "h"),
        0xE031: ("rdc_temperature", "h"), 0xE032: ("ruc_temperature", "h"), 0xE033: ("puc1_temperature", "h"),
        0xE034: ("puc2_temperature", "h"), 0xE035: ("lcam_temperature", "h"), 0xE036: ("microphone_temperature", "h"),
        0xE040: ("rdc_frames", "I"), 0xE041: ("ddc_frames", "I"), 0xE042: ("sound_blocks", "I"), 0xE050: ("storage_free", "Q"),
        0xE060: ("mission_clock", "d"),
    }
)  # fmt: skip
"""Index to name and form (as in `struct`), after the mission's dictionary."""

SLOW = range(0xE020, 0xE060)
"""Indexes that are sent every fourteen seconds only."""

REPORTS = MappingProxyType(
    {
        "ENTRY_INTERFACE": 0x53430001, "PEAK_HEATING": 0x53430002, "PEAK_DECELERATION": 0x53430003, "BANK_REVERSAL": 0x53430004,
        "SUFR_START": 0x53430005, "SUFR_END": 0x53430006, "PARACHUTE_MORTAR": 0x53430007, "LINE_STRETCH": 0x53430008,
        "PARACHUTE_INFLATION": 0x53430009, "LCAM_FIRST_IMAGE": 0x5343000A, "HEAT_SHIELD_SEPARATION": 0x5343000B,
        "BACKSHELL_SEPARATION": 0x5343000C, "POWERED_DESCENT": 0x5343000D, "CONSTANT_VELOCITY": 0x5343000E,
        "SKY_CRANE": 0x5343000F, "RAPPEL_START": 0x53430010, "RAPPEL_END": 0x53430011, "CONTACT": 0x53430012,
        "TOUCHDOWN_DECLARED": 0x53430013, "BRIDLE_CUT": 0x53430014, "CAMERA_ON": 0x53430020, "CAMERA_OFF": 0x53430021,
        "CAMERA_LOST": 0x53430022, "MICROPHONE_ON": 0x53430023, "MICROPHONE_OVERRUN": 0x53430024, "FILE_QUEUED": 0x53430030,
        "FILE_SENT": 0x53430031,
    }
)  # fmt: skip
"""Name to identifier."""


class Report(NamedTuple):
    """One event report."""

    clock: float
    name: str
    task: str
    arguments: tuple[float | int | str, ...] = ()
    """A float goes as f32, an integer as u32 (u8 under 256), a text as text."""


def _density(height: float) -> float:
    """Kilograms a cubic metre at metres over the landing site: exponentials through 519 Pa at the mortar, thinner faster above."""
    low = min(height, 30_000.0)
    return 0.0170 * float(np.exp(-low / 11_700 - (height - low) / 8_000))


def _throttle(clock: float) -> int:
    if not POWERED <= clock < BRIDLE_CUT + 0.3:
        return 0
    return 62 if clock < SKY_CRANE - 6 else 41 if clock < SKY_CRANE else 48


def channel_values(clock: float) -> dict[int, float | int]:
    """Give every channel's value at a clock reading, by index, ascending."""
    height, fast = float(altitude(clock)), float(speed(clock))
    down = float(descent_rate(clock))
    east, north = (float(value) for value in drift(max(clock, ENTRY + 240)))
    step = 0.25
    change = (float(speed(clock - step)) - float(speed(clock + step))) / (2 * step)
    pull = 3.71 * min(down / max(fast, 1e-3), 1.0) if clock < CONTACT else 0.0
    hanging = MORTAR + 1.2 < clock < BACKSHELL
    rng = generator("telemetry", ticks(clock))
    jitter = rng.standard_normal(20)
    warm = min((clock - ENTRY) / 450, 1.4)
    values: dict[str, float | int] = {
        "altitude": height + 0.4 * float(jitter[0]) * min(height / 100, 4),
        "vertical_velocity": -down + 0.02 * float(jitter[1]),
        "horizontal_velocity": float(np.sqrt(max(fast * fast - down * down, 0))) + 0.02 * abs(float(jitter[2])),
        "speed": fast + 0.02 * abs(float(jitter[3])),
        "mach": fast / (227.0 + 0.6 * min(height / 1000, 40)),
        "dynamic_pressure": 0.5 * _density(height) * fast * fast,
        "deceleration": max(change + pull, 0) + 0.03 * abs(float(jitter[4])),
        "parachute_load": (2.9 * max(change + pull, 0) + 0.2 * abs(float(jitter[5]))) if hanging else 0.0,
        "engine_throttle": _throttle(clock),
        "bridle_length": float(bridle_length(clock)) - 1.15,
        "east": east,
        "north": north,
        "bus_voltage": 32_800 - round(350 * warm) + round(40 * jitter[6]),
        "bus_current": 14_200 + round(2500 * (clock > MORTAR)) + round(90 * jitter[7]),
        "ddc_temperature": round(-1850 + 420 * warm + 4 * jitter[8]),
        "rdc_temperature": round(-2210 + 510 * warm + 4 * jitter[9]),
        "ruc_temperature": round(-2140 + 380 * warm + 4 * jitter[10]),
        "puc1_temperature": round(-1480 + 730 * warm + 4 * jitter[11]),
        "puc2_temperature": round(-1510 + 700 * warm + 4 * jitter[12]),
        "lcam_temperature": round(-1260 + 640 * warm + 4 * jitter[13]),
        "microphone_temperature": round(-3020 + 160 * warm + 4 * jitter[14]),
        "rdc_frames": max(round((min(clock, CONTACT + 60) - EVENTS["heat_shield_separation"]) * 30), 0),
        "ddc_frames": max(round((min(clock, BRIDLE_CUT) - SKY_CRANE) * 12), 0),
        "sound_blocks": max(round((min(clock, CONTACT + 60) - ENTRY) * 4), 0),
        "storage_free": 471_859_200_000 - max(round((min(clock, CONTACT + 60) - MORTAR) * 118e6), 0),
        "mission_clock": clock - ENTRY,
    }
    return {index: values[name] for index, (name, _) in CHANNELS.items()}


def channel_blocks(start: float, stop: float) -> Iterator[tuple[float, bytes]]:
    """Give the channel packets from one clock reading to another: the reading, and what follows the secondary header.

    Every second, every half from just before the mortar until just after touchdown; slow channels with every fourteenth second.
    """
    half = int(np.ceil(start * 2))
    while half / 2 < stop:
        clock = half / 2
        busy = MORTAR - 12 < clock < BRIDLE_CUT + 12
        slow = half % 28 == 0
        if half % 2 == 0 or busy:
            values = channel_values(clock)
            block = b"".join(
                struct.pack(f">H{CHANNELS[index][1]}", index, value) for index, value in values.items() if slow or index not in SLOW
            )
            yield clock, block
        half += 1


def reports() -> list[Report]:
    """Give the event reports of the landing, by time."""
    at = EVENTS
    rows = [
        Report(at["entry_interface"] - 5, "MICROPHONE_ON", "edlmic", (48000,)),
        Report(at["entry_interface"], "ENTRY_INTERFACE", "edlseq"),
        Report(at["peak_heating"], "PEAK_HEATING", "edlseq"),
        Report(at["peak_deceleration"], "PEAK_DECELERATION", "edlnav", (104.9,)),
        Report(at["bank_reversal_1"], "BANK_REVERSAL", "edlgnc", (1,)),
        Report(at["bank_reversal_2"], "BANK_REVERSAL", "edlgnc", (2,)),
        Report(at["bank_reversal_3"], "BANK_REVERSAL", "edlgnc", (3,)),
        Report(at["straighten_up_start"], "SUFR_START", "edlseq"),
        Report(at["straighten_up_end"], "SUFR_END", "edlseq"),
        Report(MORTAR - 0.35, "CAMERA_ON", "edlcam", ("PUC1",)),
        Report(MORTAR - 0.34, "CAMERA_ON", "edlcam", ("PUC2",)),
        Report(MORTAR - 0.33, "CAMERA_ON", "edlcam", ("PUC3",)),
        Report(MORTAR, "PARACHUTE_MORTAR", "edlseq", (1.82, 519.0)),
        Report(MORTAR + 0.21, "CAMERA_LOST", "edlcam", ("PUC3",)),
        Report(at["line_stretch"], "LINE_STRETCH", "edlnav"),
        Report(at["parachute_inflation"], "PARACHUTE_INFLATION", "edlnav", (152.0,)),
        Report(at["landing_camera_on"], "LCAM_FIRST_IMAGE", "lvs"),
        Report(at["heat_shield_separation"], "HEAT_SHIELD_SEPARATION", "edlseq"),
        Report(at["heat_shield_separation"] + 0.05, "CAMERA_ON", "edlcam", ("RDC",)),
        Report(BACKSHELL, "BACKSHELL_SEPARATION", "edlseq"),
        Report(BACKSHELL + 0.01, "CAMERA_OFF", "edlcam", ("PUC1", 4430)),
        Report(POWERED, "POWERED_DESCENT", "edlgnc", (float(altitude(POWERED)),)),
        Report(at["constant_velocity"], "CONSTANT_VELOCITY", "edlgnc", (-32.0,)),
        Report(SKY_CRANE, "SKY_CRANE", "edlgnc", (21.3,)),
        Report(SKY_CRANE + 0.20, "CAMERA_ON", "edlcam", ("DDC",)),
        Report(SKY_CRANE + 0.22, "CAMERA_ON", "edlcam", ("RUC",)),
        Report(at["rappel_start"], "RAPPEL_START", "edlseq"),
        Report(at["rappel_end"], "RAPPEL_END", "edlseq", (float(bridle_length(at["rappel_end"])),)),
        Report(CONTACT, "CONTACT", "edltd"),
        Report(BRIDLE_CUT - 0.004, "TOUCHDOWN_DECLARED", "edltd"),
        Report(BRIDLE_CUT, "BRIDLE_CUT", "edlseq"),
        Report(BRIDLE_CUT + 0.01, "CAMERA_OFF", "edlcam", ("DDC", 238)),
    ]
    return sorted(rows, key=lambda row: row.clock)


def event_body(report: Report, counter: int) -> bytes:
    """Give an event packet's octets after the secondary header."""
    parts = []
    for value in report.arguments:
        if isinstance(value, str):
            parts.append(b"\0" + bytes([len(value)]) + value.encode("ascii"))
        elif isinstance(value, float):
            parts.append(b"\x04" + struct.pack(">f", value))
        else:
            parts.append(bytes([1, value]) if value < 256 else b"\x04" + struct.pack(">I", value))
    head = struct.pack(">6sIIIB", report.task.encode("ascii"), REPORTS[report.name], counter, 1000 + counter, len(parts))
    return head + b"".join(parts)
