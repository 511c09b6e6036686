"""Posts a line of the journal into the catalog, and marks the tasks that it may concern.

Everything here follows from the lines alone, so that a catalog made anew from them equals the one that grew with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline.catalog import Catalog, sql_text
from pipeline.errors import StorageError
from pipeline.product import Completeness, Key
from pipeline.stage import Input, Role, StageSpec

__all__ = ["enlist", "post", "readers_of"]

Record = Mapping[str, Any]


def post(catalog: Catalog, record: Record) -> None:
    """Take in one line; StorageError for a line that no version of this program up to now writes."""
    poster = POSTERS.get(record["type"])
    if poster is None:
        raise StorageError(
            f"the receipts hold a line of type {record['type']!r}",
            where="receipts",
            remedy="A newer skycrane wrote it: use that one, or another output folder",
        )
    poster(catalog, record)


def enlist(catalog: Catalog, spec: StageSpec) -> None:
    """Find the tasks of a stage that is new here."""
    for item in spec.inputs:
        for row in catalog.db.execute("SELECT key FROM products WHERE kind = ?", (item.kind.__name__,)).fetchall():
            catalog.tasks.mark(spec.name, _tasks_reading(catalog, spec, item, Key.parse(item.kind.KEY, row["key"])))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


# --- inputs -----------------------------------------------------------------------------------------------------------------------


def _post_input(catalog: Catalog, record: Record) -> None:
    catalog.db.execute("INSERT OR REPLACE INTO inputs VALUES(?, ?)", (record["sha256"], _json(record)))
    catalog.db.execute("DELETE FROM places WHERE sha256 = ?", (record["sha256"],))
    catalog.db.executemany("INSERT OR REPLACE INTO places VALUES(?, ?)", ((place, record["sha256"]) for place in record["places"]))
    _post_path(catalog, record)


def _post_path(catalog: Catalog, record: Record) -> None:
    values = (sql_text(record["path"]), *(record[name] for name in ("sha256", "size", "mtime_ns", "inode")))
    catalog.db.execute("INSERT OR REPLACE INTO paths VALUES(?, ?, ?, ?, ?)", values)


def _post_drop(catalog: Catalog, record: Record) -> None:
    for table in ("inputs", "places", "paths"):
        catalog.db.execute(f"DELETE FROM {table} WHERE sha256 = ?", (record["sha256"],))  # noqa: S608  names from the line above


def _post_withhold(catalog: Catalog, record: Record) -> None:
    catalog.db.execute("INSERT OR REPLACE INTO withheld VALUES(?, ?)", (record["record"]["sha256"], _json(record["record"])))


def _post_restore(catalog: Catalog, record: Record) -> None:
    catalog.db.execute("DELETE FROM withheld WHERE sha256 = ?", (record["sha256"],))


def _post_compacted(catalog: Catalog, record: Record) -> None:
    """What follows is all that is true: it is read into a catalog that is empty."""
    del catalog, record


def _post_assignment(catalog: Catalog, record: Record) -> None:
    catalog.db.execute("INSERT OR REPLACE INTO assignments VALUES(?, ?, ?)", (record["section"], record["value"], record["name"]))
    for spec in catalog.registry.stages.values():
        for _, section in spec.sections:
            if record["section"] == section.NAME and section.KEY:
                _mark_containing(catalog, spec, Key([(section.KEY[0], record["value"])]))


def _post_admit(catalog: Catalog, record: Record) -> None:
    _put(catalog, record["output"], "", record["input"])
    if record["span"]:
        _put_span(catalog, record["output"], record["span"], record["margin"])


def _put_span(catalog: Catalog, output: Record, span: tuple[str, str], margin: int) -> None:
    start, stop = span
    name, chunk = output["key"].split("/")
    before = catalog.db.execute("SELECT start, stop FROM spans WHERE pass = ? AND chunk = ?", (name, chunk)).fetchone()
    if before is not None and (before["start"], before["stop"]) != (start, stop):
        _mark_after(catalog, name, chunk)
    catalog.db.execute("INSERT OR REPLACE INTO spans VALUES(?, ?, ?, ?, ?, ?)", (name, chunk, start, stop, output["kind"], margin))
    if before is None or (before["start"], before["stop"]) != (start, stop):
        _mark_after(catalog, name, chunk)


def _mark_after(catalog: Catalog, name: str, chunk: str) -> None:
    """Mark what reads the previous product at the chunk after this one: which chunk is the previous one may have changed."""
    after = catalog.chunk_after(Key((("pass", name), ("chunk", chunk))))
    if after is None:
        return
    for spec in catalog.registry.stages.values():
        if any(item.role is Role.PREVIOUS for item in spec.inputs):
            _mark_containing(catalog, spec, after)


def _post_retract(catalog: Catalog, record: Record) -> None:
    _remove(catalog, record["kind"], record["key"])


# --- receipts ---------------------------------------------------------------------------------------------------------------------


def _post_receipt(catalog: Catalog, record: Record) -> None:
    what = record["what"]
    stage, key = what["stage"], what["key"]
    before = _made_by(catalog, stage, key)
    partial = False
    for output in what["outputs"]:
        partial |= _put(catalog, output, stage, key)
        before.discard((output["kind"], output["key"]))
    for kind, gone in sorted(before):
        _remove(catalog, kind, gone)
    # The outputs have rows of their own.
    body = {"what": {name: value for name, value in what.items() if name != "outputs"}, "how": record["how"]}
    # The mark stays: what arrived while the task ran is still to be looked at.
    catalog.db.execute(
        "INSERT INTO tasks(stage, key, state, partial, digest, receipt) VALUES(?1, ?2, 'done', ?3, ?4, ?5) "
        "ON CONFLICT(stage, key) DO UPDATE SET state = 'done', partial = ?3, digest = ?4, receipt = ?5, failure = NULL, reasons = '[]'",
        (stage, key, partial, what["digest"], _json(body)),
    )


def _post_withdraw(catalog: Catalog, record: Record) -> None:
    for kind, key in sorted(_made_by(catalog, record["stage"], record["key"])):
        _remove(catalog, kind, key)
    catalog.db.execute(
        "UPDATE tasks SET state = NULL, dirty = 1, partial = 0, reasons = '[]', digest = NULL, receipt = NULL, failure = NULL "
        "WHERE stage = ? AND key = ?",
        (record["stage"], record["key"]),
    )


def _post_quarantine(catalog: Catalog, record: Record) -> None:
    """What it made of other inputs goes: a product is a function of the inputs that there are."""
    for kind, key in sorted(_made_by(catalog, record["stage"], record["key"])):
        _remove(catalog, kind, key)
    catalog.db.execute("INSERT OR IGNORE INTO tasks(stage, key) VALUES(?, ?)", (record["stage"], record["key"]))
    catalog.db.execute(
        "UPDATE tasks SET state = 'quarantined', partial = 0, digest = NULL, receipt = NULL, failure = ?, reasons = ? "
        "WHERE stage = ? AND key = ?",
        (_json(record), json.dumps([record["message"]]), record["stage"], record["key"]),
    )


def _post_mark(catalog: Catalog, record: Record) -> None:
    catalog.tasks.mark_again(record["stage"], record["key"])


def _post_prune(catalog: Catalog, record: Record) -> None:
    """Its files go, what is known of it stays: nothing is due for that."""
    for kind, key in record["products"]:
        catalog.db.execute("UPDATE products SET pruned = 1, pack = NULL, reach = NULL WHERE kind = ? AND key = ?", (kind, key))
        catalog.db.execute("DELETE FROM files WHERE kind = ? AND key = ?", (kind, key))


def _post_release(catalog: Catalog, record: Record) -> None:
    catalog.db.execute("UPDATE tasks SET failure = NULL, dirty = 1 WHERE stage = ? AND key = ?", (record["stage"], record["key"]))


def _post_together(catalog: Catalog, record: Record) -> None:
    for line in record["lines"]:
        post(catalog, line)


POSTERS: dict[str, Callable[[Catalog, Record], None]] = {
    "together": _post_together,
    "input": _post_input,
    "path": _post_path,
    "drop": _post_drop,
    "compacted": _post_compacted,
    "withhold": _post_withhold,
    "restore": _post_restore,
    "assignment": _post_assignment,
    "admit": _post_admit,
    "retract": _post_retract,
    "receipt": _post_receipt,
    "withdraw": _post_withdraw,
    "quarantine": _post_quarantine,
    "release": _post_release,
    "prune": _post_prune,
    "mark": _post_mark,
}


# --- products ---------------------------------------------------------------------------------------------------------------------


def _made_by(catalog: Catalog, stage: str, task: str) -> set[tuple[str, str]]:
    rows = catalog.db.execute("SELECT kind, key FROM products WHERE stage = ? AND task = ?", (stage, task)).fetchall()
    return {(row["kind"], row["key"]) for row in rows}


def _put(catalog: Catalog, output: Record, stage: str, task: str) -> bool:
    """Note a product; return whether it is partial."""
    kind, key, digest = output["kind"], output["key"], output["digest"]
    known = catalog.digest(kind, key)
    partial = Completeness.from_json(output["completeness"]).partial
    packed = [record for record in output["files"] if not record["whole"]] if stage else []
    pack, reach = (packed[0]["path"], packed[0]["offset"] + packed[0]["size"]) if packed else (None, None)
    catalog.db.execute(
        "INSERT INTO products VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(kind, key) DO UPDATE SET stage = excluded.stage, "
        "task = excluded.task, digest = excluded.digest, partial = excluded.partial, pack = excluded.pack, reach = excluded.reach, "
        "pruned = excluded.pruned, record = excluded.record",
        (kind, key, stage, task, digest, partial, pack, reach, _prunable(catalog, kind, stage), _json(output)),
    )
    if known is not None:
        catalog.db.execute("DELETE FROM files WHERE kind = ? AND key = ?", (kind, key))
    if stage:
        catalog.db.executemany(
            "INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(r["path"], kind, key, stage, task, r["size"], r["sha256"], r["mtime_ns"], r["inode"]) for r in output["files"] if r["whole"]],
        )
    if known is None:
        _enroll(catalog, kind, key)
    if known != digest:
        _mark_readers(catalog, kind, key, catalog.tasks.urgency(stage, task) if stage else 0)
    else:
        # The same bytes, written again or found elsewhere: what failed or waited for want of them may be tried again.
        for spec, _, reader in readers_of(catalog, kind, key):
            catalog.db.execute(
                "UPDATE tasks SET failure = NULL, dirty = 1 WHERE stage = ? AND key = ? AND state IN ('quarantined', 'absent')",
                (spec.name, reader),
            )
    return partial


def _prunable(catalog: Catalog, kind: str, stage: str) -> int | None:
    """Give what `pruned` says of a product that is there."""
    known = catalog.registry.kinds.get(kind)
    return 0 if stage and known is not None and known.INTERMEDIATE else None


def _remove(catalog: Catalog, kind: str, key: str) -> None:
    _mark_readers(catalog, kind, key)
    catalog.db.execute("DELETE FROM products WHERE kind = ? AND key = ?", (kind, key))
    catalog.db.execute("DELETE FROM files WHERE kind = ? AND key = ?", (kind, key))
    if kind not in catalog.registry.kinds:
        return
    whole = Key.parse(catalog.registry.kinds[kind].KEY, key)
    for dimensions in catalog.projections[kind]:
        catalog.db.execute(
            "DELETE FROM members WHERE kind = ? AND dimensions = ? AND of = ? AND key = ?",
            (kind, "/".join(dimensions), whole.project(dimensions).text, key),
        )
    if "pass" in whole and "chunk" in whole:
        which = (whole["pass"], whole["chunk"], kind)
        if catalog.db.execute("SELECT 1 FROM spans WHERE pass = ? AND chunk = ? AND kind = ?", which).fetchone():
            _mark_after(catalog, whole["pass"], whole["chunk"])
            catalog.db.execute("DELETE FROM spans WHERE pass = ? AND chunk = ? AND kind = ?", which)


def _enroll(catalog: Catalog, kind: str, key: str) -> None:
    if kind not in catalog.registry.kinds:
        return
    whole = Key.parse(catalog.registry.kinds[kind].KEY, key)
    for dimensions in catalog.projections[kind]:
        values = (kind, "/".join(dimensions), whole.project(dimensions).text, key)
        catalog.db.execute("INSERT OR IGNORE INTO members VALUES(?, ?, ?, ?)", values)


# --- marks ------------------------------------------------------------------------------------------------------------------------


def _mark_readers(catalog: Catalog, kind: str, key: str, inherited: int = 0) -> None:
    known = catalog.registry.kinds.get(kind)
    if known is None:
        return
    urgency = catalog.priorities.of(Key.parse(known.KEY, key), inherited) if catalog.priorities.rules else 0
    for spec, _, task in readers_of(catalog, kind, key):
        catalog.tasks.mark(spec.name, [task], urgency)


def readers_of(catalog: Catalog, kind: str, key: str) -> Iterator[tuple[StageSpec, Input, str]]:
    """Give the tasks that read a product: stage, as what, and key."""
    if kind not in catalog.registry.kinds:
        return
    whole = Key.parse(catalog.registry.kinds[kind].KEY, key)
    for spec, item in catalog.registry.consumers[kind]:
        for task in _tasks_reading(catalog, spec, item, whole):
            yield spec, item, task


def _tasks_reading(catalog: Catalog, spec: StageSpec, item: Input, key: Key) -> list[str]:
    if item.role is Role.PREVIOUS:
        after = catalog.chunk_after(key)
        return [] if after is None else [spec.key_of(after).text]
    if item.role is Role.GROUP or set(item.kind.KEY) == set(spec.dimensions):
        return [spec.key_of(key).text]
    primary = catalog.registry.primary(spec)
    if primary is None:
        return _containing(catalog, spec, key)
    rows = catalog.db.execute(
        "SELECT key FROM members WHERE kind = ? AND dimensions = ? AND of = ?",
        (primary.__name__, "/".join(item.kind.KEY), key.project(item.kind.KEY).text),
    ).fetchall()
    return [spec.key_of(Key.parse(primary.KEY, row["key"])).text for row in rows]


def _containing(catalog: Catalog, spec: StageSpec, part: Key) -> list[str]:
    """List the tasks of a stage whose key contains this one."""
    rows = catalog.db.execute("SELECT key FROM tasks WHERE stage = ?", (spec.name,)).fetchall()
    return [row["key"] for row in rows if Key.parse(spec.dimensions, row["key"]).contains(part)]


def _mark_containing(catalog: Catalog, spec: StageSpec, part: Key) -> None:
    if set(part) == set(spec.dimensions):
        # Only a task that exists: there is none without a product that makes it.
        text = spec.key_of(part).text
        catalog.db.execute("UPDATE tasks SET dirty = 1 WHERE stage = ? AND key = ?", (spec.name, text))
    elif set(part) <= set(spec.dimensions):
        catalog.tasks.mark(spec.name, _containing(catalog, spec, part))
