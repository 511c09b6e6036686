"""What was just made is handed on without being read back, and is forgotten in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from pipeline.fresh import EACH, ROOM, Fresh
from pipeline.product import Completeness, Product
from stages.products.sheets import Drawn


@dataclass(frozen=True, kw_only=True)
class Picture(Product):
    KEY: ClassVar[tuple[str, ...]] = ("frame",)

    frame: str
    samples: np.ndarray
    tells: bool = True

    def save(self, sink) -> None:
        raise AssertionError(sink)

    @classmethod
    def load(cls, source):
        raise AssertionError(source)

    def completeness(self) -> Completeness:
        return Completeness(received=self.samples.size)

    def as_saved(self):
        return self if self.tells else None


def picture(frame, size=100, *, tells=True):
    return Picture(frame=frame, samples=np.zeros(size, np.uint8), tells=tells)


def test_a_product_is_found_by_what_it_saved():
    fresh, made = Fresh(1000), picture("1")
    fresh.keep(made, "digest")
    assert fresh.find(Picture, "frame=1", "another") is None
    assert fresh.find(Picture, made.key.text, "digest") is made


def test_what_was_asked_for_makes_room_first_then_the_oldest():
    fresh = Fresh(1000)
    made = [picture(str(n)) for n in range(13)]
    for n in range(10):
        fresh.keep(made[n], "d")
    assert fresh.find(Picture, made[3].key.text, "d") is made[3]
    assert fresh.find(Picture, made[2].key.text, "d") is made[2]
    for n in (10, 11, 12):
        fresh.keep(made[n], "d")
    there = [n for n in range(13) if fresh.find(Picture, made[n].key.text, "d")]
    assert there == [1, 4, 5, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("made", [picture("1", 501), picture("1", tells=False)], ids=["too large", "only reading can tell"])
def test_some_are_not_held_at_all(made):
    fresh = Fresh(1000)
    fresh.keep(made, "d")
    assert fresh.find(Picture, made.key.text, "d") is None


def test_what_says_how_many_bytes_it_holds_counts_as_arrays_do():
    fresh = Fresh(250)
    leaf = Drawn(np.zeros((5, 5, 5), np.uint8))
    small, large = (Picture(frame=name, samples=np.zeros(size, np.uint8), tells=leaf) for name, size in (("1", 0), ("2", 1)))
    assert fresh.keep(small, "d")
    assert not fresh.keep(large, "d")


def test_an_array_that_is_one_octet_counts_as_one():
    fresh = Fresh(250)
    assert fresh.keep(Picture(frame="1", samples=np.broadcast_to(np.uint8(0), (90, 90))), "d")


def test_a_process_with_one_task_at_a_time_holds_little_and_one_with_many_no_more_than_all():
    fresh = Fresh()
    fresh.hold_for(1)
    half, more = EACH // 2, EACH // 2 + 1
    assert not fresh.keep(picture("1", more), "d")
    assert all(fresh.keep(picture(name, half), "d") for name in "123")
    assert [name for name in "123" if fresh.find(Picture, picture(name).key.text, "d")] == ["2", "3"]
    fresh.hold_for(1000)
    for number in range(2 * ROOM // half):
        fresh.keep(picture(str(number), half), "d")
    assert sum(fresh.find(Picture, picture(str(number)).key.text, "d") is not None for number in range(2 * ROOM // half)) == ROOM // half


def test_the_same_product_counts_once():
    fresh = Fresh(250 * 8)
    for n in range(100):
        fresh.keep(picture("1", 240), "d")
        fresh.keep(picture(str(n % 7), 240), "e")
    assert sum(fresh.find(Picture, picture(str(n)).key.text, "e") is not None for n in range(7)) == 7


def test_what_nothing_asks_for_is_forgotten_in_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("pipeline.fresh.time.monotonic", lambda: now[0])
    fresh, asked, old = Fresh(1000), picture("1"), picture("2")
    fresh.keep(asked, "d")
    fresh.keep(old, "d")
    now[0] = 50.0
    assert fresh.find(Picture, asked.key.text, "d") is asked
    now[0] = 70.0
    fresh.keep(picture("3"), "d")
    assert fresh.find(Picture, old.key.text, "d") is None
    assert fresh.find(Picture, asked.key.text, "d") is asked
