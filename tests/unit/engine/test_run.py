"""The engine from arrivals to the manifest, on toy stages of each form."""

from __future__ import annotations

import fcntl
import json
import os
import random
import socket
import sqlite3

import pytest

from pipeline import checkup, store
from pipeline.errors import HeldError, UsageError
from pipeline.executors import make_executor
from pipeline.store import Store

CHUNKS = {
    "a.part000": "alpha beta ga",
    "a.part001": "mma delta be",
    "a.part002": "ar apple ",
    "b.part000": "banana avocado bea",
    "b.part001": "r ",
}


def take_all(bench, order=None, **kwargs):
    names = list(order or CHUNKS)
    return bench.run(*[bench.tape(f"{name}.txt", CHUNKS[name]) for name in names], **kwargs)


def test_words_cross_chunks_and_pages_gather_two_passes(bench):
    take_all(bench)
    assert json.loads(bench.page("g")) == ["gamma", "(black)"]
    assert json.loads(bench.page("a")) == ["alpha", "apple", "avocado", "(black)"]
    assert json.loads(bench.page("b")) == ["banana", "bear", "beta", "(black)"]
    assert json.loads((bench.out / "book" / "-.book").read_text()).count("(black)") == 4


def test_a_second_run_does_nothing_and_writes_nothing(bench):
    take_all(bench)
    aside = {"lock", "catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"}
    before = {path: path.stat().st_mtime_ns for path in bench.out.rglob("*") if path.is_file() and path.name not in aside}
    run = bench.run(bench.tapes)
    assert run.summary.idle
    assert run.summary.known == len(CHUNKS)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_arrival_does_not_show(bench, another, seed):
    take_all(bench)
    other = another("other")
    order = list(CHUNKS)
    random.Random(seed).shuffle(order)
    for name in order:  # one run a chunk: each arrives late for those after it
        other.run(other.tape(f"{name}.txt", CHUNKS[name]))
    assert other.tree() == bench.tree()


def test_a_late_chunk_reruns_itself_and_its_successor_only(bench):
    bench.run(*[bench.tape(f"{name}.txt", CHUNKS[name]) for name in ("a.part000", "a.part002", "b.part000", "b.part001")])
    run = bench.run(bench.tape("a.part001.txt", CHUNKS["a.part001"]))
    assert run.summary.made["words"] == 2


def test_an_unchanged_carry_stops_the_rerun(bench):
    bench.run(bench.tape("a.part000.txt", "one t"), bench.tape("a.part001.txt", "wo three"), bench.tape("a.part002.txt", " four "))
    (bench.out / "words" / "a" / "p000000.words").unlink()
    run = bench.run()
    assert run.summary.made == {"words": 1}


def test_equal_bytes_under_another_name_are_one_input(bench):
    take_all(bench)
    tree = bench.tree()
    run = bench.run(bench.tape("copy.txt", CHUNKS["a.part000"]))
    assert run.summary.idle
    assert [first.endswith("copy.txt") for first, _ in run.summary.duplicates] == [True]
    assert bench.tree() == tree


def test_other_bytes_for_a_known_position_stay_beside_it_in_any_order(another):
    first, second, third = "same place one ", "same place two ", "same place six "
    trees = []
    for number, order in enumerate([(first, second, third), (third, second, first), (second, first, third)]):
        one = another(f"bench{number}")
        for place, text in enumerate(order):
            folder = one.tapes / str(place)
            folder.mkdir()
            (folder / "a.part000.txt").write_text(text)
            one.run(folder)
        assert json.loads(one.page("o")) == ["one", "(black)"]
        assert json.loads(one.page("t")) == ["two", "(black)"]
        trees.append(one.tree())
    assert trees[0] == trees[1] == trees[2]
    assert sum(name.startswith("words/a@") for name in trees[0]) == 4


def test_a_setting_for_one_item_touches_that_one(bench):
    take_all(bench)
    bench.settings.only.append({"stage": "page", "items": "a", "loud": True})
    run = bench.run()
    assert run.summary.made == {"page": 1, "book": 1}
    assert "ALPHA" in bench.page("a")
    assert "beta" in bench.page("b")


def test_a_section_for_one_item_touches_that_one(bench):
    take_all(bench)
    bench.tables = {"ink": {"g": {"colour": "green"}}}
    run = bench.run()
    assert run.summary.made == {"page": 1, "book": 1}
    assert "(green)" in bench.page("g")


