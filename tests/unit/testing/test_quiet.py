"""Progress that nobody watches: notes are kept, and told to whoever wants to hear."""

from __future__ import annotations

from pipeline.testing.quiet import Quiet


def test_notes_are_kept_in_order_and_told() -> None:
    told: list[str] = []
    quiet, loud = Quiet(), Quiet(told.append)
    for one in (quiet, loud):
        one.advance("stage", 1, {"stage": 2})
        one.note("first")
        one.note("second")
    assert quiet.notes == loud.notes == told == ["first", "second"]
