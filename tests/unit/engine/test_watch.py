"""Watching a landing folder while tapes arrive."""

from __future__ import annotations

import os
import socket

import pytest

from pipeline.errors import InterruptedRunError, UsageError
from pipeline.landing import Landing
from pipeline.listen import Recorder, parse_address
from pipeline.watch import watch

TEXT = "alpha beta gamma delta alpha bear apple banana avocado grape "


class Script:
    """Instead of waiting, does the next thing that happens; at the end it stops the run."""

    def __init__(self, run, *steps):
        self.run = run
        self.steps = list(steps)

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        if self.steps:
            self.steps.pop(0)()
        else:
            self.run.stop = True


def land(bench, offset: int, length: int):
    def step() -> None:
        part = bench.tapes / f"tape.at{offset:09d}.txt.part"
        part.write_text(TEXT[offset : offset + length])
        Landing([bench.tapes]).poll()
        path = part.with_suffix("")
        part.rename(path)
        os.utime(path, (1_000_000, 1_000_000))

    return step


def test_pieces_in_any_order_end_as_one_process_of_the_whole(bench, another):
    other = another("whole")
    other.run(other.tape("tape.txt", TEXT))
    cohorts = []
    run = bench.open()
    with pytest.raises(InterruptedRunError, match="goes on"), run:  # noqa: PT012  the run must be open while it watches
        steps = [land(bench, offset, 10) for offset in (20, 0, 60, 50, 10, 40, 30)]
        watch(run, Landing([bench.tapes]), Script(run, *steps), tell=cohorts.append)
    assert len(cohorts) >= 6
    pages = {name: digest for name, digest in bench.tree().items() if name.startswith(("pages", "book"))}
    assert pages == {name: digest for name, digest in other.tree().items() if name.startswith(("pages", "book"))}
    assert (bench.out / "MANIFEST.sha256").exists()


def test_once_ends_when_all_that_is_there_is_done(bench):
    path = bench.tape("tape.txt", TEXT)
    os.utime(path, (1_000_000, 1_000_000))
    with bench.open() as run:
        watch(run, Landing([bench.tapes]), Script(run), once=True, tell=print)
        assert not run.stop
    assert (bench.out / "book" / "-.book").exists()


def test_what_is_sent_is_on_disk_before_anything_else(tmp_path):
    said: list[str] = []
    recorder = Recorder(("127.0.0.1", 0), tmp_path / "rec", name="night", tell=said.append, limit=1000)
    payload = bytes(range(256)) * 10
    with socket.create_connection(("127.0.0.1", recorder.port)) as sender:
        sender.sendall(payload)
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1) == b"", "the recorder has read to the end"
    recorder.close()
    pieces = sorted((tmp_path / "rec").iterdir())
    assert [path.name for path in pieces] == [f"night.at{offset:015d}.bin" for offset in (0, 1000, 2000)]
    assert b"".join(path.read_bytes() for path in pieces) == payload
    assert said[-1] == "pass night has ended: 2,560 bytes"


@pytest.mark.parametrize("text", ["here", "host:port", "1.2.3.4:99999"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="HOST:PORT"):
        parse_address(text)


def test_addresses():
    assert parse_address(":5000") == ("127.0.0.1", 5000)
    assert parse_address("tcp://[::1]:5000") == ("::1", 5000)
