"""SQLite index over the receipts; can always be rebuilt from them.

The driver is the only writer. Each line of the journal is applied in a transaction that also marks the tasks which it may concern as
*dirty*: so what must be looked at again survives a crash, and planning costs what has changed, not what there is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.product import Entry, Key
from pipeline.receipt import Output, Receipt
from pipeline.registry import Registry
from pipeline.stage import Input, Role, StageSpec

__all__ = ["Catalog", "Row"]

Row = sqlite3.Row

SCHEMA_VERSION = "1"

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inputs(sha256 TEXT PRIMARY KEY, claim TEXT, record TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS inputs_by_claim ON inputs(claim);
CREATE TABLE IF NOT EXISTS paths(path TEXT PRIMARY KEY, sha256 TEXT, size INTEGER, mtime_ns INTEGER, inode INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS products(
  kind TEXT, key TEXT, stage TEXT, task TEXT, partial INTEGER, record TEXT, PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS products_by_task ON products(stage, task);
CREATE TABLE IF NOT EXISTS members(kind TEXT, dimensions TEXT, of TEXT, key TEXT, PRIMARY KEY(kind, dimensions, of, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spans(pass TEXT, start TEXT, stop TEXT, chunk TEXT, PRIMARY KEY(pass, chunk)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spans_by_stop ON spans(pass, stop);
CREATE INDEX IF NOT EXISTS spans_by_start ON spans(pass, start);
CREATE TABLE IF NOT EXISTS assignments(section TEXT, value TEXT, name TEXT, PRIMARY KEY(section, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks(
  stage TEXT, key TEXT, state TEXT, dirty INTEGER NOT NULL DEFAULT 0, partial INTEGER NOT NULL DEFAULT 0, reasons TEXT NOT NULL DEFAULT '[]',
  digest TEXT, receipt TEXT, failure TEXT, PRIMARY KEY(stage, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tasks_dirty ON tasks(stage, key) WHERE dirty = 1;
CREATE INDEX IF NOT EXISTS tasks_by_state ON tasks(state, stage, key) WHERE state <> 'done';
"""