def test_a_fan_out_that_shrinks_withdraws_what_it_no_longer_makes(bench):
    take_all(bench)
    assert (bench.out / "pages" / "g.page").exists()
    bench.settings.stages["letters"] = {"least": 6}
    run = bench.run()
    assert not (bench.out / "pages" / "g.page").exists()
    assert run.summary.withdrawn >= 1
    assert "pages/g.page" not in (bench.out / "MANIFEST.sha256").read_text()


def test_what_fails_is_put_aside_and_the_rest_goes_on(bench):
    run = bench.run(bench.tape("a.txt", "fine words "), bench.tape("b.txt", "boom! "))
    assert [(stage, key) for stage, key, _ in run.summary.quarantined] == [("letters", "b/000000000000000")]
    assert run.exit_code_seen == 20
    assert (bench.out / "pages" / "f.page").exists()
    again = bench.run()
    assert again.summary.idle, "the same inputs fail in the same way: it is not tried again"


def test_damage_on_disk_is_mended(bench):
    take_all(bench)
    tree = bench.tree()
    (bench.out / "pages" / "a.page").write_text("rubbish")
    run = bench.run()
    assert run.summary.made == {"page": 1}
    assert bench.tree() == tree


def test_the_catalog_can_be_made_anew_from_the_receipts(bench):
    take_all(bench)
    tree = bench.tree()
    for path in bench.out.glob(".skycrane/catalog.sqlite*"):
        path.unlink()
    run = bench.run()
    assert run.summary.idle
    assert bench.tree() == tree
    rows = sqlite3.connect(bench.out / ".skycrane" / "catalog.sqlite").execute("SELECT COUNT(*) FROM products").fetchone()
    assert rows[0] > len(CHUNKS)


def test_a_receipt_that_was_cut_off_speaks_of_nothing(bench):
    take_all(bench)
    tree = bench.tree()
    segment = bench.out / ".skycrane" / "receipts" / "000001.jsonl"
    segment.write_bytes(segment.read_bytes()[:-40])
    (bench.out / ".skycrane" / "running").write_text("{}")
    run = bench.run()
    assert not run.summary.idle
    assert bench.tree() == tree


def test_what_a_crash_left_is_swept(bench):
    take_all(bench)
    tree = bench.tree()
    (bench.out / "pages" / "zombie.page").write_text("x")
    (bench.out / ".skycrane" / "staging" / "dead").mkdir()
    (bench.out / ".skycrane" / "running").write_text("{}")
    bench.run()
    assert bench.tree() == tree
    assert not list((bench.out / ".skycrane" / "staging").iterdir())


def test_a_second_holder_is_told_who_has_it(bench):
    with bench.open(), pytest.raises(HeldError, match="process"), bench.open():
        pass


def test_who_looks_whether_a_folder_is_held_does_not_keep_a_run_from_it(bench, monkeypatch):
    bench.run(bench.tape("a.txt", "alpha "))
    looking = (bench.out / ".skycrane" / "lock").open()
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(store.time, "sleep", lambda _: looking.close())
    assert bench.run().summary.idle


def test_the_holder_of_a_folder_is_asked_for_without_a_lock(bench, monkeypatch):
    one = Store(bench.out)
    with bench.open():
        assert checkup.holder_of(one) == f"process {os.getpid()} on {socket.gethostname()}"
    assert checkup.holder_of(one) == ""
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", lambda *_: pytest.fail("nobody holds it: there is nothing to ask"))
        assert checkup.holder_of(one) == ""
    (bench.out / ".skycrane" / "lock").write_text("process 1 on a machine that went down")
    assert checkup.holder_of(one) == ""


def test_a_folder_of_other_peoples_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="not ours"):
        Store(tmp_path).create()


def test_partial_products_are_counted(bench):
    bench.run(bench.tape("a.txt", "what? is "))
    with bench.open() as run:
        assert run.catalog.tasks.tally()["page"]["partial"] == 1
        assert run.exit_code(strict=True) == 25
        assert run.exit_code(strict=False) == 0


def test_dask_in_process_makes_the_same_tree(bench, another):
    take_all(bench)
    other = another("dask")
    take_all(other, executor=lambda: make_executor("dask", scheduler=None, jobs=2))
    assert other.tree() == bench.tree()
