"""A stretch of a pass that shows nothing by itself, noise or less than a frame, is taken for what the others of its pass are."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pipeline import refusals
from pipeline.arrivals import Admitter

NOISE = b"\xff\xfe\xfd\xfc"
"""No tape: those are text."""

NAMES = {"walk.at0.tape": b"left foot right ", "walk.at16.tape": NOISE, "walk.at20.tape": b"foot stop", "walk.at29.tape": NOISE[:1]}


def put(bench, name, octets):
    path = bench.tapes / name
    path.write_bytes(octets)
    return path


def taken(run):
    return {output.key for output in run.catalog.outputs("Tape")}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
def test_whatever_the_order_every_stretch_is_taken(bench, order, together):
    paths = [put(bench, name, octets) for name, octets in NAMES.items()]
    with bench.open() as run:
        batches = [[paths[number] for number in order]] if together else [[paths[number]] for number in order]
        for batch in batches:
            run.admit(batch)
        assert taken(run) == {f"walk/{offset:015d}" for offset in (0, 16, 20, 29)}
        assert run.summary.refused == []
        assert run.summary.taken == 4
        levels = {output.facts["level"] for output in run.catalog.outputs("Tape")}
        assert levels == {"tape"}


def test_without_a_known_pass_it_is_left_out_with_the_remedy(bench):
    path = put(bench, "walk.at16.tape", NOISE)
    with bench.open() as run:
        run.admit([path])
        run.admit([put(bench, "ride.at0.tape", b"left")])
        assert taken(run) == {f"ride/{0:015d}"}
        ((refused, why, named),) = run.summary.refused
        assert (refused, named) == (str(path), True)
        assert why.endswith("name what it holds: --level, --link, --mission")


@pytest.mark.parametrize(
    "name, octets",
    [
        pytest.param("walk.at16.txt", NOISE, id="another suffix: notes that lie beside the recording"),
        pytest.param("walk.at16.tape", b"", id="empty"),
        pytest.param("noise.tape", NOISE, id="no place in its name"),
    ],
)
def test_what_is_no_stretch_of_the_pass_stays_out(bench, name, octets):
    with bench.open() as run:
        run.admit([put(bench, "walk.at0.tape", b"left foot right ")])
        run.admit([put(bench, name, octets)])
        run.admit([put(bench, "walk.at20.tape", b"foot")])
        assert taken(run) == {f"walk/{offset:015d}" for offset in (0, 20)}
        assert len(run.summary.refused) == 1


def test_what_was_refused_is_looked_at_again_only_when_its_pass_gains_something(bench, monkeypatch):
    """A watch of months meets many files that are nothing: none of them may cost anything for ever."""
    looked = []
    real = Admitter.knows_pass_of
    monkeypatch.setattr(Admitter, "knows_pass_of", lambda self, path: looked.append(path.name) or real(self, path))
    with bench.open() as run:
        run.admit([put(bench, "walk.at16.tape", NOISE), put(bench, "ride.at16.tape", NOISE)])
        for _ in range(3):
            run.admit([])
            run.admit([put(bench, "other.tape", b"left ")])
        assert looked == []
        run.admit([put(bench, "walk.at0.tape", b"left foot right ")])
        assert looked == ["walk.at16.tape"]
        assert [Path(path).name for path, _, _ in run.summary.refused] == ["ride.at16.tape"]
        assert run.summary.refused.total == 1
        run.admit([put(bench, "walk.at20.tape", b"foot")])
        assert looked == ["walk.at16.tape"]


def test_a_refused_stretch_that_is_gone_when_its_pass_comes_is_no_matter(bench):
    with bench.open() as run:
        gone = put(bench, "walk.at16.tape", NOISE)
        run.admit([gone])
        gone.unlink()
        run.admit([put(bench, "walk.at0.tape", b"left foot right ")])
        assert taken(run) == {f"walk/{0:015d}"}
        assert run.summary.refused.total == 1
        run.admit([put(bench, "walk.at16.tape", NOISE), put(bench, "walk.at20.tape", b"foot")])
        assert len(taken(run)) == 3


def test_of_very_many_refused_stretches_the_first_wait(bench, monkeypatch):
    monkeypatch.setattr(refusals, "KEPT", 2)
    with bench.open() as run:
        run.admit([put(bench, f"walk.at{offset}.tape", bytes([255, offset])) for offset in (16, 18, 20)])
        run.admit([put(bench, "walk.at0.tape", b"left foot right ")])
        assert taken(run) == {f"walk/{offset:015d}" for offset in (0, 16, 18)}
        assert run.summary.refused.total == 1
    assert len(bench.run(bench.tapes).summary.refused) == 0, "the next run looks at everything"
