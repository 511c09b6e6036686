"""--dry-run says what would be done, and why, and changes nothing."""

from __future__ import annotations

import pytest

SYNC = ("--executor", "sync")


def frozen(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and {"logs", "catalog.sqlite"}.isdisjoint(path.parts)}


@pytest.fixture
def tree(cli, tapes, out):
    cli("process", tapes("a.txt", "alpha "), "--out", out, *SYNC)
    return out


def test_a_new_folder_is_not_begun(cli, tapes, out):
    said = cli("process", tapes("a.txt", "alpha "), "--out", out, "--dry-run", *SYNC)
    assert said.out.splitlines()[-1] == "would take in 1 files, and make what follows from them"
    assert not out.exists()


def test_settings_are_tried_and_not_kept(cli, tree, tapes):
    before = frozen(tree)
    said = cli("process", tapes("a.txt", "alpha "), "--out", tree, "--set", "letters.least=2", "--dry-run", *SYNC)
    assert "letters" in said.out
    assert frozen(tree) == before
    assert "nothing due" in cli("process", tapes("a.txt", "alpha "), "--out", tree, *SYNC).out


def test_a_rerun_names_each_item_and_its_reason(cli, tree):
    before = frozen(tree)
    said = cli("rerun", tree, "letters", "--set", "letters.least=2", "--dry-run", *SYNC).out
    assert "would make letters " in said
    assert "letters.least" in said or "setting" in said
    assert "by force" in cli("rerun", tree, "letters", "--force", "--dry-run", *SYNC).out
    assert frozen(tree) == before


def test_a_url_is_not_copied(cli, tree):
    said = cli("process", "memory://bucket/pass", "--out", tree, "--dry-run", *SYNC)
    assert "would copy memory://bucket/pass" in said.out
    assert not tree.with_name(f"{tree.name}-inputs").exists()
