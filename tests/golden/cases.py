"""What of the sample downlinks is kept golden: small pieces of each kind of product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.testing.goldens import Case
from stages.formats.images import read_image

__all__ = ["CASES"]


def crop(pattern: str, rows: slice, columns: slice) -> Callable[[Path], NDArray[Any]]:
    """Cut a piece out of the first picture that matches."""
    return lambda out: np.ascontiguousarray(read_image(min(out.glob(pattern))).samples[rows, columns])


def sound(out: Path) -> NDArray[Any]:
    """Half a second of the recording."""
    import soundfile

    samples, _ = soundfile.read(out / "audio" / "EDL.flac", dtype="int32", start=48_000, stop=72_000)
    return np.asarray(samples)


def values(out: Path) -> NDArray[Any]:
    """The first thousand channel values."""
    import pyarrow.parquet as pq

    table = pq.read_table(out / "telemetry" / "channels.parquet").slice(0, 1000)
    return np.stack([table[name].to_numpy().astype(np.float64) for name in ("clock", "channel", "value")], axis=1)


def packets(out: Path) -> NDArray[Any]:
    """The first packet table."""
    table = np.load(min((out / "packets").glob("*/*[0-9].npy")))
    return np.stack([table[name].astype(np.int64) for name in ("apid", "sequence", "offset", "length", "position")], axis=1)[:500]


CASES = [
    Case(name="packets", stage="packets", load=packets),
    Case(name="channels", stage="telemetry.channel_table", load=values),
    Case(name="mosaic-lossless", stage="decode", load=crop("mosaics/DDC/*-lossless-*.tif", slice(700, 764), slice(900, 964))),
    Case(name="image-ddc", stage="debayer", load=crop("images/DDC/*.png", slice(700, 764), slice(900, 964))),
    Case(name="image-puc1", stage="debayer", load=crop("images/PUC1/*.png", slice(400, 464), slice(500, 564))),
    Case(name="recording", stage="audio", load=sound),
    Case(
        name="spectrogram",
        stage="audio.spectrogram",
        load=crop("audio/EDL-spectrogram.png", slice(100, 300), slice(200, 500)),
        tolerance=8,
    ),
]
