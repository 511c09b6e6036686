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
from stages.formats.raster import any_lost, as_read, count_lost

__all__ = ["Image", "Mosaic", "Rendition"]

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
    """(height, width), True where a sample is lost. Copy it before you write to it: one in which nothing is lost may be one octet."""
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
        from stages.formats.tiff import tiff_parts

        sink.put(".tif", tiff_parts(self.samples, mask=self.mask, record=self._record()))

    def _record(self) -> Facts:
        names = ("cfa", "white", "source", "clock", "utc", "meta")
        return dict(self.key) | {name: getattr(self, name) for name in names}

    def as_saved(self) -> Self:
        """All of it, with the record as it comes out of a file."""
        return type(self)(samples=_packed(self.samples), mask=as_read(self.mask), **json.loads(json.dumps(self._record(), sort_keys=True)))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        from stages.formats.tiff_reader import read_tiff

        raster = read_tiff(source.read(".tif"), source.files[".tif"].path)
        record: Mapping[str, Any] = raster.meta.get("record", {})
        return cls(samples=raster.samples, mask=raster.mask, **(dict(record) | dict(source.key)))

    def completeness(self) -> Completeness:
        """Count samples; a gap is a run of rows in which any is lost."""
        return _completeness(self.mask, "samples", self.meta)

    def facts(self) -> Facts:
        """Size, colour filter, name and time."""
        height, width = self.mask.shape
        names = ("cfa", "white", "source", "clock", "utc")
        return {"width": width, "height": height} | {name: getattr(self, name) for name in names}

    def story(self) -> list[str]:
        """Tell which file it was decoded from."""
        return [f"{self.edition} edition, decoded from file {self.file}" + (f" ({self.source})" if self.source else "")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A frame in other colours than its picture's, to be looked at."""

    samples: NDArray[np.uint8]
    """(height, width, 3); 0 where lost."""
    done: Facts = field(default_factory=dict)
    """What was done to its colours, as in `Image.meta`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Product):
    """A frame, developed."""

    KEY: ClassVar[tuple[str, ...]] = ("camera", "frame")

    camera: str
    frame: str
    samples: Samples
    """(height, width, 3), or (height, width) from a mono camera; 0 where lost."""
    mask: Mask
    """(height, width), True where a pixel depends on a lost sample; as a mosaic's, not to be written to."""
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
    of them counts as missing. caveats: what a user should know, a sentence each. DONE: what was done to the samples, in this order."""
    renditions: Mapping[str, Rendition] = field(default_factory=dict)
    """Others of the same frame, by name."""

    DONE: ClassVar[tuple[str, ...]] = (
        "destretched", "companding", "filled", "bias", "dark", "flat", "rendition",
        "gains", "balance", "target", "method", "matrix", "illuminant", "tone",
    )  # fmt: skip

    @classmethod
    def stem(cls, key: Key) -> str:
        """images/CAMERA/FRAME."""
        return f"images/{key['camera']}/{key['frame']}"

    def save(self, sink: Sink) -> None:
        """Write .png (8 bit, alpha 0 where lost), one more for each other rendition, and .tif for more than 8 bits."""
        from stages.formats.tiff import tiff_parts
        from stages.formats.tone import shown

        record = self._record() | {"channels": self.samples[0, 0].size}
        self._write(sink, ".png", shown(self.samples, self.white, self.meta.get("tone", "linear")), record | {"meta": self.meta})
        kept = {
            key: value for key, value in self.meta.items() if key not in {"rendition", "gains", "balance", "target", "matrix", "illuminant"}
        }
        for name, rendition in self.renditions.items():
            self._write(sink, f".{name}.png", rendition.samples, record | {"meta": kept | rendition.done, "done": rendition.done})
        if self.samples.dtype != np.uint8:
            sink.put(".tif", tiff_parts(self.samples, mask=self.mask, record=record | {"meta": self.meta}))

    def _record(self) -> Facts:
        names = ("edition", "editions", "source", "file", "clock", "utc", "white")
        return dict(self.key) | {name: getattr(self, name) for name in names}

    def as_saved(self) -> Self | None:
        """All of it, with the record as it comes out of a file, if it has 8 bits and is alone."""
        if self.samples.dtype != np.uint8 or self.renditions:
            return None
        record = json.loads(json.dumps(self._record() | {"meta": self.meta}, sort_keys=True))
        record["editions"] = tuple(record["editions"])
        return type(self)(samples=_packed(self.samples), mask=as_read(self.mask), **record)

    def _write(self, sink: Sink, suffix: str, samples: NDArray[np.uint8], record: Facts) -> None:
        from stages.formats.png import png_parts

        title = self.source or f"{self.camera} {self.frame}"
        text = {"Title": title, "Source": self.camera, "Comment": json.dumps(record, sort_keys=True)}
        sink.put(suffix, png_parts(self._with_alpha(samples), text=text))

    def _with_alpha(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Add alpha where anything is lost."""
        if not any_lost(self.mask):
            return samples
        shown = np.empty((*self.mask.shape, 4), np.uint8)
        # A channel at a time: in runs of three samples, NumPy takes thrice as long.
        for channel in range(3):
            shown[:, :, channel] = samples[:, :, channel] if samples.ndim == 3 else samples
        np.subtract(self.mask.view(np.uint8), np.uint8(1), out=shown[:, :, 3])
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
        others = {name[1:-4]: _load_rendition(source, name) for name in source.files if name.endswith(".png") and name != ".png"}
        return cls(samples=samples, mask=raster.mask, renditions=others, **record)

    def completeness(self) -> Completeness:
        """Count pixels; a gap is a run of rows in which any is lost."""
        rows, columns = self.meta.get("telemetry", (0, 0))
        return _completeness(self.mask, "pixels", self.meta, rows, columns)

    def facts(self) -> Facts:
        """Size, editions, name and time, and what was done to the samples."""
        height, width = self.mask.shape
        names = ("edition", "source", "file", "clock", "utc", "white")
        facts = {"width": width, "height": height, "editions": list(self.editions)} | {n: getattr(self, n) for n in names}
        facts["done"] = {key: self.meta[key] for key in self.DONE if key in self.meta}
        return facts | ({"renditions": {name: dict(other.done) for name, other in self.renditions.items()}} if self.renditions else {})

    def story(self) -> list[str]:
        """Tell which edition it was made from, and which others there were."""
        others = [edition for edition in self.editions if edition != self.edition]
        rest = f"; also there: {', '.join(others)}" if others else ""
        done = "; ".join(f"{key} {_words(self.meta[key])}" for key in self.DONE if key in self.meta)
        return [f"developed from the {self.edition} edition in file {self.file}{rest}"] + ([f"done to its samples: {done}"] if done else [])

    @classmethod
    def tally(cls, entries: Iterable[Entry]) -> Facts:
        """Sum up by camera. A frame is missing if only its thumbnail has come, or if its number lies between others that came."""
        cameras: dict[str, list[Entry]] = {}
        for entry in entries:
            cameras.setdefault(entry.key["camera"], []).append(entry)
        return {"cameras": {camera: _tally_camera(cameras[camera]) for camera in sorted(cameras)}}


def _packed(samples: Samples) -> Samples:
    return samples if samples.flags.c_contiguous else samples.copy()


def _load_rendition(source: Source, suffix: str) -> Rendition:
    from stages.formats.images import read_image_bytes

    raster = read_image_bytes(source.read(suffix), source.files[suffix].path)
    done = json.loads(raster.meta.get("text", {}).get("Comment", "{}")).get("done", {})
    return Rendition(samples=np.asarray(raster.samples, np.uint8), done=done)


def _words(value: Any) -> str:
    """Write down a setting or a measurement; a file by the beginning of its digest."""
    if isinstance(value, dict) and "sha256" in value:
        return f"{value.get('table', '')} {value['sha256'][:8]}".strip()
    return json.dumps(value).strip('"')


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


def _completeness(mask: Mask, unit: str, meta: Facts, rows: int = 0, columns: int = 0) -> Completeness:
    """Count what is there; what is masked in the first `rows` and `columns` was never there to be lost."""
    caveats = tuple(str(caveat) for caveat in meta.get("caveats", ()))
    apart = count_lost(mask[:rows, :columns])
    missing = count_lost(mask[:rows, columns:]) + count_lost(mask[rows:])
    gaps = _row_gaps(mask, rows, columns) if missing else ()
    if len(gaps) > Completeness.MAX_GAPS:
        caveats += (f"{len(gaps) - Completeness.MAX_GAPS} more gaps are not listed",)
    return Completeness(
        received=mask.size - apart - missing,
        expected=mask.size - apart,
        unit=unit,
        gaps=gaps[: Completeness.MAX_GAPS],
        caveats=caveats,
    )


def _row_gaps(mask: Mask, rows: int, columns: int) -> tuple[tuple[int, int], ...]:
    """Give the runs of rows in which anything is lost, as ranges of samples in reading order."""
    touched = np.concatenate([[False], mask[:rows, columns:].any(axis=1), mask[rows:].any(axis=1), [False]])
    edges = np.flatnonzero(touched[1:] != touched[:-1]) * mask.shape[1]
    return tuple((int(start), int(stop)) for start, stop in edges.reshape(-1, 2))
