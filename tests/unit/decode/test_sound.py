"""Files become blocks of sound, sample for sample, with what is lost of the file lost of the sound."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.decode import decode
from stages.products import ReceivedFile, SoundBlock
from stages.profile import Names

RATE = 48_000
RNG = np.random.default_rng(9)
TONE = np.sin(np.arange(60_000) * 0.05) * 0.3 * 2**23 + RNG.normal(0, 2e5, 60_000)
SOUND = np.repeat((TONE.astype(np.int32) << 8)[:, np.newaxis], 2, axis=1) * np.array([1, -1], np.int32)
NAMES = Names.from_mapping(
    {
        "rules": [{"pattern": r"(?P<instrument>EM)(?P<seconds>\d+)_(?P<ms>\d+)", "clock": ["seconds", "ms"]}],
        "microphones": {"EM": "EDL"},
    }
)


def encoded(container: str, subtype: str = "PCM_24", samples: NDArray[np.int32] = SOUND) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, RATE, format=container, subtype=subtype)
    return stream.getvalue()


def blocks(data: bytes, *, name: str = "EM100_500.wav", gaps: tuple[tuple[int, int], ...] = (), **fields: Any) -> list[SoundBlock]:
    holed = bytearray(data)
    for start, stop in gaps:
        holed[start:stop] = bytes(min(stop, len(data)) - start)
    values: dict[str, Any] = {"size": len(data), "meta": {"name": name} | fields.pop("meta", {})} | fields
    found = list(decode(ReceivedFile(file="s", data=bytes(holed), gaps=gaps, **values), NAMES))
    assert all(isinstance(block, SoundBlock) for block in found)
    return [block for block in found if isinstance(block, SoundBlock)]


def joined(found: list[SoundBlock]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    return np.concatenate([block.samples for block in found]), np.concatenate([block.mask for block in found])


@pytest.mark.parametrize("container", ["WAV", "FLAC", "AIFF", "RF64", "W64"])
@pytest.mark.parametrize("subtype, bits", [("PCM_24", 24), ("PCM_16", 16)])
def test_whole_files_come_back_exactly(container: str, subtype: str, bits: int) -> None:
    found = blocks(encoded(container, subtype))
    samples, mask = joined(found)
    assert np.array_equal(samples >> (32 - bits), SOUND >> (32 - bits))
    assert not mask.any()
    assert {(block.rate, block.bits, block.microphone, block.source) for block in found} == {(RATE, bits, "EDL", "EM100_500")}
    assert found[0].clock == 100.5


def test_floating_point_is_scaled() -> None:
    stream = io.BytesIO()
    soundfile.write(stream, np.array([0.5, -0.25, 2.0, np.nan]), RATE, format="WAV", subtype="FLOAT")
    (block,) = blocks(stream.getvalue())
    assert block.samples[:, 0].tolist() == [2**30, -(2**29), (2**23 - 1) << 8, 0]


def test_long_files_come_in_blocks_that_know_their_place() -> None:
    samples = np.tile(SOUND[:, :1], (10, 1))
    found = blocks(encoded("WAV", samples=samples), meta={"sample": 7000, "clock": 20.0})
    assert [len(block.samples) for block in found] == [1 << 19, 600_000 - (1 << 19)]
    assert [block.start for block in found] == [7000, 7000 + (1 << 19)]
    assert [block.block for block in found] == ["0000000000007000", f"{7000 + (1 << 19):016d}"]
    assert [block.clock for block in found] == [20.0, 20.0 + (1 << 19) / RATE]
    assert np.array_equal(joined(found)[0], samples)


def test_blocks_of_a_file_that_knows_no_place_are_numbered() -> None:
    found = blocks(encoded("WAV", samples=np.tile(SOUND, (10, 1))), name="x.wav", meta={"sample": -4})
    assert [block.block for block in found] == ["000000", "000001", "000002"]
    assert {(block.start, block.clock, block.microphone) for block in found} == {(None, None, "SOUNDS")}


@pytest.mark.parametrize(
    "container, subtype", [("WAV", "PCM_24"), ("WAV", "PCM_16"), ("RF64", "PCM_24"), ("FLAC", "PCM_24"), ("FLAC", "PCM_16")]
)
def test_samples_that_are_there_are_right_wherever_the_gaps_are(container: str, subtype: str) -> None:
    data = encoded(container, subtype)
    whole, _ = joined(blocks(data))
    for _ in range(25):
        start = int(RNG.integers(200, len(data) - 1))
        gaps: tuple[tuple[int, int], ...] = ((start, min(len(data), start + int(RNG.integers(1, 20_000)))),)
        if start > 90_000:
            gaps = ((40_000, 40_100), *gaps)
        samples, mask = joined(blocks(data, gaps=gaps))
        assert len(samples) == len(whole)
        assert np.array_equal(samples[~mask], whole[~mask])
        lost = sum(stop - start for start, stop in gaps)
        # A FLAC frame is lost with any of its bytes: 4096 samples, here at 5 bytes each.
        assert mask.sum() <= (lost // 4 + 4 if container != "FLAC" else 3 * lost + 3 * 4096 * len(gaps))
        assert mask.any()


def test_pcm_loses_exactly_the_frames_that_a_gap_touches() -> None:
    data = encoded("WAV", "PCM_16")
    start = data.index(b"data") + 8
    _, mask = joined(blocks(data, gaps=((start + 4 * 100 + 3, start + 4 * 105 + 1),)))
    assert np.flatnonzero(mask).tolist() == list(range(100, 106))


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_what_a_cut_file_announces_counts_as_lost(container: str) -> None:
    data = encoded(container)
    for size in (len(data), None):
        part = data[: len(data) // 2]
        gaps = () if size is None else ((len(part), len(data)),)
        samples, mask = joined(blocks(part, gaps=gaps, size=size))
        assert len(samples) == len(SOUND)
        assert np.array_equal(samples[~mask], SOUND[~mask])
        assert 0.4 < mask.mean() < 0.65
    outside, mask = joined(blocks(data[: len(data) // 2]))
    assert len(outside) == len(SOUND)
    assert 0.4 < mask.mean() < 0.65


def test_flac_with_changed_bytes_loses_those_frames_only() -> None:
    data = bytearray(encoded("FLAC"))
    middle = len(data) // 2
    data[middle : middle + 500] = RNG.integers(0, 256, 500, np.uint8).tobytes()
    samples, mask = joined(blocks(bytes(data)))
    assert np.array_equal(samples[~mask], SOUND[~mask])
    assert 0 < mask.sum() <= 2 * 4096


def test_nothing_comes_of_what_is_no_sound_or_too_little_of_it() -> None:
    wav, flac = encoded("WAV"), encoded("FLAC")
    assert blocks(b"") == blocks(b"a text file that someone put here") == []
    assert blocks(wav, gaps=((16, 20),)) == blocks(flac, gaps=((10, 20),)) == []
    assert blocks(flac[:30], size=None) == blocks(wav[:30], size=None) == []
    assert blocks(encoded("AIFF"), gaps=((300, 400),)) == []


@pytest.mark.parametrize("data", [b"fLaC" + bytes(60), b"RIFF\x10\0\0\0WAVE" + bytes(30), b"FORM" + bytes(4) + b"AIFF" + bytes(9)])
def test_a_whole_file_that_is_broken_is_an_error(data: bytes) -> None:
    with pytest.raises(DataError, match="EM100_500"):
        blocks(data)


def test_a_small_file_that_claims_hours_does_not_get_them() -> None:
    wav, flac = bytearray(encoded("WAV")[:4000]), bytearray(encoded("FLAC")[:20_000])
    at = wav.index(b"data") + 4
    wav[at : at + 4] = b"\xf0\xff\xff\xff"
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4
    for data in (bytes(wav), bytes(flac)):
        for size in (None, len(data)):
            assert sum(len(block.mask) for block in blocks(data, size=size)) < 3_000_000
