"""Watching a landing folder while tapes arrive."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from pipeline import arrivals
from pipeline.errors import ExitCode, InterruptedRunError, UsageError
from pipeline.landing import Landing
from pipeline.listen import Recorder, parse_address

TEXT = "alpha beta gamma delta alpha bear apple banana avocado grape "


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
        bench.watch(run, *steps, tell=cohorts.append)
    assert len(cohorts) >= 6
    pages = {name: digest for name, digest in bench.tree().items() if name.startswith(("pages", "book"))}
    assert pages == {name: digest for name, digest in other.tree().items() if name.startswith(("pages", "book"))}
    assert (bench.out / "MANIFEST.sha256").exists()


def test_once_ends_when_all_that_is_there_is_done(bench):
    path = bench.tape("tape.txt", TEXT)
    os.utime(path, (1_000_000, 1_000_000))
    with bench.open() as run:
        bench.watch(run, once=True)
        assert not run.stop
    assert (bench.out / "book" / "-.book").exists()


def test_a_folder_that_cannot_be_read_is_told_of_once(bench, monkeypatch):
    real, shut = os.scandir, str(bench.tapes / "shut")
    (bench.tapes / "shut").mkdir()

    def listing(folder):
        if str(folder) == shut:
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", listing)
    run = bench.open()
    with pytest.raises(InterruptedRunError), run:
        bench.watch(run, land(bench, 0, 10), lambda: None)
    assert (bench.out / "book" / "-.book").exists(), "what lands elsewhere is processed"
    assert bench.quiet.notes == [f"{shut}: cannot be read: Permission denied. What lands there waits until it can"]


def landed(bench, name, data=b"alpha "):
    path = bench.tapes / name
    path.write_bytes(data)
    os.utime(path, (1_000_000, 1_000_000))
    return path


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOENT])
def test_a_file_that_cannot_be_read_is_left_out_and_taken_when_it_can(bench, monkeypatch, number):
    """Gone between the scan and the reading, without permission, or on a bad spot of the disk."""
    bad, good = landed(bench, "bad.txt"), landed(bench, "good.txt", b"beta ")
    real = arrivals.digests

    def read(path, status, **options):
        if path == bad and not mended:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, status, **options)

    def mend():
        mended.append(True)
        bad.chmod(0o600)

    mended = []
    monkeypatch.setattr(arrivals, "digests", read)
    run = bench.open()
    with pytest.raises(InterruptedRunError), run:
        bench.watch(run, lambda: None, mend, lambda: None, settle=0.0)
    assert bench.quiet.notes == [f"left out {bad}: cannot be read: {os.strerror(number)}"]
    assert good.exists()
    assert sorted(path.name for path in (bench.out / "pages").iterdir()) == ["a.page", "b.page"]


def test_what_is_nothing_does_not_make_the_watch_fail(bench):
    junk = landed(bench, "junk.bin", b"\xff\xfe")
    landed(bench, "good.txt")
    with bench.open() as run:
        bench.watch(run, once=True)
        assert run.exit_code(strict=False) is ExitCode.GOOD
    assert len(bench.quiet.notes) == 1
    assert bench.quiet.notes[0].startswith(f"left out {junk}: holds nothing that is known here")


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
