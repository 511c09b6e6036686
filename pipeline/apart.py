"""Performs a batch in a process of its own, which ends with it: the system has back all that it took.

What is made from everything is made from tens of thousands of products. In a process that goes on for months they would leave the heap
frayed, so that it grows with all that ever came, and would hold the interpreter for seconds, in which nothing else is begun.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time

from pipeline.perform import perform
from pipeline.work import Batch, Outcome

__all__ = ["perform_apart"]


def perform_apart(batch: Batch) -> list[Outcome]:
    """Do what `perform` does; RuntimeError if the process comes to nothing."""
    # What the terminal sends when somebody presses Ctrl-C is for the driver: what has begun is finished.
    done = subprocess.run(  # noqa: S603  our own program
        # -P: what lies in the folder where somebody happens to stand is no part of this program.
        [sys.executable, "-P", "-m", __name__],
        input=pickle.dumps(batch),
        capture_output=True,
        check=False,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"the process that made it ended with {done.returncode}{said and ': '}{said}")
    outcomes: list[Outcome] | Exception = pickle.loads(done.stdout)  # noqa: S301  from our own program
    if isinstance(outcomes, Exception):
        raise outcomes
    return outcomes


def _main() -> None:
    # What a stage prints is not what is handed back.
    back = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    batch: Batch = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process that began this one
    outcomes: list[Outcome] | Exception
    try:
        outcomes = perform(batch)
    except Exception as error:  # noqa: BLE001  raised again where it is waited for
        outcomes = error
    pickle.dump(outcomes, back)
    back.close()
    # A thread of a task that was given up may still be at it, and would be waited for.
    os._exit(0)


def _end_with(parent: int) -> None:
    """End when the process that began this one is gone: nobody waits for what it makes."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


if __name__ == "__main__":
    _main()
