"""What reads one product and nothing else is done where that was made, and becomes the same as if it had waited for its turn."""

from __future__ import annotations

import pytest

from pipeline.dispatch import Dispatcher
from pipeline.fresh import FRESH
from pipeline.perform import perform
from pipeline.product import Completeness, Key
from pipeline.receipt import FileRecord, Output
from pipeline.registry import discover
from pipeline.settings import Settings
from pipeline.testing.comparators import tree_digests
from pipeline.testing.toys import Tape, Words, toy_registry
from pipeline.work import Batch, Follower, Work, loadable

COUNT = 12


def followers(registry):
    return {stage: [spec.name for spec in specs] for stage, specs in registry.followers.items() if specs}


def test_who_follows_whom():
    expected = {"packets": {"files", "telemetry"}, "debayer": {"contact_sheet.cells"}}
    found = followers(discover())
    assert {stage: set(found[stage]) for stage in expected} == expected
    # One that is made from a whole set, that has a key of its own, or that reads something else too follows nothing.
    behind = {name for names in found.values() for name in names}
    assert not behind & {"contact_sheet", "contact_sheet.book", "decode", "debayer", "sequence", "sequence.survey", "report", "packets"}


@pytest.fixture
def taken(monkeypatch):
    """Collects what followed at once, and was taken in."""
    found = []

    def noting(self, work, outcome):
        for task, made in followed(self, work, outcome):
            found.append((task.spec.name, task.key.text))
            yield task, made

    followed = Dispatcher.followed
    monkeypatch.setattr(Dispatcher, "followed", noting)
    return found


class Story:
    def __init__(self):
        self.batches = []

    def hear(self, event, facts):
        if event == "batch done":
            self.batches.append((facts["stage"], facts["tasks"]))

    def close(self):
        pass


def go(bench, texts):
    for number, text in enumerate(texts):
        bench.tape(f"t{number:02d}.txt", text)
    story = Story()
    with bench.open() as run:
        run.summary.listeners = (story,)
        run.admit([bench.tapes])
        run.work()
    return run, story


def test_the_tree_is_the_same(bench, tmp_path, monkeypatch, taken):
    texts = [f"word{number} apple{number % 3} " for number in range(COUNT)]
    run, story = go(bench, texts)
    assert run.summary.made["letters"] == COUNT
    # The first ones show how long they take; from then on each batch brings what follows.
    last = max(place for place, batch in enumerate(story.batches) if batch[0] == "words")
    count = story.batches[last][1]
    assert count > 1
    assert story.batches[last + 1] == ("letters", count)
    # Of what had to be read again, since a toy's product does not stay in memory.
    assert len(taken) >= COUNT // 2
    assert {stage for stage, _ in taken} == {"letters"}
    with_followers = tree_digests(bench.out)
    monkeypatch.setattr(Dispatcher, "_followers", lambda *_: iter(()))
    bench.out = tmp_path / "alone"
    run, _ = go(bench, texts)
    assert run.summary.made["letters"] == COUNT
    assert tree_digests(bench.out) == with_followers


def test_what_was_made_is_handed_on_from_memory(bench, monkeypatch, taken):
    monkeypatch.setattr(Words, "as_saved", lambda self: self)
    monkeypatch.setattr(Words, "load", None)
    run, _ = go(bench, [f"word{number} " for number in range(COUNT)])
    assert not run.summary.quarantined
    assert len(taken) >= COUNT // 2


def test_what_fails_is_put_aside_itself(bench, taken):
    run, _ = go(bench, [f"word{number} {'ah! ' if number == 7 else ''}" for number in range(COUNT)])
    assert [(stage, key) for stage, key, _ in run.summary.quarantined] == [("letters", "t07/000000000000000")]
    assert ("letters", "t07/000000000000000") in taken
    assert run.summary.made["words"] == COUNT
    assert run.summary.made["letters"] == COUNT - 1


def test_what_takes_too_long_is_put_aside_itself(bench, taken):
    bench.settings = Settings(mission="toy", stages={"run": {"time_limit": 0.4}})
    run, _ = go(bench, [f"word{number} {'and& ' if number == 7 else ''}" for number in range(COUNT)])
    ((stage, key, message),) = run.summary.quarantined
    assert (stage, key) == ("letters", "t07/000000000000000")
    assert "0.4" in message
    assert ("letters", "t07/000000000000000") not in taken
    assert len(taken) >= COUNT // 2
    assert run.summary.made["words"] == COUNT
    assert run.summary.made["letters"] == COUNT - 1


def test_nothing_follows_what_is_made_again_as_it_was(bench):
    go(bench, [f"word{number} " for number in range(COUNT)])
    story = Story()
    with bench.open() as run:
        run.summary.listeners = (story,)
        assert run.force("words", "*") == COUNT
        run.work()
    assert {stage for stage, _ in story.batches} == {"words"}


@pytest.mark.parametrize("stages", [{"words"}, {"words", "letters"}])
def test_only_what_was_asked_for_follows(bench, stages):
    for number in range(COUNT):
        bench.tape(f"t{number:02d}.txt", f"word{number} ")
    with bench.open() as run:
        run.admit([bench.tapes])
        run.work(stages=stages)
    assert set(run.summary.made) == stages


def test_what_nobody_else_loads_is_let_go(tmp_path, monkeypatch):
    """Memory is for what is asked for again: a picture whose cell is made never is."""
    monkeypatch.setattr(Words, "as_saved", lambda self: self)
    specs = toy_registry().stages
    letters = Follower(spec=specs["letters"], sections={}, section_digests={}, settings=dict.fromkeys(("least",), 1), known="")

    def work(name, *, read_by_others):
        path = tmp_path / f"{name}.txt"
        path.write_text("one two ")
        record = FileRecord(suffix="", path=str(path), size=8, sha256="")
        output = Output(kind="Tape", key=f"{name}/0", digest="", completeness=Completeness(received=8), facts={}, files=(record,))
        tape, tail = specs["words"].inputs
        return Work(
            key=Key([("pass", name), ("chunk", "0")]), inputs=((tape, (loadable(Tape, output, tmp_path),)), (tail, ())),
            sections={}, settings={}, digest="", followers=(letters,), read_by_others=read_by_others,
        )  # fmt: skip

    all_work = (work("a", read_by_others=False), work("b", read_by_others=True), work("c", read_by_others=False))
    batch = Batch(name="batch", spec=specs["words"], work=all_work, staging=str(tmp_path / "staged"))
    outcomes = perform(batch)
    held = []
    for outcome in outcomes:
        assert not outcome.followed["letters"].failed
        held += [output.key for output in outcome.outputs if FRESH.find(Words, output.key, output.digest)]
    assert held == ["b/0"]
