"""gc: the journal keeps what is current, sparse packs shrink, and nothing else changes - wherever it is killed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline.receipt import Journal
from pipeline.store import Store
from pipeline.withdrawal import find_input

TABLES = {
    "inputs": "sha256, record",
    "withheld": "sha256, record",
    "places": "place, sha256",
    "paths": "path, sha256, size, mtime_ns, inode",
    "products": "kind, key, stage, task, digest, partial, pack, reach, record",
    "files": "path, kind, key, sha256",
    "members": "kind, dimensions, of, key",
    "spans": "pass, chunk, start, stop, kind, margin",
    "tasks": "stage, key, state, partial, digest, receipt, failure",
}


def busy(bench):
    """Leave much that is not current: settings changed to and fro, a tape withdrawn, one replaced, one that fails."""
    words = [f"{letter}{number:04d}" for letter in "abcdefgh" for number in range(40)]
    tapes = [bench.tape(f"t{number:02d}.txt", " ".join(words[number:])) for number in range(12)]
    bench.run(bench.tape("a.part000.txt", "alpha be"), bench.tape("a.part001.txt", "er bee "), bench.tape("c.txt", "shout! "), *tapes)
    for least in (4, 1):
        bench.settings.stages["letters"] = {"least": least}
        bench.run()
    sparse(bench)
    bench.run(bench.tape("d.txt", "mistake "), bench.tape("e.txt", "first bytes "))
    bench.run(bench.tape("e.txt", "other bytes entirely "))
    with bench.open() as run:
        run.withdraw(find_input(run.catalog, str(bench.tapes / "d.txt")))
        run.work()


def sparse(bench):
    bench.settings.only.append({"stage": "letters", "items": "t*[3-9]/*", "least": 99})
    bench.run()


def contents(bench):
    with bench.open() as run:
        assert not run.catalog.tasks.dirty()
        return {
            table: sorted(map(tuple, run.catalog.db.execute(f"SELECT {columns} FROM {table}").fetchall()), key=repr)  # noqa: S608  from above
            for table, columns in TABLES.items()
        }


def size(bench, folder):
    return sum(path.stat().st_size for path in (bench.out / ".skycrane" / folder).iterdir())


def made_anew(bench):
    """The catalog that follows from the journal alone, once everything has been looked at."""
    for path in (bench.out / ".skycrane").glob("catalog.sqlite*"):
        path.unlink()
    run = bench.run()
    assert run.summary.idle, run.summary
    return contents(bench)


def test_nothing_changes_but_the_space_that_is_needed(bench):
    busy(bench)
    tree, receipts, packs = bench.tree(), size(bench, "receipts"), size(bench, "packs")
    with bench.open() as run:
        freed = run.compact()
    assert freed.receipts == receipts - size(bench, "receipts") > receipts / 2
    assert freed.packs == packs - size(bench, "packs") > 0
    assert bench.tree() == tree
    before = contents(bench)
    assert made_anew(bench) == before
    assert len(before["withheld"]) == 1
    assert [row[2] for row in before["tasks"] if row[0] == "letters"].count("quarantined") == 1
    assert bench.run(bench.tapes).summary.idle


def test_the_journal_goes_on_after_it(bench, another):
    busy(bench)
    with bench.open() as run:
        run.compact()
    bench.run(bench.tape("f.txt", "further words come "))
    made_anew(bench)
    with bench.open() as run:
        again = run.compact()
    assert again.packs == 0
    with bench.open() as run:
        assert run.compact().receipts == 0
    other = another("other")
    other.settings = bench.settings
    other.run(*[path for path in sorted(bench.tapes.iterdir()) if path.name != "d.txt"])
    assert other.tree() == bench.tree()


class Killed(BaseException):
    """Nothing catches it."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_it_may_be_killed_at_every_step(bench, tmp_path, monkeypatch, after):
    busy(bench)
    wanted = contents(bench)
    tree = bench.tree()
    steps = {"count": 0, "at": -1}

    def wrap(real):
        def step(*args, **kwargs):
            steps["count"] += 1
            due = steps["count"] == steps["at"]
            if due and not after:
                raise Killed
            result = real(*args, **kwargs)
            if due:
                raise Killed
            return result

        return step

    for owner, name in ((os, "replace"), (Journal, "append"), (Store, "withdraw"), (Path, "unlink"), (shutil, "rmtree")):
        monkeypatch.setattr(owner, name, wrap(getattr(owner, name)))
    source = bench.out
    for at in range(1, 100):
        bench.out = tmp_path / f"{at}"
        shutil.copytree(source, bench.out)
        steps.update(count=0, at=at)
        killed = False
        try:
            with bench.open() as run:
                run.compact()
        except Killed:
            killed = True
        steps.update(at=-1)
        run = bench.run()
        assert not run.summary.made, f"step {at}"
        assert bench.tree() == tree, f"step {at}"
        got = contents(bench)
        assert [row[:5] for row in got["products"]] == [row[:5] for row in wanted["products"]]
        assert got["tasks"] == wanted["tasks"]
        assert made_anew(bench)["tasks"] == wanted["tasks"]
        if not killed:
            break
    assert at > 10


def test_receipts_that_an_interrupted_gc_replaced_no_longer_count(tmp_path):
    journal = Journal(tmp_path)
    journal.append([{"type": "path", "number": 1}])
    journal.close()
    old = (tmp_path / "000001.jsonl").read_bytes()
    assert journal.rewrite([{"type": "path", "number": 2}])[0] == 2
    (tmp_path / "000001.jsonl").write_bytes(old)
    assert [record.get("number") for record, _ in journal.read()] == [None, 2]
    journal.append([{"type": "path", "number": 3}])
    journal.close()
    assert json.loads((tmp_path / "000002.jsonl").read_text().splitlines()[-1])["number"] == 3
    journal.sweep()
    assert [path.name for path in tmp_path.iterdir()] == ["000002.jsonl"]
