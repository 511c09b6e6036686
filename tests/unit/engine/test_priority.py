"""What a profile calls urgent comes first; what is made from a whole set holds nothing up."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from pipeline import executors
from pipeline.errors import InterruptedRunError, ProfileError
from pipeline.executors import make_executor
from pipeline.mission import Profile
from pipeline.pace import Pace
from pipeline.priority import Priorities
from pipeline.testing.toys import toy_registry

RULES = Priorities(({"file": "0080-*"}, {"camera": "DDC", "edition": "thumb*"}))


@pytest.mark.parametrize(
    "key, inherited, urgency",
    [
        ({"pass": "a", "chunk": "1"}, 0, 0),
        ({"file": "0080-7"}, 0, 1),
        ({"file": "0081-7"}, 0, 3),
        ({"file": "x", "camera": "DDC", "edition": "thumbnail"}, 0, 2),
        ({"camera": "DDC", "frame": "1"}, 2, 2),
    ],
)
def test_the_first_rule_that_matches_counts_and_what_no_rule_can_tell_is_as_what_made_it(key, inherited, urgency):
    assert RULES.of(key, inherited) == urgency


@pytest.mark.parametrize(
    "tables, why",
    [
        ({"priority": "first"}, "must be tables"),
        ({"priority": [{}]}, "must be tables"),
        ({"priority": [{"letter": 3}]}, "must be a text"),
        ({"priority": [{"color": "a"}]}, "is no part of any key"),
    ],
)
def test_a_priority_that_says_nothing_is_refused(tables, why):
    with pytest.raises(ProfileError, match=why):
        Profile(name="toy", tables=tables).check(toy_registry())


def order(monkeypatch):
    """Note which pages are made, in order."""
    made = []
    real = executors.perform

    def note(batch, *turn):
        if batch.spec.name in {"page", "book"}:
            made.extend(work.key.text if batch.spec.name == "page" else "book" for work in batch.work)
        return real(batch, *turn)

    monkeypatch.setattr(executors, "perform", note)
    return made


def test_the_urgent_come_first_then_the_oldest(bench, monkeypatch):
    bench.tables = {"priority": [{"letter": "c"}]}
    made = order(monkeypatch)
    bench.run(bench.tape("t.txt", "delta alpha cherry beta "))
    assert made[0] == "c"
    assert made == ["c", "a", "b", "d", "book"]


def test_what_is_urgent_of_a_cohort_is_whole_before_the_rest_begins(bench, monkeypatch):
    bench.tables = {"priority": [{"letter": "c"}]}
    made = order(monkeypatch)
    bench.tape("t.txt", "delta alpha cherry beta ")
    run = bench.open()
    with pytest.raises(InterruptedRunError), run:
        bench.watch(run, settle=0.0)
    assert made == ["c", "a", "b", "d", "book"]
    assert len(bench.tree()) == 8


def test_a_large_backlog_is_taken_a_cohort_at_a_time_the_oldest_first(bench, monkeypatch):
    monkeypatch.setattr("pipeline.watch.FIRST_COHORT", 8)
    # What a slow machine would learn is another test's matter.
    monkeypatch.setattr("pipeline.watch._Backlog.learn", lambda *_: None)
    for number in range(6):
        bench.tape(f"t{5 - number}.txt", f"{'abcdef'[number]}word ")
    cohorts = []
    run = bench.open()
    with pytest.raises(InterruptedRunError), run:
        bench.watch(run, settle=0.0, tell=cohorts.append)
    assert [cohort.taken for cohort in cohorts if cohort.taken] == [2, 2, 2]
    assert cohorts[0].waiting == 4


def test_a_settled_stage_at_work_holds_no_arrival_up(bench, monkeypatch):
    """The book takes its time; a tape that lands meanwhile is on its page before the book is done."""
    real, begun, go = executors.perform, threading.Event(), threading.Event()
    story = []

    def slow(batch, *turn):
        if batch.spec.name == "book" and not story:
            story.append("book begins")
            begun.set()
            go.wait(60)
            story.append("book ends")
        return real(batch, *turn)

    monkeypatch.setattr(executors, "perform", slow)
    bench.tape("a.txt", "alpha ")
    run = bench.open(lambda: make_executor("dask", scheduler=None, jobs=2))

    def land() -> None:
        assert begun.wait(60)
        bench.tape("b.txt", "beta ")

    def look() -> None:
        assert bench.page("b")
        story.append("page b stands")
        go.set()

    with pytest.raises(InterruptedRunError), run:
        bench.watch(run, land, look, settle=0.0)
    assert story == ["book begins", "page b stands", "book ends"]
    assert "beta" in (bench.out / "book" / "-.book").read_text()


def test_what_is_made_from_everything_has_a_tenth_of_the_time_and_no_more(bench, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("pipeline.loop.time.monotonic", lambda: now[0])
    bench.tape("a.txt", "alpha ")
    with bench.open() as run:
        run.admit([bench.tapes])
        run.work()
        dispatcher = run._dispatcher
        dispatcher.pace = Pace()
        dispatcher.pace.took("book", 8.0)
        now[0] += 31
        assert "book" in run.paced(quiet=False, pause=30), "nothing of it is due"
        bench.tape("b.txt", "beta ")
        run.admit([bench.tapes])
        run.work(stages=set(run.catalog.registry.stages) - {"book"})
        assert dispatcher.seconds_of({"book", "a stage that nobody knows"}) == 8.0
        assert "book" not in run.paced(quiet=False, pause=30)
        assert "book" in run.paced(quiet=True, pause=30)
        now[0] += 50
        assert "book" in run.paced(quiet=False, pause=30)


def test_a_task_that_fails_says_nothing_of_how_long_others_take(bench, monkeypatch):
    real = executors.perform

    def late(batch, *turn):
        return [replace(outcome, seconds=600.0) if outcome.failed else outcome for outcome in real(batch, *turn)]

    monkeypatch.setattr(executors, "perform", late)
    bench.tape("a.txt", "alpha boom! ")
    with bench.open() as run:
        run.admit([bench.tapes])
        run.work()
        assert run.summary.quarantined.total
        assert max(run._dispatcher.pace.of(stage) or 0.0 for stage in run.catalog.registry.stages) < 60


def test_what_was_staged_is_gone_once_it_is_published(bench):
    bench.tape("a.txt", "alpha banana? ")
    with bench.open() as run:
        run.admit([bench.tapes])
        run.work()
        assert run.summary.made.total()
        assert not list((bench.out / ".skycrane" / "staging").iterdir())
