"""Sighting, Sequence and Repair: what only many frames of a camera tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source
from stages.products.packed import read_arrays, write_arrays

__all__ = ["SPOT_DTYPE", "Repair", "Sequence", "Sighting", "Stretch"]

SPOT_DTYPE = np.dtype([("y", "<u2"), ("x", "<u2"), ("excess", "<i4")])
"""A sample that stands out from all its neighbours of the same colour: by so many data numbers above the greatest, or below the least."""

Grid: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting(Product):
    """What one mosaic adds to its sequence."""

    KEY: ClassVar[tuple[str, ...]] = ("file", "camera", "frame", "edition", "span")
    PACKED: ClassVar[bool] = True

    file: str
    camera: str
    frame: str
    edition: str
    span: str
    shape: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    """Row and column of the full frame at which it begins."""
    white: int = 255
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(256,) of samples of 8 bits; empty for more."""
    combed: bool = False
    """The histogram has gaps that no scene makes."""
    spots: NDArray[Any] | None = None
    """(n,) SPOT_DTYPE, the strongest; None where they were not looked for."""
    cells: Grid | None = None
    """(rows, columns, 4) means of the samples at the places (0,0), (0,1), (1,0), (1,1) of each cell of 16 x 16; NaN where most are lost."""

    def save(self, sink: Sink) -> None:
        """Write a line of JSON, then three arrays as .npy, empty ones for those that are not there."""
        head = {"shape": self.shape, "corner": self.corner, "white": self.white, "combed": self.combed}
        arrays = (self.histogram, self.spots, self.cells)
        write_arrays(sink, head | {"there": [array is not None for array in arrays]}, *arrays)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        head, (histogram, *others) = read_arrays(source, 3)
        spots, cells = (array if there else None for array, there in zip(others, head["there"][1:], strict=True))
        return cls(
            **source.key,
            shape=tuple(head["shape"]),
            corner=tuple(head["corner"]),
            white=head["white"],
            combed=head["combed"],
            histogram=histogram,
            spots=spots,
            cells=cells,
        )

    def completeness(self) -> Completeness:
        """It is there or it is not."""
        return Completeness(received=1, expected=1, unit="frames")

    def facts(self) -> Facts:
        """What tells which ones are to be loaded."""
        return {"shape": list(self.shape), "corner": list(self.corner), "combed": self.combed, "sampled": self.spots is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A linear stretch of the levels, found in the gaps that it left in the histogram."""

    levels: tuple[int, ...]
    """Those that the stretch can give, ascending: the place in this list is the level before it."""
    files: tuple[tuple[str, str], ...]
    """Frame and file of each mosaic that was stretched so."""
    gaps: int
    """Gaps on which this rests."""
    unsure: int
    """Levels by which another stretch that fits as well would differ, at most."""
    clipped: tuple[int, int]
    """Samples that were cut off at the lower and the upper end."""

    @property
    def caveats(self) -> tuple[str, ...]:
        """Say what was undone, and what cannot be."""
        found = [
            f"its levels were stretched from {len(self.levels)} to 256, found by {self.gaps} gaps, and are counted from the darkest again"
        ]
        if self.unsure:
            found.append(f"levels where the histogram is thin may be wrong by {self.unsure}")
        cut = [f"{count} at the {end} end" for count, end in zip(self.clipped, ("lower", "upper"), strict=True) if count]
        if cut:
            found.append(f"what the stretch cut off cannot be told: samples of all its frames: {' and '.join(cut)}")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Product):
    """What the frames of a span have in common: stretches, hot and cold pixels, a flat."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "span")

    camera: str
    span: str
    frames: tuple[str, ...]
    """All of the span, in key order, each once."""
    sampled: int
    """Of which so many were looked at for hot pixels and the flat."""
    stretches: tuple[Stretch, ...] = ()
    spots: NDArray[Any] = field(default_factory=lambda: np.zeros(0, SPOT_DTYPE))
    """(n,) SPOT_DTYPE, places of the full frame, the median excess; in reading order."""
    flat: Grid | None = None
    """(rows, columns, 4) as `Sighting.cells`, of the full frame, each colour's mean 1."""
    caveats: tuple[str, ...] = ()

    @classmethod
    def stem(cls, key: Key) -> str:
        """sequences/CAMERA-SPAN."""
        return f"sequences/{key['camera']}-{key['span']}"

    def save(self, sink: Sink) -> None:
        """Write .json."""
        names = ("levels", "files", "gaps", "unsure", "clipped")
        value = {
            "camera": self.camera,
            "span": self.span,
            "frames": self.frames,
            "sampled": self.sampled,
            "stretches": [{name: getattr(stretch, name) for name in names} for stretch in self.stretches],
            "spots": [[int(spot["y"]), int(spot["x"]), int(spot["excess"])] for spot in self.spots],
            "flat": None if self.flat is None else [[[round(float(v), 5) for v in cell] for cell in row] for row in self.flat],
            "caveats": self.caveats,
        }
        sink.path(".json").write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        value = json.loads(source.read(".json"))
        spots = np.array([tuple(row) for row in value["spots"]], SPOT_DTYPE)
        stretches = tuple(
            Stretch(
                levels=tuple(row["levels"]),
                files=tuple((frame, file) for frame, file in row["files"]),
                gaps=row["gaps"],
                unsure=row["unsure"],
                clipped=(row["clipped"][0], row["clipped"][1]),
            )
            for row in value["stretches"]
        )
        return cls(
            **source.key,
            frames=tuple(value["frames"]),
            sampled=value["sampled"],
            stretches=stretches,
            spots=spots,
            flat=None if value["flat"] is None else np.array(value["flat"], np.float32),
            caveats=tuple(value["caveats"]),
        )

    def completeness(self) -> Completeness:
        """Count frames."""
        return Completeness(received=len(self.frames), expected=len(self.frames), unit="frames", caveats=self.caveats)

    def facts(self) -> Facts:
        """Sum up."""
        return {"frames": len(self.frames), "sampled": self.sampled, "stretches": len(self.stretches), "spots": len(self.spots)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair(Product):
    """What is to be done to a frame's mosaics for what its sequence tells."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "span", "frame")
    PACKED: ClassVar[bool] = True

    camera: str
    span: str
    frame: str
    levels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each of its files that was stretched, as in `Stretch`."""
    spots: NDArray[Any] = field(default_factory=lambda: np.zeros(0, SPOT_DTYPE))
    flat: Grid | None = None
    caveats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each of these, what a user should know."""

    def save(self, sink: Sink) -> None:
        """Write a line of JSON, then the spots and the flat as .npy."""
        head = {"levels": self.levels, "caveats": self.caveats, "flat": self.flat is not None}
        write_arrays(sink, head, self.spots, self.flat)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        head, (spots, flat) = read_arrays(source, 2)
        return cls(
            **source.key,
            levels={file: tuple(levels) for file, levels in head["levels"].items()},
            spots=spots,
            flat=flat if head["flat"] else None,
            caveats={file: tuple(caveats) for file, caveats in head["caveats"].items()},
        )

    def completeness(self) -> Completeness:
        """It is there or it is not."""
        return Completeness(received=1, expected=1, unit="repairs")
