"""How many tasks go together."""

from __future__ import annotations

import pytest

from pipeline.pace import LARGEST_BATCH, Pace


@pytest.mark.parametrize(
    "each,together,enough",
    [(0.1, 5, 1), (0.0125, 40, 8), (0.03, 16, 4), (2.0, 1, 1), (0.0, LARGEST_BATCH, LARGEST_BATCH)],
)
def test_a_batch_takes_half_a_second_and_is_not_made_of_less_than_a_tenth(each, together, enough):
    pace = Pace()
    pace.took("a", each)
    assert (pace.together("a", []), pace.enough("a")) == (together, enough)


def test_what_follows_counts_in_the_length_of_a_batch():
    pace = Pace()
    pace.took("a", 0.05)
    pace.took("behind", 0.2)
    assert pace.together("a", ["behind"]) == 2


def test_of_what_is_not_known_yet_one_is_tried():
    pace = Pace()
    assert (pace.of("a"), pace.is_short("a"), pace.enough("a"), pace.together("a", [])) == (None, False, 1, 1)


def test_the_last_tasks_count_most_and_what_is_long_does_not_follow():
    pace = Pace()
    pace.took("a", 0.4)
    assert pace.is_short("a")
    pace.took("a", 0.8)
    assert pace.of("a") == pytest.approx(0.6)
    assert not pace.is_short("a")
