"""Gives disk space back: packs of which little is still named are rewritten, and the journal is written anew with what is current.

Each step leaves a folder that is whole: a pack gets its name before the receipts that speak of it, the receipts come before the old pack
goes, and the new journal takes the old one's place in one rename.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.catalog import Catalog
from pipeline.errors import storage_errors
from pipeline.ledger import Ledger
from pipeline.receipt import FileRecord, Output
from pipeline.store import HIDDEN, Store

__all__ = ["Freed", "compact", "rewrite_sparse"]

LEAST_SHARE = 0.5
"""A pack of which a smaller part is named is rewritten."""

COPIED = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """Bytes that were given back."""

    packs: int
    receipts: int
    catalog: int

    @property
    def total(self) -> int:
        """Of all three."""
        return self.packs + self.receipts + self.catalog


def compact(store: Store, ledger: Ledger) -> Freed:
    """Rewrite sparse packs, then the journal, then the catalog's file."""
    before = _sizes(store)
    rewrite_sparse(store, ledger, set(ledger.catalog.packs()))
    ledger.commit()
    named = ledger.catalog.packs()
    store.withdraw(path for pack in store.packs.iterdir() if (path := f"{HIDDEN}/packs/{pack.name}") not in named)
    ledger.begin()
    ledger.rewrite(current_lines(ledger.catalog))
    after = _sizes(store)
    return Freed(**{name: before[name] - after[name] for name in before})


# --- the journal ------------------------------------------------------------------------------------------------------------------


def current_lines(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Give the fewest lines that a catalog like this one follows from."""
    for record in catalog.withheld().values():
        yield {"type": "withhold", "record": record}
    for record in catalog.inputs():
        yield {**record, "type": "input"}
    for row in catalog.db.execute("SELECT * FROM paths ORDER BY path"):
        yield {"type": "path", **dict(row)}
    for row in catalog.db.execute("SELECT * FROM assignments ORDER BY section, value"):
        yield {"type": "assignment", **dict(row)}
    yield from _admissions(catalog)
    for row in catalog.db.execute("SELECT stage, key FROM tasks WHERE receipt IS NOT NULL ORDER BY stage, key").fetchall():
        yield from _receipt(catalog, row["stage"], row["key"])
    for row in catalog.db.execute("SELECT failure FROM tasks WHERE failure IS NOT NULL ORDER BY stage, key"):
        yield json.loads(row["failure"])
    # What nothing above leads to: a task whose inputs have all gone is still to take back what it made.
    for row in catalog.db.execute("SELECT stage, key FROM tasks WHERE dirty > 0 AND receipt IS NOT NULL ORDER BY stage, key"):
        yield {"type": "mark", "stage": row["stage"], "key": row["key"]}


def _admissions(catalog: Catalog) -> Iterator[dict[str, Any]]:
    spans = {(row["kind"], f"{row['pass']}/{row['chunk']}"): row for row in catalog.db.execute("SELECT * FROM spans")}
    for row in catalog.db.execute("SELECT kind, key, task, record FROM products WHERE stage = '' ORDER BY kind, key"):
        span = spans.get((row["kind"], row["key"]))
        yield {
            "type": "admit",
            "output": json.loads(row["record"]),
            "input": row["task"],
            "span": None if span is None else [span["start"], span["stop"]],
            "margin": 0 if span is None else span["margin"],
        }


def _receipt(catalog: Catalog, stage: str, key: str, outputs: list[Output] | None = None) -> Iterator[dict[str, Any]]:
    """Give the lines about a task as it was, or with outputs that lie elsewhere."""
    row = catalog.tasks.row(stage, key)
    assert row is not None
    body = json.loads(row["receipt"])
    listed = catalog.outputs_of(stage, key) if outputs is None else outputs
    yield {"type": "receipt", "what": {**body["what"], "outputs": [output.to_json() for output in listed]}, "how": body["how"]}
    if pruned := sorted(catalog.pruned_of(stage, key)):
        yield {"type": "prune", "products": [list(which) for which in pruned]}


# --- packs ------------------------------------------------------------------------------------------------------------------------


def rewrite_sparse(store: Store, ledger: Ledger, packs: set[str]) -> None:
    """Write those of these packs anew of which little is named, and of whose tasks none is about to be made again."""
    for pack in sorted(packs):
        rows = ledger.catalog.db.execute("SELECT record FROM products WHERE pack = ?", (pack,))
        size = sum(record["size"] for row in rows for record in json.loads(row["record"])["files"])
        settled = all(_is_settled(ledger.catalog, *maker) for maker in ledger.catalog.makers_in(pack))
        path = store.out / pack
        if settled and path.exists() and size < LEAST_SHARE * path.stat().st_size:
            _rewrite(store, ledger, pack)
            ledger.record([], [pack])


def _is_settled(catalog: Catalog, stage: str, key: str) -> bool:
    row = catalog.tasks.row(stage, key)
    return row is not None and row["state"] == "done" and not row["dirty"]


def _rewrite(store: Store, ledger: Ledger, pack: str) -> None:
    """Copy what is named of a pack into a new one, and write receipts that say so."""
    ledger.begin()
    name = f"gc-{uuid.uuid4().hex}"
    staged = store.stage(name) / "pack"
    path = f"{HIDDEN}/packs/{name}.pack"
    lines: list[dict[str, Any]] = []
    with storage_errors(staged), (store.out / pack).open("rb") as old, staged.open("wb") as new:
        for stage, key in ledger.catalog.makers_in(pack):
            outputs = []
            pruned = ledger.catalog.pruned_of(stage, key)
            for output in ledger.catalog.outputs_of(stage, key):
                here = (output.kind, output.key) not in pruned
                files = tuple(_move(record, old, new, path) if here and record.path == pack else record for record in output.files)
                outputs.append(replace(output, files=files))
            lines += _receipt(ledger.catalog, stage, key, outputs)
        new.flush()
        os.fsync(new.fileno())
    store.publish(staged, path)
    store.unstage(name)
    ledger.record(lines)


def _move(record: FileRecord, old: Any, new: Any, path: str) -> FileRecord:
    offset = new.tell()
    old.seek(record.offset)
    left = record.size
    while left and (block := old.read(min(left, COPIED))):
        new.write(block)
        left -= len(block)
    return replace(record, path=path, offset=offset)


def _sizes(store: Store) -> dict[str, int]:
    catalog = [store.catalog.with_name(store.catalog.name + suffix) for suffix in ("", "-wal")]
    files = {"packs": store.packs.iterdir(), "receipts": store.receipts.iterdir(), "catalog": iter(catalog)}
    return {name: sum(_size(path) for path in paths) for name, paths in files.items()}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
