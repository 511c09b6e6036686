"""Sync and dask behind one small protocol; the only file that imports dask.

An executor takes batches and gives their outcomes back, in any order. It carries work, never state: what it loses is due again.
"""

from __future__ import annotations

import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import queue
import signal
import socket
import sys
import tempfile
import threading
import uuid
import warnings
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeAlias

from pipeline.apart import perform_apart
from pipeline.errors import InterruptedRunError, UsageError
from pipeline.fresh import FRESH
from pipeline.memory import PAUSE, give_freed_memory_back, keep_freed_memory, leave_out_of_collections
from pipeline.perform import perform
from pipeline.work import Batch, Outcome

__all__ = ["LOCAL", "DaskExecutor", "Executor", "Result", "SyncExecutor", "WorkerLostError", "dask_setup", "make_executor"]

Result: TypeAlias = "tuple[Batch, list[Outcome] | BaseException]"
"""A batch with its outcomes, or with what kept it from having any (a worker died, the disk is full)."""

LOCAL = "local"
"""In place of a scheduler's address: worker processes of this machine, for as long as the executor lives."""
ANCHOR = -1000
"""Priority of what holds a place: behind all that is to be done."""
PATIENCE = "10s"
"""How long a scheduler may take to answer, and a first worker to come."""


SAFE_PATH, OURS = "PYTHONSAFEPATH", "skycrane"
"""Keeps Python from looking for modules where somebody stands (Python Setup and Usage, 1.2), whatever it says: this, where we say it."""

LARGE = 5_000
"""Products of which one is made, from which on that is done in a process of its own."""


class WorkerLostError(Exception):
    """Every worker that took a batch died under it, several in turn: one of its tasks is the likely cause."""


class Executor(Protocol):
    """Carries batches to where they are performed."""

    threads: int
    """Batches that run at the same time."""

    def submit(self, batch: Batch, priority: int) -> None:
        """Take a batch; of those that wait, the smallest priority goes first."""

    def next(self, timeout: float | None = None) -> Result | None:
        """Wait for a batch to end; None after the timeout in seconds. Raises InterruptedRunError if there is nobody left to wait for."""

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
            return batch, _perform(batch)
        except Exception as error:  # noqa: BLE001  as on a worker: the driver judges what a batch was lost to
            return batch, error

    def close(self) -> None:
        """Nothing is held."""
        self._waiting.clear()


