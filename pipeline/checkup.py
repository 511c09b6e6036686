"""What may be wrong with a machine or an output folder, looked at without changing either: `skycrane doctor`."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import platform
import re
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path

from pipeline.catalog import Catalog
from pipeline.errors import SkycraneError
from pipeline.receipt import Journal
from pipeline.registry import Registry
from pipeline.settings import Settings
from pipeline.store import HIDDEN, Store

__all__ = ["Check", "check_folder", "check_machine", "holder_of"]

LEAST_FREE = 1 << 30
"""Bytes."""

SLOW_SYNC = 0.2
"""Seconds: a few syncs belong to every batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one look found."""

    name: str
    found: str
    remedy: str = ""
    """What to do; empty if all is well."""

    @property
    def good(self) -> bool:
        """Whether all is well."""
        return not self.remedy


def check_machine(folder: Path) -> Iterator[Check]:
    """Look at interpreter, libraries, processors, caches, and the disk that a folder lies on."""
    yield Check(name="python", found=f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _libraries()
    yield Check(name="processors", found=f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()}")
    yield _kernels()
    where = next(place for place in (folder, *folder.resolve().parents) if place.is_dir())
    free = shutil.disk_usage(where).free
    remedy = "" if free >= LEAST_FREE else "Free some space, or choose another disk: `skycrane gc OUT` gives back what OUT no longer needs"
    yield Check(name="free space", found=f"{free / 1e9:,.1f} GB on the disk of {where}", remedy=remedy)
    yield _sync(where)


def check_folder(out: Path, registry: Registry) -> Iterator[Check]:
    """Look at an output folder: who holds it, its settings, receipts and catalog, and files that nobody names."""
    store = Store(out).require()
    holder = holder_of(store)
    yield Check(name="held", found=f"by {holder}" if holder else "by nobody")
    if store.crashed and not holder:
        yield Check(name="last run", found="did not end well", remedy="Give its command again: it sweeps, and goes on")
    yield _settings(store, registry)
    yield _receipts(store)
    catalog = _catalog(store)
    yield catalog
    if catalog.good and not holder and store.catalog.exists():
        yield from _files(store, registry)


# --- the machine ------------------------------------------------------------------------------------------------------------------


def _libraries() -> Iterator[Check]:
    try:
        wanted = requires("skycrane") or []
    except PackageNotFoundError:
        yield Check(name="skycrane", found="is not installed", remedy="pip install skycrane")
        return
    yield Check(name="skycrane", found=version("skycrane"))
    for requirement in wanted:
        match = re.match(r"([A-Za-z0-9_.-]+)(?:>=([0-9.]+))?", requirement)
        if match is None or "extra ==" in requirement:
            continue
        name, least = match[1], match[2] or "0"
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Check(name=name, found="is not installed", remedy=f"pip install '{requirement}'")
            continue
        old = _numbers(found) < _numbers(least)
        yield Check(name=name, found=found, remedy=f"pip install --upgrade '{requirement}'" if old else "")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _kernels() -> Check:
    """Compiled kernels are kept beside their module, or where NUMBA_CACHE_DIR says."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    modules = [importlib.util.find_spec(entry.value) for entry in entry_points(group="skycrane.stages")]
    folders = [Path(chosen)] if chosen else [Path(spec.origin).parent for spec in modules if spec is not None and spec.origin]
    closed = [folder for folder in folders if not os.access(folder if folder.is_dir() else folder.parent, os.W_OK)]
    if not closed:
        return Check(name="compiled kernels", found="are kept")
    remedy = "Set NUMBA_CACHE_DIR to a folder that can be written: else kernels are compiled in every run"
    return Check(name="compiled kernels", found=f"cannot be kept in {closed[0]}", remedy=remedy)


def _sync(folder: Path) -> Check:
    seconds = []
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            for _ in range(5):
                stream.write(bytes(4096))
                stream.flush()
                begin = time.perf_counter()
                os.fsync(stream.fileno())
                seconds.append(time.perf_counter() - begin)
    except OSError as error:
        return Check(
            name="disk", found=f"cannot be written in {folder}: {error.strerror}", remedy="Mend the rights, or choose another folder"
        )
    took = statistics.median(seconds)
    remedy = "" if took < SLOW_SYNC else "Put OUT on a faster disk: every batch waits for some syncs"
    return Check(name="disk", found=f"syncs in {took * 1000:.1f} ms", remedy=remedy)


# --- the output folder ------------------------------------------------------------------------------------------------------------


def holder_of(store: Store) -> str:
    """Say who holds an output folder; empty if nobody does.

    A holder that ended well took its note back. Only of a note that stands is the lock tried, to know whether its writer is alive: for an
    instant, for which a run that begins just then waits.
    """
    note = ""
    try:
        with (store.hidden / "lock").open() as stream:
            note = stream.read().strip()
            if note:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return note
    except OSError:
        pass
    return ""


def _settings(store: Store, registry: Registry) -> Check:
    try:
        settings = Settings.load(store.settings, registry)
    except (OSError, SkycraneError) as error:
        return Check(name="settings", found=str(error), remedy=f"Mend {store.settings}, or remove it to begin with the mission's own")
    return Check(name="settings", found=f"mission {settings.mission}")


def _receipts(store: Store) -> Check:
    journal = Journal(store.receipts)
    try:
        count = sum(1 for _ in journal.read())
    except SkycraneError as error:
        return Check(name="receipts", found=f"{error.where}: {error.problem}", remedy=error.remedy)
    except OSError as error:
        return Check(name="receipts", found=f"cannot be read: {error.strerror}", remedy="Mend the disk or the rights")
    size = sum(path.stat().st_size for path in journal.segments())
    return Check(name="receipts", found=f"{count:,} lines, {size:,} bytes")


def _catalog(store: Store) -> Check:
    if not store.catalog.exists():
        return Check(name="catalog", found="is not there; the next run makes it from the receipts")
    try:
        database = sqlite3.connect(f"{store.catalog.as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            verdict = database.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            database.close()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict == "ok":
        return Check(name="catalog", found="is sound")
    remedy = f"Remove {store.catalog}*: the next run makes it anew from the receipts"
    return Check(name="catalog", found=verdict.splitlines()[0], remedy=remedy)


def _files(store: Store, registry: Registry) -> Iterator[Check]:
    try:
        catalog = Catalog(store.catalog, registry, read_only=True)
    except SkycraneError as error:
        yield Check(name="catalog", found=error.problem, remedy=error.remedy)
        return
    try:
        named = {row["path"]: row["size"] for row in catalog.files()}
        packs = catalog.packs()
    finally:
        catalog.close()
    here = {str(path.relative_to(store.out)): path.stat().st_size for path in store.out.rglob("*") if path.is_file()}
    wrong = [path for path, size in named.items() if here.get(path) != size] + [
        path for path, size in packs.items() if here.get(path, 0) < size
    ]
    stray = [path for path in here if path not in named and path not in packs and not _is_own(path)]
    again = "`skycrane process` makes them again"
    yield Check(name="files", found=f"{len(named):,} named, {_some(wrong)} gone or of another size", remedy=again if wrong else "")
    if stray:
        yield Check(name="strays", found=f"{_some(stray)} that no receipt names", remedy="Move them: OUT belongs to skycrane")


def _is_own(path: str) -> bool:
    return path == "MANIFEST.sha256" or (path.startswith(f"{HIDDEN}/") and not path.startswith(f"{HIDDEN}/packs/"))


def _some(paths: list[str]) -> str:
    return f"{len(paths):,} ({', '.join(sorted(paths)[:3])}{' ...' if len(paths) > 3 else ''})" if paths else "none"
