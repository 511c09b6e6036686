"""What may be gone the next time is tried again, a bounded number of times; bad data never are."""

from __future__ import annotations

import errno
import os

import pytest

from pipeline import perform, store
from pipeline.errors import DataError, StorageError
from pipeline.testing.toys import Letter, Tape


@pytest.fixture
def failing(monkeypatch):
    """Let the first attempts to load a tape, or to save a letter, fail."""
    monkeypatch.setattr(perform, "PAUSES", (0.0, 0.0, 0.0))
    calls = []

    def arrange(error, times, kind=Tape, name="load"):
        real = vars(kind).get(name) or getattr(kind, name)
        function = getattr(real, "__func__", real)

        def step(*args):
            calls.append(name)
            result = function(*args)
            if len(calls) <= times:
                raise error
            return result

        monkeypatch.setattr(kind, name, classmethod(step) if name == "load" else step)
        return calls

    return arrange


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ECONNRESET])
def test_a_hiccup_of_the_network_is_waited_for(bench, another, failing, number):
    wanted = another("calm")
    wanted.run(wanted.tape("a.txt", "alpha beta "))
    calls = failing(OSError(number, os.strerror(number)), 3)
    run = bench.run(bench.tape("a.txt", "alpha beta "))
    assert run.summary.quarantined == []
    assert len(calls) == 4
    assert bench.tree() == wanted.tree()


def test_what_was_written_before_the_hiccup_does_not_show(bench, another, failing):
    wanted = another("calm")
    wanted.run(wanted.tape("a.txt", "alpha beta gamma "))
    failing(OSError(errno.ESTALE, "stale"), 3, Letter, "save")
    bench.run(bench.tape("a.txt", "alpha beta gamma "))
    assert bench.tree() == wanted.tree()
    sizes = [[path.stat().st_size for path in (one.out / ".skycrane" / "packs").iterdir()] for one in (bench, wanted)]
    assert sizes[0] == sizes[1]


def test_a_disk_of_ours_that_stays_broken_ends_the_run(bench, failing):
    calls = failing(OSError(errno.EIO, "broken"), 99, Letter, "save")
    with pytest.raises(StorageError, match="broken"):
        bench.run(bench.tape("a.txt", "alpha "))
    assert len(calls) == 4


def test_products_of_ours_that_cannot_be_read_end_the_run(bench, failing):
    failing(PermissionError(errno.EACCES, "denied"), 99, Letter)
    with pytest.raises(StorageError, match="denied"):
        bench.run(bench.tape("a.txt", "alpha "))


@pytest.mark.parametrize("number, attempts", [(errno.EIO, 4), (errno.EACCES, 1)])
def test_an_input_that_cannot_be_read_is_put_aside_and_the_rest_goes_on(bench, monkeypatch, number, attempts):
    monkeypatch.setattr(perform, "PAUSES", (0.0, 0.0, 0.0))
    calls = []
    real = Tape.load.__func__

    def load(cls, source):
        if source.key.text.startswith("b/"):
            calls.append(source.key)
            raise OSError(number, os.strerror(number))
        return real(cls, source)

    monkeypatch.setattr(Tape, "load", classmethod(load))
    run = bench.run(bench.tape("a.txt", "alpha "), bench.tape("b.txt", "beta "), bench.tape("c.txt", "camel "))
    ((stage, key, message),) = run.summary.quarantined
    assert (stage, key.partition("/")[0], len(calls)) == ("words", "b", attempts)
    assert message.startswith(f"{bench.tapes / 'b.txt'}: cannot be read: {os.strerror(number)}. Mend its disk or its rights")
    assert run.exit_code_seen == 20
    assert sorted(path.name for path in (bench.out / "pages").iterdir()) == ["a.page", "c.page"]
    monkeypatch.setattr(Tape, "load", classmethod(real))
    with bench.open() as run:
        run.release([(stage, key)])
        run.work()
    assert (bench.out / "pages" / "b.page").exists()


def test_an_input_that_was_touched_and_cannot_be_read_is_waited_for(bench, monkeypatch):
    path = bench.tape("a.txt", "alpha ")
    bench.run(path)
    os.utime(path, ns=(1, 1))
    monkeypatch.setattr(store, "digest_file", refuse)
    with bench.open() as run:
        run.force("words", "*")
        run.work()
        assert run.summary.absent == [("words", "a/000000000000000", str(path))]


def refuse(*_):
    raise OSError(errno.EIO, "broken")


@pytest.mark.parametrize("error", [DataError("bad"), OSError(errno.ENOENT, "gone")], ids=["data", "gone"])
def test_bad_data_are_final_at_once(bench, failing, error):
    calls = failing(error, 99)
    run = bench.run(bench.tape("a.txt", "alpha "))
    assert len(run.summary.quarantined) == 1
    assert len(calls) == 1
