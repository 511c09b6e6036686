"""Sound: joining blocks, writing FLAC and measuring a spectrogram, beside what others offer, in one run.

python tests/benchmarks/bench_audio.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from pipeline.stage import Group
from pipeline.testing.saving import FolderSink
from stages import audio as room
from stages.audio.spectrum import measure
from stages.products import SoundBlock
from stages.profile import Clock, Microphone, Timeline

RATE, SECONDS = 48_000, 600


def side_by_side(works: dict[str, Callable[[], object]], repeats: int = 5) -> None:
    """Print a table: each work's fastest run, and how many times the first one's; they take turns, so that all meet the same machine."""
    times = {name: [0.0] * 0 for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            if turn:  # the first turn warms caches and compilers
                times[name].append(time.perf_counter() - begin)
    first = min(next(iter(times.values())))
    for name, runs in times.items():
        print(f"  {name:<58}{min(runs) * 1e3:>9.2f} ms {min(runs) / first:>7.2f} x")


def samples() -> np.ndarray:
    """Ten minutes of noise and a tone, 24 bit."""
    rng = np.random.default_rng(1)
    tone = np.sin(np.arange(RATE * SECONDS) * 0.13)
    return ((rng.normal(0, 2**16, tone.size) + tone * 2**20).astype(np.int32) << 8)[:, None]


def main() -> None:
    """Print the tables."""
    sound = samples()
    lost = np.zeros(RATE, bool)
    blocks = [
        SoundBlock(file="f", microphone="M", block=f"{at:09d}", samples=sound[at : at + RATE], mask=lost, rate=RATE, start=at)
        for at in range(0, len(sound), RATE)
        if at // RATE != 100
    ]
    recording = room.audio(Group.of(blocks), Microphone(name="M"), Clock())
    floats = sound[:, 0].astype(np.float32) / np.float32(2**31)

    def stream() -> Iterator[np.ndarray]:
        return (sound[at : at + (1 << 20)] for at in range(0, len(sound), 1 << 20))

    print(f"{SECONDS // 60} minutes, {RATE // 1000} kHz, 24 bit, mono")
    with tempfile.TemporaryDirectory() as folder:
        side_by_side(
            {
                "ours: blocks at their places, to FLAC": lambda: recording.save(FolderSink(Path(folder))),
                "ours: blocks at their places, dropped": lambda: sum(len(block) for block in recording.blocks()),
                "soundfile.write, the whole array": lambda: soundfile.write(Path(folder) / "x.flac", sound, RATE, subtype="PCM_24"),
                "numpy.concatenate, no places, no gaps": lambda: np.concatenate([block.samples for block in blocks]),
            }
        )
        side_by_side(
            {
                "ours: recording to picture": lambda: room.spectrogram(recording, Microphone(name="M"), Timeline(), Clock()),
                "ours: levels only": lambda: measure(stream(), len(sound), (), nfft=2048, columns=1600, largest=False),
                "scipy.signal.spectrogram, levels, same windows": lambda: signal.spectrogram(floats, RATE, "hann", 2048, 1024),
            },
            3,
        )


if __name__ == "__main__":
    main()
