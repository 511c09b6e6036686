"""What has just been made, as it stands in the journal: followed by one thread, told to all who listen.

The report is made when a batch of data has come to rest; a reader of the page wants to see a picture as soon as it stands on disk. A
line of the journal is written right after it does.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import SkycraneError
from pipeline.receipt import Journal

__all__ = ["Item", "News"]

KEPT = 512
"""Items; who comes later than that sees them in the next report."""
PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class Item:
    """A product that has files of its own."""

    number: int
    kind: str
    value: Mapping[str, Any]
    """{kind, key, paths, received, expected, facts}: JSON values."""


class News:
    """Follows the journal of an output folder.

    report  gives the tag of the page as it is now
    tally   gives what to tell of the run: {"due": 3, "quarantined": 0, "failures": []}; may raise SkycraneError
    """

    def __init__(self, receipts: Path, *, report: Callable[[], str], tally: Callable[[], Mapping[str, Any]]) -> None:
        self._journal = Journal(receipts)
        self._report, self._tally = report, tally
        self._position: tuple[int, int] | None = None
        self._items: deque[Item] = deque(maxlen=KEPT)
        self._count = 0
        self._state: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._ended = False

    def follow(self, stop: threading.Event, *, seconds: float = 1.0) -> None:
        """Look every so many seconds until told to stop; the only writer."""
        while not stop.is_set():
            self.look()
            stop.wait(seconds)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def look(self) -> None:
        """Take in what is new."""
        before = self._position
        found, page = self._read()
        moved = self._position != before
        state = {"report": self._report(), "counts": self._counts() if moved else self._state.get("counts", {})}
        with self._changed:
            if page:
                self._items.clear()
            self._items.extend(found)
            if found or page or state != self._state:
                self._count += 1
                self._state = state
                self._changed.notify_all()

    def wait(self, seen: int, after: int, seconds: float) -> tuple[int, dict[str, Any], list[Item]] | None:
        """Wait for something newer than `seen`: its number, the state, and the items after number `after`.

        None at the end. After so many seconds it comes back with what it knows; before the first look that is number 0 and no state.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._count != seen, seconds)
            if self._ended:
                return None
            return self._count, dict(self._state), [item for item in self._items if item.number > after]

    def _counts(self) -> Mapping[str, Any]:
        with contextlib.suppress(SkycraneError):
            return dict(self._tally())
        return {}

    def _read(self) -> tuple[list[Item], bool]:
        """Read the journal on: what was made since the last page, and whether a page was."""
        found: list[Item] = []
        page = False
        try:
            end = self._journal.position()
            if self._position is None or end < self._position:
                self._position = (end[0], 0)
            for record, position in self._journal.read(self._position):
                items = list(_items(record, position))
                if any(PAGE in item.value["paths"] for item in items):
                    found, page = [], True
                else:
                    found.extend(items)
                self._position = position
        except (SkycraneError, OSError):
            # A damaged line is for `process` to report; what comes after it is news again.
            self._position = self._journal.position()
        return found[-KEPT:], page


def _items(record: Mapping[str, Any], position: tuple[int, int]) -> list[Item]:
    """Give what a line of the journal says was made, files of its own given."""
    if record["type"] != "receipt":
        return []
    out = []
    for output in record["what"]["outputs"]:
        paths = [file["path"] for file in output["files"] if file["whole"] and not file["path"].startswith(("/", "."))]
        if paths:
            done = output["completeness"]
            value = {"kind": output["kind"], "key": output["key"], "paths": paths, "facts": output["facts"]}
            value |= {"received": done["received"], "expected": done["expected"]}
            out.append(Item((position[0] << 40) + position[1], output["kind"], value))
    return out
