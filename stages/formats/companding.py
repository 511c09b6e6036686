"""Inverse companding tables: what the data numbers of a compressed scale stood for on board.

The archives give each table as 256 lines of a data number and its value, sometimes behind a PDS or VICAR label.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["expand", "parse_table"]

LINE = re.compile(r"^[ \t]*([0-9]{1,5})[ \t]+([0-9]{1,5})[ \t]*\r?$", re.MULTILINE)
ENTRIES = 256
REMEDY = "A table is 256 lines: a data number from 0 to 255 in order, and its value, which never goes down"


def parse_table(text: str, name: str) -> tuple[int, ...]:
    """Read a table; lines of another form, such as a label's, are passed over.

    Returns the values of 0 to 255. Raises DataError for anything but 256 numbers in order whose values ascend and fit 16 bits.
    """
    rows = [(int(match[1]), int(match[2]), match.start()) for match in LINE.finditer(text)]
    for place, (number, value, at) in enumerate(rows):
        before = rows[place - 1][1] if place else 0
        if number != place or not before <= value < 1 << 16:
            raise DataError(f"has {number} {value} as line {place} of its table", where=f"{name} at character {at}", remedy=REMEDY)
    if len(rows) != ENTRIES:
        raise DataError(f"has {len(rows)} lines of a table", where=name, remedy=REMEDY)
    return tuple(value for _, value, _ in rows)


def expand(samples: NDArray[Any], table: Sequence[int]) -> NDArray[Any]:
    """Give (h, w) uint8 data numbers their values, uint16."""
    return np.take(np.asarray(table, np.uint16), samples)
