"""What the C library does with freed memory, as pictures come and go by the megabyte, and what Python looks through for garbage."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import math
import sys
import time

__all__ = ["PAUSE", "give_freed_memory_back", "keep_freed_memory", "leave_out_of_collections"]

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
"""Parameters of `mallopt` (GNU C library, malloc.h)."""
KEPT = 64 << 20
"""Bytes that may be free at the end of the heap before the system has them back: what is needed for a few pictures."""
GROWTH = 8 << 20
"""Bytes by which the heap grows at least: each time the system is asked."""
LARGEST_KEPT = 32 << 20
"""Bytes from which on a piece is the system's own; the library takes no more."""
PAUSE = 10.0
"""Seconds between two times of giving back what is freed while work goes on: it takes two milliseconds, but what is needed again comes as
fresh pages, and every two seconds that was a twentieth of all time."""


@functools.cache
def keep_freed_memory() -> None:
    """Have the C library of this process keep what is let go of for what comes next; where it cannot be told, nothing changes.

    A picture takes megabytes. Given back to the system and asked for again, they come as fresh pages, each of which the system clears
    first: that was a fifth of all the time of developing a picture.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    tell(MMAP_THRESHOLD, LARGEST_KEPT)
    tell(TRIM_THRESHOLD, KEPT)
    tell(TOP_PAD, GROWTH)
    # Heaps of several threads fray, each for itself: after 1,600 chunks of a watch they held 30 MiB more than one does.
    tell(ARENA_MAX, 1)


@functools.cache
def leave_out_of_collections() -> None:
    """Have Python's garbage collector of this process leave out what there is by now, which is what was imported: it stays to the end.

    To go through that takes a twentieth of a second each time, and a process forked from another gets pages of its own for all of it.
    """
    gc.freeze()


def give_freed_memory_back(*, pause: float = 0.0) -> None:
    """Let the system have what allocators keep; nothing happens if that was done less than `pause` seconds ago.

    What is made from everything takes memory that nothing else needs again. And what little stays lies strewn among what was let go of:
    a process that runs for months holds more and more of that.
    """
    if time.monotonic() < _LAST.moment + pause:
        return
    _LAST.moment = time.monotonic()
    # It has an allocator of its own: of a table of 300,000 rows that kept 75 MiB. Another thread may be importing it right now.
    with contextlib.suppress(KeyError, AttributeError):
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _Last:
    """When memory was given back."""

    moment = -math.inf


_LAST = _Last()
