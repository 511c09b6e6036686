"""What was sent: packets, frames and files, mosaics, colours and sound.

Tables and digests lie beside this file; mosaics, colours and sound are made anew when asked for, by the simulator, from its seed.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data import FOLDER

__all__ = ["Truth", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of one set of downlinks."""

    passes: list[dict[str, Any]]
    """name, level, octets, sha256, parts [{file, octets}], frames_sent, faults, bad {least, most} (recorded but not right), link: per
    virtual channel {virtual_channel, sent, frames, gaps, lost, corrected_symbols, packets {apid: whole ones}, truncated_packets}."""
    files: list[dict[str, Any]]
    """By number: name, identity (APID-SECONDS-FRACTION), apid, facts, size, sha256, sent, received, gaps, metadata, end, complete."""
    frames: list[dict[str, Any]]
    """camera, frame, milliseconds and ticks (of the clock), view, editions {edition: {file, complete, cfa}}, mosaic (SHA-256 or None)."""
    sound: dict[str, Any]
    """microphone, rate, bits, samples, clock, gaps [[start, stop]], sha256 and received_sha256 of little-endian int32 (24-bit values)."""
    packets: NDArray[Any]
    """(n,) sample_data.ledger.PACKET_DTYPE."""
    transfer_frames: NDArray[Any]
    """(n,) sample_data.ledger.FRAME_DTYPE."""
    scale: int
    made_with: dict[str, Any]
    """Encoders and processor: only with the same ones does the simulator give the same bytes."""

    def file(self, name: str) -> dict[str, Any]:
        """Give the file of this name; KeyError if there is none."""
        return {row["name"]: row for row in self.files}[name]

    def frame(self, camera: str, frame: str) -> dict[str, Any]:
        """Give a frame by camera and seven-digit number; KeyError if there is none."""
        return {(row["camera"], row["frame"]): row for row in self.frames}[camera, frame]

    def mosaic(self, camera: str, frame: str) -> NDArray[np.uint8]:
        """Make a frame's mosaic (height, width) uint8, RGGB, noise and all: what the lossless edition holds."""
        from sample_data.sensor import expose

        row = self.frame(camera, frame)
        return expose(self._view(row), camera, int(frame), row["milliseconds"] / 1000)

    def colour(self, camera: str, frame: str, *, balanced: bool = True) -> NDArray[np.float32]:
        """Make what the camera saw without noise, with all colours at every pixel: (height, width, 3) float32 data numbers, 0 to 255.

        balanced  times the gains of red, green and blue (sensor.BALANCE), clipped at 255; else in the camera's own colours
        """
        from sample_data.sensor import BALANCE

        colour = self._view(self.frame(camera, frame)).astype(np.float32)
        return np.minimum(colour * np.asarray(BALANCE, np.float32), np.float32(255)) if balanced else colour

    def samples(self) -> NDArray[np.int32]:
        """Make the sound (n,) int32, 24-bit values, without its gap."""
        from sample_data.microphone import record

        return record(self.sound["clock"], self.sound["samples"] / self.sound["rate"])

    def _view(self, row: dict[str, Any]) -> NDArray[np.float32]:
        from sample_data.files import view_of

        return view_of(row["camera"], row["view"], 2 if self.scale == 1 else 1).astype(np.float32)


@functools.cache
def load(folder: Path = FOLDER) -> Truth:
    """Read the truth of the downlinks in a folder, of the sample by default."""
    told = json.loads((folder / "truth" / "truth.json").read_text())
    return Truth(
        passes=told["passes"],
        files=told["files"],
        frames=told["frames"],
        sound=told["sound"],
        packets=np.load(folder / "truth" / "packets.npy", allow_pickle=False),
        transfer_frames=np.load(folder / "truth" / "frames.npy", allow_pickle=False),
        scale=told["scale"],
        made_with=told["made_with"],
    )
