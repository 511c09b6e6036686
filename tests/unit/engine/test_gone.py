"""A chunk whose margin lies in a file that is gone waits for that file, and the run goes on."""

from __future__ import annotations

import os

import pytest

from pipeline.errors import ExitCode

PARTS = {"a.part000.txt": "alpha beta ga", "a.part001.txt": "mma delta be", "b.txt": "banana "}


@pytest.fixture
def bereft(bench):
    """Two parts of a pass have been processed, and the first has gone."""
    bench.run(*[bench.tape(name, text) for name, text in PARTS.items()])
    (bench.tapes / "a.part000.txt").unlink()
    return bench


def test_a_forced_rerun_names_the_file_that_is_gone(bereft):
    with bereft.open() as run:
        assert run.force("words", "*") == 3
        run.work()
        gone = str(bereft.tapes / "a.part000.txt")
        assert sorted(run.summary.absent) == [("words", f"a/{chunk}", gone) for chunk in ("p000000", "p000001")]
        assert run.summary.made == {"words": 1}
        assert run.exit_code(strict=False) is ExitCode.QUARANTINED


def test_the_next_part_is_taken_in_and_those_that_reach_back_wait(bereft):
    run = bereft.run(bereft.tape("a.part002.txt", "ar apple "))
    assert run.summary.made["words"] == 1, "its margin lies in the second part, which is there"
    assert not run.summary.absent


def test_a_part_that_comes_when_the_one_before_it_has_gone_waits_for_it(bench, another):
    first = bench.tape("a.part000.txt", PARTS["a.part000.txt"])
    bench.run(first)
    times = first.stat().st_mtime_ns
    first.rename(bench.tapes.parent / "elsewhere")
    run = bench.run(bench.tape("a.part001.txt", PARTS["a.part001.txt"]))
    assert run.summary.absent == [("words", "a/p000001", str(first))]
    assert run.exit_code_seen is ExitCode.QUARANTINED
    again = bench.tape("a.part000.txt", PARTS["a.part000.txt"])
    os.utime(again, ns=(times, times))
    assert bench.run(bench.tapes).exit_code_seen is ExitCode.GOOD
    calm = another("calm")
    calm.run(*[calm.tape(name, PARTS[name]) for name in ("a.part000.txt", "a.part001.txt")])
    assert bench.tree() == calm.tree()


def test_a_margin_is_found_under_the_other_name_of_its_file(bereft):
    copy = bereft.tape("copy.txt", PARTS["a.part000.txt"])
    (bereft.tapes / "a.part000.txt").write_text(PARTS["a.part000.txt"])
    bereft.run(bereft.tapes)
    assert copy.exists()
    tree = bereft.tree()
    (bereft.tapes / "a.part000.txt").unlink()
    with bereft.open() as run:
        run.force("words", "a/p000001")
        run.work()
        assert run.summary.made["words"] == 1
        assert not run.summary.absent
    assert bereft.tree() == tree