class DaskExecutor:
    """Performs batches on Dask: in threads of this process, in processes of this machine, or on any cluster whose workers see the output.

    scheduler  address of the cluster's; LOCAL; None for threads
    jobs       threads or processes here
    """

    def __init__(self, *, scheduler: str | None, jobs: int) -> None:
        # For whoever makes one without the command line, which has said so before anything else.
        keep_freed_memory()
        self._here = scheduler is None
        if self._here:
            FRESH.hold_for(jobs)
        self._turns = threading.Semaphore(jobs)
        """Of threads here: there is one more than may compute, since now and then one waits for the disk."""
        self._done: queue.SimpleQueue[tuple[Batch, Any]] = queue.SimpleQueue()
        self._running: dict[str, Any] = {}
        self._anchors: dict[str, Any] = {}
        """Of each stage a future of nothing. When no task of a group is left, which is a stage, Dask begins a new group and a new span for
        the next one, and its scheduler never forgets the old ones: with 10,000 chunks, hundreds of megabytes of them. To Dask a stage is
        one large group by that: it queues batches on the scheduler rather than on workers."""
        try:
            self._cluster: Any = _threads_of_ours(jobs) if scheduler is None else _processes_of_ours(jobs) if scheduler == LOCAL else None
        except (OSError, RuntimeError, TimeoutError) as error:
            raise UsageError(f"worker processes do not start: {error}", where=f"--jobs {jobs}", remedy="Ask for fewer of them") from error
        import distributed

        leave_out_of_collections()
        make_client: Any = distributed.Client
        try:
            self._client: Any = make_client(self._cluster or scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            if self._cluster is not None:
                self._cluster.close()
            raise UsageError(
                f"no Dask scheduler answers: {error}", where=str(scheduler), remedy="Start one with `dask scheduler`, and workers"
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            self.close()
            raise UsageError("the Dask scheduler has no workers", where=str(scheduler), remedy="Start some with `dask worker`") from None
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        self.threads = jobs if self._cluster else max(1, sum(worker["nthreads"] for worker in workers))

    def submit(self, batch: Batch, priority: int) -> None:
        """Send the batch to a worker."""
        if self._here:
            _HANDED[batch.name] = batch, self._turns
        if batch.spec.name not in self._anchors:
            self._anchors[batch.spec.name] = self._client.submit(_nothing, key=f"{batch.spec.name}-{uuid.uuid4().hex}", priority=ANCHOR)
        function, argument = (_perform_here, batch.name) if self._here else (_perform_there, batch)
        with warnings.catch_warnings():
            # A report is made from everything that there is, and says so to its worker.
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            future = self._client.submit(function, argument, key=f"{batch.name}-{batch.attempt}", pure=False, retries=0, priority=-priority)
        self._running[batch.name] = future
        future.add_done_callback(lambda done: self._done.put((batch, done)))

    def next(self, timeout: float | None = None) -> Result | None:
        """Wait for any batch to end."""
        try:
            batch, future = self._done.get(timeout=timeout)
        except queue.Empty:
            if self._running and self._client.status not in {"running", "connecting"}:
                raise _gone() from None
            return None
        self._running.pop(batch.name, None)
        _HANDED.pop(batch.name, None)
        handed = _HANDED_BACK.pop(batch.name, None)
        return batch, self._outcome_of(future) if handed is None else handed

    def _outcome_of(self, future: Any) -> list[Outcome] | BaseException:
        from distributed.scheduler import KilledWorker

        try:
            if future.status == "finished":
                outcomes: list[Outcome] = future.result()
                if outcomes[-1].given_up:
                    self._renew(future)
                return outcomes
            error = future.exception() if future.status == "error" else None
        except (OSError, TimeoutError):
            raise _gone() from None
        if error is None and self._client.status != "running":
            raise _gone()
        if error is None:
            return RuntimeError("its result was lost with the worker that had it")
        if isinstance(error, KilledWorker):
            return WorkerLostError(f"{error.allowed_failures + 1} workers died under it")
        failure: BaseException = error
        return failure

    def _renew(self, future: Any) -> None:
        """Restart the worker whose thread is still at a task that was given up; one without a nanny goes on with it."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        holding = [address for (held,) in [tuple(self._client.who_has([future]).values())] for address in held]
        nursed = [address for address in holding if workers.get(address, {}).get("nanny")]
        if nursed:
            self._client.restart_workers(nursed, timeout=PATIENCE, raise_for_error=False)

    def close(self) -> None:
        """Cancel what still runs, and leave the cluster."""
        for name, future in self._running.items():
            future.cancel()
            _HANDED.pop(name, None)
        self._running.clear()
        self._anchors.clear()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _perform(batch: Batch, turns: AbstractContextManager[Any] | None = None) -> list[Outcome]:
    keep_freed_memory()
    try:
        return perform(batch, turns or nullcontext())
    finally:
        give_freed_memory_back(pause=0.0 if batch.spec.from_everything else PAUSE)


def _is_large(batch: Batch) -> bool:
    """Say whether it is made from so much that a process of its own is worth a second."""
    return batch.spec.from_everything and sum(len(given) for work in batch.work for _, given in work.inputs) >= LARGE


def _perform_there(batch: Batch) -> list[Outcome]:
    return _perform(batch, _TURNS[0] if _TURNS else None)


def _nothing() -> None:
    """Take up a place."""


def _gone() -> InterruptedRunError:
    return InterruptedRunError("the Dask scheduler is gone", remedy="What was done stays; the same command goes on")


# Batches for threads of this very process, by name: they need not be taken apart and put together again on their way.
_HANDED: dict[str, tuple[Batch, AbstractContextManager[Any]]] = {}
_HANDED_BACK: dict[str, list[Outcome] | Exception] = {}


def _perform_here(name: str) -> None:
    handed = _HANDED.get(name)
    if handed is not None:  # else nobody waits for it any more
        try:
            batch, turns = handed
            if _is_large(batch):
                with turns:
                    _HANDED_BACK[name] = perform_apart(batch)
            else:
                _HANDED_BACK[name] = _perform(batch, turns)
        except Exception as error:  # noqa: BLE001  the driver judges it; raised here, Dask would print it as a traceback
            _HANDED_BACK[name] = error


def _threads_of_ours(jobs: int) -> Any:
    # Threads that compute without the interpreter want it back between two steps, for microseconds: by default one that holds it may let
    # them wait for five milliseconds each time.
    sys.setswitchinterval(0.001)
    return _cluster_of_ours(n_workers=1, threads_per_worker=jobs + 1, processes=False)


def _processes_of_ours(jobs: int) -> Any:
    # What the terminal sends when somebody presses Ctrl-C goes to all processes of the command. The driver says what ends by it: what runs
    # is finished. So all processes that come of this thread, and of those that it begins, are to be deaf to it from their first moment.
    # Python's tracker of resources would unblock it here, were it begun later.
    multiprocessing.resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if sys.platform == "linux" and _sockets_have_room():
            _fork_from_a_server()
        return _cluster_of_ours(n_workers=jobs, threads_per_worker=2, processes=True, preload=[__name__])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_TURNS: list[AbstractContextManager[Any]] = []
"""In a worker process of ours: the turn to compute, of which there is one for two threads."""


def dask_setup(worker: object) -> None:
    """Make this a worker process of ours: Dask calls this in each one that it begins."""
    del worker
    if os.environ.get(SAFE_PATH) == OURS:
        # Not for what stages may run.
        del os.environ[SAFE_PATH]
    leave_out_of_collections()
    _TURNS.append(threading.Semaphore(1))
    FRESH.hold_for(1)


class _NoObserver:
    """Stands in for Dask's observer of the garbage collector.

    Theirs has an unmet assertion printed when it is made while another thread is collecting: it then sees an end that had no beginning.
    """

    enabled = True
    _fractional_timer = None

    def enable(self) -> None:
        """Observe nothing."""

    disable = enable


def _cluster_of_ours(**options: Any) -> Any:
    """Begin a cluster of this command alone; what is set for it holds for the whole process."""
    import dask
    import distributed.gc

    make_cluster: Any = distributed.LocalCluster
    vars(distributed.gc)["_gc_diagnosis"] = _NoObserver()
    # Dask always serves its pages somewhere; they stay on loopback, at any free port.
    loopback = "127.0.0.1:0"
    # Nobody looks at what Dask measures of itself here, fifty times a second and more; its profiler would keep an hour of it.
    quiet = {
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.tick.limit": "60s",
        "distributed.admin.system-monitor.interval": "10s",
        "distributed.worker.profile.enabled": False,
    }
    dask.config.set(quiet)
    return make_cluster(**options, dashboard_address=loopback, worker_dashboard_address=loopback, memory_limit=0, silence_logs=40)


def _fork_from_a_server() -> None:
    """Begin the process that Dask is to fork worker processes from: it imports once what each of them would import first."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["pipeline.warm", "distributed", __name__])
    # It begins without this process's path for modules, and would take what it finds where somebody stands.
    told = SAFE_PATH in os.environ
    os.environ.setdefault(SAFE_PATH, OURS)
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        if not told:
            del os.environ[SAFE_PATH]
    # Not before: it imports for a third of a second, as that process does by now.
    import dask

    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})


def _sockets_have_room() -> bool:
    """Say whether a server of processes could listen: its socket lies in a folder among temporary files, and a path of one is short."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as trial:
        try:
            # Theirs is /pymp-12345678/listener-12345678.
            trial.bind(f"{folder}/{'listener':-<19}")
        except OSError:
            return False
    return True


def make_executor(name: str, *, scheduler: str | None, jobs: int) -> Executor:
    """Make the executor that `--executor`, `--scheduler` and `--jobs` name."""
    if name == "sync" and scheduler is None:
        return SyncExecutor()
    return DaskExecutor(scheduler=scheduler, jobs=jobs)
