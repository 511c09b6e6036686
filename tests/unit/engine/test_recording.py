"""What a sender sent is on disk, whole, once, whoever records before or after."""

from __future__ import annotations

import errno
import fcntl
import socket

import pytest

from pipeline import recording
from pipeline.errors import ExitCode, StorageError
from pipeline.listen import Recorder
from pipeline.recording import Recording, adopt_leftovers


def send(recorder, payload: bytes) -> None:
    with socket.create_connection(("127.0.0.1", recorder.port)) as sender:
        sender.sendall(payload)
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1) == b"", "the recorder has read to the end"


def record(folder, *payloads: bytes) -> list[str]:
    said: list[str] = []
    recorder = Recorder(("127.0.0.1", 0), folder, name="night", tell=said.append, limit=1000)
    for payload in payloads:
        send(recorder, payload)
    recorder.close()
    return said


def test_a_listener_that_begins_again_never_writes_over_what_was_recorded(tmp_path):
    record(tmp_path, b"first" * 300)
    said = record(tmp_path, b"second", b"third")
    assert (tmp_path / f"night.at{0:015d}.bin").read_bytes() == (b"first" * 300)[:1000]
    assert (tmp_path / f"night-2.at{0:015d}.bin").read_bytes() == b"second"
    assert (tmp_path / f"night-3.at{0:015d}.bin").read_bytes() == b"third"
    assert "pass night-2 has ended: 6 bytes" in said


def test_what_a_crash_left_unfinished_arrives_with_the_next_listener(tmp_path):
    left, empty = tmp_path / f"night.at{2000:015d}.bin.part", tmp_path / f"night.at{3000:015d}.bin.part"
    left.write_bytes(b"in the middle")
    empty.touch()
    said = record(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"night.at{2000:015d}.bin"]
    assert (tmp_path / f"night.at{2000:015d}.bin").read_bytes() == b"in the middle"
    assert "left unfinished" in said[0]


def test_a_piece_that_another_recorder_writes_is_left_to_it(tmp_path):
    part = tmp_path / f"night.at{0:015d}.bin.part"
    with part.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(b"more to come")
        stream.flush()
        assert adopt_leftovers(tmp_path) == []
        other = Recording(tmp_path, "night")
        assert other.name == "night-2"
        other.close()
    assert adopt_leftovers(tmp_path) == [part.with_suffix("")]


def test_names_with_the_signs_of_patterns_stand_for_themselves(tmp_path):
    for number in (1, 2):
        one = Recording(tmp_path, "a[1]*")
        one.write(b"x")
        one.close()
        assert one.name == ("a[1]*" if number == 1 else "a[1]*-2")


def test_a_full_disk_is_told_and_ends_the_run(tmp_path, monkeypatch):
    said, failed = [], []

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording.os, "fsync", full)
    recorder = Recorder(("127.0.0.1", 0), tmp_path, name="night", tell=said.append, on_failure=lambda: failed.append(True))
    with socket.create_connection(("127.0.0.1", recorder.port)) as sender:
        sender.sendall(b"what is sent")
        sender.shutdown(socket.SHUT_WR)
        assert sender.recv(1) == b""
    with pytest.raises(StorageError, match="does not take what is sent: No space left") as error:
        recorder.close()
    assert error.value.exit_code == ExitCode.STORAGE
    assert failed == [True]
    monkeypatch.undo()
    assert [path.read_bytes() for path in adopt_leftovers(tmp_path)] == [b"what is sent"]
