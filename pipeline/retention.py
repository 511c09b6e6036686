"""Retention: with keep = "final", copies of the downlink on its way go once what was made from them stands.

An intermediate product is pruned when every task that loads it is done, and none that gathers it still lacks something: the rest of a file
may yet come, and then all parts of it are wanted. The last copy of anything is never pruned: the inputs that it can be made from again must
be where they were. What was pruned stays in the catalog with all that is known of it, so nothing is due for that; what loads it later has
it made again, together with what that needs. With keep = "all" it is made again in any case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.catalog import Catalog
from pipeline.compaction import rewrite_sparse
from pipeline.ledger import Ledger
from pipeline.posting import readers_of
from pipeline.receipt import Output
from pipeline.stage import Role
from pipeline.store import Store

__all__ = ["Pruned", "prune", "recall"]

AT_ONCE = 500
"""Products that one line of the journal speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was given back."""

    products: int
    size: int
    """Bytes."""


def prune(store: Store, ledger: Ledger) -> Pruned:
    """Prune what may go; between any two steps a crash leaves files that no receipt names, which the next run sweeps."""
    copies = _Copies(store, ledger.catalog)
    count = size = 0
    doomed: list[Output] = []
    for output in list(_prunable(ledger.catalog, copies)):
        doomed.append(output)
        count, size = count + 1, size + sum(record.size for record in output.files)
        if len(doomed) == AT_ONCE:
            _prune(store, ledger, doomed)
            doomed = []
    if doomed:
        _prune(store, ledger, doomed)
    return Pruned(products=count, size=size)


def recall(store: Store, catalog: Catalog) -> None:
    """Let what was pruned be due again, where it can be made: everything is to be kept from now on."""
    copies = _Copies(store, catalog)
    for stage, key in catalog.makers_of_pruned():
        if copies.can_be_made(stage, key):
            catalog.tasks.void(stage, key)


def _prune(store: Store, ledger: Ledger, doomed: list[Output]) -> None:
    packs = {record.path for output in doomed for record in output.files if not record.whole}
    files = [record.path for output in doomed for record in output.files if record.whole]
    ledger.record([{"type": "prune", "products": [[output.kind, output.key] for output in doomed]}], files)
    left = {pack for pack in packs if ledger.catalog.makers_in(pack)}
    ledger.record([], packs - left)
    rewrite_sparse(store, ledger, left)


def _prunable(catalog: Catalog, copies: _Copies) -> Iterator[Output]:
    rows = catalog.db.execute("SELECT kind, key, stage, task, record FROM products WHERE pruned = 0 ORDER BY kind, key").fetchall()
    for row in rows:
        stands = _is_done(catalog, row["stage"], row["task"]) and _is_used_up(catalog, row["kind"], row["key"])
        if stands and copies.can_be_made(row["stage"], row["task"]):
            yield Output.from_json(json.loads(row["record"]))


def _is_done(catalog: Catalog, stage: str, key: str, *, whole: bool = False) -> bool:
    row = catalog.tasks.row(stage, key)
    return row is not None and row["state"] == "done" and not row["dirty"] and not (whole and row["partial"])


def _is_used_up(catalog: Catalog, kind: str, key: str) -> bool:
    """Say whether there is something that was made from a product, and nothing more to be."""
    loading = [(spec, item, task) for spec, item, task in readers_of(catalog, kind, key) if item.loads]
    return bool(loading) and all(_is_done(catalog, spec.name, task, whole=item.role is Role.GROUP) for spec, item, task in loading)


class _Copies:
    """Knows which tasks could be done again from inputs that are still there."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog
        self._known: dict[tuple[str, str], bool] = {}

    def can_be_made(self, stage: str, task: str) -> bool:
        """Say whether all that a task read is there, or can be made."""
        if (stage, task) not in self._known:
            row = self._catalog.tasks.row(stage, task)
            what = None if row is None or row["receipt"] is None else json.loads(row["receipt"])["what"]
            self._known[stage, task] = what is not None and what["input_count"] == len(what["inputs"]) and self._has_all(stage, what)
        return self._known[stage, task]

    def _has_all(self, stage: str, what: Any) -> bool:
        roles = {item.name: item for item in self._catalog.registry.stages[stage].inputs}
        return all(
            self._has(record["kind"], record["key"])
            for record in what["inputs"]
            if (item := roles.get(record["name"])) is not None and item.loads and item.role is not Role.PREVIOUS
        )

    def _has(self, kind: str, key: str) -> bool:
        maker, output = self._catalog.maker(kind, key), self._catalog.output(kind, key)
        if maker is None or output is None:
            return False
        if maker[0]:
            return self.can_be_made(*maker)
        return all(self._store.intact(record) for record in output.files)
