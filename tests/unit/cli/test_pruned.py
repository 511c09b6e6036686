"""What was pruned on purpose: status, verify, explain and gc say so."""

from __future__ import annotations

import json

import pytest

from pipeline.testing.comparators import tree_digests

SYNC = ("--executor", "sync")


@pytest.fixture
def tree(cli, tapes, out):
    said = cli("process", tapes("a.txt", "alpha beta "), "--out", out, "--keep", "final", *SYNC)
    assert "pruned 3 intermediate products" in said.err
    return out


def test_status_counts_it_and_forecasts_without_it(cli, tree):
    disk = json.loads(cli("status", tree, "--json").out)["disk"]
    assert disk["keep"] == "final"
    assert disk["pruned"]["products"] == 3
    assert disk["pruned"]["bytes"] > 0
    assert disk["intermediate"] == 0
    assert "words" not in disk["rooms"] or disk["rooms"]["words"] < disk["pruned"]["bytes"]
    assert "3 products pruned" in " ".join(cli("status", tree).out.split())


def test_the_forecast_of_one_that_keeps_all_tells_what_would_go(cli, tapes, out):
    cli("process", tapes("a.txt", "alpha beta "), "--out", out, *SYNC)
    before = json.loads(cli("status", out, "--json").out)["disk"]
    assert before["intermediate"] > 0
    cli("gc", out, "--keep", "final")
    after = json.loads(cli("status", out, "--json").out)["disk"]
    assert after["pruned"]["bytes"] == before["intermediate"]
    assert after["bytes"] < before["bytes"]
    assert after["ratio"] < before["ratio"]


def test_verify_misses_nothing(cli, tree):
    said = cli("verify", tree)
    assert said.code == 0
    assert "3 intermediate products were pruned on purpose" in said.out
    assert json.loads(cli("verify", tree, "--json").out)["pruned"] == 3


def test_explain_says_it(cli, tree):
    said = cli("explain", tree, "Words a/000000000000000").out
    assert "was in words/a/" in said
    assert "was pruned, as --keep final says" in said
    assert "Letter a/a/000000000000000" in cli("explain", tree, "pages/a.page").out


def test_nothing_is_due_and_it_stays_chosen(cli, tree, tapes):
    before = tree_digests(tree)
    said = cli("process", tapes("a.txt", "alpha beta "), "--out", tree, *SYNC)
    assert said.code == 0
    assert "nothing due" in said.out
    assert tree_digests(tree) == before
    assert 'keep = "final"' in (tree / ".skycrane" / "settings.toml").read_text()


def test_doctor_finds_nothing_missing(cli, tree):
    rows = {row["check"]: row for row in json.loads(cli("doctor", tree, "--json").out)}
    assert rows["files"]["good"]
