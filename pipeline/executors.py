"""Sync and dask behind one small protocol; the only file that imports dask.

An executor takes batches and gives their outcomes back, in any order. It carries work, never state: what it loses is due again.
"""

from __future__ import annotations

import queue
from collections import deque
from typing import Any, Protocol, TypeAlias

from pipeline.errors import UsageError
from pipeline.perform import Batch, Outcome, perform

__all__ = ["DaskExecutor", "Executor", "Result", "SyncExecutor", "make_executor"]

Result: TypeAlias = "tuple[Batch, list[Outcome] | BaseException]"
"""A batch with its outcomes, or with what kept it from having any (a worker died, the disk is full)."""


class Executor(Protocol):
    """Carries batches to where they are performed."""

    threads: int
    """Batches that run at the same time."""

    def submit(self, batch: Batch, priority: int) -> None:
        """Take a batch; of those that wait, the smallest priority goes first."""

    def next(self, timeout: float | None = None) -> Result | None:
        """Wait for a batch to end; None after the timeout in seconds."""

    def close(self) -> None:
        """Let go of everything."""


class SyncExecutor:
    """Performs each batch here and now, when its result is asked for: for tests, for debuggers, and as the measure of the other one."""

    threads = 1

    def __init__(self) -> None:
        self._waiting: deque[Batch] = deque()

    def submit(self, batch: Batch, priority: int) -> None:
        """Keep the batch until `next`."""
        del priority
        self._waiting.append(batch)

    def next(self, timeout: float | None = None) -> Result | None:
        """Perform the oldest batch."""
        del timeout
        if not self._waiting:
            return None
        batch = self._waiting.popleft()
        try:
            return batch, perform(batch)
        except Exception as error:  # noqa: BLE001  as on a worker: the driver judges what a batch was lost to
            return batch, error

    def close(self) -> None:
        """Nothing is held."""
        self._waiting.clear()


class DaskExecutor:
    """Performs batches on Dask: in this process, or on any cluster whose workers see the output folder."""

    def __init__(self, *, scheduler: str | None, jobs: int) -> None:
        import dask
        import distributed

        make_cluster: Any = distributed.LocalCluster
        make_client: Any = distributed.Client

        self._cluster: Any = None
        if scheduler is None:
            # Dask always serves its pages somewhere; in one process they stay on loopback, at any free port.
            loopback = "127.0.0.1:0"
            dask.config.set({"distributed.admin.tick.limit": "60s"})
            self._cluster = make_cluster(
                n_workers=1,
                threads_per_worker=jobs,
                processes=False,
                dashboard_address=loopback,
                worker_dashboard_address=loopback,
                memory_limit=0,
                silence_logs=40,
            )
            self._client: Any = make_client(self._cluster)
        else:
            try:
                self._client = make_client(scheduler, timeout="10s")
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"no Dask scheduler answers: {error}", where=scheduler, remedy="Start one with `dask scheduler`, and workers"
                ) from None
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        self.threads = max(1, sum(worker["nthreads"] for worker in workers))
        self._done: queue.SimpleQueue[tuple[Batch, Any]] = queue.SimpleQueue()
        self._running: dict[str, Any] = {}

    def submit(self, batch: Batch, priority: int) -> None:
        """Send the batch to a worker."""
        future = self._client.submit(
            perform, batch, key=f"{batch.spec.name}-{batch.name}-{batch.attempt}", pure=False, retries=0, priority=-priority
        )
        self._running[batch.name] = future
        future.add_done_callback(lambda done: self._done.put((batch, done)))

    def next(self, timeout: float | None = None) -> Result | None:
        """Wait for any batch to end."""
        try:
            batch, future = self._done.get(timeout=timeout)
        except queue.Empty:
            return None
        self._running.pop(batch.name, None)
        if future.status == "finished":
            return batch, future.result()
        error = future.exception() if future.status == "error" else None
        return batch, error or RuntimeError(f"Dask gave the batch up ({future.status})")

    def close(self) -> None:
        """Cancel what still runs, and leave the cluster."""
        for future in self._running.values():
            future.cancel()
        self._running.clear()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def make_executor(name: str, *, scheduler: str | None, jobs: int) -> Executor:
    """Make the executor that `--executor`, `--scheduler` and `--jobs` name."""
    if name == "sync" and scheduler is None:
        return SyncExecutor()
    return DaskExecutor(scheduler=scheduler, jobs=jobs)
