"""The spacecraft clock: `[clock]`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, within

__all__ = ["LATEST", "Clock"]

LATEST = 1e11
"""Clock seconds; a reading beyond three thousand years is a torn one, and its microseconds would leave 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Section):
    """The spacecraft clock: ticks to UTC by piecewise-linear correlation (NAIF SCLK required reading)."""

    NAME: ClassVar[str] = "clock"

    ticks_per_second: int = 65536
    tdt_minus_utc: float = 69.184
    """Seconds; holds while no leap second is added."""
    correlation: tuple[tuple[float, float, float], ...] = ()
    """(clock seconds, TDT seconds past J2000, seconds of TDT a clock second), ascending."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[clock]` table; the correlation may be a file of its own, whose bytes stand here."""
        del name
        values = checked(cls, mapping, "clock")
        if isinstance(values.get("correlation"), bytes):
            values |= checked(cls, tomllib.loads(values["correlation"].decode()), "clock")
        rows = values.get("correlation", ())
        try:
            values["correlation"] = tuple((float(start), float(tdt), float(rate)) for start, tdt, rate in rows)
        except (TypeError, ValueError):
            raise ProfileError("must be rows of three numbers", where="clock.correlation") from None
        clock = made(cls, values, "clock")
        within(clock.ticks_per_second, 1, 1 << 32, "clock.ticks_per_second")
        if list(clock.correlation) != sorted(clock.correlation):
            raise ProfileError("must be ascending", where="clock.correlation")
        for number, (_, tdt, rate) in enumerate(clock.correlation):
            within(tdt, -LATEST, LATEST, f"clock.correlation[{number}]")
            within(rate, 1e-3, 1e3, f"clock.correlation[{number}]")
        return clock

    def utc(self, seconds: float) -> np.datetime64 | None:
        """Give the UTC of a clock reading in seconds, to the microsecond; None without a correlation."""
        if not self.correlation or not self.correlation[0][0] <= seconds < LATEST:
            return None
        start, tdt, rate = max(row for row in self.correlation if row[0] <= seconds)
        # The two large parts are added as integers: a float64 holds today's J2000 seconds to 0.1 microseconds only just.
        whole = round(tdt * 1e6) + round((seconds - start) * rate * 1e6) - round(self.tdt_minus_utc * 1e6)
        return np.datetime64("2000-01-01T12:00:00", "us") + np.timedelta64(whole, "us")

    def utc_of_ticks(self, ticks: NDArray[np.int64]) -> NDArray[np.datetime64]:
        """Give the UTC of clock readings in ticks, (n,) datetime64[us]; NaT where `utc` gives None."""
        seconds = np.asarray(ticks, np.int64) / self.ticks_per_second
        if not self.correlation:
            return np.full(seconds.shape, np.datetime64("NaT"), "datetime64[us]")
        start, tdt, rate = np.array(self.correlation).T
        known = (seconds >= start[0]) & (seconds < LATEST)
        # What is torn counts from the first row, and is not shown.
        seconds = np.where(known, seconds, start[0])
        row = np.searchsorted(start, seconds, side="right") - 1
        since = np.rint((seconds - start[row]) * rate[row] * 1e6) + np.rint(tdt[row] * 1e6) - round(self.tdt_minus_utc * 1e6)
        moments = np.datetime64("2000-01-01T12:00:00", "us") + since.astype("timedelta64[us]")
        return np.where(known, moments, np.datetime64("NaT"))

    def seconds(self, utc: str) -> float | None:
        """Give the clock reading at a UTC (ISO 8601 with a Z), to the microsecond; None without a correlation that reaches back to it."""
        moment = np.datetime64(utc.removesuffix("Z"), "us") - np.datetime64("2000-01-01T12:00:00", "us")
        tdt = int(moment.astype(np.int64)) + round(self.tdt_minus_utc * 1e6)
        row = max((row for row in self.correlation if round(row[1] * 1e6) <= tdt), default=None)
        if row is None:
            return None
        reading = round(row[0] + (tdt - round(row[1] * 1e6)) / row[2] / 1e6, 6)
        return reading if reading < LATEST else None

    def utc_text(self, seconds: float | None) -> str:
        """Give it as ISO 8601 with a Z; empty if unknown."""
        moment = None if seconds is None else self.utc(seconds)
        return "" if moment is None else f"{moment}Z"
