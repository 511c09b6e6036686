"""Make downlinks, truth and manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sample_data import FOLDER, downlinks
from sample_data.files import picture_files, sound_files
from sample_data.ledger import file_rows, frame_rows, frame_table, packet_table, pass_row, sound_row
from sample_data.microphone import SECONDS, START, record
from sample_data.passes import Pass, Plan, downlink
from sample_data.schedule import shots
from sample_data.sensor import SEED, generator

__all__ = ["MANIFEST", "build", "check", "made_with", "manifest"]

MANIFEST = "MANIFEST.sha256"
PART = 1_700_000
"""Octets of a part of a recording, more or less; larger downlinks have larger parts, at most 900 of them."""


def build(out: Path, *, scale: int = 1, workers: int = 1, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Make everything under `out`: downlinks/, truth/, MANIFEST.sha256; return the truth.

    scale  frames of each camera, and seconds of sound, as a multiple of the sample's
    """
    wanted = shots(scale=scale)
    files, mosaics = [], {}
    for shot, mosaic, made in picture_files(wanted, fine=2 if scale == 1 else 1, workers=workers):
        if mosaic is not None:
            mosaics[shot.camera, shot.frame] = hashlib.sha256(mosaic.tobytes()).hexdigest()
        files += made
        say(f"{shot.camera} {shot.frame}: {', '.join(f'{len(file.data):,}' for file in made)} octets")
    seconds = SECONDS * scale
    start = START + SECONDS - seconds
    files += sound_files(start, seconds)
    sent = downlink(files, Plan())
    (out / "downlinks").mkdir(parents=True, exist_ok=True)
    (out / "truth").mkdir(exist_ok=True)
    for path in downlinks(out):
        path.unlink()
    parts = {one.name: list(_write_parts(out / "downlinks", one)) for one in sent.passes}
    rows = file_rows(sent)
    truth = {
        "seed": SEED,
        "scale": scale,
        "made_with": made_with(),
        "passes": [pass_row(one) | {"parts": parts[one.name]} for one in sent.passes],
        "files": rows,
        "frames": frame_rows(wanted, mosaics, rows),
        "sound": sound_row(record(start, seconds), start, rows),
    }
    (out / "truth" / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n")
    _write_table(out / "truth" / "packets.npy", packet_table(sent.passes))
    _write_table(out / "truth" / "frames.npy", frame_table(sent.passes))
    (out / MANIFEST).write_text(manifest(out))
    return truth


def made_with() -> dict[str, Any]:
    """Say what the bytes depend on besides the seed: the encoders, and the processor's way to round a cosine."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    packages = ("numpy", "scipy", "pillow", "imagecodecs", "soundfile")
    return {"processor": simd["found"], **{name: version(name) for name in packages}}


def _write_table(path: Path, table: np.ndarray[Any, Any]) -> None:
    with path.open("wb") as stream:
        np.save(stream, table, allow_pickle=False)


def _write_parts(folder: Path, one: Pass) -> Iterator[dict[str, Any]]:
    """Cut a recording where it suits nobody, and write its parts."""
    data = one.recording.data
    count = min(max(round(len(data) / PART), 1), 900)
    rng = generator("parts", one.name)
    cuts = [round((place + rng.uniform(-0.2, 0.2)) * len(data) / count) for place in range(1, count)]
    suffix = "cadu" if one.level == "bits" else "frames"
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(data)], strict=True)):
        path = folder / f"{one.name}.part{number:03d}.{suffix}"
        path.write_bytes(data[start:stop])
        yield {"file": path.name, "octets": stop - start}


def manifest(out: Path) -> str:
    """Give the lines of the manifest: what `sha256sum -c` reads in that folder."""
    paths = [*downlinks(out), *(out / "truth" / name for name in ("frames.npy", "packets.npy", "truth.json"))]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out).as_posix()}" for path in paths]
    return "\n".join(lines) + "\n"


def check(out: Path, *, workers: int = 1, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Make the sample anew under `out`, compare it with the one here; return what differs.

    Equal versions of the encoders give equal bytes. Another processor may round a cosine otherwise, and with it a data number.
    """
    build(out, workers=workers, say=say)
    here, there = _lines(manifest(FOLDER)), _lines(manifest(out))
    return sorted(name for name in {*here, *there} if here.get(name) != there.get(name))


def _lines(text: str) -> dict[str, str]:
    """Name to digest."""
    return {line[66:]: line[:64] for line in text.splitlines()}
