"""The sections of a mission profile as dataclasses, checked when they are read.

A profile is a TOML file; each class here is one table of it. Unknown keys are errors, so that a slip of the pen is found at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from pipeline.stage import Section

__all__ = [
    "Camera",
    "Clock",
    "CompandingTable",
    "Dictionary",
    "FileProtocol",
    "Link",
    "Microphone",
    "Mission",
    "NameRule",
    "Names",
    "Timeline",
    "VirtualChannel",
]

T = TypeVar("T")

LATEST = 1e11
"""Clock seconds; a reading beyond three thousand years is a torn one, and its microseconds would leave 64 bits."""

FrameKind: TypeAlias = Literal["aos", "tm"]
Randomizer: TypeAlias = Literal["none", "ccsds-255", "ccsds-131071"]
GapPolicy: TypeAlias = Literal["strict", "consistent", "ignore"]
Cfa: TypeAlias = Literal["RGGB", "GRBG", "GBRG", "BGGR", "mono"]
Edition: TypeAlias = Literal["thumbnail", "jpeg", "video", "lossless"]
ValueType: TypeAlias = Literal["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]
PacketGrammar: TypeAlias = Literal["none", "m2020"]
FileTransfer: TypeAlias = Literal["none", "m2020-dp"]


def checked(cls: type[T], mapping: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the mapping as keyword arguments of the dataclass; ProfileError for keys that it has not."""
    known = [item.name for item in dataclasses.fields(cls) if item.name != "name"]  # type: ignore[arg-type]
    for key in mapping:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Known keys are {', '.join(known)}"
            raise ProfileError("is not a key of this table", where=f"{where}.{key}", remedy=remedy)
    return dict(mapping)


def one_of(value: object, choices: object, where: str) -> None:
    """Raise ProfileError unless the value is one of a Literal's."""
    allowed = get_args(choices)
    if value not in allowed:
        raise ProfileError(f"{value!r} is not one of {', '.join(map(repr, allowed))}", where=where)


