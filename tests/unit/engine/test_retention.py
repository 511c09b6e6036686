"""keep = final: what is on its way is pruned, stays known, and is made again when something needs it."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import ExitCode
from pipeline.store import Store
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()
FIRST = {"a.part000.txt": "alpha beta ga", "a.part001.txt": "mma boom ", "b.txt": "banana avocado grape? "}
LATE = {"c.txt": "cherry apple ", "a.part002.txt": "bear almond "}


@pytest.fixture
def pair(bench, another):
    """Two folders that get the same: one keeps all, one what is final."""
    kept = another("kept")
    bench.settings.assign(REGISTRY, ["run.keep=final"])

    def arrive(tapes):
        for one in (kept, bench):
            one.run(*[one.tape(name, text) for name, text in tapes.items()])
        return bench, kept

    return arrive


def final(bench):
    return {path: digest for path, digest in bench.tree().items() if path.startswith(("pages", "book"))}


def words(bench):
    return sorted(path.name for path in (bench.out / "words").rglob("*.words"))


def manifest(bench):
    return [line.split("  ")[1] for line in (bench.out / "MANIFEST.sha256").read_text().splitlines()]


def test_copies_of_the_downlink_go_once_what_is_made_from_them_stands(pair):
    pruned, kept = pair(FIRST)
    assert final(pruned) == final(kept)
    assert len(words(kept)) == 3
    assert words(pruned) == []
    assert sorted(manifest(pruned)) == sorted(path for path in pruned.tree() if path != "MANIFEST.sha256")
    assert list((pruned.out / "words").rglob("*.tail")), "what the next chunk needs stays"


def test_parts_of_what_still_lacks_something_stay(pair):
    pruned, _ = pair(FIRST)
    with pruned.open() as run:
        rows = run.catalog.db.execute("SELECT key FROM products WHERE pruned = 0").fetchall()
        packs = run.catalog.packs()
    assert [row["key"] for row in rows] == ["g/a/p000001", "g/b/000000000000000"], "grape? is partial, so all parts of page g stay"
    assert sorted(path.name for path in (pruned.out / ".skycrane" / "packs").iterdir()) == sorted(path.split("/")[-1] for path in packs)


def test_nothing_is_due_for_what_was_pruned(pair):
    pruned, _ = pair(FIRST)
    again = pruned.run(pruned.tapes)
    assert again.summary.idle
    assert again.summary.pruned_products == 0
    assert again.exit_code_seen is ExitCode.GOOD


def test_late_data_make_again_what_they_need_and_end_alike(pair):
    pair(FIRST)
    pruned, kept = pair(LATE)
    assert final(pruned) == final(kept)
    assert words(pruned) == []


def test_other_settings_make_again_what_they_need(pair):
    pruned, kept = pair(FIRST)
    for one in (pruned, kept):
        one.settings.assign(REGISTRY, ["letters.least=6"])
    run = pruned.run()
    kept.run()
    assert run.summary.made["words"] == 3, "the words were pruned, and are needed"
    assert final(pruned) == final(kept)


def test_a_stage_that_is_asked_for_alone_has_what_it_needs_made(pair):
    pruned, _ = pair(FIRST)
    with pruned.open() as run:
        assert run.force("letters", "a/*") == 2
        run.work(stages={"letters"})
    assert run.summary.made == {"words": 2, "letters": 2}
    assert not run.summary.absent


def test_the_last_copy_is_never_pruned(bench):
    bench.run(bench.tape("a.txt", "alpha beta "))
    (bench.tapes / "a.txt").unlink()
    bench.settings.assign(REGISTRY, ["run.keep=final"])
    run = bench.run()
    assert run.summary.pruned_products == 0
    assert len(words(bench)) == 1


def test_an_input_that_went_after_the_pruning_is_asked_for(pair, bench):
    pair(FIRST)
    (bench.tapes / "b.txt").unlink()
    bench.settings.assign(REGISTRY, ["letters.least=6"])
    run = bench.run()
    assert run.exit_code_seen is ExitCode.QUARANTINED
    assert any("b.txt" in missing for _, _, missing in run.summary.absent)
    bench.tape("b.txt", FIRST["b.txt"])
    assert bench.run(bench.tapes).exit_code_seen is ExitCode.GOOD


def test_keeping_all_from_now_on_makes_again_what_was_pruned(pair):
    pruned, kept = pair(FIRST)
    pruned.settings.assign(REGISTRY, ["run.keep=all"])
    pruned.run()
    assert pruned.tree() == kept.tree()


def test_a_dry_run_says_what_must_be_made_again_first(pair, bench):
    pair(FIRST)
    bench.settings.assign(REGISTRY, ["letters.least=6"])
    with bench.open() as run:
        (finding, *_) = run.preview()
    assert finding.reasons[-1] == "1 of its inputs were pruned and are made again for it"


def test_the_journal_alone_tells_what_was_pruned(pair, bench):
    pair(FIRST)
    with bench.open() as run:
        run.compact()
    before = final(bench)
    for path in (bench.out / ".skycrane").glob("catalog.sqlite*"):
        path.unlink()
    assert bench.run(bench.tapes).summary.idle
    assert final(bench) == before
    assert words(bench) == []
    lines = [json.loads(line) for path in Store(bench.out).receipts.iterdir() for line in path.read_text().splitlines()]
    assert any(line["type"] == "prune" for line in lines)
