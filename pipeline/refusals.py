"""Files that showed nothing by themselves, but whose names speak of a pass: each is looked at again when an input of that pass has come.

A watch of months meets many that never will be anything. So nothing is looked at again without a reason, and of more than `KEPT` the later
ones wait for the next run, which looks at everything.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.arrivals import Admission, Admitter

__all__ = ["Refusals"]

KEPT = 10_000


class Refusals:
    """What was refused, by pass, and which passes have gained an input since."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, bool]] = {}
        self._gained: set[str] = set()
        self._count = 0

    def note(self, admission: Admission, admitter: Admitter) -> None:
        """Note what was refused, and which passes have gained something."""
        self._gained.update(record["pass"] for record in admission.records if record["type"] == "input" and record["chunked"])
        for path, _, named in admission.refused:
            name = admitter.pass_of(Path(path))
            if name is not None and self._count < KEPT:
                self._count += path not in self._waiting.setdefault(name, {})
                self._waiting[name][path] = named

    def due(self, admitter: Admitter) -> list[tuple[Path, bool]]:
        """Give those that are known for a stretch of their pass by now, with whether somebody named them."""
        due = []
        for name in self._gained & self._waiting.keys():
            known = [path for path in self._waiting[name] if admitter.knows_pass_of(Path(path))]
            due += [(Path(path), self._waiting[name].pop(path)) for path in known]
            self._count -= len(known)
            if not self._waiting[name]:
                del self._waiting[name]
        self._gained.clear()
        return sorted(due)
