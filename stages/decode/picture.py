"""From a file as far as it has come to the mosaic in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import safe_value
from stages.decode.names import Identity, identify
from stages.decode.raw import is_coded, is_raw, read_coded, read_raw
from stages.decode.sidecars import APART, moments_of
from stages.formats.images import image_format, read_image_bytes
from stages.formats.layout import Layout, read_layout
from stages.formats.levels import as_levels
from stages.formats.raster import Raster, count_lost
from stages.products import Mosaic, ReceivedFile
from stages.products.images import Pattern
from stages.profile import Clock, Names

__all__ = ["camera_of", "decode_picture", "doubts", "label_of"]

PATTERNS: dict[str, Pattern] = {"RGGB": "RGGB", "GRBG": "GRBG", "GBRG": "GBRG", "BGGR": "BGGR", "mono": "mono", "colour": "colour"}
PHASE_SPREAD = 0.02
"""Of the mean: where the four phases of a picture differ by less, it is no mosaic. Those of Kodak's photographs in grey differ by
0.0004 to 0.006, as mosaics by 0.1 to 0.44; those of Mars in its own colours by 0.4 to 0.9."""


def decode_picture(file: ReceivedFile, names: Names, described: Mapping[str, Any], clock: Clock) -> Iterator[Mosaic]:
    """Decode the one picture of a file, or nothing; `described` is what labels beside it say (`stages.products.Description.meta`)."""
    raster = _read(file, described)
    if raster is None or count_lost(raster.mask) == raster.mask.size:
        return
    raster = as_levels(raster)
    label = label_of(described, raster)
    seconds, utc = moments_of(label, clock)
    identity = identify(file.name, names, ({} if seconds is None else {"clock": seconds}) | file.meta)
    samples = _one_plane(raster.samples)
    cfa = _cfa(samples, raster, file, identity)
    caveats = [*raster.meta.get("caveats", ()), *described.get("caveats", ()), *doubts(file, names, seconds)]
    meta = _corner(file, label) | {key: raster.meta[key] for key in ("levels",) if key in raster.meta}
    meta |= ({"label": label} if label else {}) | ({"caveats": caveats} if caveats else {})
    yield Mosaic(
        file=file.file,
        camera=camera_of(identity, label, names),
        frame=identity.frame,
        edition=_edition(identity, raster),
        samples=samples,
        mask=raster.mask,
        cfa=cfa,
        white=(1 << _bits(raster, file)) - 1,
        source=identity.name,
        clock=identity.clock,
        utc=utc,
        meta=meta,
    )


def label_of(described: Mapping[str, Any], raster: Raster | None = None) -> dict[str, Any]:
    """Put a file's own label over those beside it."""
    beside, own = described.get("label"), {} if raster is None else raster.meta.get("label")
    return (dict(beside) if isinstance(beside, Mapping) else {}) | (dict(own) if isinstance(own, Mapping) else {})


def doubts(file: ReceivedFile, names: Names, seconds: float | None) -> list[str]:
    """Say so where the label's time is not that of the name or of the spacecraft's record."""
    other = identify(file.name, names, file.meta).clock
    if seconds is None or other is None or abs(seconds - other) <= APART:
        return []
    return [f"its label says clock {seconds:.3f}, its name or the spacecraft's record {other:.3f}"]


def _corner(file: ReceivedFile, label: Mapping[str, Any]) -> dict[str, Any]:
    """Give the place in the full frame at which a subframe begins: the spacecraft's word, else the label's, which counts from 1."""
    told = {key: file.meta[key] for key in ("x", "y") if _whole(file.meta.get(key))}
    places = {"x": label.get("first_sample"), "y": label.get("first_line")}
    return {key: value - 1 for key, value in places.items() if _whole(value) and value > 1} | told


