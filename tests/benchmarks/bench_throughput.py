"""Frames a second from received files to pictures: the whole pipeline beside scripts that only read, demosaic and write.

    python tests/benchmarks/bench_throughput.py [--frames 2000] [--slow-frames 60] [--folder FOLDER] [--keep]

All have two processors, one after the other, on the same files. `skycrane process` makes mosaics, pictures, cells, sheets, their book, the
report and the receipts of all, and is timed from the start of the process to its end: with two worker processes, as the manual has it for
thousands of files, which is what is held against what is wanted, and with two threads, as it is when nothing is said. The scripts make
pictures, on two threads, and are timed without their imports.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

HEIGHT, WIDTH = 1024, 1280
SCENES = 24
THREADS = 2
FIRST_CLOCK = 666952510
RATES = {"an OpenCV script": 1.3, "imageio and colour-demosaicing": 20.0}
"""How many times as many frames a second as these are wanted."""
FLAT = 1.2
"""Memory that all frames take over what an eighth of them takes, at most."""
BUSY = 1.6
"""Cores at work, at least, of two."""


@dataclass
class Usage:
    """What a process took."""

    wall: float
    cpu: float
    peak: float = 0.0
    """MiB."""


def name_of(number: int) -> str:
    """Name a frame as the archive of the descent cameras does."""
    milliseconds = number * 1000 // 30
    clock = f"{FIRST_CLOCK + milliseconds // 1000:010d}_{milliseconds % 1000:03d}"
    return f"EDE_0000_{clock}ECM_N{number:07d}EDLC00001_0010LUJ01.png"


def scene(number: int) -> NDArray[np.float32]:
    """Paint hills, rocks and a few sharp edges, in colour, twice the frame's size, so that windows of it differ."""
    rng = np.random.default_rng(number)
    size = (2 * WIDTH, 2 * HEIGHT)
    picture = np.full((2 * HEIGHT, 2 * WIDTH, 3), 110, np.float32)
    for cells, strength in ((9, 40), (40, 22), (160, 14), (640, 9)):
        field_ = rng.normal(0, strength, (cells, cells * 5 // 4, 1)) + rng.normal(0, strength / 6, (cells, cells * 5 // 4, 3))
        picture += cv2.resize(field_.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    for _ in range(120):
        x, y, radius = (int(value) for value in (*rng.integers(0, size), rng.integers(6, 90)))
        cv2.circle(picture, (x, y), radius, [float(value) for value in rng.uniform(30, 220, 3)], -1, cv2.LINE_AA)
    return picture * np.array([1.0, 0.85, 0.45], np.float32)


def make_frames(folder: Path, numbers: range, count: int) -> None:
    """Write these frames: windows that glide over the scenes, with noise that is never the same twice."""
    cv2.setNumThreads(1)
    noise = np.random.default_rng(7).normal(0, 2.0, (2 * HEIGHT, 2 * WIDTH)).astype(np.float32)
    drawn, mosaic = -1, np.empty(0, np.float32)
    for number in numbers:
        which = number * SCENES // count
        if which != drawn:
            drawn, picture = which, scene(which)
            mosaic = picture[:, :, 1].copy()
            mosaic[0::2, 0::2], mosaic[1::2, 1::2] = picture[0::2, 0::2, 0], picture[1::2, 1::2, 2]
        rng = np.random.default_rng(1000 + number)
        top, left = 2 * rng.integers(0, HEIGHT // 2, 2)
        above, beside = rng.integers(0, HEIGHT, 2)
        window = mosaic[top : top + HEIGHT, left : left + WIDTH] + noise[above : above + HEIGHT, beside : beside + WIDTH]
        # At the usual level of the usual library, as such files are found in archives.
        cv2.imwrite(str(folder / name_of(number)), np.clip(window, 0, 255).astype(np.uint8))


def generate(folder: Path, count: int) -> None:
    """Write all frames, two processes at a time."""
    folder.mkdir()
    share = -(-count // SCENES)
    with ProcessPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(make_frames, folder, range(begin, min(begin + share, count)), count) for begin in range(0, count, share)]
        for job in jobs:
            job.result()


def opencv(source: Path, target: Path) -> None:
    """What a user of OpenCV would write."""
    mosaic = cv2.imread(str(source), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(target), cv2.cvtColor(mosaic, cv2.COLOR_BayerRGGB2BGR))


def usual(source: Path, target: Path) -> None:
    """What a user of imageio and colour-demosaicing would write."""
    import imageio.v3 as imageio
    from colour_demosaicing import demosaicing_CFA_Bayer_Malvar2004

    colours = demosaicing_CFA_Bayer_Malvar2004(imageio.imread(source) / 255.0)
    imageio.imwrite(target, (np.clip(colours, 0, 1) * 255 + 0.5).astype(np.uint8))


def script(way: str, frames: Path, count: int, out: Path) -> None:
    """Run one of the scripts on the first frames, two threads at a time; print the wall seconds and those of the processor."""
    cv2.setNumThreads(1)
    work = {"opencv": opencv, "usual": usual}[way]
    out.mkdir()
    work(frames / name_of(0), out / "warm.png")
    begin, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(work, frames / name_of(number), out / name_of(number)) for number in range(count)]
        for job in concurrent.futures.as_completed(jobs):
            job.result()
    print(time.perf_counter() - begin, time.process_time() - cpu)


def run_script(way: str, frames: Path, count: int, out: Path) -> Usage:
    """Run a script in a process of its own."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        __file__,
        "--script",
        way,
        "--frames",
        str(count),
        "--folder",
        str(frames),
        "--out",
        str(out),
    ]
    wall, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return Usage(float(wall), float(cpu))


def run_pipeline(frames: Path, out: Path, *options: str) -> Usage:
    """Run `skycrane process`."""
    command = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "process",
        str(frames),
        "--mission",
        "mars2020",
        "--out",
        str(out),
        "--jobs",
        str(THREADS),
        *options,
    ]
    # What the run before has written is not to be waited for in this one.
    os.sync()
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    family, peak, seconds = psutil.Process(process.pid), 0.0, dict[int, float]()
    while process.poll() is None:
        peak = max(peak, look_at(family, seconds))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"skycrane ended with {process.returncode}")
    return Usage(time.perf_counter() - begin, sum(seconds.values()), peak)


def look_at(family: psutil.Process, seconds: dict[int, float]) -> float:
    """MiB that a process and all below it hold; `seconds` of the processor are noted by process."""
    # Worker processes are forked from one that does not tell of them when it ends: so each is asked itself, time and again.
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (family, *family.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
                times = process.cpu_times()
                seconds[process.pid] = times.user + times.system
    return total / 2**20


def verdict(text: str, *, good: bool) -> bool:
    """Print a line of the result."""
    print(f"  {'pass       ' if good else 'FALLS SHORT'}  {text}")
    return good


OURS, IN_THREADS = "skycrane process --scheduler local", "skycrane process"


def report(count: int, slow: int, few: Usage, ours: dict[str, Usage], peers: dict[str, Usage]) -> bool:
    """Print the table, and what was wanted."""
    heading = f"{count} frames of {WIDTH} x {HEIGHT}, {THREADS} processors"
    print(f"\n{heading:50s}{'wall s':>9s}{'cpu s':>9s}{'frames/s':>10s}{'ms/frame':>10s}")
    rates = {}
    for name, usage in (ours | peers).items():
        frames = slow if name == "imageio and colour-demosaicing" else count
        rates[name] = frames / usage.wall
        of = f" ({frames} of them)" if frames != count else ""
        print(f"  {name + of:48s}{usage.wall:9.1f}{usage.cpu:9.1f}{rates[name]:10.1f}{1e3 / rates[name]:10.1f}")
    print()
    own, held = rates[OURS], ours[OURS]
    good = [
        verdict(f"{own / rates[name]:.2f} times {name} (wanted: {RATES[name]:g})", good=own / rates[name] >= RATES[name]) for name in peers
    ]
    text = f"memory: {few.peak:.0f} MiB at most for an eighth of the frames, {held.peak:.0f} MiB for all ({FLAT:g} times)"
    good.append(verdict(text, good=held.peak <= FLAT * few.peak))
    good.append(verdict(f"{held.cpu / held.wall:.2f} cores busy (wanted: {BUSY:g})", good=held.cpu / held.wall >= BUSY))
    return all(good)


def main() -> None:
    """Make the frames, run all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--slow-frames", type=int, default=60, help="of those, how many the slowest script gets")
    parser.add_argument("--folder", type=Path, help="where to work, for the disk that is meant")
    parser.add_argument("--keep", action="store_true", help="leave frames and products where they are")
    parser.add_argument("--script", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    count, slow = arguments.frames, min(arguments.slow_frames, arguments.frames)
    if arguments.script:
        script(arguments.script, arguments.folder, count, arguments.out)
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-throughput-", dir=arguments.folder))
    frames = folder / "frames"
    try:
        generate(frames, count)
        print(f"{count} frames, {sum(path.stat().st_size for path in frames.iterdir()) / 1e6:.0f} MB, in {frames}")
        # The first run also compiles kernels, where they have not been; it is not counted.
        few = folder / "few"
        few.mkdir()
        # What was written up to here is not to be waited for in the runs.
        os.sync()
        for number in range(max(16, count // 8)):
            os.link(frames / name_of(min(number, count - 1)), few / name_of(number))
        run_pipeline(few, folder / "first")
        eighth = run_pipeline(few, folder / "eighth", "--scheduler", "local")
        ours = {}
        for name, options in {OURS: ("--scheduler", "local"), IN_THREADS: ()}.items():
            ours[name] = run_pipeline(frames, folder / name, *options)
        peers = {
            "an OpenCV script": run_script("opencv", frames, count, folder / "opencv"),
            "imageio and colour-demosaicing": run_script("usual", frames, slow, folder / "usual"),
        }
        good = report(count, slow, eighth, ours, peers)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
