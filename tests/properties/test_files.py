"""However the pieces of a file come, what is there is right and what is not is named."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stage import Group
from stages.files import assemble
from stages.files.assembly import Coverage
from stages.files.m2020_data_products import read_metadata, read_pieces
from stages.products import FilePart, Segment

SETTINGS = settings(max_examples=200)


def part(chunk: int, segments: list[Segment], size: int | None) -> FilePart:
    return FilePart(file="0080-0000000001-00000", pass_="a", chunk=f"{chunk:03}", segments=tuple(segments), size=size)  # noqa: S106 - a pass over a ground station


@SETTINGS
@given(st.data())
def test_any_order_repeats_overlaps_and_spoiled_pieces(data: st.DataObject) -> None:
    content = data.draw(st.binary(min_size=1, max_size=300))
    span = st.tuples(st.integers(0, len(content)), st.integers(0, len(content))).map(sorted)
    good = data.draw(st.lists(span, max_size=12))
    spoiled = data.draw(st.lists(span, max_size=4))
    segments = [Segment(low, content[low:high], True, 8 * low, 1) for low, high in good if low < high]
    segments += [Segment(low, bytes(high - low), False, 0, 1) for low, high in spoiled if low < high]
    segments = data.draw(st.permutations(segments)) if segments else []
    cut = data.draw(st.integers(0, len(segments)))
    size = len(content) if data.draw(st.booleans()) else None
    parts = [part(0, segments[:cut], None), part(1, segments[cut:], size)]
    file = assemble(Group.of(parts))

    there = np.zeros(len(content), bool)
    for low, high in good:
        there[low:high] = True
    end = int(np.flatnonzero(there)[-1]) + 1 if there.any() else 0
    expected = bytes(np.where(there, np.frombuffer(content, np.uint8), 0).astype(np.uint8)[:end])
    assert file.data == expected
    lost = np.zeros(len(content) if size is not None else end, bool)
    for low, high in file.gaps:
        assert low < high
        lost[low:high] = True
    assert lost.tolist() == (~there[: len(lost)]).tolist()
    assert file.overruled == 0
    covered = np.zeros(len(content), int)
    for low, high, _, _, _ in file.sources:
        covered[low:high] += 1
    assert covered.tolist() == there.astype(int).tolist()
    assert file.completeness().received == there.sum()


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=20))
def test_coverage_is_a_set_of_octets(ranges: list[tuple[int, int]]) -> None:
    coverage, octets = Coverage(), set[int]()
    for low, length in ranges:
        new = [place for start, stop in coverage.add(low, low + length) for place in range(start, stop)]
        assert sorted(new) == sorted(set(range(low, low + length)) - octets)
        octets |= set(range(low, low + length))
        assert coverage.covers(low, low + length)
    missing = {place for start, stop in coverage.gaps(120) for place in range(start, stop)}
    assert missing == set(range(120)) - octets


@SETTINGS
@given(st.binary(max_size=200), st.integers(0, 1 << 24))
def test_any_octets_are_read_without_reaching_past_the_file(body: bytes, largest: int) -> None:
    pieces, _ = read_pieces(b"\1" + body, largest)
    assert all(octets and offset + len(octets) <= largest for offset, octets, _ in pieces)
    assert isinstance(read_metadata(body), dict)
