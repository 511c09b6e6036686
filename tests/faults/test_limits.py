"""Worker processes that hang: the task is given up, the process is replaced, the run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import dask
import distributed
import pytest

from pipeline.drive import Run
from pipeline.executors import SyncExecutor, make_executor
from pipeline.mission import Profile
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.comparators import tree_digests
from pipeline.testing.quiet import Quiet
from pipeline.testing.toys import toy_registry

pytestmark = pytest.mark.slow

REGISTRY = toy_registry()
TAPES = {f"t{number:02d}.txt": f"word{number} apple{number % 3} " for number in range(12)}


def process(folder: Path, tapes: Mapping[str, str], executor, limit: float) -> tuple[Run, list[str]]:
    (folder / "tapes").mkdir(parents=True)
    for name, text in tapes.items():
        (folder / "tapes" / name).write_text(text)
    quiet = Quiet()
    settings = Settings(mission="toy", stages={"run": {"time_limit": limit}})
    profile = Profile(name="toy", tables={})
    with Run(Store(folder / "out").create(), REGISTRY, profile, settings, executor=executor, progress=quiet) as run:
        run.admit([folder / "tapes"])
        run.work()
    return run, quiet.notes


def final(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in tree_digests(folder / "out").items() if path.startswith(("pages", "book"))}


@pytest.fixture
def cluster() -> Iterator[distributed.LocalCluster]:
    impatient = {"distributed.scheduler.worker-ttl": "5s", "distributed.scheduler.allowed-failures": 0}
    quiet = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0", "silence_logs": 60}
    with dask.config.set(impatient), distributed.LocalCluster(processes=True, worker_dashboard_address="127.0.0.1:0", **quiet) as one:
        yield one


def pids(cluster) -> set[int]:
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=30)
        return set(client.run(os.getpid).values())


@pytest.mark.parametrize("poison", ["computes&without end ", "holds^the interpreter "], ids=["computes", "holds the interpreter"])
def test_a_worker_that_hangs_is_replaced_and_its_task_put_aside(tmp_path, cluster, poison):
    process(tmp_path / "calm", TAPES, SyncExecutor, 0.0)
    before = pids(cluster)
    make = lambda: make_executor("dask", scheduler=cluster.scheduler_address, jobs=1)  # noqa: E731  a factory, as the command line has it
    run, notes = process(tmp_path / "wild", {**TAPES, "poison.txt": poison}, make, 1.5)
    ((stage, key, message),) = run.summary.quarantined
    assert (stage, key) == ("letters", "poison/000000000000000")
    assert ("took longer than the 1.5 s" in message) == ("&" in poison), message
    assert ("its worker was lost" in message) == ("^" in poison), message
    assert notes
    assert pids(cluster) != before, "nothing of it is left running"
    assert final(tmp_path / "wild") == final(tmp_path / "calm")
