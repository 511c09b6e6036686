"""What holds for any arrival: the recording is a function of the set of blocks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.stage import Group
from stages import audio as room
from stages.products import Recording, SoundBlock
from stages.profile import Clock, Microphone

LENGTH = 400
TRUTH = (np.random.default_rng(11).integers(-(2**15), 2**15, (LENGTH, 1)) << 16).astype(np.int32)


def block(start: int, length: int, lost: tuple[int, int], name: str, *, placed: bool) -> SoundBlock:
    mask = np.zeros(length, bool)
    mask[lost[0] : lost[1]] = True
    samples = np.where(mask[:, None], 12345 << 8, TRUTH[start : start + length])
    place: dict[str, Any] = {"start": start} if placed else {"clock": 100.0 + start / 1000}
    return SoundBlock(file=name, microphone="M", block=f"{start:06d}", samples=samples, mask=mask, rate=1000, bits=16, **place)


BLOCKS = st.lists(
    st.tuples(st.integers(0, LENGTH - 1), st.integers(1, 90), st.integers(0, 90), st.integers(0, 30), st.sampled_from("ab"), st.booleans()),
    min_size=1,
    max_size=12,
    unique_by=lambda row: (row[0], row[4]),
)


def record(blocks: list[SoundBlock]) -> tuple[Recording, NDArray[np.int32]]:
    recording = room.audio(Group.of(blocks), Microphone(name="M", start=100.0), Clock())
    return recording, np.concatenate(list(recording.blocks()))


@settings(max_examples=150)
@given(BLOCKS, st.randoms(use_true_random=False))
def test_the_recording_is_the_truth_wherever_a_sample_came(rows, random) -> None:
    # Files of their own: a block placed by its time must not join one that a few samples separate from it.
    blocks = [
        block(start, min(length, LENGTH - start), (at, at + size), f"{name}{number}", placed=placed)
        for number, (start, length, at, size, name, placed) in enumerate(rows)
    ]
    came = np.zeros(max(one.start or 0 for one in blocks) + LENGTH + 100, bool)
    end = 0
    for one in blocks:
        start = one.start if one.start is not None else round((one.clock - 100.0) * 1000)
        came[start : start + len(one.mask)] |= ~one.mask
        end = max(end, start + len(one.mask))
    recording, samples = record(blocks)
    assert recording.length == len(samples) == end
    np.testing.assert_array_equal(samples, np.where(came[:end, None], TRUTH[:end], 0))
    lost = np.ones(end, bool)
    lost[:] = False
    for start, stop in recording.gaps:
        assert not lost[start:stop].any()
        lost[start:stop] = True
    np.testing.assert_array_equal(lost, ~came[:end])
    again, heard = record(random.sample(blocks, len(blocks)))
    np.testing.assert_array_equal(heard, samples)
    assert again.facts() == recording.facts()
    assert again.gaps == recording.gaps


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(-(2**70), 2**70), st.integers(0, 50), st.integers(-1, 3), st.integers(0, 2)), min_size=1, max_size=8),
    st.floats(0.001, 1),
)
def test_hostile_blocks_never_make_a_recording_longer_than_allowed(rows: list[tuple[int, int, int, int]], hours: float) -> None:
    blocks = [
        SoundBlock(
            file=f"f{number}",
            microphone="M",
            block="0",
            samples=np.zeros((length, channels), np.int32),
            mask=np.zeros(length, bool),
            rate=rate,
            start=start,
        )
        for number, (start, length, rate, channels) in enumerate(rows)
    ]
    try:
        recording = room.audio(Group.of(blocks), Microphone(name="M"), Clock(), hours=hours)
    except DataError:
        sound = [one for one in blocks if one.rate > 0 and one.samples.size]
        forms = Counter((one.rate, one.samples.shape[1]) for one in sound)
        chosen = max(forms, key=lambda form: (forms[form], form), default=None)
        assert all((one.start or 0) + len(one.mask) <= 0 for one in sound if (one.rate, one.samples.shape[1]) == chosen)
    else:
        assert 0 < recording.length <= max(1, hours * 3600 * recording.rate)
