"""Round numbers along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["clock_face", "frequency_ticks", "round_ticks", "time_ticks"]

DECIMAL = tuple(factor * 10.0**power for power in range(-12, 19) for factor in (1, 2, 5))
SECONDS = (*(step for step in DECIMAL if 0.9e-3 <= step <= 10), 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600)
FREQUENCY = tuple(step for step in DECIMAL if 1 <= step <= 50_000)


def step_of(span: float, most: int, steps: Sequence[float]) -> float:
    """Choose the smallest step that gives no more intervals than `most`; beyond the last one a multiple of it."""
    for step in steps:
        if span / step <= most:
            return step
    return steps[-1] * math.ceil(span / (most * steps[-1]))


def ticks(low: float, high: float, step: float) -> list[float]:
    """Give the multiples of the step in [low, high]."""
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(seconds: float, most: int = 12, *, begin: float = 0.0) -> tuple[list[float], float]:
    """Give the ticks in [begin, begin + seconds], and their step."""
    step = step_of(seconds, most, SECONDS)
    return ticks(begin, begin + seconds, step), step


def frequency_ticks(hertz: float, most: int = 8) -> tuple[list[float], float]:
    """Give the ticks from 0 on, and their step."""
    step = step_of(hertz, most, FREQUENCY)
    return ticks(0, hertz, step), step


def round_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Give ticks of any quantity, 1, 2 or 5 times a power of ten apart; the range itself where it is a point or too wide."""
    span = high - low
    if not 0 < span < math.inf:
        return [low]
    if span < 1e-9 * max(abs(low), abs(high)):
        return [low, high]
    return ticks(low, high, step_of(span, most, DECIMAL))


def clock_face(seconds: float, step: float) -> str:
    """Give a time as 0:05, -1:02:03 or, where steps are shorter than a second, 0:05.25."""
    decimals = 0 if step >= 1 else 1 if step >= 0.1 else 2 if step >= 0.01 else 3
    rounded = round(seconds * 10**decimals)
    whole, part = divmod(abs(rounded), 10**decimals)
    minutes, second = divmod(whole, 60)
    fraction = f".{part:0{decimals}d}" if decimals else ""
    hours = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
    return f"{'-' * (rounded < 0)}{hours}:{second:02d}{fraction}"
