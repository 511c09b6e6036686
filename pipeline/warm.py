"""Imported by the process that worker processes are forked from, so that none of them has to import the same again.

Packages of stages name what takes long in the entry-point group ``skycrane.warm``. One that cannot be imported is left out: whoever needs
it will say so.
"""

from __future__ import annotations

import contextlib
from importlib.metadata import entry_points

__all__: list[str] = []

for _entry in entry_points(group="skycrane.warm"):
    with contextlib.suppress(Exception):
        _entry.load()
