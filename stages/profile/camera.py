"""A camera, and the tables that undo its companding: `[camera.NAME]`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pipeline.errors import DataError, ProfileError
from pipeline.stage import Section
from stages.profile.checks import checked, made, tables, within

__all__ = ["Camera", "CompandingTable"]

Cfa: TypeAlias = Literal["RGGB", "GRBG", "GBRG", "BGGR", "mono"]


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
        return cls(name=str(mapping.get("name", "")).upper(), sols=tuple(sols), values=tuple(table))


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
    """White balance: factors of red, green and blue that make a white thing white in the light of the place."""
    illuminant: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour of that light, linear, the greatest 1: what a white thing has in a rendition of approximately true colour."""
    matrix: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    """From balanced camera colours to those of linear sRGB, a row for each of its colours; rows add up to 1, so that white stays white."""
    bias: float = 0.0
    """Data number of no light, after companding is undone."""
    dark: bytes = b""
    """A dark frame, as a TIFF or PNG file of 16 bits: data numbers above the bias, of the full frame."""
    flat: bytes = b""
    """A flat field likewise: the response to even light, in any unit; each colour is divided by its own mean."""
    targets: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """Neutral things by name: column, row, width and height of the full frame in which they show."""
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
        values["companding"] = tuple(
            CompandingTable.from_mapping(table, f"{where}.companding[{number}]")
            for number, table in enumerate(tables(values.get("companding", ()), f"{where}.companding"))
        )
        for key in {"gains", "illuminant", "matrix", "targets"} & values.keys():
            values[key] = _tuples(values[key])
        camera = made(cls, {**values, "name": name}, where)
        within(camera.bits, 1, 16, f"{where}.bits")
        within(camera.width, 0, 1 << 16, f"{where}.width")
        within(camera.height, 0, 1 << 16, f"{where}.height")
        within(camera.frame_rate, 0, 1e6, f"{where}.frame_rate")
        within(camera.embedded_samples, 0, 1 << 16, f"{where}.embedded_samples")
        if min(camera.gains) <= 0 or max(camera.gains) > 64:
            raise ProfileError("must be three factors over 0 and up to 64", where=f"{where}.gains")
        _check_colour(camera, where)
        _check_calibration(camera, where)
        return camera


def _check_colour(camera: Camera, where: str) -> None:
    if min(camera.illuminant) <= 0 or max(camera.illuminant) != 1:
        raise ProfileError("must be three numbers over 0, the greatest of them 1", where=f"{where}.illuminant")
    if len(camera.matrix) != 3 or not all(abs(sum(row) - 1) < 1e-3 and max(map(abs, row)) <= 16 for row in camera.matrix):
        raise ProfileError("must be three rows of three factors, each of which adds up to 1", where=f"{where}.matrix")


def _check_calibration(camera: Camera, where: str) -> None:
    from stages.formats.images import image_format

    within(camera.bias, 0, (1 << camera.bits) - 2, f"{where}.bias")
    for key in ("dark", "flat"):
        data = getattr(camera, key)
        if data and image_format(data[:65536]) not in {"png", "tiff"}:
            remedy = "Give PNG or TIFF of 16 bits: what a lossy code leaves of a calibration shows in every picture"
            raise ProfileError("is neither PNG nor TIFF", where=f"{where}.{key}", remedy=remedy)
    for target, box in camera.targets.items():
        if not all(0 <= side <= 65535 for side in box) or not box[2] * box[3]:
            remedy = "Write [column, row, width, height], in pixels of the full frame"
            raise ProfileError("is no box", where=f"{where}.targets.{target}", remedy=remedy)


def _tuples(value: Any) -> Any:
    """Make tuples of lists, also within lists and tables."""
    if isinstance(value, Mapping):
        return {str(key): _tuples(entry) for key, entry in value.items()}
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list | tuple) else value
