"""What the operator says of files and folders holds for every command that takes files in."""

from __future__ import annotations

import pytest

from pipeline.cli import common
from pipeline.registry import discover

SYNC = ("--executor", "sync")


@pytest.mark.parametrize("command", [("process",), ("watch", "--once", "--settle", "0")])
def test_a_level_of_any_stage_is_taken(cli, tapes, out, command):
    folder = tapes("a.txt", "alpha ").parent
    assert cli(*command, folder, "--out", out, "--level", "tape", *SYNC).code == 0


@pytest.mark.parametrize("command", ["process", "watch", "listen"])
def test_a_level_that_no_stage_reads_is_refused_before_anything_is_done(cli, tapes, out, command):
    said = cli(command, tapes("a.txt", "alpha ").parent, "--out", out, "--level", "bits", *SYNC)
    assert said.code == 2
    assert "there is no level 'bits'. Levels are tape" in said.err
    assert not out.exists()


def test_the_levels_of_the_stages_are_known():
    """A label beside a picture has a level of its own, which a list by hand did not have."""
    assert discover().levels == ["bits", "frames", "label", "media", "packets"]
    assert common.complete_level(None, None, "f") == ["frames"]


def test_the_help_asks_no_stage(cli, monkeypatch):
    monkeypatch.setattr(common, "discover", lambda: pytest.fail("stages take a third of a second to find"))
    assert "--level LEVEL" in cli("process", "--help").out


def test_a_folder_that_cannot_be_made_is_a_slip_of_the_operators(cli, tapes):
    tape = tapes("a.txt", "alpha ")
    said = cli("process", tape, "--out", tape / "below" / "out", *SYNC)
    assert said.code == 2
    assert "cannot be made: Not a directory. Name a folder whose parent is one" in said.err


def test_a_recording_that_is_gone_is_named(cli, tapes, out):
    gone = tapes("a.part000.txt", "alpha be")
    cli("process", gone, tapes("a.part001.txt", "ta gamma "), "--out", out, *SYNC)
    gone.unlink()
    said = cli("rerun", out, "words", "--force", *SYNC)
    assert said.code == 20
    assert f"{gone} is gone or has changed: 2 tasks wait for it\n" in said.err
