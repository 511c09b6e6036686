"""Moments as labels write them: UTC, and readings of a spacecraft's clock."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np

__all__ = ["clock_seconds", "utc_text"]

UTC = re.compile(r"(\d{4})-(\d{3}|\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?:Z|\+00:?00)?", re.IGNORECASE)
READING = re.compile(r"(?:\d{1,2}/)?(\d{1,12})(?:([.:-])(\d{1,9}))?")
TICK_DIGITS = 5
"""Digits of ticks of a 65536th, which labels write with leading zeros."""
CLOSE = 0.01
"""Seconds by which two spans may differ that are the same."""


def utc_text(value: object) -> str:
    """Give a UTC of a label (calendar date or day of year, with or without Z) as ISO 8601 with a Z; empty if it is none."""
    match = UTC.fullmatch(str(value).strip())
    if match is None:
        return ""
    year, day, time = match.groups()
    try:
        if len(day) == 3:
            if not 1 <= int(day) <= 366:
                return ""
            date = np.datetime64(f"{year}-01-01", "D") + np.timedelta64(int(day) - 1, "D")
        else:
            date = np.datetime64(f"{year}-{day}", "D")
        moment = np.datetime64(f"{date}T{time}")
    except ValueError:
        return ""
    return "" if np.isnat(moment) else f"{moment.astype('datetime64[us]')}Z"


def clock_seconds(first: object, last: object = None, *, ticks: int = 65536, span: float | None = None) -> float | None:
    """Give a reading of a clock in seconds: 848201291:54379, 0666952774-00345, 1/483288473.496 or a number; None if it is none.

    first, last  at the beginning of the exposure and, if known, at its end
    ticks        of a second
    span         seconds from one to the other by UTC, if known

    Behind a colon or dash stand ticks. Behind a point either these or decimals may stand: the span tells which, where there is one; else
    five digits are ticks, as those archives write them that have ticks there.
    """
    begun = _read(first)
    if begun is None:
        return None
    seconds, mark, digits = begun
    if not digits:
        return float(seconds)
    if mark != ".":
        return seconds + int(digits) / ticks
    ended = _read(last)
    in_ticks = len(digits) == TICK_DIGITS
    if span is not None and ended is not None and ended[1] == "." and len(digits) <= TICK_DIGITS:
        apart = [abs(_value(*ended, ticks, ticked) - _value(*begun, ticks, ticked) - span) for ticked in (False, True)]
        in_ticks = apart[1] < apart[0] if min(apart) < CLOSE else in_ticks
    return _value(seconds, mark, digits, ticks, in_ticks)


def _read(value: object) -> tuple[int, str, str] | None:
    if isinstance(value, bool) or value is None:
        return None
    # A number that was read as one has lost zeros at its end, which decimals can spare.
    text = format(Decimal(repr(value)), "f") if isinstance(value, float) and np.isfinite(value) else str(value).strip().strip("\"'")
    match = READING.fullmatch(text)
    return (int(match[1]), match[2] or "", match[3] or "") if match else None


def _value(seconds: int, mark: str, digits: str, ticks: int, in_ticks: bool) -> float:  # noqa: FBT001  in the order of _read's result
    del mark
    if not digits:
        return float(seconds)
    return seconds + int(digits) / ticks if in_ticks else float(f"{seconds}.{digits}")
