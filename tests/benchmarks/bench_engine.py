"""What the engine itself costs: a large output folder in which nothing is due, and each of many tiny tasks, with what it goes to.

    python tests/benchmarks/bench_engine.py [--items 100000] [--products 100000] [--only idle|items] [--profile]

Nothing due: the sample's receipts so many times over (`large_tree.py`), then the commands as an operator types them, from the start of the
process to its end. Wanted: `process` and `status` under 3 s each.

Tiny tasks: the toys' stages, which do next to nothing, so what is measured is the engine. An item is a file that comes in or a task; a
third of them are files.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import shutil
import sqlite3
import string
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from downlinks import SAMPLE
from large_tree import enlarge

from pipeline import staging
from pipeline.drive import Run
from pipeline.executors import Executor, SyncExecutor, make_executor
from pipeline.ledger import Ledger
from pipeline.mission import Profile
from pipeline.registry import discover
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.quiet import Quiet
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()
PER_TAPE = 2
"""Tasks that a tape gives, besides 27 for all of them."""
LONGEST = 3.0
"""Seconds that a command may take when nothing is due."""


class Stopwatch:
    """Wall and processor seconds of named stretches."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, float, int]] = []

    @contextmanager
    def time(self, name: str, count: int = 1) -> Iterator[None]:
        """Measure one stretch, in which so many things are done."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.rows.append((name, time.perf_counter() - wall, time.process_time() - cpu, count))

    def show(self, title: str) -> None:
        """Print the table."""
        print(f"\n{title}\n{'':<44}{'wall s':>10}{'cpu s':>10}{'wall ms each':>14}{'cpu ms each':>14}")
        for name, wall, cpu, count in self.rows:
            each = f"{1e3 * wall / count:>14.3f}{1e3 * cpu / count:>14.3f}" if count > 1 else ""
            print(f"{name:<44}{wall:>10.2f}{cpu:>10.2f}{each}")


def run_of(out: Path, executor: Callable[[], Executor] = SyncExecutor) -> Run:
    """Make a run of the toys."""
    return Run(
        Store(out).create(), REGISTRY, Profile(name="toy", tables={}), Settings(mission="toy"), executor=executor, progress=Quiet(print)
    )


# --- nothing due ------------------------------------------------------------------------------------------------------------------


def bench_idle(folder: Path, count: int) -> bool:
    """Give commands on a large folder in which nothing is due; then make its lost catalog anew."""
    out = folder / "idle"
    skycrane("process", str(SAMPLE), "--out", str(out), "--mission", "mars2020")
    count = enlarge(out, count)
    print(f"\n{count:,} products, nothing due; load {os.getloadavg()[0]:.1f}\n{'':<44}{'wall s':>10}{'cpu s':>10}")
    walls = []
    for command in (["process", str(SAMPLE), "--out", str(out)], ["status", str(out)], ["status", str(out), "--json"]):
        for attempt in ("first", "second"):
            wall, cpu, told = skycrane(*command)
            walls.append(wall)
            print(f"{f'skycrane {command[0]} {command[-1] if len(command) == 3 else str()} ({attempt})':<44}{wall:>10.2f}{cpu:>10.2f}")
            assert command[0] == "status" or "nothing due" in told
    for path in out.glob(".skycrane/catalog.sqlite*"):
        path.unlink()
    watch = Stopwatch()
    with watch.time("make the catalog anew from the receipts", count):
        Ledger(Store(out), discover()).close()
    watch.show("A catalog that is lost")
    return max(walls) < LONGEST


def skycrane(*arguments: str) -> tuple[float, float, str]:
    """Run the command to its end; return wall and processor seconds and what it said."""
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "pipeline.cli", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        assert running.stdout is not None
        told = running.stdout.read().decode()
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(told)
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, told


# --- tiny tasks -------------------------------------------------------------------------------------------------------------------


class Parts:
    """Seconds spent in parts of the engine, and calls, by name of the part."""

    def __init__(self) -> None:
        self.wall: Counter[str] = Counter()
        self.cpu: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that notes how long it takes."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.wall[name] += time.perf_counter() - wall
                self.cpu[name] += time.thread_time() - cpu
                self.calls[name] += 1

        return timed

    def show(self, count: int) -> None:
        """Print a line a part."""
        for name, calls in sorted(self.calls.items()):
            each = f"{1e3 * self.wall[name] / count:>14.3f}{1e3 * self.cpu[name] / count:>14.3f}"
            print(f"{f'  of this {name}, {calls:,} calls; an item':<44}{self.wall[name]:>10.2f}{self.cpu[name]:>10.2f}{each}")


@contextmanager
def shares() -> Iterator[Parts]:
    """Note what waiting for the disk, SQLite, and carrying out the tasks take, in whatever thread."""
    noted = Parts()

    class Timed(sqlite3.Connection):
        execute = noted.wrap("SQLite", sqlite3.Connection.execute)
        executemany = noted.wrap("SQLite", sqlite3.Connection.executemany)

    originals = os.fsync, staging._syncfs, sqlite3.connect
    connect = sqlite3.connect
    os.fsync = noted.wrap("fsync", os.fsync)
    staging._syncfs = noted.wrap("fsync", staging._syncfs)
    sqlite3.connect = lambda *args, **kwargs: connect(*args, **kwargs, factory=Timed)  # type: ignore[assignment]
    try:
        yield noted
    finally:
        os.fsync, staging._syncfs, sqlite3.connect = originals


def bench_tasks(folder: Path, count: int, name: str, executor: Callable[[], Executor], *, profile: bool) -> tuple[float, float]:
    """Do so many tiny tasks from nothing; return wall and processor milliseconds of each."""
    landing = folder / f"landing-{name}"
    landing.mkdir()
    tapes = (count - 27) // (PER_TAPE + 1)
    for number in range(tapes):
        (landing / f"r{number:06d}.txt").write_text(f"{string.ascii_lowercase[number % 26]}w{number} ")
    watch, profiler = Stopwatch(), cProfile.Profile()
    out = folder / f"out-{name}"
    if profile:
        profiler.enable()
    with shares() as noted, run_of(out, executor) as run:
        with watch.time(f"{name}: take files in", tapes):
            run.admit([landing])
        tasks = PER_TAPE * tapes + 27
        with watch.time(f"{name}: do the tasks", tasks):
            run.work()
        assert sum(run.summary.made.values()) == tasks
    profiler.disable()
    wall, cpu = (sum(row[column] for row in watch.rows) for column in (1, 2))
    with watch.time(f"{name}: again, nothing due"), run_of(out, executor) as run:
        run.admit([landing])
        run.work()
    assert run.summary.idle
    watch.show(f"{count:,} tiny items from nothing, {name}: {tapes:,} files and {tasks:,} tasks; load {os.getloadavg()[0]:.1f}")
    noted.show(count)
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    shutil.rmtree(landing)
    shutil.rmtree(out)
    return 1e3 * wall / count, 1e3 * cpu / count


def bench_items(folder: Path, count: int, *, profile: bool) -> None:
    """Do tiny tasks on Dask, and a tenth of them without it: what Dask costs is the difference in processor time."""
    costs = {
        "dask": bench_tasks(folder, count, "dask", lambda: make_executor("dask", scheduler=None, jobs=2), profile=profile),
        "sync": bench_tasks(folder, max(count // 10, 1000), "sync", SyncExecutor, profile=False),
    }
    for name, (wall, cpu) in costs.items():
        print(f"{name}: {wall:.3f} ms an item on the wall, {cpu:.3f} ms of processor time")
    print(f"Dask costs {costs['dask'][1] - costs['sync'][1]:.3f} ms of processor time an item")


def main() -> int:
    """Print the tables; 1 if a command takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--only", choices=["idle", "items"])
    parser.add_argument("--profile", action="store_true", help="where the time of the tiny tasks goes")
    parser.add_argument("--folder", type=Path, help="where to work, for the disk that is meant")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-engine-", dir=arguments.folder))
    good = True
    try:
        if arguments.only != "items":
            good = bench_idle(folder, arguments.products)
        if arguments.only != "idle":
            bench_items(folder, arguments.items, profile=arguments.profile)
    finally:
        shutil.rmtree(folder)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
