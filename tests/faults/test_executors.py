"""Executors make the same tree, whatever becomes of their workers."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pipeline import executors, perform
from pipeline.catalog import Catalog
from pipeline.drive import Run
from pipeline.errors import ExitCode, InterruptedRunError, StorageError, UsageError
from pipeline.executors import LOCAL, Executor, SyncExecutor, make_executor
from pipeline.mission import Profile
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.cluster import Cluster
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()
WORDS = ["alpha", "beta", "gamma", "delta", "apple", "banana?", "grape", "date"]
TAPES = {f"t{number:02d}.txt": f"{WORDS[number % 8]} {WORDS[number % 5]}{number} " for number in range(24)}


class Notes:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.when_done = lambda: None

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        del done, due
        if stage == "letters":
            self.when_done()

    def note(self, text: str) -> None:
        self.notes.append(text)


def process(folder: Path, tapes: Mapping[str, str], executor, progress: Notes | None = None) -> Run:
    landing = folder / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    for name, text in tapes.items():
        (landing / name).write_text(text)
    store = Store(folder / "out").create()
    with Run(
        store, REGISTRY, Profile(name="toy", tables={}), Settings(mission="toy"), executor=executor, progress=progress or Notes()
    ) as run:
        run.admit([landing])
        run.work()
    return run


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "out").rglob("*") if path.is_file() and ".skycrane" not in path.parts)
    return {str(path.relative_to(folder / "out")): path.read_bytes() for path in files}


# A culprit is found after two workers, not four: there are few of them.
IMPATIENT = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}


def executor_on(cluster: Cluster) -> Callable[[], Executor]:
    return lambda: make_executor("dask", scheduler=cluster.address, jobs=1)


def kill_a_worker(cluster: Cluster) -> None:
    import distributed

    with distributed.Client(cluster.address) as client:
        client.wait_for_workers(2, timeout=20)
        os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), workers=2, threads=2, nanny=True, environment=IMPATIENT) as one:
        yield one


@pytest.fixture(scope="module")
def wanted(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("calm")
    process(folder, TAPES, SyncExecutor)
    return tree(folder)


def test_dask_in_this_process_makes_the_tree_of_sync(tmp_path, wanted):
    process(tmp_path, TAPES, lambda: make_executor("dask", scheduler=None, jobs=2))
    assert tree(tmp_path) == wanted
    assert not executors._HANDED
    assert not executors._HANDED_BACK


def test_processes_of_this_machine_make_the_tree_of_sync_and_leave_interrupts_to_the_driver(tmp_path, wanted):
    """Ctrl-C reaches every process of a command."""
    executor = make_executor("dask", scheduler=LOCAL, jobs=2)
    here = executor._client.run(os.getpid)
    if sys.platform == "linux":
        # No toy needs it: it was there before they were forked.
        assert all(executor._client.run(eval, "'numba' in __import__('sys').modules").values())
    # Which modules it finds is nobody else's business: neither a command's on events, nor that of what a stage runs.
    assert not any(executor._client.run(os.getenv, executors.SAFE_PATH).values())
    assert executors.SAFE_PATH not in os.environ
    for process_id in here.values():
        os.kill(process_id, signal.SIGINT)
    close, seen = executor.close, []
    executor.close = lambda: (seen.append(executor._client.run(os.getpid)), close())
    process(tmp_path, TAPES, lambda: executor)
    assert tree(tmp_path) == wanted
    assert seen == [here]
    assert len(here) == 2


BEGIN = """
from pipeline.executors import LOCAL, make_executor
if __name__ == "__main__":
    executor = make_executor("dask", scheduler=LOCAL, jobs=1)
    executor.close()
    print("up")
