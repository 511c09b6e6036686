"""`skycrane watch`: how soon after a frame's last byte its picture is there, and whether late chunks cost what early ones did.

    python tests/benchmarks/bench_watch.py [--chunks 10000] [--rates 10 100] [--only latency|growth] [--profile]

Latency: the second relay pass of the sample has been processed; the first one then lands, in pieces of 64 KiB in order, at 10 and at 100
Mbit/s. For every edition of a frame the clock runs from the moment at which the piece with the last byte of its file got its final name,
to the receipt of the picture that was made with it, and of the sheet that shows that picture.

Growth: small chunks that are all alike land, eight when the eight before are done. Time per chunk is a round's time by eight; memory is
that of this process, where `watch` runs with two threads of Dask, and of those that it has begun. Wanted: medians of the last tenth at
most 1.2 times those of the second.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import json
import os
import pstats
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from downlinks import SAMPLE, recordings, stream

from pipeline.drive import Run
from pipeline.executors import make_executor
from pipeline.landing import Landing
from pipeline.memory import keep_freed_memory
from pipeline.mission import load_profile
from pipeline.receipt import Journal
from pipeline.registry import discover
from pipeline.replay import replay
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from pipeline.watch import Cohort, watch

PIECE_BYTES = 65_536
AT_A_TIME = 8
MEASURED = "edl-2021-049a"
MOST = 1.2


# --- latency ----------------------------------------------------------------------------------------------------------------------


def bench_latency(folder: Path, rate: float) -> None:
    """Let the first pass land at so many Mbit/s beside a watch, and print what its receipts tell."""
    work = folder / f"latency-{rate:g}"
    first, second = recordings(work / "first", f"{MEASURED}*"), recordings(work / "second", "edl-2021-050b*")
    landing, out = work / "landing", work / "out"
    for _ in replay(second, landing, rate=0, piece_bytes=1 << 20):
        pass
    command = [sys.executable, "-m", "pipeline.cli", "watch", str(landing), "--out", str(out), "--mission", "mars2020"]
    with (work / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as running:
        await_rest(out)
        begin = time.time()
        landed = {piece.offset: time.time() for piece in replay(first, landing, rate=rate * 1e6, piece_bytes=PIECE_BYTES)}
        await_rest(out)
        running.send_signal(signal.SIGTERM)
        running.wait()
    rows = list(latencies(out, landed))
    size, seconds = sum(path.stat().st_size for path in first), max(landed.values()) - begin
    print(f"\n{rate:g} Mbit/s: {size / 1e6:.1f} MB in {seconds:.1f} s, {len(rows)} editions of frames; load {os.getloadavg()[0]:.1f}")
    for name, column in zip(("picture on disk", "place on the sheet"), zip(*rows, strict=True), strict=True):
        print(f"  {name:<20} median {statistics.median(column):6.2f} s   worst {max(column):6.2f} s")


def await_rest(out: Path) -> None:
    """Wait until the report is there, nothing is due, and nothing has been written for three seconds."""
    length, since = -1, time.monotonic()
    while time.monotonic() - since < 3 or not (out / "index.html").exists() or unfinished(out):
        now = sum(path.stat().st_size for path in (out / ".skycrane" / "receipts").glob("*.jsonl"))
        if now != length:
            length, since = now, time.monotonic()
        time.sleep(0.25)


def unfinished(out: Path) -> int:
    """Count the tasks that are stale or waiting."""
    told = subprocess.run([sys.executable, "-m", "pipeline.cli", "status", str(out), "--json"], capture_output=True, check=True).stdout
    return sum(row["stale"] + row["waiting"] for row in json.loads(told)["stages"].values())


def latencies(out: Path, landed: Mapping[int, float]) -> Iterator[tuple[float, float]]:
    """Give seconds to the picture and to the sheet of each edition of a frame whose last byte these chunks brought."""
    made: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for what, when in receipts(out):
        made.setdefault(what["stage"], []).append((what, when))
    arrivals = {what["key"]: last_arrival(what, landed) for what, _ in made["files.assemble"]}
    mosaics = {what["key"]: output for what, _ in made["decode"] for output in what["outputs"]}
    pictures = first_reading(made["debayer"])
    cells = {what["inputs"][0]["digest"]: what["outputs"][0]["digest"] for what, _ in made["contact_sheet.cells"]}
    sheets = first_reading(made["contact_sheet"])
    for file, mosaic in mosaics.items():
        if arrivals[file] and mosaic["digest"] in pictures:
            image, pictured = pictures[mosaic["digest"]]
            _, shown = sheets[cells[image]]
            # A picture that looked the same before it had this edition was on the sheet already.
            yield pictured - arrivals[file], max(pictured, shown) - arrivals[file]


def last_arrival(assembled: dict[str, Any], landed: Mapping[int, float]) -> float:
    """Say when the chunk landed that brought the last piece of a file; 0 if none of these chunks did."""
    chunks = [row["key"].split("/")[1:] for row in assembled["inputs"]]
    return max(landed[int(chunk)] if name == MEASURED else 0.0 for name, chunk in chunks)


def first_reading(made: list[tuple[dict[str, Any], float]]) -> dict[str, tuple[str, float]]:
    """Give, by digest of what was read, the digest of what was first made of it, and when."""
    found: dict[str, tuple[str, float]] = {}
    for what, when in made:
        for row in what["inputs"]:
            found.setdefault(row["digest"], (what["outputs"][0]["digest"], when))
    return found


def receipts(out: Path) -> Iterator[tuple[dict[str, Any], float]]:
    """Give every receipt, in order, with the wall-clock second at which it was written."""
    for record, _ in Journal(Store(out).receipts).read():
        for line in record["lines"] if record["type"] == "together" else [record]:
            if line["type"] == "receipt":
                yield line["what"], line["how"]["time"]


# --- growth -----------------------------------------------------------------------------------------------------------------------


class Feeder:
    """Lets the next chunks land when those before are done, and notes what they took. It stands where a Waker does."""

    def __init__(self, source: Iterator[Path], run: Run, landing: Landing) -> None:
        self._source = source
        self._landing = landing
        self._run = run
        self.rounds: list[tuple[int, float, float, int]] = []
        """Chunks so far, wall and processor seconds a chunk, resident bytes."""
        self._count = 0
        self._process = psutil.Process()
        self.feed()

    def feed(self) -> None:
        """Let a few land."""
        paths = list(itertools.islice(self._source, AT_A_TIME))
        self._count += len(paths)
        for path in paths:
            self._landing.hear(str(path))
        self._begin = time.perf_counter(), time.process_time()
        if not paths:
            self._run.stop = True

    def told(self, cohort: Cohort) -> None:
        """Note a round."""
        if cohort.taken:
            wall, cpu = time.perf_counter() - self._begin[0], time.process_time() - self._begin[1]
            memory = sum(process.memory_info().rss for process in (self._process, *self._process.children()))
            self.rounds.append((self._count, wall / cohort.taken, cpu / cohort.taken, memory))
        self.feed()

    def wait(self, seconds: float) -> None:
        """What landed is there: nothing to wait for."""
        del seconds


def bench_growth(folder: Path, count: int, *, profile: bool) -> bool:
    """Watch so many chunks; print medians of each tenth, and whether the last one is like the second."""
    base, landing = folder / "base", folder / "stream"
    command = [sys.executable, "-m", "pipeline.cli", "process", str(SAMPLE), "--out", str(base), "--mission", "mars2020"]
    subprocess.run(command, check=True, capture_output=True)
    landing.mkdir()
    registry, mission = discover(), load_profile("mars2020")
    settings = Settings.fresh(registry, mission.name, mission.settings)
    profiler = cProfile.Profile()
    store = Store(folder / "stream-out").create()
    make = lambda: make_executor("dask", scheduler=None, jobs=2)  # noqa: E731  one line
    try:
        with Run(store, registry, mission, settings, executor=make, progress=Quiet(print)) as run:
            folders = Landing([landing], settle=0, hears=True)
            feeder = Feeder(stream(base, landing.resolve(), count), run, folders)
            if profile:
                profiler.enable()
            watch(run, folders, feeder, tell=feeder.told)
    except Exception as error:  # noqa: BLE001  its way to stop
        profiler.disable()
        print(f"\n{count:,} chunks, {sum(run.summary.made.values()):,} tasks: {error}")
    ok = show_growth(feeder.rounds, count)
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    return ok


def show_growth(rounds: list[tuple[int, float, float, int]], count: int) -> bool:
    """Print medians of each tenth."""
    print(f"{'chunks':>8}{'wall ms a chunk':>18}{'cpu ms a chunk':>17}{'memory MiB':>13}")
    table = []
    for tenth in range(10):
        part = [row for row in rounds if tenth * count // 10 < row[0] <= (tenth + 1) * count // 10]
        table.append([statistics.median(column) for column in list(zip(*part, strict=True))[1:]])
        print(f"{(tenth + 1) * count // 10:>8,}{1e3 * table[-1][0]:>18.1f}{1e3 * table[-1][1]:>17.1f}{table[-1][2] / 2**20:>13.1f}")
    ratios = [last / second for last, second in zip(table[9], table[1], strict=True)]
    print(f"last tenth over second: wall {ratios[0]:.2f}, cpu {ratios[1]:.2f}, memory {ratios[2]:.2f} (at most {MOST})")
    return ratios[0] <= MOST and ratios[2] <= MOST


def main() -> int:
    """Run both; 1 if the last tenth costs more than it may."""
    # As the command line does.
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--rates", type=float, nargs="*", default=[10, 100], help="Mbit/s")
    parser.add_argument("--only", choices=["latency", "growth"])
    parser.add_argument("--profile", action="store_true", help="where the time of the driver goes")
    parser.add_argument("--folder", type=Path, help="where to work, for the disk that is meant")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-watch-", dir=arguments.folder))
    ok = True
    try:
        if arguments.only != "growth":
            for rate in arguments.rates:
                bench_latency(folder, rate)
        if arguments.only != "latency":
            ok = bench_growth(folder, arguments.chunks, profile=arguments.profile)
    finally:
        shutil.rmtree(folder)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
