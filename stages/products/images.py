"""Mosaic and Image: pictures, from the sensor to the screen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Entry, Facts, Key, Product, Sink, Source

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
    utc: str = ""
    """Of acquisition as a label says it: ISO 8601 with a Z."""
    meta: Facts = field(default_factory=dict)
    """x, y: column and row of the full frame at which a subframe begins. caveats: what a user should know, a sentence each."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """mosaics/CAMERA/FRAME-EDITION-FILE."""
        return f"mosaics/{key['camera']}/{key['frame']}-{key['edition']}-{key['file']}"

    def save(self, sink: Sink) -> None:
        """Write .tif: samples, and the mask as a second page where anything is lost."""
        from stages.formats.tiff import write_tiff

        names = ("cfa", "white", "source", "clock", "utc", "meta")
        record = dict(self.key) | {name: getattr(self, name) for name in names}
        write_tiff(sink.path(".tif"), self.samples, mask=self.mask, record=record)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        from stages.formats.tiff import read_tiff

        raster = read_tiff(source.read(".tif"), source.files[".tif"].path)
        record: Mapping[str, Any] = raster.meta.get("record", {})
        return cls(samples=raster.samples, mask=raster.mask, **(dict(record) | dict(source.key)))

    def completeness(self) -> Completeness:
        """Count samples; a gap is a run of rows in which any is lost."""
        return _completeness(self.mask, self.mask, "samples", self.meta)

    def facts(self) -> Facts:
        """Size, colour filter, name and time."""
        height, width = self.mask.shape
        names = ("cfa", "white", "source", "clock", "utc")
        return {"width": width, "height": height} | {name: getattr(self, name) for name in names}

    def story(self) -> list[str]:
        """Tell which file it was decoded from."""
        return [f"{self.edition} edition, decoded from file {self.file}" + (f" ({self.source})" if self.source else "")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Product):
    """A frame, developed."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "frame")

    camera: str
    frame: str
    samples: Samples
    """(height, width, 3), or (height, width) from a mono camera; 0 where lost."""
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
    """telemetry: (rows, columns) of the top left corner where pixels are masked because they depend on camera telemetry, so that none
    of them counts as missing. caveats: what a user should know, a sentence each."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """images/CAMERA/FRAME."""
        return f"images/{key['camera']}/{key['frame']}"

    def save(self, sink: Sink) -> None:
        """Write .png (8 bit, alpha 0 where lost), and .tif for more than 8 bits."""
        from stages.formats.png import write_png
        from stages.formats.tiff import write_tiff

        names = ("edition", "editions", "source", "file", "clock", "utc", "white", "meta")
        record = dict(self.key) | {name: getattr(self, name) for name in names} | {"channels": self.samples[0, 0].size}
        title = self.source or f"{self.camera} {self.frame}"
        text = {"Title": title, "Source": self.camera, "Comment": json.dumps(record, sort_keys=True)}
        write_png(sink.path(".png"), self._shown(), text=text)
        if self.samples.dtype != np.uint8:
            write_tiff(sink.path(".tif"), self.samples, mask=self.mask, record=record)

    def _shown(self) -> NDArray[np.uint8]:
        """Give 8 bits a sample, with alpha where anything is lost."""
        samples = self.samples
        if samples.dtype != np.uint8:
            scaled = (np.minimum(samples, self.white).astype(np.uint32) * 255 + self.white // 2) // self.white
            samples = scaled.astype(np.uint8)
        if not self.mask.any():
            return samples.astype(np.uint8, copy=False)
        shown = np.empty((*self.mask.shape, 4), np.uint8)
        shown[:, :, :3] = samples if samples.ndim == 3 else samples[:, :, np.newaxis]
        shown[:, :, 3] = np.where(self.mask, 0, 255)
        return shown

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote: the .tif if there is one."""
        from stages.formats.images import read_image_bytes

        suffix = ".tif" if ".tif" in source.files else ".png"
        raster = read_image_bytes(source.read(suffix), source.files[suffix].path)
        record = raster.meta.get("record") or json.loads(raster.meta.get("text", {}).get("Comment", "{}"))
        samples: NDArray[Any] = raster.samples
        if record.pop("channels", 3) == 1 and samples.ndim == 3:
            # A mono picture with losses: PNG has its alpha, so it was written as RGB.
            samples = samples[:, :, 0].copy()
        record = record | dict(source.key) | {"editions": tuple(record.get("editions", ()))}
        return cls(samples=samples, mask=raster.mask, **record)

    def completeness(self) -> Completeness:
        """Count pixels; a gap is a run of rows in which any is lost."""
        lost = self.mask
        if "telemetry" in self.meta:
            rows, columns = self.meta["telemetry"]
            lost = lost.copy()
            lost[:rows, :columns] = False
        return _completeness(self.mask, lost, "pixels", self.meta)

    def facts(self) -> Facts:
        """Size, editions, name and time."""
        height, width = self.mask.shape
        names = ("edition", "source", "file", "clock", "utc", "white")
        return {"width": width, "height": height, "editions": list(self.editions)} | {n: getattr(self, n) for n in names}

    def story(self) -> list[str]:
        """Tell which edition it was made from, and which others there were."""
        others = [edition for edition in self.editions if edition != self.edition]
        rest = f"; also there: {', '.join(others)}" if others else ""
        return [f"developed from the {self.edition} edition in file {self.file}{rest}"]

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Sum up by camera. A frame is missing if only its thumbnail has come, or if its number lies between others that came."""
        cameras: dict[str, list[Entry]] = {}
        for entry in entries:
            cameras.setdefault(entry.key["camera"], []).append(entry)
        return {"cameras": {camera: _tally_camera(cameras[camera]) for camera in sorted(cameras)}}


def _tally_camera(entries: list[Entry]) -> Facts:
    editions = Counter(edition for entry in entries for edition in entry.facts["editions"])
    thumbnails = sum(entry.facts["editions"] == ["thumbnail"] for entry in entries)
    numbers = {int(entry.key["frame"]) for entry in entries if entry.key["frame"].isdecimal()}
    skipped = max(numbers) - min(numbers) + 1 - len(numbers) if numbers else 0
    return {
        "frames": len(entries),
        "partial": sum(entry.completeness.partial for entry in entries),
        "missing": thumbnails + skipped,
        "editions": dict(sorted(editions.items())),
    }


def _completeness(mask: Mask, lost: Mask, unit: str, meta: Facts) -> Completeness:
    """Count what is there; `lost` leaves out of the mask what was never there to be lost."""
    caveats = tuple(str(caveat) for caveat in meta.get("caveats", ()))
    received = mask.size - int(np.count_nonzero(mask))
    missing = int(np.count_nonzero(lost))
    gaps = _row_gaps(lost) if missing else ()
    if len(gaps) > Completeness.MAX_GAPS:
        caveats += (f"{len(gaps) - Completeness.MAX_GAPS} more gaps are not listed",)
    return Completeness(received=received, expected=received + missing, unit=unit, gaps=gaps[: Completeness.MAX_GAPS], caveats=caveats)


def _row_gaps(lost: Mask) -> tuple[tuple[int, int], ...]:
    """Give the runs of rows in which anything is lost, as ranges of samples in reading order."""
    touched = np.concatenate([[False], lost.any(axis=1), [False]])
    edges = np.flatnonzero(touched[1:] != touched[:-1]) * lost.shape[1]
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))
