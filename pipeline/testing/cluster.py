"""`dask scheduler` and `dask worker` processes on this machine, as an operator starts them, and the means to do them harm."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

__all__ = ["Cluster"]


class Cluster:
    """A scheduler and workers, each a process of its own. Use as a context manager.

    folder       where workers keep what they must, and all of them their log; OUT and inputs they see as this process does
    threads      of each worker
    nanny        whether each worker has a process above it that starts another one in its place; `kill` kills both
    environment  added to this process's
    """

    def __init__(
        self, folder: Path, *, workers: int, threads: int = 1, nanny: bool = False, environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._nanny = nanny
        self._threads = threads
        self._environment = {**os.environ, **(environment or {})}
        self._log = (folder / "cluster.log").open("w+")
        self.scheduler = self._start("dask_scheduler", "--port", "0", "--no-dashboard", "--no-show", stderr=subprocess.PIPE)
        self.address = self._read_address()
        """tcp://host:port of the scheduler."""
        self.workers = [self._start_worker() for _ in range(workers)]
        self.killed = 0
        """Workers, so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            process.terminate()
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
        self._drain.join()
        if self.scheduler.stderr is not None:
            self.scheduler.stderr.close()
        self._log.close()

    def kill(self, number: int) -> None:
        """SIGKILL a worker, and start another in its place, as whoever looks after it would."""
        self.workers[number].kill()
        self.workers[number].wait()
        self.workers[number] = self._start_worker()
        self.killed += 1

    def log(self) -> str:
        """Return what the workers have said."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    def _start_worker(self) -> subprocess.Popen[str]:
        options = ("--nthreads", str(self._threads), "--no-dashboard", "--local-directory", str(self._folder), "--memory-limit", "0")
        return self._start("dask_worker", self.address, "--nanny" if self._nanny else "--no-nanny", *options, stderr=None)

    def _start(self, program: str, *arguments: str, stderr: int | None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--host", "127.0.0.1", *arguments]
        where = self._log if stderr is None else stderr
        return subprocess.Popen(command, stderr=where, stdout=subprocess.DEVNULL, text=True, env=self._environment)  # noqa: S603  our own command

    def _read_address(self) -> str:
        assert self.scheduler.stderr is not None
        for line in self.scheduler.stderr:
            if "Scheduler at:" in line:
                # What else it says must not fill the pipe.
                self._drain = threading.Thread(target=self.scheduler.stderr.read, daemon=True)
                self._drain.start()
                return line.split("Scheduler at:")[1].strip()
        raise RuntimeError("the Dask scheduler did not start")
