"""Whatever happens to bits on their way: sound frames are found, wrong symbols are put right or owned up to, chunks make no difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stages.frames import frames, reed_solomon
from stages.frames.crc import crc16
from stages.frames.phase import place_fixed_frames
from stages.frames.randomizer import derandomize
from stages.frames.sync import extract_frames, find_frames
from stages.products import Chunk
from stages.profile import Link

SETTINGS = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
MARKER = bytes.fromhex("1ACFFC1D")
LENGTH = 40
SPACECRAFT = 21

Bits = NDArray[np.uint8]


def transfer_frames(count: int, seed: int) -> NDArray[np.uint8]:
    """AOS frames with counters and check fields."""
    result = np.random.default_rng(seed).integers(0, 256, (count, LENGTH), dtype=np.uint8)
    head = 0x4000 | SPACECRAFT << 6
    result[:, 0], result[:, 1] = head >> 8, head & 255
    result[:, 2:5] = [list((7000 + k).to_bytes(3, "big")) for k in range(count)]
    sums = crc16(result[:, :-2])
    result[:, -2], result[:, -1] = sums >> 8, sums & 255
    return result


# --- Reed-Solomon ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Code:
    interleave: int
    parity: int
    dual_basis: bool
    virtual_fill: int

    @property
    def symbols(self) -> int:
        return 255 - self.virtual_fill

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "interleave": self.interleave,
            "parity": self.parity,
            "dual_basis": self.dual_basis,
            "virtual_fill": self.virtual_fill,
        }


CODES = st.builds(Code, st.integers(1, 8), st.sampled_from([16, 32]), st.booleans(), st.sampled_from([0, 1, 31, 100, 200, 222]))


def spoil(block: NDArray[np.uint8], code: Code, counts: list[int], rng: np.random.Generator) -> NDArray[np.uint8]:
    result = block.copy()
    for codeword, count in enumerate(counts):
        places = rng.choice(code.symbols, min(count, code.symbols), replace=False) * code.interleave + codeword
        result[places] ^= rng.integers(1, 256, len(places), dtype=np.uint8)
    return result


@SETTINGS
@given(CODES, st.data(), st.integers(0, 2**32))
def test_up_to_half_the_parity_is_always_put_right(code: Code, data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sent = rng.integers(0, 256, (1, code.interleave * (code.symbols - code.parity)), dtype=np.uint8)
    counts = data.draw(st.lists(st.integers(0, code.parity // 2), min_size=code.interleave, max_size=code.interleave))
    block = spoil(reed_solomon.encode(sent, **code.arguments)[0], code, counts, rng)
    result, corrected = reed_solomon.decode(block[None], **code.arguments)
    assert (result == sent).all()
    assert corrected.tolist() == [sum(counts)]


@SETTINGS
@given(CODES, st.integers(0, 2**32), st.integers(0, 60))
def test_what_is_said_to_be_corrected_is_a_codeword_as_near_as_said(code: Code, seed: int, extra: int) -> None:
    rng = np.random.default_rng(seed)
    sent = rng.integers(0, 256, (1, code.interleave * (code.symbols - code.parity)), dtype=np.uint8)
    counts = [code.parity // 2 + extra] + [0] * (code.interleave - 1)
    block = spoil(reed_solomon.encode(sent, **code.arguments)[0], code, counts, rng)
    result, corrected = reed_solomon.decode(block[None], **code.arguments)
    if corrected[0] < 0:
        assert (result[0] == block[: sent.size]).all()
    else:
        changed = reed_solomon.encode(result, **code.arguments)[0] != block
        assert changed.sum() == corrected[0]
        assert changed.reshape(code.symbols, code.interleave).sum(0).max() <= code.parity // 2


# --- Markers --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Passage:
    """What happens to one CADU and to the bits behind it."""

    marker_errors: int
    inverted: bool
    inserted: int
    lost: int
    """Bits of its end."""
    gone: bool
    planted: int
    """Bit of the frame from which on it reads as a marker; 0 for none."""


PASSAGES = st.lists(
    st.builds(
        Passage,
        marker_errors=st.sampled_from([0, 0, 0, 1, 2, 2, 5]),
        inverted=st.booleans(),
        inserted=st.sampled_from([0, 0, 0, 0, 0, 1, 5, 8, 100, 700]),
        lost=st.sampled_from([0, 0, 0, 0, 0, 0, 1, 9, 32]),
        gone=st.sampled_from([False, False, False, False, True]),
        planted=st.just(0),
    ),
    min_size=1,
    max_size=25,
)


def on_air(frame: NDArray[np.uint8], passage: Passage, rng: np.random.Generator) -> Bits:
    marker = np.unpackbits(np.frombuffer(MARKER, np.uint8))
    body = np.unpackbits(frame)
    if passage.planted:
        body[passage.planted : passage.planted + 32] = marker
    marker[rng.choice(32, passage.marker_errors, replace=False)] ^= 1
    bits = np.concatenate([marker, body])
    bits = bits[: bits.size - passage.lost] ^ np.uint8(passage.inverted)
    return np.concatenate([bits[: 0 if passage.gone else bits.size], rng.integers(0, 2, passage.inserted, dtype=np.uint8)])


def downlink(rows: NDArray[np.uint8], passages: list[Passage], phase: int, seed: int) -> tuple[NDArray[np.uint8], dict[int, int]]:
    """Make the bits as received, and where each frame that came whole with a marker that can be read begins."""
    rng = np.random.default_rng(seed)
    pieces = [np.zeros(phase, np.uint8)]
    whole: dict[int, int] = {}
    at = phase
    for number, (row, passage) in enumerate(zip(rows, passages, strict=True)):
        if not passage.gone and not passage.lost and passage.marker_errors <= 2:
            whole[at] = number
        pieces.append(on_air(row, passage, rng))
        at += pieces[-1].size
    data = np.packbits(np.concatenate(pieces))
    return data, whole


@SETTINGS
@given(PASSAGES, st.integers(0, 7), st.integers(0, 2**32))
def test_every_whole_frame_is_found_through_slips_dropouts_and_inversions(passages: list[Passage], phase: int, seed: int) -> None:
    sent = transfer_frames(len(passages), seed)
    data, whole = downlink(sent, passages, phase, seed)
    found = find_frames(data, marker=MARKER, frame_length=LENGTH)
    rows = extract_frames(data, found, marker=MARKER, frame_length=LENGTH)
    index = {int(offset): k for k, offset in enumerate(found["bit_offset"])}
    assert set(whole) <= set(index)
    for offset, number in whole.items():
        assert (rows[index[offset]] == sent[number]).all()
        assert found["inverted"][index[offset]] == passages[number].inverted
        assert found["marker_errors"][index[offset]] == passages[number].marker_errors
    assert (np.diff(found["bit_offset"]) >= 8 * (LENGTH + 4) - 32).all()
    assert len(found) == 0 or found["bit_offset"][-1] + 8 * (LENGTH + 4) <= 8 * data.size


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 8 * LENGTH - 32)), min_size=2, max_size=20), st.integers(0, 2**32))
def test_markers_inside_frames_change_nothing(frames_with: list[tuple[int, int]], seed: int) -> None:
    passages = [
        Passage(marker_errors=errors, inverted=False, inserted=0, lost=0, gone=False, planted=place) for errors, place in frames_with
    ]
    data, _ = downlink(transfer_frames(len(passages), seed), passages, 0, seed)
    # At the same place in every frame a planted marker is as regular as the true one: the ends of the data tell them apart.
    found = find_frames(data, marker=MARKER, frame_length=LENGTH)
    assert found["bit_offset"].tolist() == [8 * (LENGTH + 4) * k for k in range(len(passages))]


@SETTINGS
@given(st.binary(max_size=300), st.binary(min_size=1, max_size=24), st.integers(1, 40), st.integers(0, 3))
def test_any_bytes_give_frames_that_can_be_cut_out(data: bytes, marker: bytes, length: int, errors: int) -> None:
    stream = np.frombuffer(data, np.uint8)
    found = find_frames(stream, marker=marker, frame_length=length, max_errors=errors)
    rows = extract_frames(stream, found, marker=b"", frame_length=length + len(marker))
    wanted = np.unpackbits(np.frombuffer(marker, np.uint8))
    for row, mark in zip(rows, found, strict=True):
        assert (np.unpackbits(row[: len(marker)]) != wanted).sum() == mark["marker_errors"] <= errors
    assert (np.diff(found["bit_offset"]) > 0).all()


# --- The stage ------------------------------------------------------------------------------------------------------------------------


def chunks_of(data: NDArray[np.uint8], size: int, margin: int, level: str) -> list[Chunk]:
    return [
        Chunk(
            pass_="p",  # noqa: S106  a key, no password
            chunk=f"{start:012d}",
            data=data[max(0, start - margin) : start + size],
            margin=min(margin, start),
            level=level,
            position=start,
        )
        for start in range(0, data.size, size)
    ]


def received(data: NDArray[np.uint8], size: int, link: Link, level: str) -> tuple[dict[int, bytes], set[int]]:
    """Frames by bit of the pass, and which of them are good; no frame may belong to two chunks."""
    rows: dict[int, bytes] = {}
    good: set[int] = set()
    length = link.cadu_length if level == "bits" else link.frame_length
    for chunk in chunks_of(data, size, 4 * length, level):
        result = frames(chunk, link)
        for row, mark in zip(result.data, result.table, strict=True):
            offset = result.position + int(mark["bit_offset"])
            assert result.position < offset + 8 * length <= result.position + 8 * size
            assert offset not in rows
            rows[offset] = row.tobytes()
            if mark["good"]:
                good.add(offset)
    return rows, good


@SETTINGS
@given(PASSAGES, st.integers(0, 7), st.integers(0, 2**32), st.integers(20, 2000), st.floats(0, 0.02))
def test_chunks_of_any_size_bring_every_whole_frame_once_and_nothing_false(
    passages: list[Passage], phase: int, seed: int, size: int, rate: float
) -> None:
    link = Link.from_mapping({"frame_length": LENGTH, "spacecraft": SPACECRAFT, "reed_solomon": 16, "interleave": 2, "fecf": True})
    sent = transfer_frames(len(passages), seed)
    blocks = reed_solomon.encode(sent, interleave=2, parity=16, virtual_fill=link.virtual_fill)
    rng = np.random.default_rng(seed)
    derandomize(blocks)
    wrong = rng.random(blocks.shape) < rate
    blocks[wrong] ^= rng.integers(1, 256, wrong.sum(), dtype=np.uint8)
    data, whole = downlink(blocks, passages, phase, seed)
    correctable = [max(row[0::2].sum(), row[1::2].sum()) <= 8 for row in wrong]
    rows, good = received(data, size, link, "bits")
    assert set(whole) <= set(rows)
    for offset, number in whole.items():
        if correctable[number]:
            assert offset in good
            assert rows[offset] == sent[number].tobytes()
    known = {row.tobytes() for row in sent}
    assert {rows[offset] for offset in good} <= known


@SETTINGS
@given(
    st.lists(
        st.tuples(st.sampled_from(["whole"] * 6 + ["bad", "cut", "gone"]), st.sampled_from([0, 0, 0, 0, 3, 77])), min_size=1, max_size=25
    ),
    st.integers(0, 2**32),
    st.integers(20, 2000),
    st.integers(0, 90),
)
def test_frames_without_markers_are_found_in_chunks_of_any_size(fates: list[tuple[str, int]], seed: int, size: int, lead: int) -> None:
    link = Link.from_mapping({"frame_length": LENGTH, "spacecraft": SPACECRAFT, "fecf": True})
    rng = np.random.default_rng(seed)
    sent = transfer_frames(len(fates), seed)
    pieces = [rng.integers(0, 256, lead, dtype=np.uint8)]
    whole: dict[int, bytes] = {}
    at = lead
    for row, (fate, junk) in zip(sent, fates, strict=True):
        piece = row.copy()
        if fate == "bad":
            piece[rng.integers(0, LENGTH)] ^= 0x41
        if fate == "whole":
            whole[8 * at] = row.tobytes()
        kept = {"cut": int(rng.integers(0, LENGTH)), "gone": 0}.get(fate, LENGTH)
        pieces += [piece[:kept], rng.integers(0, 256, junk, dtype=np.uint8)]
        at += kept + junk
    rows, good = received(np.concatenate(pieces), size, link, "frames")
    assert good == set(whole)
    assert {offset: rows[offset] for offset in good} == whole


@SETTINGS
@given(st.binary(max_size=400), st.sampled_from(["aos", "tm"]), st.booleans(), st.sampled_from([None, 21]), st.integers(0, 19))
def test_any_bytes_are_cut_into_frames_side_by_side(data: bytes, kind: str, fecf: bool, spacecraft: int | None, first: int) -> None:  # noqa: FBT001  drawn
    link = Link.from_mapping({"frame": kind, "fecf": fecf, "frame_length": 20} | ({"spacecraft": spacecraft} if spacecraft else {}))
    places = place_fixed_frames(np.frombuffer(data, np.uint8), link, first=first)
    assert (np.diff(places) >= 20).all()
    assert len(places) == 0 or (places[0] >= 0 and places[-1] + 20 <= len(data))
    assert len(places) >= (len(data) - first) // 20 - 1
