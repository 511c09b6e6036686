"""The catalog: one made anew from the receipts equals the one that grew with them; what cannot be read is made anew."""

from __future__ import annotations

import json
import sqlite3

import pytest

from pipeline import ledger
from pipeline.catalog import Catalog
from pipeline.errors import DataError, StorageError, UsageError
from pipeline.ledger import open_catalog
from pipeline.posting import post
from pipeline.product import Key
from pipeline.receipt import Journal
from pipeline.registry import build
from pipeline.schema import TABLES
from pipeline.stage import read_stage
from pipeline.store import Store
from pipeline.testing import toys
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()


def dump(bench) -> dict[str, list[tuple]]:
    db = sqlite3.connect(bench.out / ".skycrane" / "catalog.sqlite")
    try:
        return {table: sorted(map(repr, db.execute(f"SELECT * FROM {table}"))) for table in TABLES}  # noqa: S608  our own names
    finally:
        db.close()


def forget(bench) -> None:
    for path in bench.out.glob(".skycrane/catalog.sqlite*"):
        path.unlink()


def busy_life(bench) -> None:
    """Late chunks, contention, a failure, withdrawn products, a moved file, other settings, a retry."""
    bench.run(bench.tape("a.part000.txt", "alpha beta ga"), bench.tape("a.part002.txt", "ar apple "))
    bench.run(bench.tape("a.part001.txt", "mma delta be"))
    (bench.tapes / "other").mkdir()
    bench.run(bench.tape("other/a.part001.txt", "mma boom! be"), bench.tape("b.txt", "banana? bear "))
    bench.settings.stages["letters"] = {"least": 5}
    bench.tables = {"ink": {"a": {"colour": "red"}}}
    bench.run()
    (bench.tapes / "b.txt").rename(bench.tapes / "c.txt")
    bench.run(bench.tapes / "c.txt")
    bench.run(bench.tape("a.part002.txt", "ar anchovy "))
    with bench.open() as run:
        run.release([(row["stage"], row["key"]) for row in run.catalog.tasks.rows(state="quarantined")])
        run.work()


def test_made_anew_it_equals_the_one_that_grew(bench):
    busy_life(bench)
    before, tree = dump(bench), bench.tree()
    forget(bench)
    run = bench.run()
    assert run.summary.idle
    assert dump(bench) == before
    assert bench.tree() == tree
    assert before["spans"]
    assert before["files"]
    assert any("quarantined" in row for row in before["tasks"])


def test_made_anew_from_a_part_it_catches_up(bench):
    bench.run(bench.tape("a.part000.txt", "alpha beta ga"))
    catalog = bench.out / ".skycrane" / "catalog.sqlite"
    early = catalog.read_bytes()
    bench.run(bench.tape("a.part001.txt", "mma delta "))
    before = dump(bench)
    forget(bench)
    catalog.write_bytes(early)
    assert bench.run().summary.idle
    assert dump(bench) == before


@pytest.mark.parametrize("data", [b"rubbish" * 1000, b"SQLite format 3\0" + b"\xff" * 5000, b"x"])
def test_a_catalog_that_cannot_be_read_is_made_anew(bench, data):
    bench.run(bench.tape("a.txt", "alpha beta "))
    before = dump(bench)
    forget(bench)
    (bench.out / ".skycrane" / "catalog.sqlite").write_bytes(data)
    assert bench.run().summary.idle
    assert dump(bench) == before


def test_a_catalog_of_another_form_is_made_anew(bench):
    bench.run(bench.tape("a.txt", "alpha beta "))
    before = dump(bench)
    db = sqlite3.connect(bench.out / ".skycrane" / "catalog.sqlite")
    db.executescript("UPDATE meta SET value = '[\"1\", {}]' WHERE name = 'schema'; DROP TABLE files; ALTER TABLE spans ADD COLUMN old;")
    db.close()
    with pytest.raises(UsageError, match="written by another version"):
        Catalog(bench.out / ".skycrane" / "catalog.sqlite", REGISTRY, read_only=True)
    assert bench.run().summary.idle
    assert dump(bench) == before


