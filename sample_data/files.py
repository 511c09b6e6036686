"""The files that the spacecraft makes of frames and sound: thumbnails, JPEG, JPEG-LS, FLAC and WAV, under the mission's names."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data.microphone import BLOCK, RATE, START, record
from sample_data.scenes import render
from sample_data.scenes.mesh import Floats
from sample_data.schedule import INSTRUMENTS, Shot
from sample_data.sensor import BALANCE, colour_numbers, expose
from sample_data.timeline import ticks

__all__ = ["JPEG", "LOSSLESS", "SOUND", "THUMBNAIL", "File", "develop", "frame_files", "name_of", "picture_files", "sound_files", "view_of"]

THUMBNAIL, JPEG, LOSSLESS, SOUND = 80, 81, 82, 83
"""Application process identifiers of the kinds of file."""
QUALITY = {"colour": 75, "mosaic": 95}
WAV_EVERY = 12
"""Every twelfth block of sound is sent as it is, the others as FLAC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file on board."""

    name: str
    apid: int
    data: bytes
    facts: dict[str, Any] = field(default_factory=dict)
    """What its metadata packet says besides the name: ticks and more."""


def name_of(
    instrument: str, milliseconds: int, number: int, *, colour: str, kind: str, small: bool = False, reduced: int = 0, coding: str
) -> str:
    """Give 54 characters: instrument, colour, sol 0, clock, kind of product, frame or block, coding, version 1."""
    seconds, rest = divmod(milliseconds, 1000)
    return (
        f"{INSTRUMENTS[instrument]}{colour}_0000_{seconds:010d}_{rest:03d}{kind}_{'T' if small else 'N'}{number:07d}EDLC00001"
        f"_000{reduced}{coding}J01"
    )


@functools.lru_cache(maxsize=2)
def view_of(camera: str, milliseconds: int, fine: int = 2) -> Floats:
    """Give the data numbers (height, width, 3) float32 of a view, in the camera's colours, before noise."""
    return colour_numbers(render(camera, milliseconds / 1000, fine=fine))


