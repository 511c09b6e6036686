"""Downlinks to measure with: the sample's passes whole, the sample so many times over, and a steady stream of small chunks."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sample_data.coding import encode
from sample_data.files import SOUND, THUMBNAIL, File
from sample_data.frames import Framer
from sample_data.multiplex import multiplex
from sample_data.packets import TELEMETRY, Draft, Sender, product
from sample_data.passes import Plan, downlink
from sample_data.telemetry import channel_blocks

__all__ = ["SAMPLE", "larger", "recordings", "sample_files", "stream"]

SAMPLE = Path(__file__).parents[2] / "sample_data" / "downlinks"
PART = 1_700_000
"""Octets of a part of a larger downlink, as of the sample's."""
FIRST_CLOCK = 666952760
BLOCK_CHUNKS = 200
"""Of the stream, that are made at a time."""


def recordings(folder: Path, passes: str = "*") -> list[Path]:
    """Put the parts of the sample's passes together."""
    folder.mkdir(parents=True)
    for part in sorted(SAMPLE.glob(passes)):
        with (folder / f"{part.name.partition('.')[0]}{part.suffix}").open("ab") as whole, part.open("rb") as one:
            shutil.copyfileobj(one, whole)
    return sorted(folder.iterdir())


def sample_files(out: Path) -> list[File]:
    """Read the files that came down complete from a folder in which the sample was processed."""
    found = []
    for path in sorted((out / "files").glob("*.json")):
        record = json.loads(path.read_text())
        if record["gaps"] or not record["name"]:
            continue
        facts = {name: value for name, value in record["meta"].items() if name not in {"name", "clock"}}
        facts["ticks"] = round(record["meta"]["clock"] * 65536)
        found.append(File(name=record["name"], apid=int(path.name[:4]), data=path.with_suffix("").read_bytes(), facts=facts))
    return found


def larger(out: Path, folder: Path, times: int) -> int:
    """Send the sample's files so many times, each time as other frames and blocks; return how many octets that gives."""
    files = [_again(file, copy) for copy in range(times) for file in sample_files(out)]
    folder.mkdir(parents=True)
    total = 0
    for one in downlink(sorted(files, key=lambda file: file.apid), Plan()).passes:
        data = one.recording.data
        total += len(data)
        for number, start in enumerate(range(0, len(data), PART)):
            suffix = "cadu" if one.level == "bits" else "frames"
            (folder / f"{one.name}.part{number:03d}.{suffix}").write_bytes(data[start : start + PART])
    return total


def stream(out: Path, folder: Path, chunks: int) -> Iterator[Path]:
    """Write pieces of one pass, some 3 kB each, that name their place: telemetry, and a thumbnail every few of them, all the same way on.

    What each brings is like what any other does, so what it costs may be held against the others.
    """
    thumbnails = [file for file in sample_files(out) if file.apid == THUMBNAIL and len(file.data) < 3000]
    blocks = [block for _, block in channel_blocks(FIRST_CLOCK, FIRST_CLOCK + 60)]
    sender, framer = Sender(), Framer()
    offset = number = made = 0
    for first in itertools.count(0, BLOCK_CHUNKS):
        ticks = (FIRST_CLOCK + first) * 65536
        telemetry = [sender.send(Draft(apid=TELEMETRY, ticks=ticks + at, body=blocks[at % len(blocks)])) for at in range(BLOCK_CHUNKS)]
        pictures = []
        for _ in range(BLOCK_CHUNKS // 4):
            file = _again(thumbnails[number % len(thumbnails)], 1 + number // len(thumbnails))
            pictures += [sender.send(draft) for draft in product(file, number, ticks + number)]
            number += 1
        channels = {0: framer.lay(0, telemetry, sender, ticks), 1: framer.lay(1, pictures, sender, ticks)}
        order = multiplex(channels)
        frames = np.stack([channels[channel].frames[row] for channel, row in order.tolist()])
        for some in np.array_split(encode(frames), min(BLOCK_CHUNKS, len(frames))):
            path = folder / f"stream.at{offset:015d}.cadu"
            part = path.with_name(f"{path.name}.part")
            part.write_bytes(some.tobytes())
            part.replace(path)
            offset += some.size
            yield path
            made += 1
            if made == chunks:
                return


def _again(file: File, copy: int) -> File:
    """Give a file of another frame, or of a later block of sound, with the same content."""
    if not copy:
        return file
    step = 48 if file.apid == SOUND else 100
    name = re.sub(r"(?<=_[NT])\d{7}(?=EDL)", lambda match: f"{int(match[0]) + step * copy:07d}", file.name)
    facts = dict(file.facts)
    if "sample" in facts:
        facts |= {"sample": facts["sample"] + 12 * facts["rate"] * copy, "ticks": facts["ticks"] + 12 * 65536 * copy}
    return File(name=name, apid=file.apid, data=file.data, facts=facts)