def within(value: object, low: float, high: float, where: str) -> None:
    """Raise ProfileError unless the value is a number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ProfileError(f"{value!r} is not a number from {low:g} to {high:g}", where=where)


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
        channels = {}
        for number, table in values.pop("virtual_channels", {}).items():
            at = f"{where}.virtual_channels.{number}"
            within(int(number) if str(number).isdigit() else None, 0, 63, at)
            channels[int(number)] = VirtualChannel(**checked(VirtualChannel, table, at))
            one_of(channels[int(number)].gap_policy, GapPolicy, f"{at}.gap_policy")
        link = cls(name=name, virtual_channels=channels, **values)
        one_of(link.frame, FrameKind, f"{where}.frame")
        one_of(link.randomizer, Randomizer, f"{where}.randomizer")
        one_of(link.gap_policy, GapPolicy, f"{where}.gap_policy")
        within(link.frame_length, 16, 65536, f"{where}.frame_length")
        within(link.marker_errors, 0, 8, f"{where}.marker_errors")
        if link.reed_solomon not in {0, 16, 32}:
            raise ProfileError("must be 32, 16 or 0", where=f"{where}.reed_solomon")
        if link.reed_solomon:
            within(link.interleave, 1, 8, f"{where}.interleave")
            if link.frame_length % link.interleave or link.virtual_fill < 0:
                raise ProfileError(
                    f"{link.frame_length} octets do not divide into {link.interleave} codewords of up to {255 - link.reed_solomon}",
                    where=f"{where}.frame_length",
                )
        return link


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
        values["correlation"] = tuple(tuple(float(number) for number in row) for row in values.get("correlation", ()))
        clock = cls(**values)
        if any(len(row) != 3 for row in clock.correlation) or list(clock.correlation) != sorted(clock.correlation):
            raise ProfileError("must be ascending rows of three numbers", where="clock.correlation")
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
        """Give the UTC of clock readings in ticks, (n,) datetime64[us]; NaT where there is no correlation."""
        seconds = np.asarray(ticks, np.int64) / self.ticks_per_second
        if not self.correlation:
            return np.full(seconds.shape, np.datetime64("NaT"), "datetime64[us]")
        start, tdt, rate = np.array(self.correlation).T
        row = np.searchsorted(start, seconds, side="right") - 1
        since = np.rint((seconds - start[row]) * rate[row] * 1e6) + np.rint(tdt[row] * 1e6) - round(self.tdt_minus_utc * 1e6)
        moments = np.datetime64("2000-01-01T12:00:00", "us") + since.astype("timedelta64[us]")
        return np.where(row < 0, np.datetime64("NaT"), moments)

    def utc_text(self, seconds: float | None) -> str:
        """Give it as ISO 8601 with a Z; empty if unknown."""
        moment = None if seconds is None else self.utc(seconds)
        return "" if moment is None else f"{moment}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompandingTable:
    """An inverse companding table of a camera: `[[camera.NAME.companding]]`."""

    name: str = ""
    """What labels call it, upper case; empty: it holds for files that say nothing, too."""
    sols: tuple[int, ...] = ()
    """First and last sol for which it holds; empty: always."""
    values: tuple[int, ...] = ()
    """Of 0 to 255; in the profile the text of the archive's table."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str) -> Self:
        """Read one table; ProfileError if it is none."""
        from stages.formats.companding import parse_table

        values = checked(cls, {key: value for key, value in mapping.items() if key != "name"}, where)
        sols = values.get("sols", ())
        if not isinstance(sols, list | tuple) or len(sols) not in {0, 2} or not all(type(sol) is int for sol in sols):
            raise ProfileError("must be the first and the last sol", where=f"{where}.sols", remedy="Write sols = [0, 13]")
        try:
            table = parse_table(str(values.get("values", "")), f"{where}.values")
        except DataError as error:
            raise ProfileError(error.problem, where=error.where, remedy=error.remedy) from None
        return cls(name=str(mapping.get("name", "")).upper(), sols=tuple(sols), values=table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera(Section):
    """One camera; a camera without a table has the defaults."""

    NAME: ClassVar[str] = "camera"
    KEY: ClassVar[tuple[str, ...]] = ("camera",)

    name: str = ""
    title: str = ""
    cfa: Cfa = "RGGB"
    """Colour filter of the samples (0,0), (0,1), (1,0), (1,1) of the full frame."""
    width: int = 0
    height: int = 0
    bits: int = 8
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """White balance: factors of red, green and blue."""
    frame_rate: float = 0.0
    """Frames a second; 0 if unknown."""
    embedded_samples: int = 0
    """Samples at the start of the first row that are camera telemetry, not image."""
    order: int = 100
    """Place in listings."""
    companding: tuple[CompandingTable, ...] = ()
    """Tables that undo its companding, the first that fits; none: data numbers stay as they came."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read a `[camera.NAME]` table; its companding tables may be a file of their own, whose bytes stand here."""
        where = f"camera.{name}"
        values = checked(cls, mapping, where)
        if isinstance(values.get("companding"), bytes):
            values |= checked(cls, tomllib.loads(values["companding"].decode()), where)
        tables = values.get("companding", ())
        if not isinstance(tables, list | tuple) or not all(isinstance(table, Mapping) for table in tables):
            raise ProfileError("must be tables", where=f"{where}.companding", remedy=f"Write [[camera.{name}.companding]]")
        values["companding"] = tuple(
            CompandingTable.from_mapping(table, f"{where}.companding[{number}]") for number, table in enumerate(tables)
        )
        values["gains"] = tuple(float(gain) for gain in values.get("gains", (1, 1, 1)))
        camera = cls(name=name, **values)
        one_of(camera.cfa, Cfa, f"{where}.cfa")
        within(camera.bits, 1, 16, f"{where}.bits")
        if len(camera.gains) != 3 or min(camera.gains) <= 0 or max(camera.gains) > 64:
            raise ProfileError("must be three factors over 0 and up to 64", where=f"{where}.gains")
        return camera


@dataclass(frozen=True, slots=True, kw_only=True)
class Microphone(Section):
    """One microphone."""

    NAME: ClassVar[str] = "microphone"
    KEY: ClassVar[tuple[str, ...]] = ("microphone",)

    name: str = ""
    title: str = ""
    start: float | None = None
    """Clock seconds of the recording's first sample, where blocks carry times; None begins with the first block."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read a `[microphone.NAME]` table."""
        return cls(name=name, **checked(cls, mapping, f"microphone.{name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """One form of a product's file name."""

    pattern: str
    """Regular expression with named groups, matched without regard to case against the name without extension."""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further conditions: a group's value must be one of these (case ignored), or a number in "low..high"."""
    frame: str = ""
    """Group that holds the frame number; empty: the whole name is the frame."""
    clock: tuple[str, str] = ("", "")
    """Groups of seconds and milliseconds, if the name's time is the time of acquisition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names(Section):
    """What the mission's file names say: `[names]`."""

    NAME: ClassVar[str] = "names"

    rules: tuple[NameRule, ...] = ()
    """The first that matches holds."""
    cameras: Mapping[str, str] = field(default_factory=dict)
    """Value of the group `instrument` (upper case) to camera."""
    microphones: Mapping[str, str] = field(default_factory=dict)
    editions: tuple[Mapping[str, str], ...] = ()
    """Group to regular expression, all of which must match fully; `edition` names the result; the first that matches holds."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Value of the group `type` to what its samples are: "mosaic" or "colour". Without one, the bands of the image decide."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[names]` table."""
        del name
        values = checked(cls, mapping, "names")
        rules = []
        for number, table in enumerate(values.get("rules", ())):
            at = f"names.rules[{number}]"
            rule = checked(NameRule, table, at)
            try:
                re.compile(rule.get("pattern", ""))
            except re.error as error:
                raise ProfileError(f"is not a regular expression: {error}", where=f"{at}.pattern") from None
            rule["when"] = {
                group: (allowed,) if isinstance(allowed, str) else tuple(allowed) for group, allowed in rule.get("when", {}).items()
            }
            rule["clock"] = tuple(rule.get("clock", ("", "")))
            rules.append(NameRule(**rule))
        values["rules"] = tuple(rules)
        values["editions"] = tuple(values.get("editions", ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary(Section):
    """The telemetry dictionary: `[telemetry]`."""

    NAME: ClassVar[str] = "telemetry"

    grammar: PacketGrammar = "none"
    """How channel and event packets are built."""
    channel_apids: tuple[int, ...] = ()
    event_apids: tuple[int, ...] = ()
    channels: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Index to {name, type, unit, title}; type is one of u8 i8 u16 i16 u32 i32 u64 i64 f32 f64."""
    events: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Identifier to {name, text, level, arguments}: {0}, {1} ... in the text stand for the arguments, whose types `arguments` lists."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[telemetry]` table; `channels` and `events` may be a file of their own, whose bytes stand here.

        `unnamed` lists the indexes of channels of which only the type is known: {u16 = [1, 2, 3]}.
        """
        del name
        values = dict(mapping)
        loaded = values.pop("dictionary", None)
        if isinstance(loaded, bytes):
            values |= tomllib.loads(loaded.decode())
        unnamed = values.pop("unnamed", {})
        values = checked(cls, values, "telemetry")
        one_of(values.get("grammar", "none"), PacketGrammar, "telemetry.grammar")
        for table in ("channels", "events"):
            try:
                values[table] = {int(str(key), 0): dict(entry) for key, entry in values.get(table, {}).items()}
            except ValueError as error:
                raise ProfileError(f"has a key that is not a number: {error}", where=f"telemetry.{table}") from None
        for kind, indexes in unnamed.items():
            values["channels"] |= {index: {"name": f"channel_{index:04X}", "type": kind} for index in indexes}
        for index, channel in values["channels"].items():
            within(index, 0, 0xFFFF, "telemetry.channels")
            one_of(channel.get("type"), ValueType, f"telemetry.channels.{index:#06x}.type")
        for number, event in values["events"].items():
            for kind in event.get("arguments", ()):
                one_of(kind, ValueType, f"telemetry.events.{number:#010x}.arguments")
        for apids in ("channel_apids", "event_apids"):
            values[apids] = tuple(values.get(apids, ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProtocol(Section):
    """How the spacecraft sends files: `[files]`."""

    NAME: ClassVar[str] = "files"

    protocol: FileTransfer = "none"
    apids: tuple[int, ...] = ()
    """Packets of these are parts of files."""
    largest: int = 1 << 30
    """Bytes; a part that would make a file larger is refused."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[files]` table."""
        del name
        values = checked(cls, mapping, "files")
        apids: list[int] = []
        for item in values.get("apids", ()):
            apids.extend(range(item[0], item[1] + 1) if isinstance(item, list) else [item])
        one_of(values.get("protocol", "none"), FileTransfer, "files.protocol")
        within(values.get("largest", 1), 1, 1 << 40, "files.largest")
        return cls(**(values | {"apids": tuple(apids)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline(Section):
    """What happened when: `[timeline]`."""

    NAME: ClassVar[str] = "timeline"

    zero: float | None = None
    """Clock seconds of the moment that times are counted from."""
    zero_name: str = ""
    events: tuple[Mapping[str, Any], ...] = ()
    """Each {clock, name, title}, in order."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[timeline]` table."""
        del name
        values = checked(cls, mapping, "timeline")
        return cls(**(values | {"events": tuple(sorted(values.get("events", ()), key=lambda event: float(event["clock"])))}))

    def since_zero(self, seconds: float | None) -> str:
        """Give a clock reading as time since zero: T+254.37 s, T-1:02:03, T+3 d 04:05; empty if either is unknown."""
        if seconds is None or self.zero is None:
            return ""
        apart = round(seconds - self.zero, 2)
        sign, apart = ("-" if apart < 0 else "+"), abs(apart)
        if apart < 1000:
            return f"T{sign}{apart:.2f} s"
        minutes, second = divmod(int(apart), 60)
        if apart < 86400:
            return f"T{sign}{minutes // 60}:{minutes % 60:02d}:{second:02d}"
        return f"T{sign}{minutes // 1440} d {minutes // 60 % 24:02d}:{minutes % 60:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission(Section):
    """Who flies: `[mission]`."""

    NAME: ClassVar[str] = "mission"

    id: str = "generic"
    title: str = "Files without a mission profile"
    spacecraft: str = ""
    credit: str = ""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read the `[mission]` table."""
        del name
        return cls(**checked(cls, mapping, "mission"))
