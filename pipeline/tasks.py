"""The tasks of the catalog: what must be looked at again, and what looking found last.

A task's `dirty` is 0 (nothing new), 1 (to be looked at) or 2 (to be looked at when the chunk before has been made). Its `state` is what
looking at it found last: done, due (it runs), waiting (a product that it needs is not there), absent (a file that it needs is gone: one
from outside, or one of ours that is made again), quarantined (its inputs make it fail), or nothing yet. Of the tasks that are to be looked
at those of the smallest `urgency` come first, then the oldest.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import TypeAlias

from pipeline.registry import Registry

__all__ = ["ANY", "START", "Place", "Row", "Tasks"]

Row = sqlite3.Row

Place: TypeAlias = tuple[int, int]
"""Of a task in the order of its stage: urgency, then age."""

START: Place = (-1, -1)
ANY = 1 << 30
"""An urgency behind all others."""


class Tasks:
    """The table of tasks."""

    def __init__(self, db: sqlite3.Connection, registry: Registry) -> None:
        self.db = db
        self.registry = registry
        self._names = json.dumps(list(registry.stages))

    def mark(self, stage: str, keys: Iterable[str], urgency: int = 0) -> None:
        """Note that tasks must be looked at again; of what marks one, the most urgent counts."""
        self.db.executemany(
            "INSERT INTO tasks(stage, key, dirty, urgency) VALUES(?, ?, 1, ?) ON CONFLICT(stage, key) DO UPDATE SET "
            "urgency = CASE WHEN dirty > 0 THEN MIN(urgency, excluded.urgency) ELSE excluded.urgency END, dirty = 1",
            ((stage, key, urgency) for key in keys),
        )

    def mark_again(self, stage: str, key: str) -> None:
        """Note that a task must be looked at again, as urgent as it was."""
        self.db.execute("UPDATE tasks SET dirty = 1 WHERE stage = ? AND key = ?", (stage, key))

    def mark_stage(self, stage: str) -> None:
        """Note that all tasks of a stage must be looked at again."""
        self.db.execute("UPDATE tasks SET dirty = 1 WHERE stage = ?", (stage,))

    def mark_unfinished(self) -> None:
        """Note that what an earlier run left undone, or could not do for want of a file, must be looked at again."""
        self.db.execute("UPDATE tasks SET dirty = 1 WHERE dirty > 0 OR state IN ('due', 'absent')")

    def orphans(self) -> list[tuple[str, str]]:
        """List stage and key of the tasks whose stage is no longer installed."""
        stages = [row["stage"] for row in self.db.execute("SELECT DISTINCT stage FROM tasks").fetchall()]
        gone = [stage for stage in stages if stage not in self.registry.stages]
        return [(stage, row["key"]) for stage in gone for row in self.rows(stage=stage)]

    def park(self, stage: str, key: str) -> None:
        """Keep a task aside until the chunk before has been made."""
        self.db.execute("UPDATE tasks SET dirty = 2 WHERE stage = ? AND key = ? AND +dirty = 1", (stage, key))

    def unpark(self, stage: str, key: str | None = None) -> int:
        """Look at a parked task again, or at all of a stage; return how many there were."""
        if key is None:
            return self.db.execute("UPDATE tasks SET dirty = 1 WHERE stage = ? AND dirty = 2", (stage,)).rowcount
        # Found by its key (so says the plus): thousands may be parked, and this is asked after each chunk.
        return self.db.execute("UPDATE tasks SET dirty = 1 WHERE stage = ? AND key = ? AND +dirty = 2", (stage, key)).rowcount

    def void(self, stage: str, key: str) -> None:
        """Let a task's receipt no longer prove anything: it is due, whatever its inputs."""
        self.db.execute("UPDATE tasks SET digest = NULL, failure = NULL, dirty = 1 WHERE stage = ? AND key = ?", (stage, key))

    def dirty(self) -> list[tuple[str, str]]:
        """List stage and key of the tasks that must be looked at again."""
        rows = self.db.execute("SELECT stage, key FROM tasks WHERE dirty > 0 ORDER BY stage, key").fetchall()
        return [(row["stage"], row["key"]) for row in rows]

    def next_dirty(self, stage: str, after: Place, limit: int, most: int = ANY) -> list[tuple[Place, str]]:
        """List place and key of the tasks of a stage that are to be looked at now: most urgent first, then oldest.

        after  the place to go on behind; most  the last urgency that counts
        """
        rows = self.db.execute(
            "SELECT urgency, rowid, key FROM tasks WHERE stage = ? AND dirty = 1 AND urgency <= ? AND (urgency, rowid) > (?, ?) "
            "ORDER BY urgency, rowid LIMIT ?",
            (stage, most, *after, limit),
        )
        return [((row["urgency"], row["rowid"]), row["key"]) for row in rows.fetchall()]

    def urgency(self, stage: str, key: str) -> int:
        """Say how urgent a task is; what there is no task of is as urgent as anything."""
        row = self.db.execute("SELECT urgency FROM tasks WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return 0 if row is None else int(row["urgency"])

    def dirty_stages(self, most: int = ANY) -> set[str]:
        """Name the stages with a task that must be looked at again; `most` is the last urgency that counts."""
        # One statement, asked before each batch. The index is of stage, then dirty, then urgency: a range of dirty would be gone through.
        rows = self.db.execute(
            "SELECT value FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM tasks WHERE stage = value AND dirty = 1 AND urgency <= ?2) "
            "OR EXISTS (SELECT 1 FROM tasks WHERE stage = value AND dirty = 2 AND urgency <= ?2)",
            (self._names, most),
        )
        return {row["value"] for row in rows.fetchall()}

    def count_dirty(self, stage: str, limit: int, most: int = ANY) -> int:
        """Count the tasks of a stage that must be looked at again, up to a limit."""
        row = self.db.execute(
            "SELECT COUNT(*) FROM (SELECT 1 FROM tasks WHERE stage = ?1 AND dirty = 1 AND urgency <= ?2 UNION ALL "
            "SELECT 1 FROM tasks WHERE stage = ?1 AND dirty = 2 AND urgency <= ?2 LIMIT ?3)",
            (stage, most, limit),
        ).fetchone()
        return int(row[0])

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

    def row(self, stage: str, key: str) -> Row | None:
        """Return what is known of a task."""
        row: Row | None = self.db.execute("SELECT * FROM tasks WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return row

    def rows(self, *, stage: str | None = None, state: str | None = None, limit: int = -1) -> list[Row]:
        """List tasks, by stage and key."""
        return self.db.execute(
            "SELECT * FROM tasks WHERE (?1 IS NULL OR stage = ?1) AND (?2 IS NULL OR state = ?2) ORDER BY stage, key LIMIT ?3",
            (stage, state, limit),
        ).fetchall()

    def count(self, *, state: str) -> dict[str, int]:
        """Count tasks in a state, by stage."""
        # There is an index of those that are not done, which are few.
        few = "" if state == "done" else "AND state <> 'done'"
        rows = self.db.execute(f"SELECT stage, COUNT(*) AS n FROM tasks WHERE state = ? {few} GROUP BY stage", (state,))  # noqa: S608  a text of ours
        return {row["stage"]: row["n"] for row in rows.fetchall()}

    def any_done(self, stage: str) -> bool:
        """Say whether a task of a stage has been done."""
        return self.db.execute("SELECT 1 FROM tasks WHERE stage = ? AND state = 'done' LIMIT 1", (stage,)).fetchone() is not None

    def tally(self) -> dict[str, dict[str, int]]:
        """Count tasks for `status`: by stage, how many are done, partial, stale, waiting, quarantined, failed."""
        counts = {name: dict.fromkeys(("done", "partial", "stale", "waiting", "quarantined", "failed"), 0) for name in self.registry.stages}
        rows = self.db.execute(
            "SELECT stage, state, partial, receipt IS NOT NULL AS made, dirty, COUNT(*) AS n FROM tasks GROUP BY 1, 2, 3, 4, 5"
        )
        for row in rows.fetchall():
            if row["stage"] not in counts:
                continue
            if row["state"] == "quarantined":
                state = "quarantined"
            elif row["dirty"] or row["state"] in {None, "due", "absent"}:
                state = "stale" if row["made"] else "waiting"
            else:
                state = row["state"]
            counts[row["stage"]][state] += row["n"]
            if state == "done" and row["partial"]:
                counts[row["stage"]]["partial"] += row["n"]
        return counts
