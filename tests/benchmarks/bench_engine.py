"""What the engine itself costs: opening a large output folder when nothing is due, and each of many tiny tasks.

    python tests/benchmarks/bench_engine.py [--items 10000] [--products 100000]

Time is given on the wall and on the processor. The stages are the toys', which do next to nothing: what is measured is the engine.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import shutil
import string
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.drive import Run
from pipeline.executors import Executor, SyncExecutor, make_executor
from pipeline.ledger import Ledger
from pipeline.mission import Profile
from pipeline.product import Completeness
from pipeline.receipt import FileRecord, Output, Receipt, output_digest
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()


class Quiet:
    """Hears of progress."""

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say it."""
        print(text)


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
    return Run(Store(out).create(), REGISTRY, Profile(name="toy", tables={}), Settings(mission="toy"), executor=executor, progress=Quiet())


def many_products(out: Path, count: int) -> None:
    """Write files and receipts of so many pages, as if they had been made."""
    ledger = Ledger(Store(out).create(), REGISTRY)
    (out / "pages").mkdir()
    ledger.begin()
    for number in range(count):
        key = f"x{number:06d}"
        path = out / "pages" / f"{key}.page"
        path.write_bytes(b"[]")
        status = path.stat()
        record = FileRecord(
            suffix=".page",
            path=f"pages/{key}.page",
            size=2,
            sha256="4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
            mtime_ns=status.st_mtime_ns,
            inode=status.st_ino,
        )
        completeness = Completeness(received=0, expected=0, unit="words")
        facts = {"count": 0, "name": f"EDF_0000_0666952774_000FDR_N0000030EDLC{number:05d}_0010LUJ01", "camera": "EDL"}
        output = Output(
            kind="Page",
            key=key,
            digest=output_digest([record], completeness, facts),
            completeness=completeness,
            facts=facts,
            files=(record,),
        )
        receipt = Receipt(
            stage="page", version=1, key=key, digest="0" * 64, settings={}, sections={}, inputs=(), input_count=0, outputs=(output,)
        )
        ledger.record([{"type": "receipt", **receipt.to_json()}])
    ledger.catalog.db.execute("UPDATE tasks SET dirty = 0 WHERE stage = 'page'")
    for spec in REGISTRY.stages.values():
        # As the end of a run leaves it: everything has been looked at.
        with run_basis(out) as planner:
            ledger.catalog.set_meta(f"basis {spec.name}", planner(spec))
    ledger.catalog.db.execute("DELETE FROM tasks WHERE stage = 'book'")
    ledger.commit()
    ledger.close()
    Store(out).mark_ended()
    Store(out).manifest.write_text("")


@contextmanager
def run_basis(out: Path) -> Iterator[Callable[..., str]]:
    """Give what the planner calls the basis of a stage."""
    from pipeline.catalog import Catalog
    from pipeline.plan import Planner

    catalog = Catalog(Store(out).catalog, REGISTRY, read_only=True)
    try:
        yield Planner(catalog, Profile(name="toy", tables={}), Settings(mission="toy")).basis
    finally:
        catalog.close()


def bench_idle(folder: Path, count: int) -> None:
    """Open and close a folder in which nothing is due; then one whose catalog is lost."""
    out = folder / "idle"
    many_products(out, count)
    watch = Stopwatch()
    for attempt in ("first", "second"):
        with watch.time(f"open and finish, nothing due ({attempt})"), run_of(out) as run:
            run.work()
        assert run.summary.idle
    for path in out.glob(".skycrane/catalog.sqlite*"):
        path.unlink()
    ledger = None
    with watch.time("make the catalog anew from the receipts", count):
        ledger = Ledger(Store(out), REGISTRY)
    ledger.close()
    watch.show(f"{count:,} products")


def bench_tasks(folder: Path, count: int, name: str, executor: Callable[[], Executor], *, profile: bool) -> None:
    """Make everything from so many tapes of one word."""
    landing = folder / f"landing-{name}"
    landing.mkdir()
    for number in range(count):
        (landing / f"r{number:06d}.txt").write_text(f"{string.ascii_lowercase[number % 26]}w{number} ")
    watch, profiler = Stopwatch(), cProfile.Profile()
    out = folder / f"out-{name}"
    if profile:
        profiler.enable()
    with run_of(out, executor) as run:
        with watch.time(f"{name}: take in", count):
            run.admit([landing])
        tasks = 2 * count + 27
        with watch.time(f"{name}: work", tasks):
            run.work()
        assert sum(run.summary.made.values()) == tasks
    profiler.disable()
    with watch.time(f"{name}: again, nothing due"), run_of(out, executor) as run:
        run.admit([landing])
        run.work()
    assert run.summary.idle
    watch.show(f"{tasks:,} tiny tasks of {count:,} tapes, {name}")
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Run all, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true", help="where the time of the tiny tasks goes")
    parser.add_argument("--folder", type=Path, help="where to work, for the disk that is meant")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-engine-", dir=arguments.folder))
    try:
        bench_idle(folder, arguments.products)
        bench_tasks(folder, arguments.items, "sync", SyncExecutor, profile=arguments.profile)
        bench_tasks(folder, arguments.items, "dask", lambda: make_executor("dask", scheduler=None, jobs=2), profile=False)
    finally:
        shutil.rmtree(folder)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
