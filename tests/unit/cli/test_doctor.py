"""doctor: finds what is wrong, says what to do, and touches nothing."""

from __future__ import annotations

import fcntl
import json

import pytest

import pipeline.checkup
import pipeline.cli.doctor
from pipeline.testing.toys import toy_registry

SYNC = ("--executor", "sync")


@pytest.fixture
def tree(cli, tapes, out, monkeypatch):
    monkeypatch.setattr(pipeline.cli.doctor, "discover", toy_registry)
    cli("process", tapes("a.txt", "alpha beta gamma "), "--out", out, *SYNC)
    return out


def found(cli, *words):
    said = cli("doctor", *words, "--json")
    return said.code, {row["check"]: row for row in json.loads(said.out)}


def test_all_is_well(cli, tree):
    code, checks = found(cli, tree)
    assert code == 0, [row for row in checks.values() if not row["good"]]
    assert {"python", "skycrane", "numpy", "numba", "processors", "compiled kernels", "free space", "disk"} <= set(checks)
    assert {"held", "settings", "receipts", "catalog", "files"} <= set(checks)
    assert cli("doctor").out.endswith("nothing is wrong\n")


@pytest.mark.parametrize(
    "harm,check",
    [
        (lambda out: (out / "pages" / "a.page").unlink(), "files"),
        (lambda out: (out / "pages" / "mine.txt").write_text("x"), "strays"),
        (lambda out: (out / ".skycrane" / "running").write_text("{}"), "last run"),
        (lambda out: (out / ".skycrane" / "settings.toml").write_text("x = ["), "settings"),
        (lambda out: (out / ".skycrane" / "receipts" / "000001.jsonl").write_text("nonsense\n"), "receipts"),
        (lambda out: (out / ".skycrane" / "catalog.sqlite").write_bytes(b"nonsense" * 999), "catalog"),
    ],
    ids=["missing", "stray", "killed", "settings", "receipts", "catalog"],
)
def test_each_harm_is_found_with_a_remedy(cli, tree, harm, check):
    harm(tree)
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    code, checks = found(cli, tree)
    assert code == 1
    assert not checks[check]["good"]
    assert checks[check]["remedy"]
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_that_holds_it_is_named_and_not_disturbed(cli, tree):
    (tree / ".skycrane" / "running").write_text("{}")
    with (tree / ".skycrane" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 7 on station")
        lock.flush()
        code, checks = found(cli, tree)
    assert (code, checks["held"]["found"]) == (0, "by process 7 on station")


def test_a_full_disk_and_a_missing_library_are_found(cli, tree, monkeypatch):
    monkeypatch.setattr(pipeline.checkup, "LEAST_FREE", 1 << 62)
    monkeypatch.setattr(pipeline.checkup, "requires", lambda _name: ["no-such-library>=1", "numpy>=99"])
    code, checks = found(cli)
    assert code == 1
    assert {name for name, row in checks.items() if not row["good"]} == {"free space", "no-such-library", "numpy"}
    assert cli("doctor", tree / "nowhere").code == 2
