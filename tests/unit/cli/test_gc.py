"""gc: says what it freed, and changes no product."""

from __future__ import annotations

import json

from pipeline.testing.comparators import tree_digests

SYNC = ("--executor", "sync")


def test_it_says_what_it_freed(cli, tapes, out):
    cli("process", tapes("a.txt", "alpha beta gamma "), "--out", out, *SYNC)
    for least in (9, 1):
        cli("rerun", out, "letters", "--set", f"letters.least={least}", *SYNC)
    tree = tree_digests(out)
    said = json.loads(cli("gc", out, "--json").out)
    assert said["receipts"] > 0
    assert said["total"] == said["packs"] + said["receipts"] + said["catalog"]
    assert tree_digests(out) == tree
    assert cli("verify", out).code == 0
    assert "0 of packs, 0 of receipts" in cli("gc", out).out
