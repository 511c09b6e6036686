"""withdraw: an input taken by mistake goes, stays away under any name, and can come back."""

from __future__ import annotations

import hashlib
import json

from pipeline.testing.comparators import tree_digests

SYNC = ("--executor", "sync")


def test_what_was_withdrawn_is_as_if_it_had_never_come(cli, tapes, out, tmp_path):
    right, wrong = tapes("a.txt", "alpha beta "), tapes("b.txt", "zebra apple ")
    cli("process", right, "--out", tmp_path / "alone", *SYNC)
    cli("process", right, wrong, "--out", out, *SYNC)
    whole = tree_digests(out)
    said = cli("withdraw", out, wrong, *SYNC)
    assert said.code == 0
    assert "--undo" in said.out
    assert tree_digests(out) == tree_digests(tmp_path / "alone")
    back = cli("withdraw", out, wrong, "--undo", *SYNC)
    assert back.code == 0
    assert tree_digests(out) == whole


def test_it_is_not_taken_in_again_under_any_name(cli, tapes, out, tmp_path):
    right, wrong = tapes("a.txt", "alpha beta "), tapes("b.txt", "zebra apple ")
    cli("process", tmp_path / "tapes", "--out", out, *SYNC)
    cli("withdraw", out, wrong, *SYNC)
    tree = tree_digests(out)
    copy = tapes("c.txt", "zebra apple ")
    for inputs in ([tmp_path / "tapes"], [right, wrong, copy]):
        said = cli("process", *inputs, "--out", out, *SYNC)
        assert said.code == 0
        assert "withdrawn and left out" in said.err
        assert tree_digests(out) == tree
    assert "would leave out" in cli("process", tmp_path / "tapes", "--out", out, "--dry-run", *SYNC).out
    (out / ".skycrane" / "catalog.sqlite").unlink()  # what the receipts say is enough
    cli("process", tmp_path / "tapes", "--out", out, *SYNC)
    assert tree_digests(out) == tree


def test_other_bytes_in_its_file_are_another_input(cli, tapes, out):
    wrong = tapes("b.txt", "zebra apple ")
    cli("process", wrong, "--out", out, *SYNC)
    cli("withdraw", out, wrong, *SYNC)
    tapes("b.txt", "zoo ")
    said = cli("process", wrong, "--out", out, *SYNC)
    assert "withdrawn" not in said.err
    assert (out / "pages" / "z.page").exists()


def test_it_is_named_by_digest_and_listed(cli, tapes, out):
    wrong = tapes("b.txt", "zebra apple ")
    digest = hashlib.sha256(wrong.read_bytes()).hexdigest()
    cli("process", wrong, "--out", out, *SYNC)
    said = cli("withdraw", out, digest[:8], "--json", *SYNC)
    assert json.loads(said.out)["sha256"] == digest
    assert [row["sha256"] for row in json.loads(cli("withdraw", out, "--json").out)] == [digest]
    assert str(wrong) in cli("withdraw", out).out


def test_what_is_not_there_is_a_usage_error_with_what_is_near(cli, tapes, out, tmp_path):
    wrong = tapes("b.txt", "zebra apple ")
    cli("process", wrong, "--out", out, *SYNC)
    said = cli("withdraw", out, tmp_path / "b.txt", *SYNC)
    assert (said.code, f"Is it {wrong}?" in said.err) == (2, True)
    assert cli("withdraw", out, wrong, "--undo", *SYNC).code == 2
    cli("withdraw", out, wrong, *SYNC)
    wrong.unlink()
    gone = cli("withdraw", out, wrong, "--undo", *SYNC)
    assert (gone.code, "Put it back" in gone.err) == (2, True)
    assert cli("withdraw", out).out.count("b.txt") == 1
