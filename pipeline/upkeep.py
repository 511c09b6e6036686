"""What is done to an output folder when a run takes hold of it, and when it lets go."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.catalog import Catalog
from pipeline.dispatch import Dispatcher
from pipeline.ledger import Ledger
from pipeline.plan import Finding, Planner
from pipeline.posting import enlist
from pipeline.product import Key, Product
from pipeline.receipt import FileRecord
from pipeline.retention import recall
from pipeline.store import HIDDEN, Store

__all__ = ["begin", "finish", "is_overgrown"]

LEAST_JOURNAL = 64 << 20
"""Bytes of receipts that nobody minds."""


def begin(store: Store, ledger: Ledger, planner: Planner, dispatcher: Dispatcher, *, note: Callable[[str], None]) -> None:
    """Sweep after a crash, then look again at whatever settings, profile, versions or the disk may have changed."""
    catalog = ledger.catalog
    if store.crashed:
        _recover(store, ledger, note)
    for spec in catalog.registry.stages.values():
        basis, name = planner.basis(spec), f"basis {spec.name}"
        known = catalog.meta(name)
        if known is None:
            enlist(catalog, spec)
        elif known != basis:
            catalog.tasks.mark_stage(spec.name)
        if known != basis:
            catalog.set_meta(name, basis)
    for stage, key in catalog.tasks.orphans():
        dispatcher.withdraw(Finding(stage=stage, key=key, state="gone"))
        catalog.tasks.settle(stage, key, None)
    _check_files(store, catalog)
    if planner.settings.keep == "all":
        recall(store, catalog)
    catalog.tasks.mark_unfinished()
    ledger.commit()


def _recover(store: Store, ledger: Ledger, note: Callable[[str], None]) -> None:
    """Sweep what a crash left: files without a receipt, and everything staged."""
    catalog = ledger.catalog
    ledger.begin()
    named = {row["path"] for row in catalog.files()} | set(catalog.packs())
    # Of a product from outside nothing is ours; a stage's may stand in a folder, or with the kind's own name in OUT itself.
    stems = {_example_stem(kind) for spec in catalog.registry.stages.values() for kind in spec.outputs if not kind.PACKED}
    rooms = {stem.partition("/")[0] for stem in (*stems, *named) if "/" in stem} - {HIDDEN, ""}
    swept = store.sweep(named, rooms)
    if swept:
        note(f"removed {len(swept)} files that an interrupted run had left")


def _example_stem(kind: type[Product]) -> str:
    """Give a path that products of a kind may have, to know the folder they live in."""
    return kind.stem(Key((dimension, "0") for dimension in kind.KEY))


def _check_files(store: Store, catalog: Catalog) -> None:
    """Void the tasks whose files are damaged or gone, by size, time and inode; by digest where only those have changed."""
    damaged: set[tuple[str, str]] = set()
    for row in list(store.touched(catalog.files())):
        record = FileRecord(suffix="", path=row["path"], size=row["size"], sha256=row["sha256"])
        if store.intact(record):
            status = (store.out / row["path"]).stat()
            catalog.note_file(row["path"], status.st_mtime_ns, status.st_ino)
        else:
            damaged.add((row["stage"], row["task"]))
    for path, reach in catalog.packs().items():
        if not store.intact(FileRecord(suffix="", path=path, size=reach, sha256="", whole=False)):
            damaged.update(catalog.makers_in(path))
    for stage, task in damaged:
        catalog.tasks.void(stage, task)


def is_overgrown(store: Store, catalog: Catalog) -> bool:
    """Say whether most of the journal is likely to speak of what has been made again since."""
    size = sum(path.stat().st_size for path in store.receipts.glob("*.jsonl"))
    return size > max(LEAST_JOURNAL, 3 * int(catalog.meta("compacted") or 0))


def finish(store: Store, ledger: Ledger) -> None:
    """Drop packs that nothing refers to, and write the manifest."""
    ledger.commit()
    if not ledger.changed and store.manifest.exists():
        return
    packs = ledger.catalog.packs()
    store.withdraw(path for pack in store.packs.iterdir() if (path := f"{HIDDEN}/packs/{pack.name}") not in packs)
    store.clear_staging()
    lines = sorted((row["path"], row["sha256"]) for row in ledger.catalog.files() if not row["path"].startswith(HIDDEN))
    store.write_text(store.manifest, "".join(f"{digest}  {path}\n" for path, digest in lines))
    store.mark_ended()
