"""What the operator says of files and folders holds for every command that takes files in."""

from __future__ import annotations

import pytest

SYNC = ("--executor", "sync")


@pytest.mark.parametrize("command", [("process",), ("watch", "--once", "--settle", "0")])
def test_a_level_is_taken_at_its_word(cli, tapes, out, command):
    folder = tapes("a.txt", "alpha ").parent
    said = cli(*command, folder, "--out", out, "--level", "bits", *SYNC)
    assert said.code == 2
    assert "there is no level 'bits'. Levels are tape" in said.err


@pytest.mark.parametrize("command", ["process", "watch", "listen"])
def test_a_level_that_no_mission_has_is_refused(cli, tapes, out, command):
    said = cli(command, tapes("a.txt", "alpha ").parent, "--out", out, "--level", "symbols", *SYNC)
    assert said.code == 2
    assert "'symbols' is not one of 'bits', 'frames', 'packets', 'media'" in said.err


def test_a_folder_that_cannot_be_made_is_a_slip_of_the_operators(cli, tapes):
    tape = tapes("a.txt", "alpha ")
    said = cli("process", tape, "--out", tape / "below" / "out", *SYNC)
    assert said.code == 2
    assert "cannot be made: Not a directory. Name a folder whose parent is one" in said.err
