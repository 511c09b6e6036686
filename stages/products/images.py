"""Mosaic and Image: pictures, from the sensor to the screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source

__all__ = ["Image", "Mosaic"]

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Mask: TypeAlias = NDArray[np.bool_]
Pattern: TypeAlias = Literal["RGGB", "GRBG", "GBRG", "BGGR", "mono", "colour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosaic(Product):
    """One edition of one frame, as the sensor saw it."""

    KEY: ClassVar[tuple[str, ...]] = ("file", "camera", "frame", "edition")

    file: str
    camera: str
    frame: str
    edition: str
    """thumbnail, jpeg, video or lossless."""
    samples: Samples
    """(height, width) data numbers; (height, width, 3) if cfa is "colour"."""
    mask: Mask
    """(height, width), True where a sample is lost."""
    cfa: Pattern = "RGGB"
    """Colour filter of (0,0) (0,1) (1,0) (1,1) of these samples; mono and colour pass through."""
    white: int = 255
    """Largest data number that the sensor gives."""
    source: str = ""
    """Name of the product on board or in the archive."""
    clock: float | None = None
    """Clock seconds of acquisition, if known."""
    meta: Facts = field(default_factory=dict)

    @classmethod
    def stem(cls, key: Key) -> str:
        """mosaics/CAMERA/FRAME-EDITION-FILE."""
        return f"mosaics/{key['camera']}/{key['frame']}-{key['edition']}-{key['file']}"

    def save(self, sink: Sink) -> None:
        """Write .tif: samples, and the mask as a second page where anything is lost."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count samples; a gap is a run of rows in which any is lost."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Product):
    """A frame, developed."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "frame")

    camera: str
    frame: str
    samples: Samples
    """(height, width, 3), or (height, width) from a mono camera."""
    mask: Mask
    """(height, width), True where a pixel depends on a lost sample."""
    edition: str = ""
    """The one it was made from."""
    editions: tuple[str, ...] = ()
    """All that have come, sorted, each once."""
    source: str = ""
    """Name of the product that it was made from."""
    file: str = ""
    clock: float | None = None
    """Clock seconds of acquisition, if known."""
    utc: str = ""
    white: int = 255
    meta: Facts = field(default_factory=dict)

    @classmethod
    def stem(cls, key: Key) -> str:
        """images/CAMERA/FRAME."""
        return f"images/{key['camera']}/{key['frame']}"

    def save(self, sink: Sink) -> None:
        """Write .png (8 bit, alpha 0 where lost), and .tif for more than 8 bits."""
        raise NotImplementedError

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote: the .tif if there is one."""
        raise NotImplementedError

    def completeness(self) -> Completeness:
        """Count pixels; a gap is a run of rows in which any is lost."""
        raise NotImplementedError
