"""A task that takes too long is given up, whatever it is at; all others go on."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from pipeline import limit
from pipeline.errors import ExitCode, ProfileError
from pipeline.executors import SyncExecutor, make_executor
from pipeline.limit import in_time


@numba.njit(nogil=True)
def spin(flag):
    rounds = 0
    while flag[0] == 0:
        rounds += 1
    return rounds


def test_steps_in_time_give_what_they_give():
    assert in_time([lambda: 1, lambda: 2], 0.0) == ([1, 2], None)
    assert in_time([lambda: 1, lambda: 2], 60.0) == ([1, 2], None)
    assert in_time([], 60.0) == ([], None)


def test_each_step_has_the_time_to_itself(monkeypatch):
    clock, waiting, looked = SimpleNamespace(now=0.0), threading.current_thread(), threading.Event()

    def monotonic():
        if threading.current_thread() is waiting:
            looked.set()
        return clock.now

    def take_most_of_it():
        clock.now += 0.05
        looked.clear()
        # Who waits looks at the clock while each step is under way.
        assert looked.wait(60)

    monkeypatch.setattr(limit, "time", SimpleNamespace(monotonic=monotonic, thread_time=time.thread_time))
    assert in_time([take_most_of_it] * 8, 0.06) == ([None] * 8, None)
    assert clock.now == pytest.approx(0.4)


def test_what_a_step_raises_is_raised():
    def fail():
        raise KeyError("lost")

    for seconds in (0.0, 60.0):
        with pytest.raises(KeyError, match="lost"):
            in_time([lambda: 1, fail, lambda: 2], seconds)


def test_a_kernel_that_never_lets_go_of_its_thread_is_given_up_as_one_that_computes():
    flag = np.zeros(1)
    spin(np.ones(1))
    results, overrun = in_time([lambda: 1, lambda: spin(flag), lambda: 2], 1.0)
    flag[0] = 1
    assert results == [1]
    assert not overrun.waiting
    assert "longer than the 1 s that a task may, computing all the while" in str(overrun)


def test_a_step_that_waits_is_told_from_one_that_computes():
    done = threading.Event()
    results, overrun = in_time([done.wait], 0.2)
    done.set()
    assert results == []
    assert overrun.waiting
    assert "waiting for a disk or a network" in str(overrun)


def test_a_thread_that_was_given_up_ends_at_its_next_instruction():
    before = set(threading.enumerate())

    def loop():
        while True:
            pass

    _, overrun = in_time([loop], 1.0)
    (left,) = set(threading.enumerate()) - before
    left.join(timeout=20)
    assert not left.is_alive()
    assert not overrun.waiting


@pytest.mark.parametrize("executor", [SyncExecutor, lambda: make_executor("dask", scheduler=None, jobs=2)], ids=["sync", "dask"])
def test_a_task_that_computes_without_end_is_put_aside_and_the_rest_goes_on(bench, another, executor):
    wanted = another("calm")
    tapes = {"a.txt": "alpha beta ", "c.txt": "gamma delta ", "d.txt": "apple bear "}
    wanted.run(*[wanted.tape(name, text) for name, text in tapes.items()])
    bench.settings.assign(bench_registry(), ["run.time_limit=1.0"])
    run = bench.run(bench.tape("b.txt", "end&less loop "), *[bench.tape(name, text) for name, text in tapes.items()], executor=executor)
    assert [(stage, key) for stage, key, _ in run.summary.quarantined] == [("letters", "b/000000000000000")]
    message = run.summary.quarantined[0][2]
    assert "took longer than the 1 s that a task may" in message
    assert "--time-limit" in message
    assert run.exit_code_seen == ExitCode.QUARANTINED
    assert any(note.startswith("gave up letters b/") for note in bench.quiet.notes)
    pages = {name: digest for name, digest in bench.tree().items() if name.startswith(("pages", "book"))}
    assert pages == {name: digest for name, digest in wanted.tree().items() if name.startswith(("pages", "book"))}


def test_a_task_that_waits_is_tried_again_a_bounded_number_of_times(bench):
    bench.settings.assign(bench_registry(), ["run.time_limit=0.8"])
    run = bench.run(bench.tape("a.txt", f"slow{'_' * 40} "), bench.tape("b.txt", "fine "))
    ((stage, _, message),) = run.summary.quarantined
    assert stage == "letters"
    assert "waiting for a disk or a network" in message
    assert len([note for note in bench.quiet.notes if note.startswith("gave up")]) == 3
    bench.settings.assign(bench_registry(), ["run.time_limit=0"])
    with bench.open() as run:
        run.release([("letters", "a/000000000000000")])
        run.work()
    assert not run.summary.quarantined
    assert bench.page("s")


def test_the_limit_is_a_setting_of_the_run_that_no_product_depends_on(bench):
    bench.run(bench.tape("a.txt", "alpha beta "))
    bench.settings.assign(bench_registry(), ["run.time_limit=5"])
    assert bench.run().summary.idle
    assert "time_limit = 5.0" in bench.settings.dump()
    with pytest.raises(ProfileError, match=r"-1.* will not do.*at least 0"):
        bench.settings.assign(bench_registry(), ["run.time_limit=-1"])
    bench.settings.assign(bench_registry(), ["run.time_limit=1"], only="a*")
    assert bench.settings.time_limit == 1
    assert not bench.settings.only


def bench_registry():
    from pipeline.testing.toys import toy_registry

    return toy_registry()


def test_what_goes_wrong_when_closing_is_raised_at_once():
    """A file that a full disk has no room for fails again when it is closed."""

    def close():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        in_time([lambda: 1], 60.0, close=close)
