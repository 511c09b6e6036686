"""What packages of stages name is imported before worker processes are forked; what fails is left out."""

from __future__ import annotations

import importlib.metadata
import runpy
import subprocess
import sys


class Entry:
    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.loaded = error, False

    def load(self) -> None:
        self.loaded = True
        if self.error:
            raise self.error


def test_what_cannot_be_imported_keeps_nobody_from_work(monkeypatch):
    entries = [Entry(), Entry(RuntimeError("no licence")), Entry()]
    asked = []
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: asked.append(group) or entries)
    runpy.run_module("pipeline.warm")
    assert [entry.loaded for entry in entries] == [True, True, True]
    assert asked == ["skycrane.warm"]


def test_ours_is_named():
    named = [entry.value for entry in importlib.metadata.entry_points(group="skycrane.warm")]
    assert "stages.warm" in named


def test_the_heap_is_one_before_anything_makes_threads():
    """Memory that is freed in one heap is no good to those of other threads."""
    script = """
import pipeline.warm, pipeline.memory
assert pipeline.memory.keep_freed_memory.cache_info().currsize
import ctypes, platform, threading
if platform.libc_ver()[0] == "glibc":
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    heaps, all_there = set(), threading.Barrier(8)
    def take():
        all_there.wait()
        # An arena of another thread begins at a multiple of 64 MiB (glibc, malloc/arena.c).
        heaps.add(libc.malloc(100_000) >> 26)
        all_there.wait()
    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heaps) <= 2, heaps
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_command_line_asks_for_that_first():
    script = "import sys; sys.argv[1:] = ['missions']; import pipeline.cli, pipeline.memory; pipeline.cli.main()"
    probe = "import atexit, threading; atexit.register(lambda: print(pipeline.memory.keep_freed_memory.cache_info().currsize))"
    done = subprocess.run([sys.executable, "-c", f"{probe}; {script}"], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "1"