class Catalog:
    """What there is, what made it, and what must be looked at again.

    A task's state is one of: done, due, waiting (an input is not there yet), quarantined (its inputs make it fail).
    """

    def __init__(self, path: Path, registry: Registry, *, read_only: bool = False) -> None:
        self.registry = registry
        self._projections = registry.projections
        if read_only:
            self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        else:
            self.db = sqlite3.connect(path, isolation_level=None)
            self.db.execute("PRAGMA journal_mode=WAL")
            # The receipts are the truth and are synced; a catalog that lost its last moments catches up from them.
            self.db.execute("PRAGMA synchronous=OFF")
            self.db.executescript(SCHEMA)
        self.db.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    # --- the journal ------------------------------------------------------------------------------------------------------------

    def position(self) -> tuple[int, int] | None:
        """How much of the journal is in here; None if this catalog must be made anew (empty, or of another form)."""
        if self.meta("schema") != self._form():
            return None
        segment, offset = json.loads(self.meta("position") or "[0, 0]")
        return segment, offset

    def reset(self) -> None:
        """Forget everything."""
        for table in ("meta", "inputs", "paths", "products", "members", "spans", "assignments", "tasks"):
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608  names from the line above
        self.set_meta("schema", self._form())

    def apply(self, records: Iterable[tuple[Mapping[str, Any], tuple[int, int]]]) -> None:
        """Take in lines of the journal, each with the position behind it, in one transaction."""
        self.db.execute("BEGIN")
        try:
            end = None
            for record, end in records:  # noqa: B007  the last one counts
                getattr(self, f"_apply_{record['type']}")(record)
            if end is not None:
                self.set_meta("position", json.dumps(end))
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def _apply_input(self, record: Mapping[str, Any]) -> None:
        self.db.execute("INSERT OR REPLACE INTO inputs VALUES(?, ?, ?)", (record["sha256"], record["claim"], json.dumps(record)))
        self._apply_path(record)

    def _apply_path(self, record: Mapping[str, Any]) -> None:
        values = tuple(record[name] for name in ("path", "sha256", "size", "mtime_ns", "inode"))
        self.db.execute("INSERT OR REPLACE INTO paths VALUES(?, ?, ?, ?, ?)", values)

    def _apply_assignment(self, record: Mapping[str, Any]) -> None:
        self.db.execute("INSERT OR REPLACE INTO assignments VALUES(?, ?, ?)", (record["section"], record["value"], record["name"]))

    def _apply_admit(self, record: Mapping[str, Any]) -> None:
        if span := record.get("span"):
            key = Key.parse(self.registry.kinds[record["output"]["kind"]].KEY, record["output"]["key"])
            self.db.execute("INSERT OR REPLACE INTO spans VALUES(?, ?, ?, ?)", (key["pass"], *span, key["chunk"]))
        self._put(Output.from_json(record["output"]), "", "")

    def _apply_retract(self, record: Mapping[str, Any]) -> None:
        self._remove(record["kind"], record["key"])

    def _apply_receipt(self, record: Mapping[str, Any]) -> None:
        receipt = Receipt.from_json(record)
        before = {(row["kind"], row["key"]) for row in self._made_by(receipt.stage, receipt.key)}
        for output in receipt.outputs:
            self._put(output, receipt.stage, receipt.key)
            before.discard((output.kind, output.key))
        for kind, key in sorted(before):
            self._remove(kind, key)
        body = receipt.to_json()
        del body["what"]["outputs"]  # they have rows of their own
        # The mark stays: what arrived while the task ran is still to be looked at.
        self.db.execute(
            "INSERT INTO tasks(stage, key, state, partial, digest, receipt) VALUES(?1, ?2, 'done', ?3, ?4, ?5) "
            "ON CONFLICT(stage, key) DO UPDATE SET state = 'done', partial = ?3, digest = ?4, receipt = ?5, failure = NULL, reasons = '[]'",
            (receipt.stage, receipt.key, any(o.completeness.partial for o in receipt.outputs), receipt.digest, json.dumps(body)),
        )

    def _apply_withdraw(self, record: Mapping[str, Any]) -> None:
        for row in self._made_by(record["stage"], record["key"]):
            self._remove(row["kind"], row["key"])
        self.db.execute("DELETE FROM tasks WHERE stage = ? AND key = ?", (record["stage"], record["key"]))

    def _apply_quarantine(self, record: Mapping[str, Any]) -> None:
        self.db.execute("INSERT OR IGNORE INTO tasks(stage, key) VALUES(?, ?)", (record["stage"], record["key"]))
        self.db.execute(
            "UPDATE tasks SET state = 'quarantined', dirty = 0, failure = ? WHERE stage = ? AND key = ?",
            (json.dumps(record), record["stage"], record["key"]),
        )

    def _apply_release(self, record: Mapping[str, Any]) -> None:
        self.db.execute("UPDATE tasks SET failure = NULL, dirty = 1 WHERE stage = ? AND key = ?", (record["stage"], record["key"]))

    # --- products ---------------------------------------------------------------------------------------------------------------

    def _made_by(self, stage: str, task: str) -> list[Row]:
        return self.db.execute("SELECT kind, key FROM products WHERE stage = ? AND task = ?", (stage, task)).fetchall()

    def _put(self, output: Output, stage: str, task: str) -> None:
        known = self.output(output.kind, output.key)
        values = (output.kind, output.key, stage, task, output.completeness.partial, json.dumps(output.to_json()))
        self.db.execute("INSERT OR REPLACE INTO products VALUES(?, ?, ?, ?, ?, ?)", values)
        if known is None:
            self._enroll(output.kind, output.key)
        if known is None or known.digest != output.digest:
            self._mark_readers(output.kind, output.key)

    def _remove(self, kind: str, key: str) -> None:
        self._mark_readers(kind, key)
        self.db.execute("DELETE FROM products WHERE kind = ? AND key = ?", (kind, key))
        whole = Key.parse(self.registry.kinds[kind].KEY, key)
        for dimensions in self._projections[kind]:
            self.db.execute(
                "DELETE FROM members WHERE kind = ? AND dimensions = ? AND of = ? AND key = ?",
                (kind, "/".join(dimensions), whole.project(dimensions).text, key),
            )
        if self.registry.kinds[kind].LEVELS and "chunk" in whole:
            self.db.execute("DELETE FROM spans WHERE pass = ? AND chunk = ?", (whole["pass"], whole["chunk"]))

    def _enroll(self, kind: str, key: str) -> None:
        whole = Key.parse(self.registry.kinds[kind].KEY, key)
        for dimensions in self._projections[kind]:
            values = (kind, "/".join(dimensions), whole.project(dimensions).text, key)
            self.db.execute("INSERT OR IGNORE INTO members VALUES(?, ?, ?, ?)", values)

    def output(self, kind: str, key: str) -> Output | None:
        """Return what is known of a product; None if there is none."""
        row = self.db.execute("SELECT record FROM products WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else Output.from_json(json.loads(row["record"]))

    def maker(self, kind: str, key: str) -> tuple[str, str] | None:
        """Return stage and key of the task that made a product; empty texts for one from outside."""
        row = self.db.execute("SELECT stage, task FROM products WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else (row["stage"], row["task"])

    def outputs(self, kind: str) -> Iterator[Output]:
        """Give all products of a kind, in key order."""
        for row in self.db.execute("SELECT record FROM products WHERE kind = ? ORDER BY key", (kind,)):
            yield Output.from_json(json.loads(row["record"]))

    def made(self) -> Iterator[tuple[Output, str, str]]:
        """Give every product with the stage and key of the task that made it; empty texts for those from outside."""
        for row in self.db.execute("SELECT record, stage, task FROM products"):
            yield Output.from_json(json.loads(row["record"])), row["stage"], row["task"]

    def any_partial(self) -> bool:
        """Say whether anything is known to be missing."""
        return self.db.execute("SELECT 1 FROM products WHERE partial LIMIT 1").fetchone() is not None

    def outputs_of(self, stage: str, key: str) -> list[Output]:
        """Return all that a task made."""
        rows = self.db.execute("SELECT record FROM products WHERE stage = ? AND task = ? ORDER BY kind, key", (stage, key))
        return [Output.from_json(json.loads(row["record"])) for row in rows]

    def members(self, kind: str, dimensions: tuple[str, ...], of: str) -> list[Output]:
        """Return the products of a kind whose key contains this one, in key order."""
        rows = self.db.execute(
            "SELECT p.record FROM members AS m JOIN products AS p ON p.kind = m.kind AND p.key = m.key "
            "WHERE m.kind = ? AND m.dimensions = ? AND m.of = ? ORDER BY m.key",
            (kind, "/".join(dimensions), of),
        )
        return [Output.from_json(json.loads(row["record"])) for row in rows]

    def entries(self, kind: str) -> Iterator[Entry]:
        """Give what is known of all products of a kind, for tallies."""
        return (entry_of(output, self.registry) for output in self.outputs(kind))

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

    # --- tasks ------------------------------------------------------------------------------------------------------------------

    def _mark_readers(self, kind: str, key: str) -> None:
        whole = Key.parse(self.registry.kinds[kind].KEY, key)
        for spec, item in self.registry.consumers[kind]:
            self.mark(spec.name, self._tasks_reading(spec, item, whole))

    def _tasks_reading(self, spec: StageSpec, item: Input, key: Key) -> list[str]:
        if item.role is Role.PREVIOUS:
            after = self.chunk_after(key)
            return [] if after is None else [spec.key_of(after).text]
        if item.role is Role.GROUP or set(item.kind.KEY) == set(spec.dimensions):
            return [spec.key_of(key).text]
        primary = self.registry.primary(spec)
        if primary is None:
            rows = self.db.execute("SELECT key FROM tasks WHERE stage = ?", (spec.name,)).fetchall()
            keys = [Key.parse(spec.dimensions, row["key"]) for row in rows]
            return [task.text for task in keys if task.contains(key)]
        rows = self.db.execute(
            "SELECT key FROM members WHERE kind = ? AND dimensions = ? AND of = ?",
            (primary.__name__, "/".join(item.kind.KEY), key.project(item.kind.KEY).text),
        ).fetchall()
        return [spec.key_of(Key.parse(primary.KEY, row["key"])).text for row in rows]

    def mark(self, stage: str, keys: Iterable[str]) -> None:
        """Note that tasks must be looked at again."""
        self.db.executemany(
            "INSERT INTO tasks(stage, key, dirty) VALUES(?, ?, 1) ON CONFLICT(stage, key) DO UPDATE SET dirty = 1",
            ((stage, key) for key in keys),
        )

    def enlist(self, spec: StageSpec) -> None:
        """Find the tasks of a stage that is new here."""
        for item in spec.inputs:
            for row in self.db.execute("SELECT key FROM products WHERE kind = ?", (item.kind.__name__,)).fetchall():
                self.mark(spec.name, self._tasks_reading(spec, item, Key.parse(item.kind.KEY, row["key"])))

    def mark_stage(self, stage: str) -> None:
        """Note that all tasks of a stage must be looked at again."""
        self.db.execute("UPDATE tasks SET dirty = 1 WHERE stage = ?", (stage,))

    def void(self, stage: str, key: str) -> None:
        """Let a task's receipt no longer prove anything: it is due, whatever its inputs."""
        self.db.execute("UPDATE tasks SET digest = NULL, dirty = 1 WHERE stage = ? AND key = ?", (stage, key))

    def dirty(self) -> list[tuple[str, str]]:
        """List stage and key of the tasks that must be looked at again."""
        rows = self.db.execute("SELECT stage, key FROM tasks WHERE dirty = 1 ORDER BY stage, key").fetchall()
        return [(row["stage"], row["key"]) for row in rows]

    def is_dirty(self, stage: str, key: str) -> bool:
        """Say whether a task must be looked at again."""
        row = self.db.execute("SELECT dirty FROM tasks WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return row is not None and bool(row["dirty"])

    def settle(self, stage: str, key: str, state: str | None, reasons: Iterable[str] = ()) -> None:
        """Note what looking at a task found; None: there is no such task any more."""
        if state is None:
            self.db.execute("DELETE FROM tasks WHERE stage = ? AND key = ?", (stage, key))
            return
        self.db.execute(
            "UPDATE tasks SET state = ?, dirty = 0, reasons = ? WHERE stage = ? AND key = ?",
            (state, json.dumps(list(reasons)), stage, key),
        )

    def task(self, stage: str, key: str) -> Row | None:
        """Return the row of a task."""
        row: Row | None = self.db.execute("SELECT * FROM tasks WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return row

    def tasks(self, *, stage: str | None = None, state: str | None = None, limit: int = -1) -> list[Row]:
        """List tasks, by stage and key."""
        return self.db.execute(
            "SELECT * FROM tasks WHERE (?1 IS NULL OR stage = ?1) AND (?2 IS NULL OR state = ?2) ORDER BY stage, key LIMIT ?3",
            (stage, state, limit),
        ).fetchall()

    def due(self, stage: str, limit: int) -> list[str]:
        """List keys of due tasks of a stage."""
        rows = self.db.execute("SELECT key FROM tasks WHERE state = 'due' AND stage = ? ORDER BY key LIMIT ?", (stage, limit))
        return [row["key"] for row in rows.fetchall()]

    def count(self, *, state: str) -> dict[str, int]:
        """Count tasks in a state, by stage."""
        rows = self.db.execute("SELECT stage, COUNT(*) AS n FROM tasks WHERE state = ? GROUP BY stage", (state,))
        return {row["stage"]: row["n"] for row in rows.fetchall()}

    def tally(self) -> dict[str, dict[str, int]]:
        """Count tasks for `status`: by stage, how many are done, partial, stale, waiting, quarantined, failed."""
        counts = {name: dict.fromkeys(("done", "partial", "stale", "waiting", "quarantined", "failed"), 0) for name in self.registry.stages}
        rows = self.db.execute(
            "SELECT stage, state, partial, receipt IS NOT NULL AS made, dirty, COUNT(*) AS n FROM tasks GROUP BY 1, 2, 3, 4, 5"
        )
        for row in rows.fetchall():
            if row["stage"] not in counts:
                continue
            if row["state"] in {"quarantined", "failed"}:
                state = row["state"]
            elif row["dirty"] or row["state"] in {None, "due"}:
                state = "stale" if row["made"] else "waiting"
            else:
                state = row["state"]
            counts[row["stage"]][state] += row["n"]
            if state == "done" and row["partial"]:
                counts[row["stage"]]["partial"] += row["n"]
        return counts

    # --- the rest ---------------------------------------------------------------------------------------------------------------

    def meta(self, name: str) -> str | None:
        """Return a note."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set_meta(self, name: str, value: str) -> None:
        """Keep a note."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (name, value))

    def assignment(self, section: str, value: str) -> str:
        """Return the name of the section that holds for a value of its dimension; the value itself where nothing was assigned."""
        row = self.db.execute("SELECT name FROM assignments WHERE section = ? AND value = ?", (section, value)).fetchone()
        return value if row is None else str(row["name"])

    def known_path(self, path: str) -> Row | None:
        """Return what is known of a file from outside."""
        row: Row | None = self.db.execute("SELECT * FROM paths WHERE path = ?", (path,)).fetchone()
        return row

    def input(self, sha256: str) -> dict[str, Any] | None:
        """Return the record of an input."""
        row = self.db.execute("SELECT record FROM inputs WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else dict(json.loads(row["record"]))

    def claims(self, claim: str) -> list[dict[str, Any]]:
        """Return the inputs that claim a position, by digest."""
        rows = self.db.execute("SELECT record FROM inputs WHERE claim = ? ORDER BY sha256", (claim,)).fetchall()
        return [json.loads(row["record"]) for row in rows]

    def _form(self) -> str:
        projections = {kind: sorted(dimensions) for kind, dimensions in sorted(self._projections.items())}
        return json.dumps([SCHEMA_VERSION, projections])


def entry_of(output: Output, registry: Registry) -> Entry:
    """Give what a stage or a tally may know of a product without loading it."""
    kind = registry.kinds[output.kind]
    return Entry(
        key=Key.parse(kind.KEY, output.key),
        digest=output.digest,
        completeness=output.completeness,
        facts=dict(output.facts),
        paths=tuple(record.path for record in output.files if record.whole and not Path(record.path).is_absolute()),
    )
