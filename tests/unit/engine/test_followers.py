"""What reads one product and nothing else is done where that was made, and becomes the same as if it had waited for its turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from pipeline.dispatch import Dispatcher
from pipeline.errors import DataError
from pipeline.fresh import FRESH
from pipeline.limit import Overrun
from pipeline.perform import perform
from pipeline.product import Completeness, Key
from pipeline.receipt import FileRecord, Output
from pipeline.registry import build, discover
from pipeline.settings import Settings
from pipeline.stage import read_stage, stage
from pipeline.testing.comparators import tree_digests
from pipeline.testing.toys import Ink, Letter, Tape, Words, _Text, letters, page, toy_registry, words
from pipeline.work import Batch, Follower, Work, loadable

COUNT = 12


def followers(registry):
    return {stage: [spec.name for spec in specs] for stage, specs in registry.followers.items() if specs}


def test_who_follows_whom():
    expected = {"packets": {"files", "telemetry"}, "debayer": {"contact_sheet.cells"}, "decode": {"sequence.survey"}}
    found = followers(discover())
    assert {stage: set(found[stage]) for stage in expected} == expected
    # One that is made from a whole set, that has another key than what it reads, or that reads something else too follows nothing.
    behind = {name for names in found.values() for name in names}
    assert not behind & {"contact_sheet", "contact_sheet.book", "decode", "debayer", "sequence", "report", "packets"}


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


def a_tape(folder, specs, name):
    """Give the work of cutting a tape into words."""
    path = folder / f"{name}.txt"
    path.write_text("one two ")
    record = FileRecord(suffix="", path=str(path), size=8, sha256="")
    output = Output(kind="Tape", key=f"{name}/0", digest="", completeness=Completeness(received=8), facts={}, files=(record,))
    tape, tail = specs["words"].inputs
    inputs = ((tape, (loadable(Tape, output, folder),)), (tail, ()))
    return Work(key=Key([("pass", name), ("chunk", "0")]), inputs=inputs, sections={}, settings={}, digest="")


def test_what_nobody_else_loads_is_let_go(tmp_path, monkeypatch):
    """Memory is for what is asked for again: a picture whose cell is made never is."""
    monkeypatch.setattr(Words, "as_saved", lambda self: self)
    specs = toy_registry().stages
    letters = Follower(spec=specs["letters"], sections={}, section_digests={}, settings=dict.fromkeys(("least",), 1), known={})

    def work(name, *, read_by_others):
        return replace(a_tape(tmp_path, specs, name), followers=(letters,), read_by_others=read_by_others)

    all_work = (work("a", read_by_others=False), work("b", read_by_others=True), work("c", read_by_others=False))
    batch = Batch(name="batch", spec=specs["words"], work=all_work, staging=str(tmp_path / "staged"))
    outcomes = perform(batch)
    held = []
    for outcome in outcomes:
        assert not outcome.followed["letters", outcome.outputs[0].key].failed
        held += [output.key for output in outcome.outputs if FRESH.find(Words, output.key, output.digest)]
    assert held == ["b/0"]


# --- what follows from each of many products ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Initial(_Text):
    """A letter of a chunk, written in its ink."""

    KEY: ClassVar[tuple[str, ...]] = ("letter", "pass", "chunk")
    PACKED: ClassVar[bool] = True
    letter: str
    pass_: str
    chunk: str


@stage(version=1)
def initials(letter: Letter, ink: Ink, *, loud: bool = False) -> Initial:
    """Write a letter."""
    if any("?" in word for word in letter.items):
        raise DataError("who knows")
    text = f"{letter.letter} in {ink.colour}"
    return Initial(letter=letter.letter, pass_=letter.pass_, chunk=letter.chunk, items=(text.upper() if loud else text,))


def write(bench, texts, **tables):
    """Cut the texts into letters and initials; return the run's summary, and the digest of each initial."""
    bench.registry = build(read_stage(function, function.__name__) for function in (words, letters, page, initials))
    assert followers(bench.registry) == {"words": ["letters"], "letters": ["initials"]}
    bench.tables = {"ink": tables}
    for number, text in enumerate(texts):
        bench.tape(f"t{number:02d}.txt", text)
    with bench.open() as run:
        run.admit([bench.tapes])
        # What follows itself is not followed: so words are cut first, and letters have turns of their own.
        run.work(stages={"words"})
        run.work()
        assert not run.catalog.tasks.dirty()
        rows = run.catalog.db.execute("SELECT key, digest FROM products WHERE kind = 'Initial'").fetchall()
    return run.summary, {row["key"]: row["digest"] for row in rows}


