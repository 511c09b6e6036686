"""JSON beside pictures: `[sidecars]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made

__all__ = ["Sidecars"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecars(Section):
    """Where the mission's JSON says what of its products: paths of keys, joined by dots; the first that is there holds."""

    NAME: ClassVar[str] = "sidecars"

    records: tuple[str, ...] = ()
    """Lists of records, in a file that has several; else the file is a record, or a list of them."""
    product: tuple[str, ...] = ("product_id", "product")
    """Name of the product, without extension."""
    files: tuple[str, ...] = ("file_name", "file")
    """Names or addresses of its files."""
    clock: tuple[str, ...] = ("spacecraft_clock_start_count", "clock_start", "sclk")
    """Reading of the clock at the beginning of the exposure."""
    utc: tuple[str, ...] = ("start_time", "start_date_time")
    instrument: tuple[str, ...] = ("instrument_id", "instrument")
    sol: tuple[str, ...] = ("planet_day_number", "sol")
    untimed: str = ""
    """Regular expression of the instruments whose times are not those of acquisition."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[sidecars]` table."""
        del name
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in checked(cls, mapping, "sidecars").items()}
        sidecars = made(cls, values, "sidecars")
        try:
            re.compile(sidecars.untimed)
        except re.error as error:
            raise ProfileError(f"is not a regular expression: {error}", where="sidecars.untimed") from None
        return sidecars
