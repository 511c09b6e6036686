"""The journal of receipts and the catalog over it, changed together: the driver's one way to make something true.

Lines are posted at once and written in groups: one append and one sync for all that ended within a fifth of a second. What a crash takes of
a group was published without a receipt, so the next run sweeps it and makes it again. Files that lines take back are removed after those
lines are on the disk, never before.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.catalog import Catalog
from pipeline.posting import post
from pipeline.receipt import Journal
from pipeline.registry import Registry
from pipeline.store import Store

__all__ = ["Ledger", "open_catalog"]

GROUP_SECONDS = 0.2
LONGEST_GROUP_SECONDS = 5.0
GROUP_LINES = 2000


def open_catalog(store: Store, registry: Registry) -> tuple[Catalog, Journal]:
    """Open the catalog for writing and bring it up to the receipts; make it anew if it does not fit them, or cannot be read."""
    journal = Journal(store.receipts)
    if store.crashed:
        journal.sweep()
    if store.lost_power:
        _discard(store)
    try:
        catalog = Catalog(store.catalog, registry)
        position = catalog.position()
    except sqlite3.DatabaseError:
        _discard(store)
        catalog = Catalog(store.catalog, registry)
        position = None
    # A catalog from before the journal was written anew may lack what went with the old one.
    if position is None or position > journal.position() or position[0] < journal.first:
        catalog.reset()
        position = (0, 0)
    catalog.db.execute("BEGIN")
    for number, (record, end) in enumerate(journal.read(position), 1):
        post(catalog, record)
        position = end
        if number % 10_000 == 0:
            catalog.set_meta("position", json.dumps(position))
            catalog.db.execute("COMMIT")
            catalog.db.execute("BEGIN")
    catalog.set_meta("position", json.dumps(position))
    catalog.db.execute("COMMIT")
    return catalog, journal


def _discard(store: Store) -> None:
    for suffix in ("", "-wal", "-shm"):
        store.catalog.with_name(store.catalog.name + suffix).unlink(missing_ok=True)


class Ledger:
    """Journal and catalog of an output folder that this process holds."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self.catalog, self._journal = open_catalog(store, registry)
        self._lines: list[Mapping[str, Any]] = []
        self._doomed: set[str] = set()
        self._since = time.monotonic()
        self._took = 0.0
        self._committed = self.catalog.db.total_changes
        self.changed = False
        """Whether this run has changed anything that the manifest or a product speaks of."""
        self.catalog.db.execute("BEGIN")

    def begin(self) -> None:
        """Note on the disk that files are about to change."""
        if not self.changed:
            self._store.mark_running()
            self.changed = True

    def record(self, lines: Iterable[Mapping[str, Any]], doomed: Iterable[str] = ()) -> None:
        """Make lines true, all of them or none; `doomed` are files that they take back."""
        if not self._lines:
            self._since = time.monotonic()
        together = list(lines)
        if any(line["type"] != "path" for line in together):
            self.begin()
        with self._all_or_none():
            for line in together:
                post(self.catalog, line)
        # A crash may cut the journal between any two lines: so what belongs together is one.
        self._lines += together if len(together) < 2 else [{"type": "together", "lines": together}]
        self._doomed.update(doomed)
        if len(self._lines) >= GROUP_LINES:
            self.commit()

    @contextlib.contextmanager
    def _all_or_none(self) -> Iterator[None]:
        """Take back what was posted if not all of it could be: what the catalog holds stands in the journal, whatever goes wrong."""
        self.catalog.db.execute("SAVEPOINT together")
        try:
            yield
        except BaseException:
            # SQLite itself may have taken everything back: on a full disk, say.
            if self.catalog.db.in_transaction:
                self.catalog.db.execute("ROLLBACK TO together")
                self.catalog.db.execute("RELEASE together")
            raise
        self.catalog.db.execute("RELEASE together")

    def keep(self, path: str) -> None:
        """Note that a file has been published anew, whatever was to become of its predecessor."""
        self._doomed.discard(path)

    def patience(self) -> float:
        """Say for how many seconds what has changed may wait on for its commit; forever, if nothing has."""
        if not self._lines and self.catalog.db.total_changes == self._committed:
            return math.inf
        # A disk that is slow to sync is asked less often: a sixth of the time may go into waiting for it.
        longest = max(GROUP_SECONDS, min(LONGEST_GROUP_SECONDS, 5 * self._took))
        return max(0.0, self._since + longest - time.monotonic())

    def commit_if_old(self) -> None:
        """Commit, if what has changed has waited long enough."""
        if not self.patience():
            self.commit()

    def commit(self) -> None:
        """Wait until the disk has all lines, then remove the files that they take back."""
        if self._lines:
            begin = time.monotonic()
            end = self._journal.append(self._lines)
            self._took = time.monotonic() - begin
            self._lines.clear()
            self.catalog.set_meta("position", json.dumps(end))
        self.catalog.db.execute("COMMIT")
        self.catalog.db.execute("BEGIN")
        self._committed, self._since = self.catalog.db.total_changes, time.monotonic()
        doomed, self._doomed = self._doomed, set()
        self._store.withdraw(sorted(doomed))

    def rewrite(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write the journal anew: lines that the catalog follows from, as it is now."""
        self.commit()
        end = self._journal.rewrite(lines)
        self.catalog.set_meta("position", json.dumps(end))
        self.catalog.set_meta("compacted", str(end[1]))
        self.catalog.db.execute("COMMIT")
        self.catalog.db.execute("VACUUM")
        self.catalog.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.catalog.db.execute("BEGIN")

    def close(self) -> None:
        """Close both; lines that were not committed are gone."""
        self._journal.close()
        self.catalog.close()