def develop(mosaic: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a white-balanced picture on board, (height, width, 3): gradient-corrected interpolation (Malvar, He and Cutler 2004)."""
    from scipy.ndimage import convolve

    raw = mosaic.astype(np.float32)
    cross = np.array([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
    row = np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
    corner = np.array([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8
    # Mirrored about the outermost samples, a sample's colour stays its own.
    green, along, down, across = (convolve(raw, kernel.astype(np.float32), mode="mirror") for kernel in (cross, row, row.T, corner))
    picture = np.stack([across, raw, across], -1)
    picture[0::2, 0::2] = np.stack([raw, green, across], -1)[0::2, 0::2]
    picture[1::2, 1::2] = np.stack([across, green, raw], -1)[1::2, 1::2]
    picture[0::2, 1::2] = np.stack([along, raw, down], -1)[0::2, 1::2]
    picture[1::2, 0::2] = np.stack([down, raw, along], -1)[1::2, 0::2]
    balanced: NDArray[np.uint8] = np.clip(np.rint(picture * np.asarray(BALANCE, np.float32)), 0, 255).astype(np.uint8)
    return balanced


def _jpeg(samples: NDArray[np.uint8], quality: int) -> bytes:
    """Baseline JPEG with a restart marker after each row of blocks, so that a lost stretch costs its rows only."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "JPEG", quality=quality, optimize=True, restart_marker_rows=1)
    return stream.getvalue()


def _thumbnail(mosaic: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An eighth of the size, each pixel the mean of its samples, white balanced."""
    height, width = mosaic.shape
    blocks = mosaic.reshape(height // 8, 4, 2, width // 8, 4, 2).astype(np.float32).mean((1, 4))
    colour = np.stack([blocks[:, 0, :, 0], (blocks[:, 0, :, 1] + blocks[:, 1, :, 0]) / 2, blocks[:, 1, :, 1]], -1)
    small: NDArray[np.uint8] = np.clip(np.rint(colour * np.asarray(BALANCE, np.float32)), 0, 255).astype(np.uint8)
    return small


def frame_files(shot: Shot, mosaic: NDArray[np.uint8]) -> list[File]:
    """Give thumbnail, JPEG and, where it is due, the lossless edition of a frame."""
    import imagecodecs

    height, width = mosaic.shape
    facts = {"ticks": ticks(shot.clock), "bits": 8}
    name = functools.partial(name_of, shot.camera, shot.milliseconds, shot.frame)
    small = _thumbnail(mosaic)
    files = [
        File(
            name=name(colour="F", kind="FDR", small=True, reduced=3, coding="00") + ".jpg",
            apid=THUMBNAIL,
            data=_jpeg(small, 82),
            facts=facts | {"width": width // 8, "height": height // 8, "encoding": "jpeg"},
        )
    ]
    size = {"width": width, "height": height}
    quality = QUALITY[shot.jpeg]
    if shot.jpeg == "colour":
        told = name(colour="F", kind="FDR", coding=f"{quality:02d}") + ".jpg"
        files.append(File(name=told, apid=JPEG, data=_jpeg(develop(mosaic), quality), facts=facts | size | {"encoding": "jpeg"}))
    else:
        told = name(colour="E", kind="ECM", coding=f"{quality:02d}") + ".jpg"
        more = facts | size | {"encoding": "jpeg", "cfa": "RGGB"}
        files.append(File(name=told, apid=JPEG, data=_jpeg(mosaic, quality), facts=more))
    if shot.lossless:
        told = name(colour="E", kind="ECM", coding="LL") + ".jls"
        more = facts | size | {"encoding": "jpeg-ls", "cfa": "RGGB"}
        files.append(File(name=told, apid=LOSSLESS, data=bytes(imagecodecs.jpegls_encode(mosaic)), facts=more))
    return files


def _view_files(task: tuple[list[Shot], int]) -> list[tuple[Shot, NDArray[np.uint8] | None, list[File]]]:
    """Make the files of all shots of one view; with the mosaics of those that go lossless."""
    shots, fine = task
    colour = view_of(shots[0].camera, shots[0].view, fine)
    made = []
    for shot in shots:
        mosaic = expose(colour, shot.camera, shot.frame, shot.clock)
        made.append((shot, mosaic if shot.lossless else None, frame_files(shot, mosaic)))
    return made


def picture_files(shots: list[Shot], *, fine: int = 2, workers: int = 1) -> Iterator[tuple[Shot, NDArray[np.uint8] | None, list[File]]]:
    """Give each shot's files, in order, with its mosaic if it goes lossless; views are rendered side by side."""
    views: dict[tuple[str, int], list[Shot]] = {}
    for shot in shots:
        views.setdefault((shot.camera, shot.view), []).append(shot)
    tasks = [(group, fine) for group in views.values()]
    if workers == 1:
        for task in tasks:
            yield from _view_files(task)
        return
    with ProcessPoolExecutor(workers) as pool:
        for made in pool.map(_view_files, tasks):
            yield from made


def sound_files(start: float = START, seconds: float = 12.0) -> list[File]:
    """Give the recording in blocks of a quarter of a second."""
    import soundfile

    samples = record(start, seconds)
    files = []
    for number, first in enumerate(range(0, len(samples), BLOCK)):
        container = "WAV" if number % WAV_EVERY == 5 else "FLAC"
        stream = io.BytesIO()
        # libsndfile takes 24 bits from the upper end of 32.
        soundfile.write(stream, samples[first : first + BLOCK] << 8, RATE, format=container, subtype="PCM_24")
        clock = start + first / RATE
        name = name_of("EDL", round(clock * 1000), number + 1, colour="_", kind="EDR", coding="LU")
        facts = {"ticks": ticks(clock), "sample": first, "rate": RATE, "bits": 24, "encoding": container.lower()}
        files.append(File(name=f"{name}.{container.lower()}", apid=SOUND, data=stream.getvalue(), facts=facts))
    return files
