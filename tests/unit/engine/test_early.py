"""Files that stand for themselves are worked on while others are still taken in."""

from __future__ import annotations

import json
import threading

import imageio.v3 as imageio
import numpy as np
import pytest

from pipeline import drive
from pipeline.drive import Run
from pipeline.errors import InterruptedRunError
from pipeline.executors import SyncExecutor
from pipeline.mission import load_profile
from pipeline.registry import discover
from pipeline.settings import Settings
from pipeline.store import Store
from pipeline.testing.quiet import Quiet

COUNT = 8
PATIENCE = 30.0


class Two(SyncExecutor):
    """Works as if there were two threads, when it is asked for what has ended."""

    threads = 2


class Story:
    """Hears what happens; lets the run go on after a first input only when there is an executor."""

    def __init__(self):
        self.heard, self.made, self.run = [], threading.Event(), None
        self.stop_after = COUNT + 1

    def executor(self):
        self.made.set()
        return Two()

    def hear(self, event, _facts):
        self.heard.append(event)
        if event == "input taken":
            assert self.made.wait(PATIENCE)
            self.run.stop = self.heard.count("input taken") >= self.stop_after

    def close(self):
        pass


@pytest.fixture
def story(tmp_path, monkeypatch):
    monkeypatch.setattr(drive, "ADVANCE_SECONDS", 0.0)
    (tmp_path / "frames").mkdir()
    for number in range(COUNT):
        imageio.imwrite(tmp_path / "frames" / f"EDL_DDC_{number:04d}.png", np.full((16, 16), number, np.uint8))
    return Story()


def opened(story, folder):
    profile, settings = load_profile("generic"), Settings(mission="generic")
    run = Run(
        Store(folder / "out").create(), discover(), profile, settings,
        executor=story.executor, progress=Quiet(print), listeners=[story],
    )  # fmt: skip
    story.run = run
    return run


def test_what_may_begin_early_stands_for_itself():
    assert discover().at_once == {"decode", "decode.labels", "sequence.survey"}


def test_work_begins_before_all_files_are_taken_in(story, tmp_path):
    with opened(story, tmp_path) as run:
        run.admit([tmp_path / "frames"], stages={"decode", "debayer"})
        early = dict(run.summary.made)
        run.work(stages={"decode"})
        assert run.summary.made["decode"] == COUNT
    assert set(early) == {"decode"}
    taken = [place for place, event in enumerate(story.heard) if event == "input taken"]
    assert story.heard.index("batch done") < taken[-1]


def test_nothing_begins_early_unless_asked(story, tmp_path):
    with opened(story, tmp_path) as run:
        run.admit([tmp_path / "frames"])
        assert not run.summary.made


@pytest.mark.parametrize("folder", ["frames", "zlabels"])
def test_what_a_label_may_speak_of_waits_for_it(story, tmp_path, folder):
    """Else it would be decoded twice."""
    story.stop_after = 2 * COUNT + 1
    (tmp_path / folder).mkdir(exist_ok=True)
    for number in range(COUNT):
        told = {"start_time": f"2021-02-18T20:41:0{number}"}
        (tmp_path / folder / f"EDL_DDC_{number:04d}.png.json").write_text(json.dumps(told))
    with opened(story, tmp_path) as run:
        run.admit([tmp_path], stages={"decode", "decode.labels", "decode.describe"})
        assert "decode" not in run.summary.made
        run.work(stages={"decode", "decode.labels", "decode.describe"})
        assert run.summary.made["decode"] == run.summary.made["decode.describe"] == COUNT


def test_one_note_beside_many_frames_keeps_them_from_nothing(story, tmp_path):
    (tmp_path / "frames" / "readme.txt").write_text("frames of a landing")
    with opened(story, tmp_path) as run:
        run.admit([tmp_path / "frames"], stages={"decode"})
        assert run.summary.made["decode"]


def test_a_stop_meanwhile_finishes_what_runs(story, tmp_path):
    story.stop_after = COUNT - 2
    with pytest.raises(InterruptedRunError), opened(story, tmp_path) as run:
        run.admit([tmp_path / "frames"], stages={"decode"})
    assert run.summary.taken == COUNT - 2
    made = run.summary.made["decode"]
    assert made > 0
    with opened(Story(), tmp_path) as again:
        assert len(list(again.catalog.outputs("Mosaic"))) == made
        again.stop = False
        again.work(stages={"decode"})
        assert again.summary.made["decode"] == COUNT - 2 - made
