"""Logs and the command on events: what happened, told, and never in the way of the run."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import pytest

from pipeline import events
from pipeline.events import Command, DiskWatch, Log

SYNC = ("--executor", "sync")


def logged(out):
    files = sorted((out / ".skycrane" / "logs").iterdir())
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def test_a_run_leaves_a_log_of_what_happened(cli, tapes, out):
    good, bad = tapes("a.txt", "alpha beta "), tapes("b.txt", "shout! ")
    (good.parent / "c.bin").write_bytes(bytes(range(256)))
    cli("process", good.parent, "--out", out, *SYNC)
    cli("withdraw", out, bad, *SYNC)
    lines = logged(out)
    count = Counter(line["event"] for line in lines)
    assert count["run begun"] == count["run ended"] == 2
    assert count["input taken"] == 2
    assert next(line["why"] for line in lines if line["event"] == "input refused").startswith("holds nothing")
    assert [line["message"] for line in lines if line["event"] == "quarantined"] == ["a word shouts"]
    assert count["withdrawn"] >= 1
    assert sum(line["tasks"] for line in lines if line["event"] == "batch done") >= 5
    assert lines[0]["pid"] == os.getpid()
    assert all(line["time"].endswith("Z") for line in lines)
    assert len(list((out / ".skycrane" / "logs").iterdir())) == 2


def test_fifty_logs_are_kept(tmp_path, monkeypatch):
    for number in range(60):
        (tmp_path / f"20200101T0000{number:02d}Z-1-001.jsonl").touch()
    monkeypatch.setattr(events, "LARGEST_LOG", 200)
    log = Log(tmp_path)
    for number in range(9):
        log.hear("batch done", {"number": number, "text": "x" * 150})
    log.close()
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 50
    assert [json.loads(line)["number"] for path in kept[-5:] for line in path.read_text().splitlines()] == [4, 5, 6, 7, 8]


def test_a_log_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "logs").write_text("a file")
    log = Log(tmp_path / "logs")
    log.hear("batch done", {})
    log.close()
    assert (tmp_path / "logs").read_text() == "a file"


def test_the_command_hears_of_products_gaps_and_quarantine(cli, tapes, out, tmp_path):
    heard = tmp_path / "heard"
    inputs = tapes("a.txt", "alpha wh?t "), tapes("b.txt", "shout! ")
    said = cli("process", *inputs, "--out", out, "--on-event", f"cat >> {heard}", *SYNC)
    assert said.code == 20
    lines = [json.loads(line) for line in heard.read_text().splitlines()]
    products = {(line["kind"], line["key"]): line for line in lines if line["event"] == "product"}
    assert products["Page", "a"]["paths"] == ["pages/a.page"]
    assert products["Page", "w"]["partial"]
    assert all(line["new"] for line in products.values())
    assert ("Page", "w", 1, 2) in {
        (line["kind"], line["key"], line["received"], line["expected"]) for line in lines if line["event"] == "gap"
    }
    assert [line["key"] for line in lines if line["event"] == "quarantined"] == ["b/000000000000000"]
    heard.unlink()
    cli("process", tapes("c.txt", "again "), "--out", out, "--on-event", f"cat >> {heard}", *SYNC)
    again = {
        (line["kind"], line["key"]): line["new"] for line in map(json.loads, heard.read_text().splitlines()) if line["event"] == "product"
    }
    assert (again["Page", "a"], again["Book", "-"], ("Page", "w") in again) == (False, False, False)


def test_a_failing_command_is_a_note_and_nothing_else(cli, tapes, out):
    said = cli("process", tapes("a.txt", "alpha beta "), "--out", out, "--on-event", "echo no such station >&2; exit 3", *SYNC)
    assert said.code == 0
    assert said.err.count("ended with 3: no such station") == 1


def test_a_slow_command_holds_nobody_up_and_gets_the_rest_together(tmp_path, monkeypatch):
    notes = []
    wait = f"until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    command = Command(f"{wait}; cat >> {tmp_path}/heard; echo . >> {tmp_path}/calls", note=notes.append)
    for number in range(500):
        command.hear("product", {"number": number})
        command.hear("batch done", {})
    (tmp_path / "go").touch()
    command.close()
    assert [json.loads(line)["number"] for line in (tmp_path / "heard").read_text().splitlines()] == list(range(500))
    assert 1 <= len((tmp_path / "calls").read_text().split()) <= 3
    assert notes == []
    monkeypatch.setattr(events, "PATIENCE", 0.2)
    stuck = Command("sleep 60", note=notes.append)
    stuck.hear("product", {})
    stuck.close()
    assert "was stopped" in notes[0]


def test_a_low_disk_is_told_once_until_there_is_room_again(tmp_path, monkeypatch):
    told = []
    free = iter([5, 3, 2, 9, 1])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 0, next(free)))
    disk = DiskWatch(tmp_path, lambda event, **facts: told.append((event, facts["free"])), least=4, pause=0)
    for _ in range(5):
        disk.look()
    assert told == [("disk low", 3), ("disk low", 1)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(events, "PATIENCE", 10.0)


def test_a_command_has_the_environment_of_who_gave_it(tmp_path, monkeypatch):
    """Executors set what worker processes are to have."""
    command = Command(f'cat > /dev/null; echo "[$SET_LATER]" > {tmp_path}/seen', note=lambda _: None)
    monkeypatch.setenv("SET_LATER", "1")
    command.hear("product", {})
    command.close()
    assert (tmp_path / "seen").read_text() == "[]\n"