"""


def test_processes_of_this_machine_take_nothing_from_the_folder_somebody_stands_in_wherever_temporary_files_are(tmp_path):
    script, folder, temporary = tmp_path / "begin.py", tmp_path / "here", tmp_path / ("t" * 100)
    script.write_text(BEGIN)
    for path in (folder, temporary):
        path.mkdir()
    for module in ("toolz", "yaml", "distributed"):
        (folder / f"{module}.py").write_text(f"open({str(tmp_path / 'taken')!r}, 'w').close()\nraise ImportError")
    # A path of a socket has about a hundred characters: where temporary files have more, no process can be forked from a server.
    for environment in ({}, {"TMPDIR": str(temporary)}):
        command = [sys.executable, "-P", str(script)]
        ended = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False)
        assert (ended.stdout, ended.stderr) == ("up\n", "")
    assert not (tmp_path / "taken").exists()


def test_the_executor_is_made_while_files_are_taken_in(tmp_path):
    begun = threading.Event()

    def make():
        begun.set()
        return SyncExecutor()

    (tmp_path / "tape.txt").write_text("alpha beta ")
    store = Store(tmp_path / "out").create()
    with Run(store, REGISTRY, Profile(name="toy", tables={}), Settings(mission="toy"), executor=make, progress=Notes()) as run:
        run.admit([tmp_path / "tape.txt"])
        assert begun.wait(60)
        run.work()


def test_an_executor_that_cannot_be_made_leaves_what_was_taken_in(tmp_path):
    def never():
        raise UsageError("nobody answers", where="there")

    with pytest.raises(UsageError, match="nobody answers"):
        process(tmp_path, TAPES, never)
    assert process(tmp_path, {}, SyncExecutor).summary.taken == 0
    assert (tmp_path / "out" / "book" / "-.book").exists()


def test_nobody_waits_for_an_executor_that_is_still_being_made(tmp_path):
    wanted, closed = threading.Event(), threading.Event()

    class Late(SyncExecutor):
        def close(self) -> None:
            closed.set()

    def make():
        assert wanted.wait(60)
        return Late()

    (tmp_path / "tape.txt").write_text("alpha beta ")
    store = Store(tmp_path / "out").create()
    with Run(store, REGISTRY, Profile(name="toy", tables={}), Settings(mission="toy"), executor=make, progress=Notes()) as run:
        run.admit([tmp_path / "tape.txt"])
    assert not closed.is_set()
    wanted.set()
    assert closed.wait(60)


def test_dask_in_this_process_does_not_remember_every_batch(tmp_path, monkeypatch):
    """A watch makes millions of them."""
    close, found = executors.DaskExecutor.close, {}

    def count(self):
        scheduler = self._cluster.scheduler
        spans = scheduler.extensions["spans"].spans.values()
        found.update(groups=sum(len(span.groups) for span in spans), spans=len(spans), tasks=len(scheduler.tasks))
        close(self)

    monkeypatch.setattr(executors.DaskExecutor, "close", count)
    made = process(tmp_path, TAPES, lambda: make_executor("dask", scheduler=None, jobs=1)).summary.made
    assert made.total() > 4 * len(made)
    # Of each stage one that stays, and perhaps one that has just ended.
    assert max(found.values()) <= 2 * len(made)


def test_dask_in_this_process_leaves_the_garbage_collector_alone():
    """Its observer, made while another thread collects, fails when that ends."""
    executor = make_executor("dask", scheduler=None, jobs=1)
    try:
        observers = [callback for callback in gc.callbacks if callback.__module__.startswith("distributed")]
    finally:
        executor.close()
    assert observers == []


def test_the_least_work_goes_nowhere(tmp_path):
    def never():
        raise AssertionError("no executor is needed where nothing is due")

    assert process(tmp_path, {}, never).summary.idle


@pytest.mark.slow
def test_a_cluster_makes_the_tree_of_sync(tmp_path, wanted, cluster):
    process(tmp_path, TAPES, executor_on(cluster))
    assert tree(tmp_path) == wanted


@pytest.fixture
def told_at_once(monkeypatch):
    """Has progress told after each batch: all of it may be done in the quarter of a second between two times."""
    monkeypatch.setattr("pipeline.loop.TOLD_SECONDS", 0.0)


@pytest.mark.slow
@pytest.mark.usefixtures("told_at_once")
def test_a_worker_that_is_killed_at_work_changes_nothing(tmp_path, cluster):
    tapes = {name: text + "slow_word " for name, text in TAPES.items()}
    process(tmp_path / "calm", tapes, SyncExecutor)
    notes, killed = Notes(), []

    def kill() -> None:
        if not killed:
            killed.append(True)
            kill_a_worker(cluster)

    notes.when_done = kill
    run = process(tmp_path / "wild", tapes, executor_on(cluster), notes)
    assert killed
    assert run.summary.quarantined == []
    assert tree(tmp_path / "wild") == tree(tmp_path / "calm")


@pytest.mark.slow
def test_a_task_that_kills_its_workers_is_found_and_put_aside_alone(tmp_path, cluster):
    tapes = {**TAPES, "poison.txt": "ego%arsenic hemlock "}
    notes = Notes()
    run = process(tmp_path / "wild", tapes, executor_on(cluster), notes)
    assert [(stage, key) for stage, key, _ in run.summary.quarantined] == [("letters", "poison/000000000000000")]
    assert "its worker was lost: 2 workers died" in run.summary.quarantined[0][2]
    assert notes.notes, "the operator is told of each batch that was lost"
    process(tmp_path / "calm", {**TAPES, "poison.txt": "ego!arsenic hemlock "}, SyncExecutor)
    words = {name: data for name, data in tree(tmp_path / "calm").items() if name.startswith("pages/")}
    assert {name: data for name, data in tree(tmp_path / "wild").items() if name.startswith("pages/")} == words
    again = process(tmp_path / "wild", {}, executor_on(cluster))
    assert again.summary.idle, "it is not tried again"


@pytest.mark.slow
@pytest.mark.usefixtures("told_at_once")
def test_a_scheduler_that_goes_interrupts_the_run_and_the_next_goes_on(tmp_path):
    (tmp_path / "cluster").mkdir()
    tapes = {name: text + "slow_word " for name, text in TAPES.items()}
    notes = Notes()
    with Cluster(tmp_path / "cluster", workers=1, threads=2) as cluster:
        notes.when_done = cluster.scheduler.kill
        with pytest.raises(InterruptedRunError, match="the Dask scheduler is gone") as caught:
            process(tmp_path / "wild", tapes, executor_on(cluster), notes)
    assert caught.value.exit_code is ExitCode.INTERRUPTED
    process(tmp_path / "wild", tapes, SyncExecutor)
    process(tmp_path / "calm", tapes, SyncExecutor)
    assert tree(tmp_path / "wild") == tree(tmp_path / "calm")


def test_a_scheduler_that_is_not_there_is_a_usage_error(monkeypatch):
    monkeypatch.setattr(executors, "PATIENCE", "0.5s")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=r"no Dask scheduler answers.*Start one with `dask scheduler`") as caught:
            make_executor("dask", scheduler=address, jobs=1)
    assert caught.value.exit_code is ExitCode.USAGE
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        make_executor("dask", scheduler="nonsense", jobs=1)


@pytest.mark.slow
def test_a_scheduler_without_workers_is_a_usage_error(tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "PATIENCE", "1s")
    with Cluster(tmp_path, workers=0) as cluster, pytest.raises(UsageError, match=r"has no workers\. Start some with `dask worker`"):
        executor_on(cluster)()


def test_what_a_disk_does_on_a_worker_ends_the_run(tmp_path, monkeypatch):
    def full(batch, *_):
        raise StorageError("No space left on device", where=batch.staging)

    monkeypatch.setattr(executors, "perform", full)
    for number, make in enumerate((SyncExecutor, lambda: make_executor("dask", scheduler=None, jobs=1))):
        with pytest.raises(StorageError, match="No space left"):
            process(tmp_path / str(number), TAPES, make)


def test_a_second_attempt_at_a_batch_does_not_touch_what_the_first_one_staged(tmp_path, monkeypatch):
    """A worker that only seems dead may still be at a batch that another has been given."""
    process(tmp_path / "calm", TAPES, SyncExecutor)
    real = executors.perform

    def performed_twice(batch, *turn):
        outcomes = real(batch, *turn)
        with monkeypatch.context() as patch:
            patch.setattr(perform, "_perform_one", die)
            with pytest.raises(KeyboardInterrupt):
                real(batch, *turn)
        return outcomes

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(executors, "perform", performed_twice)
    run = process(tmp_path / "twice", TAPES, SyncExecutor)
    assert run.summary.quarantined == []
    assert tree(tmp_path / "twice") == tree(tmp_path / "calm")
    assert not list((tmp_path / "twice" / "out" / ".skycrane" / "staging").iterdir()), "what nobody published is swept"


def test_a_batch_that_is_lost_is_halved_until_the_culprit_is_alone(tmp_path, monkeypatch):
    sizes: list[int] = []
    real = executors.perform

    def dies_of_poison(batch, *turn):
        if batch.spec.name == "letters":
            sizes.append(len(batch.work))
        # As a follower too: then the batch of what it followed dies of it.
        at_work = [work for work in batch.work if batch.spec.name == "letters" or work.followers]
        if any(work.key.text.startswith("t13/") for work in at_work):
            raise RuntimeError("the worker died")
        return real(batch, *turn)

    monkeypatch.setattr(executors, "perform", dies_of_poison)
    notes = Notes()
    run = process(tmp_path, TAPES, SyncExecutor, notes)
    assert [(stage, key, message) for stage, key, message in run.summary.quarantined] == [
        ("letters", "t13/000000000000000", "its worker was lost: the worker died")
    ]
    assert run.summary.made["letters"] == len(TAPES) - 1
    assert sizes.count(1) >= 3, "alone, it is tried three times"
    failure = json.loads(run_failure(tmp_path))
    assert failure["how"]["attempt"] == 3


def run_failure(folder: Path) -> str:
    catalog = Catalog(folder / "out" / ".skycrane" / "catalog.sqlite", REGISTRY, read_only=True)
    try:
        return catalog.tasks.rows(state="quarantined")[0]["failure"]
    finally:
        catalog.close()


def test_the_sync_executor_forgets_what_it_was_not_asked_for():
    executor = SyncExecutor()
    assert executor.next() is None
    executor.submit(None, 0)
    executor.close()
    assert executor.next() is None


def test_sync_with_a_scheduler_is_dask(monkeypatch):
    seen = []
    monkeypatch.setattr(executors, "DaskExecutor", lambda **options: seen.append(options))
    make_executor("sync", scheduler="tcp://x", jobs=3)
    assert seen == [{"scheduler": "tcp://x", "jobs": 3}]
