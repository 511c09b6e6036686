"""The tables of the catalog.

A product's `pruned` is NULL for one that is kept whatever happens, 0 for an intermediate one whose files are there, 1 for one whose files
were pruned on purpose. A task's columns are those of `pipeline.tasks`.
"""

from __future__ import annotations

import sqlite3

__all__ = ["INDICES", "SCHEMA_VERSION", "TABLES", "make_tables"]

SCHEMA_VERSION = "6"

TABLES = {
    "meta": "name TEXT PRIMARY KEY, value TEXT",
    "inputs": "sha256 TEXT PRIMARY KEY, record TEXT",
    "withheld": "sha256 TEXT PRIMARY KEY, record TEXT",
    "places": "place TEXT, sha256 TEXT, PRIMARY KEY(place, sha256)",
    "paths": "path TEXT PRIMARY KEY, sha256 TEXT, size INTEGER, mtime_ns INTEGER, inode INTEGER",
    "products": (
        "kind TEXT, key TEXT, stage TEXT, task TEXT, digest TEXT, partial INTEGER, pack TEXT, reach INTEGER, pruned INTEGER, "
        "record TEXT, PRIMARY KEY(kind, key)"
    ),
    "files": (
        "path TEXT PRIMARY KEY, kind TEXT, key TEXT, stage TEXT, task TEXT, size INTEGER, sha256 TEXT, mtime_ns INTEGER, inode INTEGER"
    ),
    "members": "kind TEXT, dimensions TEXT, of TEXT, key TEXT, PRIMARY KEY(kind, dimensions, of, key)",
    "spans": "pass TEXT, chunk TEXT, start TEXT, stop TEXT, kind TEXT, margin INTEGER, PRIMARY KEY(pass, chunk)",
    "assignments": "section TEXT, value TEXT, name TEXT, PRIMARY KEY(section, value)",
    "tasks": (
        "stage TEXT, key TEXT, state TEXT, dirty INTEGER NOT NULL DEFAULT 0, urgency INTEGER NOT NULL DEFAULT 0, "
        "partial INTEGER NOT NULL DEFAULT 0, "
        "reasons TEXT NOT NULL DEFAULT '[]', digest TEXT, receipt TEXT, failure TEXT, PRIMARY KEY(stage, key)"
    ),
}

INDICES = (
    "places_by_input ON places(sha256)",
    "paths_by_input ON paths(sha256)",
    "paths_by_size ON paths(size)",
    "products_by_task ON products(stage, task)",
    "products_by_pack ON products(pack, reach) WHERE pack IS NOT NULL",
    "products_intermediate ON products(kind, key) WHERE pruned = 0",
    "products_pruned ON products(stage, task) WHERE pruned = 1",
    "files_by_product ON files(kind, key)",
    # With the chunk, by which those found are ordered: else SQLite goes through all of a pass in that order.
    "spans_by_stop ON spans(pass, stop, chunk)",
    "spans_by_start ON spans(pass, start, chunk)",
    "assignments_by_value ON assignments(value)",
    "tasks_dirty ON tasks(stage, dirty, urgency)",
    "tasks_by_state ON tasks(state, stage, key) WHERE state <> 'done'",
)


def make_tables(db: sqlite3.Connection, form: str) -> None:
    """Forget everything, and begin anew with empty tables; `form` is noted as what they are for."""
    db.execute("BEGIN")
    for table in [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]:
        db.execute(f'DROP TABLE "{table}"')
    for name, columns in TABLES.items():
        db.execute(f"CREATE TABLE {name}({columns})")
    for index in INDICES:
        db.execute(f"CREATE INDEX {index}")
    db.execute("INSERT INTO meta VALUES('schema', ?)", (form,))
    db.execute("COMMIT")
