"""What every packet of Mars 2020 begins with: a secondary header of six octets, clock seconds and 1/65536 seconds."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BODY", "choose_packets"]

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]
Table: TypeAlias = NDArray[Any]

BODY = 12
"""First octet after primary and secondary header."""


def choose_packets(data: Bytes, table: Table, apids: tuple[int, ...]) -> tuple[Table, Integers, int]:
    """Choose the packets of these APIDs that have a secondary header; return them, their clocks in ticks, and how many have none."""
    chosen = table[np.isin(table["apid"], apids)]
    flagged = (data[chosen["offset"]] & 0x08 != 0) & (chosen["length"] > BODY)
    whole = chosen[flagged]
    ticks = np.zeros(len(whole), np.int64)
    for place in range(6, BODY):
        ticks = ticks << 8 | data[whole["offset"] + place]
    return whole, ticks, len(chosen) - len(whole)
