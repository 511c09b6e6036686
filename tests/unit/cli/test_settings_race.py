"""Settings are read and written by the one who holds the folder, so that no choice is lost."""

from __future__ import annotations

import pytest

import pipeline.cli.common
from pipeline.store import Store

SYNC = ("--executor", "sync")


def test_a_choice_made_while_another_run_ended_is_kept(cli, tapes, out, monkeypatch):
    tape = tapes("a.txt", "alpha ")
    cli("process", tape, "--out", out, *SYNC)
    hold = Store.hold

    def slow(store):
        """Just before this run holds the folder, another one chooses a setting and ends."""
        monkeypatch.setattr(Store, "hold", hold)
        with pipeline.cli.common.open_run(out, assignments=("letters.least=2",), executor="sync"):
            pass
        hold(store)

    monkeypatch.setattr(Store, "hold", slow)
    cli("process", tape, "--out", out, *SYNC)
    assert "least = 2" in Store(out).settings.read_text()


@pytest.mark.parametrize("wrong", [("--set", "letters.none=1"), ("--set", "rubbish")])
def test_a_wrong_command_begins_no_folder(cli, tapes, out, wrong):
    assert cli("process", tapes("a.txt", "alpha "), "--out", out, *wrong, *SYNC).code in {2, 35}
    assert not out.exists()
