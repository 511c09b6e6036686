"""Two single-threaded worker processes against one, and one against `sync`, on the sample scaled up: wall and processor seconds of each.

    python tests/benchmarks/bench_cluster.py [--times 10] [--folder FOLDER]

Wanted: two workers are 1.5 times as fast as one, or more; one takes at most a tenth longer than `sync`. Each run is `skycrane process`
into a folder of its own, timed from the start of the command to its end; workers have started before it, and have loaded nothing yet.
The trees must be equal.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from downlinks import SAMPLE, larger

from pipeline.testing.cluster import Cluster
from pipeline.testing.comparators import tree_digests

FASTER, SLOWER = 1.5, 1.1
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Took:
    """Seconds of a run."""

    wall: float
    driver: float
    """Of processor time, as the next."""
    workers: float


def process(downlinks: Path, out: Path, *options: str, cluster: Cluster | None = None) -> Took:
    """Run the command to its end; raises if it does not end well."""
    options += ("--scheduler", cluster.address) if cluster else ()
    # What the run before has written is not to be waited for in this one.
    os.sync()
    command = [sys.executable, "-m", "pipeline.cli", "process", str(downlinks), "--out", str(out), "--mission", "mars2020", *options]
    before, begin = worker_seconds(cluster), time.perf_counter()
    with (out.parent / f"{out.name}.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as running:
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begin
    if running.returncode:
        raise SystemExit((out.parent / f"{out.name}.log").read_text())
    return Took(wall, usage.ru_utime + usage.ru_stime, worker_seconds(cluster) - before)


def worker_seconds(cluster: Cluster | None) -> float:
    """Sum up the processor seconds that the workers have used."""
    total = 0
    for worker in cluster.workers if cluster else ():
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def on_workers(downlinks: Path, folder: Path, count: int) -> Took:
    """Process with so many workers."""
    place = folder / f"cluster{count}"
    place.mkdir()
    with Cluster(place, workers=count) as cluster:
        time.sleep(5)
        return process(downlinks, folder / f"out{count}", cluster=cluster)


def main() -> int:
    """Print the table; 1 if what is wanted is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="so many times the sample")
    parser.add_argument("--folder", type=Path, help="where to work, for the disk that is meant")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-cluster-", dir=arguments.folder))
    try:
        process(SAMPLE, folder / "base", "--executor", "sync")
        octets = larger(folder / "base", folder / "downlinks", arguments.times)
        print(f"{octets:,} octets of downlink; {os.cpu_count()} processors; load {os.getloadavg()[0]:.1f}", flush=True)
        took = {"sync": process(folder / "downlinks", folder / "out0", "--executor", "sync")}
        took |= {f"workers {count}": on_workers(folder / "downlinks", folder, count) for count in (1, 2)}
        print(f"\n{'':<12}{'wall s':>9}{'driver cpu s':>14}{'workers cpu s':>15}{'all cpu s':>11}")
        for name, row in took.items():
            print(f"{name:<12}{row.wall:>9.1f}{row.driver:>14.1f}{row.workers:>15.1f}{row.driver + row.workers:>11.1f}")
        faster, slower = took["workers 1"].wall / took["workers 2"].wall, took["workers 1"].wall / took["sync"].wall
        trees = [tree_digests(folder / f"out{count}") for count in (0, 1, 2)]
        equal = trees[0] == trees[1] == trees[2]
        print(f"\ntwo workers are {faster:.2f} times as fast as one (wanted: {FASTER})")
        print(f"one takes {slower:.2f} times what sync does (at most: {SLOWER})")
        print(f"{len(trees[0]):,} files, {'equal' if equal else 'NOT EQUAL'} in all three trees")
    finally:
        shutil.rmtree(folder)
    return 0 if faster >= FASTER and slower <= SLOWER and equal else 1


if __name__ == "__main__":
    sys.exit(main())