def key_of(letter, number):
    return f"{letter}/t{number:02d}/000000000000000"


MANY = [f"apple{number} berry{number} cherry{number} " for number in range(COUNT)]
ALL = {key_of(letter, number) for letter in "abc" for number in range(COUNT)}


def test_each_of_many_products_is_followed_with_the_sections_of_its_key(bench, tmp_path, monkeypatch, taken):
    summary, made = write(bench, MANY, b={"colour": "blue"})
    assert summary.made["initials"] == 3 * COUNT
    assert made.keys() == ALL
    assert {stage for stage, _ in taken} == {"initials"}
    assert len(taken) >= 3 * COUNT // 2
    with_followers = made, tree_digests(bench.out)
    monkeypatch.setattr(Dispatcher, "_followers", lambda *_: iter(()))
    bench.out = tmp_path / "alone"
    _, alone = write(bench, MANY, b={"colour": "blue"})
    assert (alone, tree_digests(bench.out)) == with_followers


def test_what_has_a_section_that_was_not_seen_yet_waits_for_its_turn(bench, taken):
    _, made = write(bench, [*MANY, "dates "])
    assert made.keys() == ALL | {key_of("d", COUNT)}
    assert ("initials", key_of("c", COUNT - 1)) in taken
    assert ("initials", key_of("d", COUNT)) not in taken


def test_of_many_only_those_follow_for_which_there_is_time(bench, monkeypatch, taken):
    monkeypatch.setattr("pipeline.perform.FOLLOWED_SECONDS", -1.0)
    summary, made = write(bench, MANY)
    assert made.keys() == ALL
    assert summary.made["initials"] == 3 * COUNT
    assert not taken


def test_no_more_tables_are_remembered_than_a_profile_has(bench, monkeypatch, taken):
    """Names of cameras come from outside."""
    monkeypatch.setattr("pipeline.dispatch.MOST_TABLES", 2)
    _, made = write(bench, MANY)
    assert made.keys() == ALL
    assert {key.partition("/")[0] for _, key in taken} == {"a", "b"}


def test_one_of_many_that_fails_is_put_aside_itself(bench, taken):
    bad = key_of("b", COUNT - 1)
    summary, made = write(bench, [*MANY[:-1], "apple berry? cherry "])
    assert [(stage, key) for stage, key, _ in summary.quarantined] == [("initials", bad)]
    assert ("initials", bad) in taken
    assert made.keys() == ALL - {bad}


def test_settings_for_some_leave_what_follows_to_its_turn(bench, tmp_path, taken):
    bench.settings = Settings(mission="toy", only=[{"stage": "initials", "items": "b/*", "loud": True}])
    _, made = write(bench, MANY)
    assert not taken
    bench.settings, bench.out = Settings(mission="toy"), tmp_path / "quiet"
    _, quiet = write(bench, MANY)
    assert {key for key in ALL if made[key] != quiet[key]} == {key for key in ALL if key.startswith("b/")}


def test_nothing_follows_from_those_of_many_that_are_made_again_as_they_were(bench, taken):
    write(bench, MANY)
    taken.clear()
    with bench.open() as run:
        assert run.force("letters", "*") == COUNT
        run.work()
    assert run.summary.made == {"letters": COUNT}
    assert not taken


def test_what_is_given_up_between_two_tasks_is_laid_to_the_one_that_comes_next(tmp_path, monkeypatch):
    """The clock of a task runs from the end of the one before: what has not begun by then is what took too long."""
    specs = toy_registry().stages
    overrun = Overrun(limit=1.0, computing=0.0)

    def first_only(steps, _limit, *, close):
        taken = [next(iter(steps))()]
        close()
        return taken, overrun

    monkeypatch.setattr("pipeline.perform.in_time", first_only)
    work = tuple(a_tape(tmp_path, specs, name) for name in "ab")
    good, late = perform(Batch(name="batch", spec=specs["words"], work=work, staging=str(tmp_path / "staged"), limit=1.0))
    assert not good.given_up
    assert late.overrun == overrun
