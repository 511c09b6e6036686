"""What is made from very much is made in a process of its own, and is the same."""

from __future__ import annotations

import functools
import sys

import pytest

from pipeline import apart, executors
from pipeline.executors import make_executor
from pipeline.testing.comparators import tree_digests

THREADS = functools.partial(make_executor, "dask", scheduler=None, jobs=2)


@pytest.fixture
def begun(monkeypatch):
    """Collects the stages that have a process of their own, since as little as one product is very much."""
    found = []

    def noting(batch):
        found.append(batch.spec.name)
        return apart.perform_apart(batch)

    monkeypatch.setattr(executors, "LARGE", 1)
    monkeypatch.setattr(executors, "perform_apart", noting)
    return found


def test_the_tree_is_the_same(bench, another, begun):
    tapes = [bench.tape("a.txt", "alpha beta "), bench.tape("b.txt", "gamma ")]
    bench.run(*tapes, executor=THREADS)
    assert begun == ["book"]
    here = another("here")
    here.run(*tapes)
    assert begun == ["book"]
    assert tree_digests(bench.out) == tree_digests(here.out)


def test_what_fails_there_is_put_aside(bench, begun):
    run = bench.run(bench.tape("a.txt", "alpha mis#print "), executor=THREADS)
    assert begun == ["book"]
    assert [(stage, message) for stage, _, message in run.summary.quarantined] == [("book", "misprints: mis#print")]


def test_a_process_that_comes_to_nothing_is_a_lost_batch(bench, begun, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = bench.run(bench.tape("a.txt", "alpha "), executor=THREADS)
    ((stage, _, message),) = run.summary.quarantined
    assert stage == "book"
    assert "ended with 1" in message
    assert set(begun) == {"book"}
    assert len(begun) > 1