def test_after_a_power_cut_it_is_made_anew(bench):
    bench.run(bench.tape("a.txt", "alpha beta "))
    before = dump(bench)
    db = sqlite3.connect(bench.out / ".skycrane" / "catalog.sqlite")
    db.execute("DELETE FROM products WHERE kind = 'Words'")  # a page that never reached the disk
    db.commit()
    db.close()
    (bench.out / ".skycrane" / "running").write_text(json.dumps({"pid": 1, "host": "x", "boot": "another life"}))
    assert bench.run().summary.idle
    assert dump(bench) == before


def test_a_line_of_a_newer_version_is_named(bench):
    bench.run(bench.tape("a.txt", "alpha "))
    journal = Journal(bench.out / ".skycrane" / "receipts")
    journal.append([{"type": "prophecy"}])
    journal.close()
    with pytest.raises(StorageError, match="line of type 'prophecy'"), bench.open():
        pass


def test_receipts_of_a_kind_that_is_gone_do_not_stop_it(bench):
    bench.run(bench.tape("a.txt", "alpha "))
    smaller = build(read_stage(function, function.__name__) for function in (toys.words, toys.letters))
    forget(bench)
    catalog, journal = open_catalog(Store(bench.out), smaller)
    assert {output.kind for output, _, _ in catalog.made()} == {"Tape", "Words", "Tail", "Letter", "Page", "Book"}
    assert {stage for stage, _ in catalog.tasks.orphans()} == {"page", "book"}
    catalog.close()
    journal.close()


def test_lines_that_cannot_all_be_posted_leave_nothing(bench, monkeypatch):
    bench.run(bench.tape("a.txt", "alpha "))
    before = dump(bench)
    posted = []

    def break_at_the_second(catalog, record):
        posted.append(record["type"])
        if len(posted) == 2:
            raise DataError("cannot be posted")
        post(catalog, record)

    monkeypatch.setattr(ledger, "post", break_at_the_second)
    with pytest.raises(DataError, match="cannot be posted"):
        bench.run(bench.tape("b.txt", "beta "))
    monkeypatch.undo()
    assert len(posted) == 2
    assert dump(bench) == before, "the journal knows nothing of the first"
    bench.run(bench.tapes)
    grown = dump(bench)
    forget(bench)
    bench.run()
    assert dump(bench) == grown


def test_it_can_be_read_while_a_run_holds_it(bench):
    bench.run(bench.tape("a.txt", "alpha "))
    with bench.open() as run:
        run.admit([bench.tape("b.txt", "beta ")])
        reader = Catalog(bench.out / ".skycrane" / "catalog.sqlite", REGISTRY, read_only=True)
        assert reader.tasks.tally()["page"]["done"] == 1
        run.work()
        assert reader.tasks.tally()["page"]["done"] == 2
        reader.close()


def test_a_folder_with_odd_signs_in_its_name_can_be_read(tmp_path):
    out = tmp_path / "50% ? #1"
    store = Store(out).create()
    catalog, journal = open_catalog(store, REGISTRY)
    catalog.close()
    journal.close()
    Catalog(store.catalog, REGISTRY, read_only=True).close()


def test_tally_tells_stale_from_waiting(bench):
    bench.run(bench.tape("a.txt", "alpha beta? "), bench.tape("b.txt", "boom! "))
    with bench.open() as run:
        run.catalog.tasks.mark("page", ["a", "z"])
        tally = run.catalog.tasks.tally()
    assert tally["page"] == {"done": 1, "partial": 1, "stale": 1, "waiting": 1, "quarantined": 0, "failed": 0}
    assert tally["letters"]["quarantined"] == 1


@pytest.mark.parametrize("find", [Catalog.chunk_before, Catalog.chunk_after])
def test_finding_a_neighbour_takes_no_longer_in_a_long_pass(bench, find):
    """A pass that is received for months has a million chunks: their number must not count, here in steps of SQLite's machine."""
    bench.run(bench.tape("a.txt", "alpha "))
    with bench.open() as run:
        spans = [("p", f"{number:06d}", f"{number:06d}", f"{number + 1:06d}", "Tape", 0) for number in range(5000)]
        run.catalog.db.executemany("INSERT INTO spans VALUES(?, ?, ?, ?, ?, ?)", spans)
        steps = []
        run.catalog.db.set_progress_handler(lambda: steps.append(1), 10)
        found = find(run.catalog, Key([("pass", "p"), ("chunk", "002500")]))
        run.catalog.db.set_progress_handler(None, 0)
    assert found is not None
    assert found["chunk"] in {"002499", "002501"}
    assert len(steps) < 20
