"""A time limit for each task of a batch.

Nothing stops a thread from outside: not a kernel that has let go of the interpreter, nor a read from a disk that hangs. So the tasks of a
batch run one after another in a thread of their own, and who waits for them gives up when one takes too long. The thread is told to end at
the next instruction of Python that it comes to; what it still writes goes into a staging folder that nobody reads any more.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Overrun", "in_time"]

T = TypeVar("T")

WAITING_SHARE = 0.02
"""A task that computed for less than this share of its time was waiting: for a disk, a network, or for a processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """A step that was given up."""

    limit: float
    """Seconds that it had."""
    computing: float
    """Seconds of them that a processor was at it."""

    @property
    def waiting(self) -> bool:
        """Whether it waited rather than computed: then it may go well the next time."""
        return self.computing < WAITING_SHARE * self.limit

    def __str__(self) -> str:
        what = "most of them spent waiting for a disk or a network" if self.waiting else "computing all the while"
        return f"took longer than the {self.limit:g} s that a task may, {what} ({self.computing:.1f} s of a processor)"


class _GivenUpError(BaseException):
    """Ends a thread that nobody waits for; no stage catches it with its own errors."""


class _Line(Generic[T]):
    """Takes steps one after another in a thread of its own."""

    def __init__(self, steps: Iterable[Callable[[], T]], close: Callable[[], None]) -> None:
        self._steps = steps
        self._close = close
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._computed = 0.0
        self._given_up = False
        self.results: list[T] = []
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True, name="tasks of a batch")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def left(self, limit: float) -> float:
        """Seconds that the step has that is under way."""
        return self._begun + limit - time.monotonic()

    def give_up(self, limit: float) -> Overrun | None:
        """Wait no longer for the step that is under way; None if there is time left for it after all."""
        identity = self._thread.ident
        assert identity is not None
        # Under the lock, which the thread takes behind each step: what ends it must reach it inside, not when it has gone home.
        with self._lock:
            if self.ended.is_set() or self.left(limit) > 0:
                return None
            self._given_up = True
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(identity), ctypes.py_object(_GivenUpError))
        # Of a thread that has just ended there is no clock.
        computed = self._computed
        with contextlib.suppress(OSError):
            computed = time.clock_gettime(time.pthread_getcpuclockid(identity))
        return Overrun(limit=limit, computing=computed - self._computed)

    def _begin(self) -> None:
        self._begun, self._computed = time.monotonic(), time.thread_time()

    def _note(self, change: Callable[[], None]) -> bool:
        """Change what the waiting thread looks at; say whether it still waits."""
        with self._lock:
            if not self._given_up:
                change()
            return not self._given_up

    def _go(self) -> None:
        try:
            steps = iter(self._steps)
            while self._note(self._begin):
                step = next(steps, None)
                if step is None:
                    return
                result = step()
                if not self._note(functools.partial(self.results.append, result)):
                    return
        except BaseException as error:  # noqa: BLE001  it is raised again where the steps are waited for
            self.error = error
        finally:
            # Whatever closing comes to: somebody waits.
            try:
                self._close()
            except BaseException as error:  # noqa: BLE001  as above; what went wrong first is what counts
                self.error = self.error or error
            self.ended.set()


def in_time(steps: Iterable[Callable[[], T]], limit: float, *, close: Callable[[], None] = lambda: None) -> tuple[list[T], Overrun | None]:
    """Take steps one after another; return what they gave, up to the first that takes too long, and what is known of that one.

    steps  each is asked for when the one before it has ended
    limit  seconds that each may take; 0: any, and no thread either
    close  is called when no step runs any more: before this returns, or when the one that was given up has ended

    A step that neither ends nor lets go of the interpreter cannot be noticed from inside its process. What a step raises is raised.
    """
    if limit <= 0:
        try:
            return [step() for step in steps], None
        finally:
            close()
    line = _Line(steps, close)
    line.start()
    while not line.ended.wait(max(0.0, line.left(limit))):
        overrun = line.give_up(limit)
        if overrun is not None:
            return line.results, overrun
    if line.error is not None:
        raise line.error
    return line.results, None
