"""From a video to a mosaic for each of its frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pipeline.errors import DataError
from stages.decode.names import Identity, frame_in, identify
from stages.decode.picture import camera_of, doubts, label_of
from stages.decode.raw import is_coded, is_raw
from stages.decode.sidecars import moments_of
from stages.formats.raster import nothing_lost
from stages.formats.video import HEAD, VideoFrame, read_video, video_format
from stages.products import Mosaic, ReceivedFile
from stages.products.images import Pattern
from stages.profile import Clock, Names

__all__ = ["decode_video", "is_video"]

MOSAICS: dict[str, Pattern] = {"RGGB": "RGGB", "GRBG": "GRBG", "GBRG": "GBRG", "BGGR": "BGGR"}


def is_video(file: ReceivedFile) -> bool:
    """Say whether a file is a video, by its first bytes; the spacecraft's word that it holds samples is worth more."""
    return not is_raw(file.meta) and not is_coded(file.meta) and video_format(file.data[:HEAD]) is not None


def decode_video(file: ReceivedFile, names: Names, described: Mapping[str, Any], clock: Clock) -> Iterator[Mosaic]:
    """Decode the frames of a video, one at a time.

    A frame has the number of the video's first one plus its place, if the name or the spacecraft tells one, else the video's name and its
    place; its time is that of the video's beginning plus its own. `described` is what labels beside it say.
    """
    label = label_of(described)
    seconds, utc = moments_of(label, clock)
    identity = identify(file.name, names, ({} if seconds is None else {"clock": seconds}) | file.meta)
    about = {"camera": camera_of(identity, label, names), "utc": utc, "label": label, "caveats": doubts(file, names, seconds)}
    told = file.meta.get("frame_rate")
    rate = float(told) if isinstance(told, (int, float)) and not isinstance(told, bool) and 0 < told <= 1e6 else None
    frames = read_video(_whole(file), file.name, file.gaps, rate=rate)
    try:
        last = -1
        for frame in frames:
            yield _mosaic(file, identity, frame, about, lost=frame.number - last - 1)
            last = frame.number
    except DataError:
        if file.size is not None and not file.gaps:
            raise


def _whole(file: ReceivedFile) -> bytes:
    """Fill up what has not come of the end, of which the gaps tell: a table at the front then still finds its frames."""
    size = file.size or 0
    return file.data + bytes(size - len(file.data)) if len(file.data) < size <= 2 * len(file.data) else file.data


def _mosaic(file: ReceivedFile, identity: Identity, frame: VideoFrame, about: Mapping[str, Any], *, lost: int) -> Mosaic:
    samples, cfa = _plane(frame, file, identity)
    meta: dict[str, Any] = {} if frame.seconds is None else {"seconds": frame.seconds}
    caveats = [*about["caveats"], *([f"{lost} frames of the video before this one could not be decoded"] if lost > 0 else [])]
    meta |= ({"label": about["label"]} if about["label"] else {}) | ({"caveats": caveats} if caveats else {})
    return Mosaic(
        file=file.file,
        camera=about["camera"],
        frame=frame_in(identity, frame.number),
        edition="thumbnail" if identity.edition == "thumbnail" else "video",
        samples=samples,
        mask=nothing_lost(samples.shape[:2]),
        cfa=cfa,
        white=(1 << frame.bits) - 1,
        source=identity.name,
        clock=None if identity.clock is None or frame.seconds is None else identity.clock + frame.seconds,
        utc=_later(about["utc"], frame.seconds),
        meta=meta,
    )


def _later(utc: str, seconds: float | None) -> str:
    """Add seconds to a UTC; empty if either is unknown."""
    if not utc or seconds is None:
        return ""
    return f"{np.datetime64(utc.removesuffix('Z'), 'us') + np.timedelta64(round(seconds * 1e6), 'us')}Z"


def _plane(frame: VideoFrame, file: ReceivedFile, identity: Identity) -> tuple[Any, Pattern]:
    """Say what the samples are: a frame without colour is a mosaic only where the spacecraft or the name says so."""
    told = str(file.meta.get("cfa"))
    if frame.neutral and (told in MOSAICS or told == "mono" or identity.kind == "mosaic"):
        samples = frame.samples if frame.samples.ndim == 2 else frame.samples[:, :, 0].copy()
        return samples, "mono" if told == "mono" else MOSAICS.get(told, "RGGB")
    return frame.samples, "colour" if frame.samples.ndim == 3 else "mono"
