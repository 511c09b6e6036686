"""Imported by the process that worker processes are forked from, so that none of them has to import the same again.

Packages of stages name what takes long in the entry-point group ``skycrane.warm``. One that cannot be imported is left out: whoever needs
it will say so.
"""

from __future__ import annotations

import contextlib
from importlib.metadata import entry_points

from pipeline.memory import keep_freed_memory

__all__: list[str] = []

# Before there are threads: each that there is by then keeps a heap of its own, which those that come later use in turn.
keep_freed_memory()

for _entry in entry_points(group="skycrane.warm"):
    with contextlib.suppress(Exception):
        _entry.load()
