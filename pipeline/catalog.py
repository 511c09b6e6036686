"""SQLite index over the receipts; can always be rebuilt from them.

The driver is the only writer. Each line of the journal is posted (`pipeline.posting`) together with a mark on every task that it may
concern: the task is *dirty*. So what must be looked at again survives a crash, and planning costs what has changed, not what there is.

What it knows of tasks is `pipeline.tasks`, its tables are `pipeline.schema`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.priority import Priorities
from pipeline.product import Entry, Key
from pipeline.receipt import FileRecord, Output
from pipeline.registry import Registry
from pipeline.schema import SCHEMA_VERSION, make_tables
from pipeline.tasks import Tasks

__all__ = ["Catalog", "Row", "entry_of", "sql_text"]

Row = sqlite3.Row


def sql_text(path: str) -> str:
    """Give a path as SQLite can keep it: file names may hold octets that are not UTF-8."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class Catalog:
    """What there is, what made it, and what must be looked at again.

    Raises UsageError, opened to read only, for a catalog of another version of this program.
    """

    def __init__(self, path: Path, registry: Registry, *, read_only: bool = False) -> None:
        self.registry = registry
        self.projections = registry.projections
        self.priorities = Priorities()
        """How urgent what is marked is; the holder of the folder sets it from the profile."""
        if read_only:
            self.db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)
        else:
            self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self.db.execute("PRAGMA journal_mode=WAL")
            # The receipts are the truth and are synced; a catalog that lost its last moments catches up from them.
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.execute("PRAGMA wal_autocheckpoint=8000")
        self.db.row_factory = sqlite3.Row
        self.tasks = Tasks(self.db, registry)
        if read_only and json.loads(self.meta("schema") or '[""]')[0] != SCHEMA_VERSION:
            self.db.close()
            raise UsageError(
                "was written by another version of skycrane", where=str(path), remedy="`skycrane process` brings it up to date"
            )

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    # --- the journal --------------------------------------------------------------------------------------------------------------

    def position(self) -> tuple[int, int] | None:
        """How much of the journal is in here; None if this catalog must be made anew (empty, or of another form)."""
        if self.meta("schema") != self._form():
            return None
        segment, offset = json.loads(self.meta("position") or "[0, 0]")
        return segment, offset

    def reset(self) -> None:
        """Forget everything."""
        make_tables(self.db, self._form())

    def _form(self) -> str:
        projections = {kind: sorted(dimensions) for kind, dimensions in sorted(self.projections.items())}
        return json.dumps([SCHEMA_VERSION, projections])

    def meta(self, name: str) -> str | None:
        """Return a note."""
        try:
            row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
        return None if row is None else str(row["value"])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a note."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (name, value))

    # --- products -----------------------------------------------------------------------------------------------------------------

    def output(self, kind: str, key: str) -> Output | None:
        """Return what is known of a product; None if there is none."""
        row = self.db.execute("SELECT record FROM products WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else Output.from_json(json.loads(row["record"]))

    def digest(self, kind: str, key: str) -> str | None:
        """Return the digest of a product; None if there is none."""
        row = self.db.execute("SELECT digest FROM products WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else str(row["digest"])

    def maker(self, kind: str, key: str) -> tuple[str, str] | None:
        """Return stage and key of the task that made a product; for one from outside, nothing and its input's SHA-256."""
        row = self.db.execute("SELECT stage, task FROM products WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else (row["stage"], row["task"])

    def outputs(self, kind: str) -> Iterator[Output]:
        """Give all products of a kind, in key order."""
        for row in self.db.execute("SELECT record FROM products WHERE kind = ? ORDER BY key", (kind,)):
            yield Output.from_json(json.loads(row["record"]))

    def made(self) -> Iterator[tuple[Output, str, str]]:
        """Give every product whose files should be there, with stage and key of its task, or nothing and its input's SHA-256."""
        after = 0
        # In pages: a query that stays open would hold a reader to what the tree was, and keep the log of the writes from being emptied.
        sql = "SELECT rowid, record, stage, task FROM products WHERE pruned IS NOT 1 AND rowid > ? ORDER BY rowid LIMIT 1000"
        while rows := self.db.execute(sql, (after,)).fetchall():
            after = rows[-1]["rowid"]
            yield from ((Output.from_json(json.loads(row["record"])), row["stage"], row["task"]) for row in rows)

    def pruned_of(self, stage: str, key: str) -> set[tuple[str, str]]:
        """Return kind and key of what a task made and what was pruned since."""
        rows = self.db.execute("SELECT kind, key FROM products WHERE stage = ? AND task = ? AND pruned = 1", (stage, key)).fetchall()
        return {(row["kind"], row["key"]) for row in rows}

    def makers_of_pruned(self) -> list[tuple[str, str]]:
        """List stage and key of the tasks of which something was pruned."""
        rows = self.db.execute("SELECT DISTINCT stage, task FROM products WHERE pruned = 1").fetchall()
        return [(row["stage"], row["task"]) for row in rows]

    def intermediate(self) -> dict[str, tuple[int, int]]:
        """Sum up intermediate products: how many, and their bytes, of those that are "kept" and of those that were "pruned"."""
        rows = self.db.execute(
            "SELECT pruned, COUNT(DISTINCT products.rowid) AS n, SUM(json_extract(file.value, '$.size')) AS bytes "
            "FROM products, json_each(record, '$.files') AS file WHERE pruned IS NOT NULL GROUP BY pruned"
        ).fetchall()
        found = {("pruned" if row["pruned"] else "kept"): (int(row["n"]), int(row["bytes"] or 0)) for row in rows}
        return {"kept": (0, 0), "pruned": (0, 0)} | found

    def is_pruned(self, kind: str, key: str) -> bool:
        """Say whether the files of a product were pruned on purpose."""
        row = self.db.execute("SELECT pruned FROM products WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return row is not None and row["pruned"] == 1

    def still_needed(self) -> tuple[int, int]:
        """Count the tasks that are known to be due, and the bytes that they take if they are like those of their stages before."""
        rows = self.db.execute(
            "SELECT stage, COUNT(DISTINCT task) AS tasks, SUM(json_extract(file.value, '$.size')) AS bytes "
            "FROM products, json_each(record, '$.files') AS file WHERE stage <> '' GROUP BY stage"
        ).fetchall()
        each = {row["stage"]: row["bytes"] / row["tasks"] for row in rows}
        due = self.db.execute("SELECT stage, COUNT(*) AS n FROM tasks WHERE dirty OR state = 'due' GROUP BY stage").fetchall()
        return sum(row["n"] for row in due), int(sum(row["n"] * each.get(row["stage"], 0.0) for row in due))

    def outputs_of(self, stage: str, key: str) -> list[Output]:
        """Return all that a task made; with no stage, all that an input gave."""
        rows = self.db.execute("SELECT record FROM products WHERE stage = ? AND task = ? ORDER BY kind, key", (stage, key))
        return [Output.from_json(json.loads(row["record"])) for row in rows]

    def members(self, kind: str, dimensions: tuple[str, ...], of: str) -> Iterator[Output]:
        """Give the products of a kind whose key contains this one, in key order."""
        return (Output.from_json(json.loads(text)) for text in self.member_texts(kind, dimensions, of))

    def member_texts(self, kind: str, dimensions: tuple[str, ...], of: str) -> Iterator[str]:
        """Give the same as lines of JSON: a fraction of the time, where somebody else reads them."""
        rows = self.db.execute(
            "SELECT p.record FROM members AS m JOIN products AS p ON p.kind = m.kind AND p.key = m.key "
            "WHERE m.kind = ? AND m.dimensions = ? AND m.of = ? ORDER BY m.key",
            (kind, "/".join(dimensions), of),
        )
        return (row["record"] for row in rows)

    def member_digests(self, kind: str, dimensions: tuple[str, ...], of: str) -> list[tuple[str, str]]:
        """Return key and digest of the products of a kind whose key contains this one, in key order."""
        rows = self.db.execute(
            "SELECT p.key, p.digest FROM members AS m JOIN products AS p ON p.kind = m.kind AND p.key = m.key "
            "WHERE m.kind = ? AND m.dimensions = ? AND m.of = ? ORDER BY m.key",
            (kind, "/".join(dimensions), of),
        )
        return [(row["key"], row["digest"]) for row in rows]

    def entries(self, kind: str) -> Iterator[Entry]:
        """Give what is known of all products of a kind, for tallies."""
        return (entry_of(output, self.registry) for output in self.outputs(kind))

    def any_partial(self) -> bool:
        """Say whether anything is known to be missing."""
        return self.db.execute("SELECT 1 FROM products WHERE partial LIMIT 1").fetchone() is not None

    # --- files of products --------------------------------------------------------------------------------------------------------

    def files(self) -> Iterator[Row]:
        """Give path, size, sha256, mtime_ns, inode, stage and task of every file that a task made, packs aside."""
        return iter(self.db.execute("SELECT path, size, sha256, mtime_ns, inode, stage, task FROM files"))

    def note_file(self, path: str, mtime_ns: int, inode: int) -> None:
        """Note that a file is what it was under another time or inode: it need not be read again the next time."""
        self.db.execute("UPDATE files SET mtime_ns = ?, inode = ? WHERE path = ?", (mtime_ns, inode, path))

    def files_of(self, stage: str, key: str) -> list[FileRecord]:
        """List the whole files that a task made."""
        return [record for output in self.outputs_of(stage, key) for record in output.files if record.whole]

    def room_bytes(self) -> dict[str, int]:
        """Sum up the bytes on disk by folder of OUT; files directly in it count as `.`, packs as `.skycrane`."""
        rows = self.db.execute(
            "SELECT CASE WHEN instr(path, '/') = 0 THEN '.' ELSE substr(path, 1, instr(path, '/') - 1) END AS room, SUM(size) AS bytes "
            "FROM files GROUP BY room ORDER BY room"
        )
        found = {row["room"]: int(row["bytes"]) for row in rows.fetchall()}
        return {**found, ".skycrane": sum(self.packs().values())}

    def input_bytes(self) -> int:
        """Sum up the bytes of all inputs."""
        row = self.db.execute("SELECT SUM(json_extract(record, '$.size')) FROM inputs").fetchone()
        return int(row[0] or 0)

    def owner(self, path: str) -> tuple[str, str] | None:
        """Return kind and key of the product that has a path under OUT."""
        row = self.db.execute("SELECT kind, key FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else (row["kind"], row["key"])

    def packs(self) -> dict[str, int]:
        """Map each pack that a product lies in to the bytes that it must have at least."""
        return dict(self.db.execute("SELECT pack, MAX(reach) FROM products WHERE pack IS NOT NULL GROUP BY pack").fetchall())

    def makers_in(self, pack: str) -> list[tuple[str, str]]:
        """List stage and key of the tasks whose products lie in a pack."""
        rows = self.db.execute("SELECT DISTINCT stage, task FROM products WHERE pack = ?", (pack,)).fetchall()
        return [(row["stage"], row["task"]) for row in rows]

    # --- chunks of a pass ---------------------------------------------------------------------------------------------------------

    def chunk_before(self, key: Key) -> Key | None:
        """Return the key of the chunk that ends exactly where this one starts."""
        row = self.db.execute(
            "SELECT b.chunk FROM spans AS a JOIN spans AS b ON b.pass = a.pass AND b.stop = a.start "
            "WHERE a.pass = ? AND a.chunk = ? ORDER BY b.chunk LIMIT 1",
            (key["pass"], key["chunk"]),
        ).fetchone()
        return None if row is None else Key((name, row["chunk"] if name == "chunk" else key[name]) for name in key)

    def chunk_after(self, key: Key) -> Key | None:
        """Return the key of the chunk that starts exactly where this one ends."""
        row = self.db.execute(
            "SELECT b.chunk FROM spans AS a JOIN spans AS b ON b.pass = a.pass AND b.start = a.stop "
            "WHERE a.pass = ? AND a.chunk = ? ORDER BY b.chunk LIMIT 1",
            (key["pass"], key["chunk"]),
        ).fetchone()
        return None if row is None else Key((name, row["chunk"] if name == "chunk" else key[name]) for name in key)

    # --- inputs -------------------------------------------------------------------------------------------------------------------

    def assignment(self, section: str, value: str) -> str:
        """Return the name of the section that holds for a value of its dimension; the value itself where nothing was assigned."""
        row = self.db.execute("SELECT name FROM assignments WHERE section = ? AND value = ?", (section, value)).fetchone()
        return value if row is None else str(row["name"])

    def known_path(self, path: str) -> Row | None:
        """Return what is known of a file from outside."""
        row: Row | None = self.db.execute("SELECT * FROM paths WHERE path = ?", (sql_text(path),)).fetchone()
        return row

    def size_known(self, size: int) -> bool:
        """Say whether any input has this many bytes: only such a file may be one that is known already."""
        return self.db.execute("SELECT 1 FROM paths WHERE size = ? LIMIT 1", (size,)).fetchone() is not None

    def input(self, sha256: str) -> dict[str, Any] | None:
        """Return the record of an input."""
        row = self.db.execute("SELECT record FROM inputs WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else dict(json.loads(row["record"]))

    def inputs(self) -> Iterator[dict[str, Any]]:
        """Give the record of every input, by digest."""
        return (json.loads(row["record"]) for row in self.db.execute("SELECT record FROM inputs ORDER BY sha256"))

    def withheld(self) -> dict[str, dict[str, Any]]:
        """Return the records of the inputs that were withdrawn, by digest: they are not taken in again."""
        rows = self.db.execute("SELECT sha256, record FROM withheld ORDER BY sha256").fetchall()
        return {row["sha256"]: json.loads(row["record"]) for row in rows}

    def contenders(self, places: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return the inputs that claim any of these places, by digest."""
        found: dict[str, Mapping[str, Any]] = {}
        for place in places:
            for row in self.db.execute("SELECT sha256 FROM places WHERE place = ?", (place,)).fetchall():
                if row["sha256"] not in found and (record := self.input(row["sha256"])) is not None:
                    found[row["sha256"]] = record
        return found


def entry_of(output: Output, registry: Registry) -> Entry:
    """Give what a stage or a tally may know of a product without loading it."""
    kind = registry.kinds[output.kind]
    return Entry(
        key=Key.parse(kind.KEY, output.key),
        digest=output.digest,
        completeness=output.completeness,
        facts=dict(output.facts),
        paths=tuple(record.path for record in output.files if record.whole and not record.path.startswith("/")),
    )
