"""What may be gone the next time is tried again, a bounded number of times; bad data never are."""

from __future__ import annotations

import errno
import os

import pytest

from pipeline import perform
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


def test_a_disk_that_stays_broken_ends_the_run(bench, failing):
    calls = failing(OSError(errno.EIO, "broken"), 99)
    with pytest.raises(StorageError, match="broken"):
        bench.run(bench.tape("a.txt", "alpha "))
    assert len(calls) == 4


@pytest.mark.parametrize("error", [DataError("bad"), OSError(errno.ENOENT, "gone")], ids=["data", "gone"])
def test_bad_data_are_final_at_once(bench, failing, error):
    calls = failing(error, 99)
    run = bench.run(bench.tape("a.txt", "alpha "))
    assert len(run.summary.quarantined) == 1
    assert len(calls) == 1