def _read(file: ReceivedFile, told: Mapping[str, Any]) -> Raster | None:
    """Read what there is; None if it is no picture, or too little of one to read."""
    # A file whose size is not known has perhaps not come in full, though no gap in it shows that.
    partial = bool(file.gaps) or file.size is None
    # Only an archive's file has a label beside it: what the spacecraft says of its files is another record.
    beside = file.meta if "layout" in file.meta and not file.sources else {}
    if not is_raw(file.meta) and not is_coded(file.meta) and not beside and image_format(file.data) is None:
        beside = {"layout": told["layout"], "described": told} if "layout" in told and not file.sources else {}
        if not beside:
            return None
    try:
        if is_raw(file.meta):
            return read_raw(file.data, file.name, file.meta, file.gaps)
        if is_coded(file.meta):
            return read_coded(file.data, file.name, file.meta, file.gaps)
        if beside:
            return _read_described(file, beside)
        return read_image_bytes(file.data, file.name, file.gaps)
    except DataError:
        if partial:
            return None
        raise


def _read_described(file: ReceivedFile, beside: Mapping[str, Any]) -> Raster:
    """Read plain samples by the label that stands beside them."""
    layout, meta = beside["layout"], beside.get("described")
    if not isinstance(layout, dict) or not isinstance(meta, Mapping):
        raise DataError("is described by a layout that cannot be", where=file.name)
    return read_layout(file.data, Layout.from_mapping(layout, file.name), file.name, file.gaps, meta)


def camera_of(identity: Identity, label: Mapping[str, Any], names: Names) -> str:
    """Take the camera from the label of a file whose name says none."""
    instrument = label.get("instrument")
    if identity.known or not isinstance(instrument, str):
        return identity.camera
    return safe_value(names.cameras.get(instrument.upper(), instrument)) or identity.camera


def _one_plane(samples: NDArray[Any]) -> NDArray[Any]:
    """Make one band of three that are the same: archives publish mosaics so."""
    if samples.ndim == 3 and np.array_equal(samples[:, :, 0], samples[:, :, 1]) and np.array_equal(samples[:, :, 0], samples[:, :, 2]):
        return np.ascontiguousarray(samples[:, :, 0])
    return samples


def _cfa(samples: NDArray[Any], raster: Raster, file: ReceivedFile, identity: Identity) -> Pattern:
    """Say what the samples are. Their bands decide before the name does; RGGB also stands for a filter that only the profile knows."""
    if samples.ndim == 3:
        return "colour"
    told = PATTERNS.get(str(file.meta.get("cfa", raster.meta.get("cfa"))))
    if told and told != "colour":
        return told
    plain = identity.kind == "colour" or not (
        identity.known or is_raw(file.meta) or is_coded(file.meta) or _has_phases(samples, raster.mask)
    )
    return "mono" if plain else "RGGB"


def _has_phases(samples: NDArray[Any], mask: NDArray[np.bool_]) -> bool:
    """Say whether the samples of the four places in a cell of two by two differ as behind colour filters."""
    places = [np.s_[row::2, column::2] for row in range(2) for column in range(2)]
    means = [samples[place].mean(where=~mask[place]) for place in places if not mask[place].all()]
    return len(means) == 4 and bool(max(means) - min(means) > PHASE_SPREAD * np.mean(means))


def _edition(identity: Identity, raster: Raster) -> str:
    """Take the name's word, but not for lossless if the file's coding is lossy: browse products keep the names of their originals."""
    if not raster.meta["lossless"] and identity.edition in {"", "lossless"}:
        return "jpeg"
    return identity.edition or "lossless"


def _bits(raster: Raster, file: ReceivedFile) -> int:
    """Give the bits of a sample: what the spacecraft says, if the samples have room for it."""
    most = 8 * raster.samples.itemsize
    told = file.meta.get("bits")
    if _whole(told) and 1 <= told <= most:
        return told
    bits = raster.meta["bits"]
    return bits if isinstance(bits, int) and 1 <= bits <= most else most


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
