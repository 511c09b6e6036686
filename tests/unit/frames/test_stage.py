"""The stage: real captures whole and in chunks, what is good, what is skipped."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from pipeline.stage import read_stage
from stages.frames import frames, reed_solomon
from stages.frames.crc import crc16
from stages.frames.randomizer import derandomize
from stages.products import Chunk, Frames
from stages.profile import Link

NPP = {"frame": "aos", "spacecraft": 157, "frame_length": 892, "fecf": False, "reed_solomon": 32, "interleave": 4}
M2020 = {"frame": "aos", "spacecraft": 168, "frame_length": 1115, "fecf": True}
SMALL = {"frame": "aos", "spacecraft": 33, "frame_length": 60, "fecf": True, "reed_solomon": 16, "interleave": 2}


def link(table: dict[str, Any]) -> Link:
    return Link.from_mapping(table)


def chunk_of(data: NDArray[np.uint8], **fields: Any) -> Chunk:
    return Chunk(**({"pass_": "p", "chunk": "0", "data": data} | fields))


def chunks_of(data: NDArray[np.uint8], size: int, margin: int, level: str) -> list[Chunk]:
    """Cut a pass as the engine does."""
    return [
        chunk_of(
            data[max(0, start - margin) : start + size],
            chunk=f"{start:012d}",
            margin=min(margin, start),
            level=level,
            position=start,
        )
        for start in range(0, data.size, size)
    ]


def together(parts: list[Frames]) -> tuple[NDArray[np.uint8], NDArray[Any], int]:
    """What the chunks of a pass give as one: frames, table with offsets in the pass, bits skipped."""
    tables = [part.table.copy() for part in parts]
    for part, table in zip(parts, tables, strict=True):
        table["bit_offset"] += part.position
    return np.concatenate([part.data for part in parts]), np.concatenate(tables), sum(part.skipped for part in parts)


def sent_frames(count: int) -> NDArray[np.uint8]:
    result = np.random.default_rng(6).integers(0, 256, (count, 60), dtype=np.uint8)
    head = 0x4000 | 33 << 6
    result[:, 0], result[:, 1] = head >> 8, head & 255
    sums = crc16(result[:, :-2])
    result[:, -2], result[:, -1] = sums >> 8, sums & 255
    return result


def small_cadus(sent: NDArray[np.uint8]) -> NDArray[np.uint8]:
    blocks = reed_solomon.encode(sent, interleave=2, parity=16, virtual_fill=239 - 30)
    derandomize(blocks)
    marker = np.frombuffer(bytes.fromhex("1ACFFC1D"), np.uint8)
    return np.hstack([np.tile(marker, (len(sent), 1)), blocks])


def test_the_signature_is_a_stage() -> None:
    spec = read_stage(frames, "frames")
    assert (spec.name, spec.dimensions, spec.outputs) == ("frames", ("pass", "chunk"), (Frames,))
    assert [name for name, _ in spec.sections] == ["link"]
    assert typing.get_type_hints(frames)["return"] is Frames


def test_real_perseverance_frames(real: Path) -> None:
    data = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8)
    result = frames(chunk_of(data, level="frames"), link(M2020))
    assert result.data.tobytes() == data.tobytes()
    assert np.flatnonzero(~result.table["good"]).tolist() == [927, 928, 929, 949]
    assert result.skipped == 0
    assert result.completeness().received == 946


def test_real_stereo_frames(real: Path) -> None:
    data = np.fromfile(real / "link" / "stereo_a_tm_frames_2022-09-24.u8", np.uint8)
    table = {"frame": "tm", "spacecraft": 234, "frame_length": 1115, "fecf": True}
    result = frames(chunk_of(data, level="frames"), link(table))
    assert result.table["good"].tolist() == [True] * 94


def test_real_suomi_npp_cadus(real: Path) -> None:
    data = np.fromfile(real / "link" / "suomi_npp_cadus.dat", np.uint8)
    result = frames(chunk_of(data), link(NPP))
    assert result.table["bit_offset"].tolist() == [8192 * k for k in range(65)]
    assert result.table["good"].all()
    assert not result.table["corrected"].any()
    assert result.data[0, :2].tobytes().hex() == "6750"


@pytest.mark.parametrize("phase", [0, 3])
@pytest.mark.parametrize("size", [500, 1024, 5000, 40_000])
def test_chunks_of_a_real_pass_give_what_the_whole_gives(real: Path, size: int, phase: int) -> None:
    bits = np.unpackbits(np.fromfile(real / "link" / "suomi_npp_cadus.dat", np.uint8))
    data = np.packbits(np.concatenate([np.ones(phase, np.uint8), bits]))
    whole = frames(chunk_of(data), link(NPP))
    parts = [frames(chunk, link(NPP)) for chunk in chunks_of(data, size, 4 * 1024, "bits")]
    rows, table, skipped = together(parts)
    assert (rows == whole.data).all()
    assert (table == whole.table).all()
    assert skipped == whole.skipped == phase


@pytest.mark.parametrize("size", [700, 1115, 4000, 100_000])
def test_chunks_of_real_frames_give_what_the_whole_gives(real: Path, size: int) -> None:
    data = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8)[880 * 1115 :]
    whole = frames(chunk_of(data, level="frames"), link(M2020))
    rows, table, skipped = together([frames(chunk, link(M2020)) for chunk in chunks_of(data, size, 4 * 1115, "frames")])
    assert (rows == whole.data).all()
    assert (table == whole.table).all()
    assert skipped == 0


def test_numbered_chunks_each_begin_with_a_frame(real: Path) -> None:
    data = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8)
    chunk = chunk_of(data[5 * 1115 : 50 * 1115], margin=3 * 1115, level="frames", position=None)
    result = frames(chunk, link(M2020))
    assert result.table["bit_offset"].tolist() == [8 * 1115 * k for k in range(42)]
    assert result.position == 0


@pytest.mark.parametrize("lead", [1, 600, 1115, 3000])
def test_a_recording_that_begins_with_something_else(real: Path, lead: int) -> None:
    data = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8)[: 40 * 1115]
    data = np.concatenate([np.arange(lead).astype(np.uint8), data])
    parts = [frames(chunk, link(M2020)) for chunk in chunks_of(data, 9000, 4 * 1115, "frames")]
    _, table, skipped = together(parts)
    assert table["good"].sum() == 40
    assert table["bit_offset"][table["good"]].tolist() == [8 * (lead + 1115 * k) for k in range(40)]
    assert skipped == 8 * (lead % 1115)


def test_wrong_symbols_are_corrected_and_counted() -> None:
    sent = sent_frames(12)
    cadus = small_cadus(sent)
    rng = np.random.default_rng(1)
    for row, count in enumerate([0, 1, 3, 8, 8, 0, 2, 5, 30, 0, 0, 1]):
        places = rng.choice(46, count, replace=False)
        cadus[row, 4 + 2 * places + row % 2] ^= rng.integers(1, 256, count, dtype=np.uint8)
    result = frames(chunk_of(cadus.ravel()), link(SMALL))
    assert result.table["corrected"].tolist() == [0, 1, 3, 8, 8, 0, 2, 5, -1, 0, 0, 1]
    assert np.flatnonzero(~result.table["good"]).tolist() == [8]
    assert (result.data[result.table["good"]] == np.delete(sent, 8, 0)).all()
    assert result.facts()["corrected_symbols"] == 28


def test_inverted_bits_with_a_slip_that_the_code_makes_good() -> None:
    sent = sent_frames(9)
    bits = 1 - np.unpackbits(small_cadus(sent), axis=1)
    data = np.packbits(np.concatenate([np.ones(5, np.uint8), *bits[:4], bits[4][:-11], *bits[5:]]))
    result = frames(chunk_of(data), link(SMALL))
    assert result.table["inverted"].all()
    assert result.table["good"].all()
    assert (result.data == sent).all()
    assert result.table["corrected"].tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0]
    assert result.skipped == 5


def test_a_cut_frame_is_not_good_where_nothing_vouches_for_it() -> None:
    table = SMALL | {"fecf": False, "reed_solomon": 0, "randomizer": "none"}
    marker = np.frombuffer(bytes.fromhex("1ACFFC1D"), np.uint8)
    bits = np.unpackbits(np.hstack([np.tile(marker, (6, 1)), sent_frames(6)]), axis=1)
    data = np.packbits(np.concatenate([*bits[:2], bits[2][:-3], *bits[3:]]))
    result = frames(chunk_of(data), link(table))
    assert result.table["good"].tolist() == [True, True, False, True, True, True]


@pytest.mark.parametrize(
    "change",
    [{"spacecraft": 34}, {"frame": "tm", "spacecraft": 33}, {"spacecraft": None, "frame": "tm"}],
    ids=["spacecraft", "version and spacecraft", "version"],
)
def test_frames_of_another_link_are_kept_and_not_good(change: dict[str, Any]) -> None:
    result = frames(chunk_of(small_cadus(sent_frames(5)).ravel()), link(SMALL | change))
    assert result.table["good"].tolist() == [False] * 5
    assert not result.table["corrected"].any()


def test_a_wrong_check_field_is_not_good_even_where_the_code_is_clean() -> None:
    sent = sent_frames(4)
    sent[2, 30] ^= 1
    result = frames(chunk_of(small_cadus(sent).ravel()), link(SMALL))
    assert result.table["good"].tolist() == [True, True, False, True]
    assert (result.table["corrected"] == 0).all()


def test_skipped_bits_are_counted_once_over_all_chunks() -> None:
    cadus = small_cadus(sent_frames(30))
    rng = np.random.default_rng(2)
    gaps = [0, 7, 0, 100, 0, 0, 333, 0, 0, 0]
    pieces = [rng.integers(0, 256, 50, dtype=np.uint8)]
    for k in range(30):
        pieces += [cadus[k], rng.integers(0, 256, gaps[k % 10], dtype=np.uint8)]
    data = np.concatenate(pieces)
    expected = 8 * (50 + 3 * sum(gaps))
    for size in (97, 600, 5000, data.size):
        parts = [frames(chunk, link(SMALL)) for chunk in chunks_of(data, size, 4 * 96, "bits")]
        _, table, skipped = together(parts)
        assert table["good"].sum() == 30
        assert skipped == expected


@pytest.mark.parametrize("level", ["bits", "frames"])
@pytest.mark.parametrize("size", [0, 1, 59, 100])
def test_chunks_without_a_frame(level: str, size: int) -> None:
    result = frames(chunk_of(np.full(size, 170, np.uint8), level=level), link(SMALL | {"frame_length": 200}))
    assert result.data.shape == (0, 200)
    assert len(result.table) == 0
    assert result.facts()["bad"] == 0


def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(DataError, match="p/0"):
        frames(chunk_of(np.zeros(9, np.uint8), level="packets"), link(SMALL))
    with pytest.raises(ProfileError):
        frames(chunk_of(np.zeros(9, np.uint8)), link(SMALL | {"marker": ""}))
