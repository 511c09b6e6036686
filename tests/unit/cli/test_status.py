"""status: numbers that lead to commands, live, and never waiting for a run."""

from __future__ import annotations

import fcntl
import json
import re
import shlex

import pytest

import pipeline.cli.status

SYNC = ("--executor", "sync")


@pytest.fixture
def tree(cli, tapes, out):
    cli("process", tapes("a.txt", "alpha wh?t "), tapes("b.txt", "shout! "), "--out", out, *SYNC)
    return out


def test_every_alarming_number_leads_to_a_command_that_works(cli, tree, tapes):
    cli("rerun", tree, "letters", "--set", "letters.least=2", "--no-downstream", *SYNC)
    (tree / "pages" / "a.page").unlink()
    cli("process", tapes("c.txt", "another "), "--out", tree, "--until", "words", *SYNC)
    said = cli("status", tree).out
    commands = re.findall(r"skycrane (.*?)(?: says why.*)?$", said, re.MULTILINE)
    assert list(dict.fromkeys(command.split()[0] for command in commands)) == ["quarantine", "process", "explain", "doctor"]
    for command in commands[:3]:
        answer = cli(*shlex.split(command), *(SYNC if command.startswith("process") else ()))
        assert answer.code == 0, answer.err
    assert "due" in cli(*shlex.split(commands[1]), *SYNC).out


def test_the_disk_is_forecast(cli, tree):
    disk = json.loads(cli("status", tree, "--json").out)["disk"]
    files = {path: path.stat().st_size for path in tree.rglob("*") if path.is_file() and ".skycrane" not in path.parts}
    files.pop(tree / "MANIFEST.sha256")
    assert sum(size for room, size in disk["rooms"].items() if room != ".skycrane") == sum(files.values())
    assert disk["rooms"][".skycrane"] == sum(path.stat().st_size for path in (tree / ".skycrane" / "packs").iterdir())
    assert disk["downlink"] == len("alpha wh?t ") + len("shout! ")
    assert disk["room_for"] == pytest.approx(disk["free"] * disk["downlink"] / disk["bytes"])


def test_a_run_that_holds_it_is_not_waited_for(cli, tree, tapes):
    cli("process", tapes("c.txt", "another "), "--out", tree, "--until", "words", *SYNC)
    with (tree / ".skycrane" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 7 on station")
        lock.flush()
        said = cli("status", tree)
    assert "process 7 on station is at it" in said.out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_watching_looks_again_until_it_is_interrupted(cli, tree, monkeypatch, form):
    rounds = []

    def sleep(seconds):
        rounds.append(seconds)
        if len(rounds) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.cli.status.time, "sleep", sleep)
    said = cli("status", tree, "--watch", "--every", "0.5", *form)
    assert said.code == 0
    assert min(rounds) >= 0.5
    if form:
        assert [json.loads(line)["stages"]["words"]["done"] for line in said.out.splitlines()] == [2, 2, 2]
    else:
        assert "nobody works on" in said.out
