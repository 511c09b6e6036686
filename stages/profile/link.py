"""How bits become transfer frames and frames become packets: `[link.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.errors import ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, within

__all__ = ["Link", "VirtualChannel"]

LONGEST_MARKER = 24
"""Octets: that of turbo codes at rate 1/6 (131.0-B section 9)."""

FrameKind: TypeAlias = Literal["aos", "tm"]
Randomizer: TypeAlias = Literal["none", "ccsds-255", "ccsds-131071"]
GapPolicy: TypeAlias = Literal["strict", "consistent", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualChannel:
    """What one virtual channel carries."""

    gap_policy: GapPolicy = "strict"
    """strict: a jump of the counter drops the open packet. consistent: it is kept if the first header pointer agrees with what it still
    needs. ignore: the counter is not looked at."""
    idle: bool = False
    """Its frames hold fill only; AOS channel 63 always does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Section):
    """How bits become transfer frames and frames become packets (CCSDS 131.0-B, 132.0-B, 732.0-B)."""

    NAME: ClassVar[str] = "link"
    KEY: ClassVar[tuple[str, ...]] = ("pass",)

    name: str = ""
    frame: FrameKind = "aos"
    spacecraft: int | None = None
    """Spacecraft identifier that frames must carry; None takes any."""
    frame_length: int = 1115
    """Octets of a transfer frame, without marker and parity."""
    marker: bytes = bytes.fromhex("1ACFFC1D")
    """Attached sync marker (131.0-B section 9); hexadecimal in the profile."""
    marker_errors: int = 2
    """Bits of the marker that may be wrong."""
    randomizer: Randomizer = "ccsds-255"
    reed_solomon: int = 0
    """Parity symbols of a codeword: 32, 16, or 0 for no Reed-Solomon code."""
    interleave: int = 5
    dual_basis: bool = True
    fecf: bool = True
    """Frames end in a frame error control field (CRC-16)."""
    insert_zone: int = 0
    """Octets of the insert zone (AOS) or of the secondary header (TM)."""
    header_error_control: bool = False
    """AOS frame header error control, 2 octets after the header."""
    ocf: bool = False
    """Frames end in an operational control field, 4 octets."""
    idle_apid: int = 2047
    gap_policy: GapPolicy = "strict"
    """For the virtual channels that have no table of their own."""
    virtual_channels: Mapping[int, VirtualChannel] = field(default_factory=dict)

    @property
    def virtual_fill(self) -> int:
        """Symbols that each codeword is shortened by, so that the frame fits the code (131.0-B section 4.3.7)."""
        return 255 - self.reed_solomon - self.frame_length // self.interleave if self.reed_solomon else 0

    @property
    def codeblock_length(self) -> int:
        """Octets between markers: the frame and its parity."""
        return self.frame_length + self.reed_solomon * self.interleave * bool(self.reed_solomon)

    @property
    def cadu_length(self) -> int:
        """Octets from marker to marker."""
        return len(self.marker) + self.codeblock_length

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read a `[link.NAME]` table."""
        where = f"link.{name}" if name else "link"
        values = checked(cls, mapping, where)
        if isinstance(values.get("marker"), str):
            try:
                values["marker"] = bytes.fromhex(values["marker"])
            except ValueError:
                raise ProfileError("is not hexadecimal", where=f"{where}.marker", remedy='Write it as "1ACFFC1D"') from None
        values["virtual_channels"] = _channels(values.get("virtual_channels", {}), f"{where}.virtual_channels")
        link = made(cls, {**values, "name": name}, where)
        within(link.frame_length, 16, 65536, f"{where}.frame_length")
        within(link.insert_zone, 0, link.frame_length, f"{where}.insert_zone")
        within(link.idle_apid, 0, 0x7FF, f"{where}.idle_apid")
        if link.spacecraft is not None:
            within(link.spacecraft, 0, 0xFF if link.frame == "aos" else 0x3FF, f"{where}.spacecraft")
        _check_marker(link, where)
        _check_code(link, where)
        return link


def _channels(tables: Any, where: str) -> dict[int, VirtualChannel]:
    if not isinstance(tables, Mapping):
        raise ProfileError("must be a table", where=where)
    channels = {}
    for number, table in tables.items():
        at = f"{where}.{number}"
        digits = str(number)
        within(int(digits) if digits.isascii() and digits.isdigit() else digits, 0, 63, at)
        channels[int(number)] = made(VirtualChannel, checked(VirtualChannel, table, at), at)
    return channels


def _check_marker(link: Link, where: str) -> None:
    if not 1 <= len(link.marker) <= LONGEST_MARKER:
        raise ProfileError(f"has {len(link.marker)} octets", where=f"{where}.marker", remedy=f"Give 1 to {LONGEST_MARKER}")
    # With half of the bits wrong, everything would be a marker.
    within(link.marker_errors, 0, min(8, 4 * len(link.marker) - 1), f"{where}.marker_errors")


def _check_code(link: Link, where: str) -> None:
    if link.reed_solomon not in {0, 16, 32}:
        raise ProfileError("must be 32, 16 or 0", where=f"{where}.reed_solomon")
    within(link.interleave, 1, 8, f"{where}.interleave")
    if link.reed_solomon and (link.frame_length % link.interleave or link.virtual_fill < 0):
        raise ProfileError(
            f"{link.frame_length} octets do not divide into {link.interleave} codewords of up to {255 - link.reed_solomon}",
            where=f"{where}.frame_length",
        )
