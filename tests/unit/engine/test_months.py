"""A run that lasts for months: what it remembers, and its journal, do not grow with what it has done."""

from __future__ import annotations

import os

import pytest

from pipeline import upkeep
from pipeline.errors import ExitCode, InterruptedRunError
from pipeline.landing import Landing
from pipeline.progress import First


class Ear:
    def __init__(self) -> None:
        self.told: list[str] = []

    def hear(self, event: str, facts) -> None:
        del facts
        self.told.append(event)

    def close(self) -> None:
        pass


def test_of_many_the_first_are_kept_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(First, "KEPT", 3)
    few = First()
    few += ["a", "b"]
    few.append("c")
    few += ["d"]
    few.extend(["e"])
    assert few == ["a", "b", "c"]
    assert few.total == 5


def test_a_named_file_that_is_refused_is_not_forgotten_among_many(bench, monkeypatch):
    monkeypatch.setattr(First, "KEPT", 1)
    (bench.tapes / "a.bin").write_bytes(b"\xff\xfe nothing")
    named = bench.tapes.parent / "b.bin"
    named.write_bytes(b"\xff\xfd nothing either")
    run = bench.run(bench.tapes, named)
    assert run.summary.refused.total == 2
    assert run.exit_code_seen is ExitCode.QUARANTINED


def test_inodes_of_files_that_were_unfinished_are_forgotten(tmp_path):
    landing = Landing([tmp_path], settle=100.0)
    for number in range(50):
        part = tmp_path / f"{number}.txt.part"
        part.write_text("x")
        assert landing.poll() == []
        part.rename(tmp_path / f"{number}.txt")
        assert landing.poll() == [tmp_path / f"{number}.txt"]
        (tmp_path / f"{number}.txt").unlink()
    landing.poll()
    assert len(landing._unfinished) + len(landing._were_unfinished) == 0
    assert not landing._seen


def test_the_journal_is_written_anew_while_it_watches(bench, monkeypatch):
    monkeypatch.setattr(upkeep, "LEAST_JOURNAL", 20_000)
    run = bench.open()

    def land(number):
        def step():
            path = bench.tape(f"t{number:03d}.txt", f"word{number} apple beta ")
            os.utime(path, (1_000_000, 1_000_000))

        return step

    ear = Ear()
    run.summary.listeners = (ear,)
    with pytest.raises(InterruptedRunError), run:
        bench.watch(run, *[land(number) for number in range(60)])
    size = sum(path.stat().st_size for path in (bench.out / ".skycrane" / "receipts").iterdir())
    assert 2 <= ear.told.count("tidied") <= 12
    with bench.open() as again:
        before = again.compact().receipts
    assert size < 5 * (size - before)
    assert bench.run(bench.tapes).summary.idle
