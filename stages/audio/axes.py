"""Round numbers along an axis."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["clock_face", "frequency_ticks", "time_ticks"]

TIME_STEPS = (
    1e-3,
    2e-3,
    5e-3,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    21600,
)
FREQUENCY_STEPS = tuple(factor * 10.0**power for power in range(5) for factor in (1, 2, 5))


def step_of(span: float, most: int, steps: Sequence[float]) -> float:
    """Choose the smallest step that gives no more ticks than `most`; beyond the last one a multiple of it."""
    for step in steps:
        if span / step <= most:
            return step
    return steps[-1] * -(-span // (most * steps[-1]))


def time_ticks(seconds: float, most: int = 12) -> tuple[list[float], float]:
    """Give the ticks from 0 on, and their step."""
    step = step_of(seconds, most, TIME_STEPS)
    return [i * step for i in range(int(seconds / step + 1e-9) + 1)], step


def frequency_ticks(hertz: float, most: int = 8) -> tuple[list[float], float]:
    """Give the ticks from 0 on, and their step."""
    step = step_of(hertz, most, FREQUENCY_STEPS)
    return [i * step for i in range(int(hertz / step + 1e-9) + 1)], step


def clock_face(seconds: float, step: float) -> str:
    """Give a time as 0:05, 1:02:03 or, where steps are shorter than a second, 0:05.25."""
    decimals = 0 if step >= 1 else 1 if step >= 0.1 else 2 if step >= 0.01 else 3
    whole, part = divmod(round(seconds * 10**decimals), 10**decimals)
    minutes, second = divmod(whole, 60)
    fraction = f".{part:0{decimals}d}" if decimals else ""
    hours = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
    return f"{hours}:{second:02d}{fraction}"
