"""Frames without markers, where octets are missing or too many."""

from __future__ import annotations

import binascii
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stages.frames.crc import crc16
from stages.frames.phase import place_fixed_frames
from stages.profile import Link

LENGTH = 50


def link(**table: Any) -> Link:
    return Link.from_mapping({"frame": "aos", "spacecraft": 77, "frame_length": LENGTH, "fecf": True} | table)


def frames_of(count: int, kind: Link, *, channels: int = 1, seed: int = 3) -> NDArray[np.uint8]:
    """Frames with counters, on so many virtual channels in turn, and with a check field if the link has one."""
    frames = np.random.default_rng(seed).integers(0, 256, (count, kind.frame_length), dtype=np.uint8)
    number = np.arange(count) + 250
    spacecraft = 77 if kind.spacecraft is None else kind.spacecraft
    head = (0x4000 | spacecraft << 6 if kind.frame == "aos" else spacecraft << 4) + (np.arange(count) % channels) * (
        1 if kind.frame == "aos" else 2
    )
    frames[:, 0], frames[:, 1] = head >> 8, head & 255
    if kind.frame == "aos":
        own = number // channels
        frames[:, 2], frames[:, 3], frames[:, 4] = own >> 16, own >> 8 & 255, own & 255
    else:
        frames[:, 2], frames[:, 3] = number & 255, number // channels & 255
    if kind.fecf:
        frames[:, -2:] = 0
        sums = crc16(frames[:, :-2])
        frames[:, -2], frames[:, -1] = sums >> 8, sums & 255
    return frames


def junk(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(8).integers(0, 256, count, dtype=np.uint8)


KINDS = [
    link(),
    link(frame="tm"),
    link(fecf=False),
    link(frame="tm", fecf=False),
    link(spacecraft=None, fecf=False),
    link(spacecraft=None),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_frames_side_by_side(kind: Link, channels: int) -> None:
    data = frames_of(20, kind, channels=channels).ravel()
    assert place_fixed_frames(data, kind).tolist() == [LENGTH * k for k in range(20)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lead", [1, 49, 50, 51, 260])
def test_octets_in_front_that_are_no_frame(kind: Link, lead: int) -> None:
    data = np.concatenate([junk(lead), frames_of(20, kind).ravel()])
    expected = [lead % LENGTH + LENGTH * k for k in range(20 + lead // LENGTH)]
    assert place_fixed_frames(data, kind).tolist() == expected
    assert place_fixed_frames(data, kind, first=lead % LENGTH).tolist() == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [-49, -7, -1, 1, 20, 49, 120])
def test_octets_missing_or_too_many_on_the_way(kind: Link, change: int) -> None:
    whole = frames_of(24, kind).ravel()
    at = 10 * LENGTH + 30
    data = np.concatenate([whole[:at], junk(max(change, 0)), whole[at - min(change, 0) :]])
    places = place_fixed_frames(data, kind).tolist()
    sound = [LENGTH * k for k in range(10)]
    moved = [LENGTH * k + change for k in range(12, 24)]
    assert set(sound) | set(moved) <= set(places)
    assert min(np.diff(places)) >= LENGTH


@pytest.mark.parametrize("kind", KINDS)
def test_bad_frames_keep_their_places(kind: Link) -> None:
    frames = frames_of(16, kind)
    frames[[0, 1, 5, 9, 10, 11, 15]] = junk(7 * LENGTH).reshape(7, LENGTH)
    assert place_fixed_frames(frames.ravel(), kind).tolist() == [LENGTH * k for k in range(16)]


def test_a_chance_proof_gives_way_to_one_that_the_next_frame_confirms() -> None:
    kind = link()
    frames = frames_of(8, kind)
    gap = junk(2 * LENGTH + 9)
    start = 2 * LENGTH + gap.size
    data = np.concatenate([frames[:2].ravel(), gap, frames[2:].ravel()])
    # A frame that reaches ten octets into the first one behind the gap: what it holds in front of them makes its sum come right.
    chance = data[start + 10 - LENGTH : start + 10].copy()
    chance[:2] = frames[0, :2]
    for trial in range(1 << 18):
        chance[10], chance[11], chance[12] = trial >> 16, trial >> 8 & 255, trial & 255
        if binascii.crc_hqx(chance.tobytes(), 0xFFFF) == 0:
            break
    data[start + 10 - LENGTH : start + 10] = chance
    assert crc16(chance[None]).tolist() == [0]
    places = place_fixed_frames(data, kind).tolist()
    assert places == [0, LENGTH, 2 * LENGTH, 3 * LENGTH] + [start + LENGTH * k for k in range(6)]


def test_fill_that_repeats_is_no_proof_without_a_check_field() -> None:
    kind = link(spacecraft=None, fecf=False)
    frames = frames_of(30, kind)
    frames[:, 6:] = 0x55
    data = np.concatenate([frames.ravel()[:315], frames.ravel()[322:]])
    places = place_fixed_frames(data, kind).tolist()
    assert places == [LENGTH * k for k in range(6)] + [LENGTH * k - 7 for k in range(7, 30)]


@pytest.mark.parametrize("kind", KINDS)
def test_data_without_frames_are_cut_where_they_are_said_to_begin(kind: Link) -> None:
    for data in (np.zeros(0, np.uint8), np.full(49, 3, np.uint8), np.full(333, 255, np.uint8)):
        count = max(0, (data.size - 4) // LENGTH)
        assert place_fixed_frames(data, kind, first=4).tolist() == [4 + LENGTH * k for k in range(count)]


def test_a_file_of_other_frames_is_cut_all_the_same() -> None:
    data = frames_of(10, link(spacecraft=12)).ravel()
    assert place_fixed_frames(data, link()).tolist() == [LENGTH * k for k in range(10)]


def test_real_frames_with_octets_lost_and_found(real: Path) -> None:
    kind = Link.from_mapping({"frame": "aos", "spacecraft": 168, "frame_length": 1115, "fecf": True})
    data = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8)
    assert place_fixed_frames(data, kind).tolist() == list(range(0, data.size, 1115))
    worn = np.concatenate([data[100:50_000], data[50_007:300_000], junk(300), data[300_000:]])
    places = place_fixed_frames(worn, kind)
    good = crc16(np.stack([worn[place : place + 1115] for place in places])) == 0
    assert good.sum() == 946 - 3
    assert len(places) == 948
