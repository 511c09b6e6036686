"""Markers at any bit phase, inverted, with wrong bits, after slips and dropouts, and in hostile data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from stages.frames.marker import chance, marker_tables, next_marker, read_marker
from stages.frames.sync import extract_frames, find_frames

ASM = bytes.fromhex("1ACFFC1D")
TURBO = [
    bytes.fromhex(marker)
    for marker in (
        "034776C7272895B0",
        "25D5C0CE8990F6C9461BF79C",
        "034776C7272895B0FCB88938D8D76A4F",
        "25D5C0CE8990F6C9461BF79CDA2A3F31766F0936B9E40863",
    )
]
LENGTH = 60
CADU = 8 * (LENGTH + 4)

Bits = NDArray[np.uint8]


def payloads(count: int, length: int = LENGTH, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, length), dtype=np.uint8)


def cadus(frames: NDArray[np.uint8], marker: bytes = ASM) -> list[Bits]:
    """The bits of each CADU."""
    lead = np.frombuffer(marker, np.uint8)
    return [np.unpackbits(np.concatenate([lead, frame])) for frame in frames]


def stream(*pieces: Bits) -> NDArray[np.uint8]:
    return np.packbits(np.concatenate(pieces))


def offsets(data: NDArray[np.uint8], *, marker: bytes = ASM, length: int = LENGTH, errors: int = 2) -> list[int]:
    return find_frames(data, marker=marker, frame_length=length, max_errors=errors)["bit_offset"].tolist()


def flip(bits: Bits, *places: int) -> Bits:
    result = bits.copy()
    result[list(places)] ^= 1
    return result


def noise(count: int, seed: int = 9) -> Bits:
    return np.random.default_rng(seed).integers(0, 2, count, dtype=np.uint8)


def test_the_table_is_as_documented() -> None:
    found = find_frames(stream(*cadus(payloads(2))), marker=ASM, frame_length=LENGTH)
    assert found.dtype == np.dtype([("bit_offset", "<i8"), ("inverted", "?"), ("marker_errors", "u1")])
    assert found.tolist() == [(0, False, 0), (CADU, False, 0)]


@pytest.mark.parametrize("marker", [ASM, *TURBO], ids=len)
@pytest.mark.parametrize("phase", range(8))
def test_every_bit_phase_and_every_standard_marker(marker: bytes, phase: int) -> None:
    frames = payloads(5)
    data = stream(np.zeros(phase, np.uint8), *cadus(frames, marker), np.zeros(8, np.uint8))
    found = find_frames(data, marker=marker, frame_length=LENGTH)
    step = 8 * (LENGTH + len(marker))
    assert found["bit_offset"].tolist() == [phase + step * k for k in range(5)]
    assert (extract_frames(data, found, marker=marker, frame_length=LENGTH) == frames).all()


@pytest.mark.parametrize("octets", range(1, 25))
def test_a_marker_of_any_length(octets: int) -> None:
    marker = np.random.default_rng(octets).integers(0, 256, octets, dtype=np.uint8).tobytes()
    frames = payloads(40, seed=octets)
    data = stream(*cadus(frames, marker))
    found = find_frames(data, marker=marker, frame_length=LENGTH, max_errors=0)
    assert found["bit_offset"].tolist() == [8 * (LENGTH + octets) * k for k in range(40)]


def test_inverted_bits_and_an_inversion_on_the_way() -> None:
    frames = payloads(6)
    pieces = cadus(frames)
    data = stream(np.zeros(3, np.uint8), *pieces[:3], *(1 - piece for piece in pieces[3:]))
    found = find_frames(data, marker=ASM, frame_length=LENGTH)
    assert found["bit_offset"].tolist() == [3 + CADU * k for k in range(6)]
    assert found["inverted"].tolist() == [False] * 3 + [True] * 3
    assert (extract_frames(data, found, marker=ASM, frame_length=LENGTH) == frames).all()


@pytest.mark.parametrize("allowed", [0, 1, 2, 3, 5])
def test_as_many_wrong_bits_as_allowed_and_no_more(allowed: int) -> None:
    pieces = cadus(payloads(9))
    wrong = [0, 1, 2, 3, 4, 5, 6, 0, 0]
    data = stream(*(flip(piece, *range(3, 3 + 4 * count, 4)) for piece, count in zip(pieces, wrong, strict=True)))
    found = find_frames(data, marker=ASM, frame_length=LENGTH, max_errors=allowed)
    assert found["bit_offset"].tolist() == [CADU * k for k, count in enumerate(wrong) if count <= allowed]
    assert found["marker_errors"].tolist() == [count for count in wrong if count <= allowed]


def test_a_single_frame_counts_with_wrong_bits_too() -> None:
    piece = cadus(payloads(1))[0]
    assert offsets(stream(piece)) == [0]
    assert offsets(stream(flip(piece, 1, 30))) == [0]
    assert offsets(stream(1 - flip(piece, 1, 30))) == [0]


def test_only_complete_frames_count() -> None:
    whole = stream(*cadus(payloads(3)))
    assert offsets(whole) == [0, CADU, 2 * CADU]
    assert offsets(whole[:-1]) == [0, CADU]
    assert offsets(whole[: LENGTH + 3]) == []
    assert offsets(np.concatenate([whole, whole[:30]])) == [0, CADU, 2 * CADU]


@pytest.mark.parametrize("inserted", [1, 7, 8, 31, 200, 5 * CADU + 11])
def test_bits_inserted_between_frames(inserted: int) -> None:
    pieces = cadus(payloads(8))
    found = offsets(stream(*pieces[:4], noise(inserted), *pieces[4:]))
    assert found == [CADU * k + (inserted if k >= 4 else 0) for k in range(8)]


@pytest.mark.parametrize("lost", [1, 3, 32])
def test_a_frame_that_lost_a_few_bits_counts_and_so_does_its_successor(lost: int) -> None:
    pieces = cadus(payloads(8))
    found = offsets(stream(*pieces[:3], pieces[3][:-lost], *pieces[4:]))
    assert found == [CADU * k - (lost if k >= 4 else 0) for k in range(8)]


@pytest.mark.parametrize("lost", [33, 100, CADU - 40])
def test_a_frame_that_lost_many_bits_gives_way_to_its_successor(lost: int) -> None:
    pieces = cadus(payloads(8))
    found = offsets(stream(*pieces[:3], pieces[3][:-lost], *pieces[4:]))
    assert found == [CADU * k - (lost if k >= 4 else 0) for k in range(8) if k != 3]


def test_slips_out_of_step_and_back() -> None:
    pieces = cadus(payloads(9))
    found = offsets(stream(*pieces[:3], noise(3), pieces[3], pieces[4][:-3], *pieces[5:]))
    assert found == [CADU * k + (3 if k in {3, 4} else 0) for k in range(9)]


def test_a_dropout_costs_the_frames_in_it_only() -> None:
    pieces = cadus(payloads(12))
    gone = CADU + 77
    data = stream(*pieces[:4], noise(2 * CADU + 13), flip(pieces[4], 2), noise(gone), *pieces[5:])
    start = 4 * CADU + 2 * CADU + 13
    assert offsets(data) == [CADU * k for k in range(4)] + [start] + [start + gone + CADU * k for k in range(1, 8)]


@pytest.mark.parametrize("place", [40, 41, 200, CADU - 40])
def test_a_marker_inside_a_frame_displaces_nothing(place: int) -> None:
    pieces = cadus(payloads(6))
    planted = np.unpackbits(np.frombuffer(ASM, np.uint8))
    for victim in range(6):
        spoiled = [piece.copy() for piece in pieces]
        spoiled[victim][place : place + 32] = planted
        assert offsets(stream(*spoiled)) == [CADU * k for k in range(6)]
    for piece in pieces[:5]:
        piece[place + 8 : place + 40] = 1 - planted
    assert offsets(stream(*pieces)) == [CADU * k for k in range(6)]


def test_a_marker_inside_a_frame_before_a_broken_one_displaces_nothing() -> None:
    pieces = cadus(payloads(8))
    pieces[3][100:132] = np.unpackbits(np.frombuffer(ASM, np.uint8))
    pieces[4] = flip(pieces[4], 0, 5, 9, 13, 17)
    assert offsets(stream(*pieces)) == [CADU * k for k in range(8) if k != 4]


def test_what_looks_like_a_marker_by_chance_is_not_believed_after_a_long_search() -> None:
    data = np.random.default_rng(4).integers(0, 256, 1 << 21, dtype=np.uint8)
    tables = marker_tables(ASM, 2)
    place = next_marker(data, 1 << 20, 8 * data.size - 32, tables)
    assert 0 < read_marker(data, place, tables) % 256 <= 2
    assert offsets(data, length=1275) == []


@pytest.mark.parametrize("errors", [0, 2, 3])
@pytest.mark.parametrize("octets", [1, 2, 3, 4, 5, 8, 24])
def test_the_search_finds_what_every_place_by_itself_says(octets: int, errors: int) -> None:
    marker = np.random.default_rng(3).integers(0, 256, octets, dtype=np.uint8).tobytes()
    lead = np.unpackbits(np.frombuffer(marker, np.uint8))
    rng = np.random.default_rng(octets)
    bits = rng.integers(0, 2, 4096, dtype=np.uint8)
    for start in (0, 517, 1000, 2222, 4096 - lead.size):
        piece = lead.copy()
        piece[rng.choice(lead.size, errors, replace=False)] ^= 1
        bits[start : start + lead.size] = piece if start % 2 else 1 - piece
    windows = np.lib.stride_tricks.sliding_window_view(bits, lead.size)
    wrong = (windows != lead).sum(1)
    expected = np.flatnonzero((wrong <= errors) | (wrong >= lead.size - errors)).tolist()
    tables, data = marker_tables(marker, errors), np.packbits(bits)
    places, stop = [], bits.size - lead.size + 1
    place = next_marker(data, 0, stop, tables)
    while place < stop:
        places.append(place)
        place = next_marker(data, place + 1, stop, tables)
    assert places == expected


def test_chance_is_counted_right() -> None:
    assert chance(32, 0) == 2 / 2**32
    assert chance(32, 2) == 2 * (1 + 32 + 32 * 31 / 2) / 2**32
    assert chance(8, 7) == 1.0


@pytest.mark.parametrize(
    "data",
    [
        np.zeros(0, np.uint8),
        np.zeros(3, np.uint8),
        np.zeros(100_000, np.uint8),
        np.full(100_000, 255, np.uint8),
        np.full(100_000, 0x55, np.uint8),
    ],
    ids=["empty", "shorter than a marker", "zeros", "ones", "alternating"],
)
def test_data_without_markers(data: NDArray[np.uint8]) -> None:
    assert offsets(data) == []


@pytest.mark.parametrize("marker", [bytes(4), b"\xff" * 4, bytes(1), bytes(24), b"\x55\x55\x55"], ids=lambda marker: marker.hex())
@pytest.mark.parametrize("data", [np.zeros(50_000, np.uint8), np.tile(np.uint8([0, 255]).repeat(63), 300)], ids=["zeros", "turns"])
def test_markers_everywhere(marker: bytes, data: NDArray[np.uint8]) -> None:
    found = find_frames(data, marker=marker, frame_length=LENGTH, max_errors=0)
    cadu = 8 * (LENGTH + len(marker))
    assert (np.diff(found["bit_offset"]) >= cadu - 32).all()
    assert len(found) == 0 or found["bit_offset"].max() + cadu <= 8 * data.size
    if not data.any() and len(set(marker)) == 1 and marker[0] in {0, 255}:
        assert found["bit_offset"].tolist() == [cadu * k for k in range(8 * data.size // cadu)]


def test_nothing_but_markers() -> None:
    data = np.frombuffer(ASM * 30_000, np.uint8)
    assert offsets(data, length=60) == [512 * k for k in range(1875)]
    found = offsets(data, length=61)
    assert len(found) > 1500
    assert min(np.diff(found)) >= 8 * 65 - 32


def test_few_candidates_at_a_time_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = cadus(payloads(30))
    broken = [noise(k % 7) if k % 3 else flip(piece, 0, 4, 8) for k, piece in enumerate(pieces)]
    data = stream(*(bits for pair in zip(pieces, broken, strict=True) for bits in pair))
    expected = offsets(data)
    monkeypatch.setattr("stages.frames.sync._CANDIDATES", 2)
    assert offsets(data) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"marker": b""},
        {"marker": bytes(25)},
        {"frame_length": 0},
        {"frame_length": -5},
        {"max_errors": -1},
        {"max_errors": 16},
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ProfileError):
        find_frames(np.zeros(500, np.uint8), **({"marker": ASM, "frame_length": LENGTH} | parameters))


def test_wrong_arrays_and_places_are_refused() -> None:
    for wrong in (np.zeros((2, 50), np.uint8), np.zeros(100, np.int8), bytes(100)):
        with pytest.raises(DataError):
            find_frames(wrong, marker=ASM, frame_length=LENGTH)
    data = stream(*cadus(payloads(2)))
    found = find_frames(data, marker=ASM, frame_length=LENGTH)
    with pytest.raises(DataError):
        extract_frames(data[:-1], found, marker=ASM, frame_length=LENGTH)
    with pytest.raises(ProfileError):
        extract_frames(data, found, marker=ASM, frame_length=-1)


def test_frozen_and_strided_data_are_taken() -> None:
    data = stream(*cadus(payloads(3)))
    frozen = data.copy()
    frozen.flags.writeable = False
    wide = np.repeat(data, 2)
    assert offsets(frozen) == offsets(wide[::2]) == offsets(data)
    assert extract_frames(data, find_frames(data, marker=ASM, frame_length=LENGTH)[:0], marker=ASM, frame_length=LENGTH).shape == (
        0,
        LENGTH,
    )
