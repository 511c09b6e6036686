"""What holds for any sheet: cells stand once, gaps are what is missing, means stay between extremes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.product import Completeness, Entry, Key
from stages.contact_sheet.area import fit, reduce_area
from stages.contact_sheet.layout import Metrics, leaves
from stages.contact_sheet.pages import frame_number, page_of
from stages.contact_sheet.sequence import slots
from stages.formats.lettering import shorten, width, wrap

FRAMES = st.one_of(st.integers(0, 300).map(lambda n: f"{n:04d}"), st.text("ABC_01", min_size=1, max_size=6).map(lambda t: f"N{t}"))


def entry(frame: str, clock: float | None) -> Entry:
    key = Key([("camera", "C"), ("frame", frame), ("page", "0001")])
    facts = {"height": 48, "width": 64, "clock": clock, "utc": "", "fraction": 1.0}
    return Entry(key=key, digest="", completeness=Completeness(received=1), facts=facts)


@given(st.dictionaries(FRAMES, st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_every_cell_stands_once_and_gaps_are_what_is_missing(frames, random) -> None:
    entries = [entry(frame, clock) for frame, clock in frames.items()]
    line = slots(entries)
    assert sorted(slot.cell for slot in line if slot.cell is not None) == list(range(len(entries)))
    missing = [n for slot in line if slot.gap for n in range(slot.gap.start, slot.gap.stop)]
    present = {n for frame in frames if (n := frame_number(frame)) is not None}
    expected = set(range(min(present), max(present))) - present if present else set()
    assert sorted(missing) == sorted(expected)
    shuffled = random.sample(entries, len(entries))
    names = [entries[slot.cell].key if slot.cell is not None else slot.gap for slot in line]
    assert names == [shuffled[slot.cell].key if slot.cell is not None else slot.gap for slot in slots(shuffled)]


@given(st.integers(1, 200), st.integers(1, 8), st.integers(1, 8))
def test_cells_never_overlap_nor_leave_the_leaf(count: int, columns: int, rows: int) -> None:
    entries = [entry(f"{n:04d}", None) for n in range(count)]
    metrics = Metrics.of(entries, columns=columns, rows=rows)
    seen = 0
    for leaf in leaves(slots(entries), metrics):
        corners = {(spot.x, spot.y) for spot in leaf.spots}
        assert len(corners) == len(leaf.spots) <= columns * rows
        for x, y in corners:
            assert metrics.margin <= x <= leaf.width - metrics.margin - metrics.box[0]
            assert metrics.header <= y <= leaf.height - metrics.footer - metrics.box[1] - metrics.caption
        seen += len(corners)
    assert seen == count


@given(st.integers(0, 10**18 - 1), st.integers(1, 1000))
def test_pages_hold_so_many_numbers_and_no_more(number: int, per_page: int) -> None:
    first = number // per_page * per_page
    assert page_of(str(first), per_page) == page_of(str(number), per_page)
    if first:
        assert page_of(str(first - 1), per_page) != page_of(str(number), per_page)


PICTURES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.sampled_from([1, 3])))


@settings(max_examples=60)
@given(PICTURES, st.integers(1, 24), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_means_lie_between_the_extremes_of_what_is_there(samples: np.ndarray, box: int, share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random(samples.shape[:2]) < share
    shape = fit(samples.shape[0], samples.shape[1], box)
    out, lost = reduce_area(samples, mask, shape, white=255)
    assert out.shape == (*shape, samples.shape[2])
    if mask.all():
        assert lost.all()
        assert not out.any()
    else:
        there = samples[~mask]
        assert out[~lost].min(initial=255) >= there.min()
        assert out[~lost].max(initial=0) <= there.max()
    noise = np.where(mask[..., None], 255 - samples, samples)
    np.testing.assert_array_equal(reduce_area(noise, mask, shape, white=255)[0], out)


@given(st.text(max_size=80), st.sampled_from([9, 15, 26]), st.integers(20, 400))
def test_lines_fit_their_room(text: str, size: int, room: int) -> None:
    assert width(shorten(text, size, room), size) <= max(room, width("…", size))
    lines = wrap(text, size, room, 2)
    assert len(lines) <= 2
