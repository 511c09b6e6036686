"""verify finds what is not as it was written, mends what can be, and says what could not."""

from __future__ import annotations

import json

import pytest

SYNC = ("--executor", "sync")


@pytest.fixture
def tree(cli, tapes, out):
    cli("process", tapes("a.txt", "alpha "), "--out", out, *SYNC)
    assert cli("verify", out).code == 0
    return out


def damaged(out):
    path = next((out / "pages").iterdir())
    path.write_text("rubbish")
    return path


def test_damage_is_named_and_mended(cli, tree):
    path = damaged(tree)
    before = cli("verify", tree)
    assert before.code == 1
    assert f"pages/{path.name}: has " in before.out
    assert cli("verify", tree, "--repair", *SYNC).code == 0
    assert cli("verify", tree).code == 0


def test_what_cannot_be_mended_is_not_called_mended(cli, tree, tapes):
    tapes("a.txt", "alpha ").unlink()
    for path in tree.rglob("*"):
        if (path.is_file() and ".skycrane" not in path.parts) or path.suffix == ".pack":
            path.unlink()
    said = cli("verify", tree, "--repair", *SYNC)
    assert said.code > 0
    assert "could not be done again" in said.out
    assert "1 inputs are missing" in said.out


def test_the_document(cli, tree):
    path = damaged(tree)
    document = json.loads(cli("verify", tree, "--json").out)
    assert [row["path"] for row in document["damaged"]] == [f"pages/{path.name}"]
    assert (document["tasks"], document["done_again"], document["inputs"]) == (1, 0, 0)
