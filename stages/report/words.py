"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

from stages.formats.shares import percent
from stages.profile import LATEST, Timeline

__all__ = ["count", "duration", "finite_clock", "percent", "quantity", "short_utc", "since_zero", "size"]


def count(number: int, one: str, many: str = "") -> str:
    """Give 1 frame, 1,200 frames."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(octets: int) -> str:
    """Give 812 B, 1.2 MB: powers of 1000."""
    if octets < 1000:
        return f"{octets} B"
    power = min(5, (len(str(octets)) - 1) // 3)
    if octets / 1000**power >= 999.95:
        power += 1
    return f"{octets / 1000**power:.1f} {' kMGTPE'[power]}B"


def duration(seconds: float) -> str:
    """Give 12.25 s, 4 min 05 s, 3 h 12 min."""
    if seconds < 60:
        return f"{seconds:.2f} s".replace(".00 s", " s")
    minutes, second = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {second:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def quantity(value: float, unit: str = "") -> str:
    """Give a measured value with four digits: 11,220 m, -0.75 m/s, 1.234e+20 Pa."""
    if not math.isfinite(value):
        text = str(value)
    elif value and not 1e-4 <= abs(value) < 1e9:
        text = f"{value:.3e}"
    elif abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4g}"
    return f"{text} {unit}".rstrip()


def short_utc(text: str) -> str:
    """Cut an ISO time down to milliseconds: 2021-02-18 20:41:04.447."""
    return text.replace("T", " ").removesuffix("Z")[:23]


def finite_clock(clock: Any) -> float | None:
    """Give a clock reading that a spacecraft can have; None for any other, since what came over the link may say anything."""
    return float(clock) if isinstance(clock, (int, float)) and abs(clock) < LATEST else None


def since_zero(timeline: Timeline, clock: float | None) -> str:
    """Give the time since zero where it tells more than the date does: within a day; else nothing."""
    if clock is None or timeline.zero is None or abs(clock - timeline.zero) > 86400:
        return ""
    return timeline.since_zero(clock)
