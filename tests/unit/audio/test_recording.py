"""Recordings: exact to the sample, gaps and all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from pipeline.product import FileRef, Source
from pipeline.stage import Group, read_stage
from pipeline.testing.saving import FolderSink, reloaded
from stages import audio as room
from stages.products import Recording, SoundBlock
from stages.profile import Clock, Microphone

RATE = 8000
MICROPHONE = Microphone(name="EDL", title="EDL microphone")
SOUND = (np.random.default_rng(5).integers(-(2**23), 2**23, (6 * RATE, 1)) << 8).astype(np.int32)


def block(number: int, samples: NDArray[np.int32], *, mask: NDArray[np.bool_] | None = None, **fields: Any) -> SoundBlock:
    values: dict[str, Any] = {"file": "f", "rate": RATE, "source": "EM__0001"} | fields
    lost = np.zeros(len(samples), bool) if mask is None else mask
    return SoundBlock(microphone="EDL", block=f"{number:06d}", samples=samples, mask=lost, **values)


def cut(*edges: tuple[int, int], **fields: Any) -> list[SoundBlock]:
    return [block(n, SOUND[start:stop], start=start, **fields) for n, (start, stop) in enumerate(edges)]


def record(blocks: Sequence[SoundBlock], microphone: Microphone = MICROPHONE, **settings: Any) -> Recording:
    return room.audio(Group.of(blocks), microphone, Clock(), **settings)


def played(recording: Recording) -> NDArray[np.int32]:
    return np.concatenate(list(recording.blocks()))


def silenced(*gaps: tuple[int, int], length: int = len(SOUND)) -> NDArray[np.int32]:
    expected = SOUND[:length].copy()
    for start, stop in gaps:
        expected[start:stop] = 0
    return expected


def test_the_stages_have_their_names() -> None:
    specs = [read_stage(function, "audio") for function in (room.audio, room.spectrogram)]
    assert [spec.name for spec in specs] == ["audio", "audio.spectrogram"]
    assert [spec.dimensions for spec in specs] == [("microphone",)] * 2
    assert all(setting.help for spec in specs for setting in spec.settings)


def test_blocks_lie_at_their_samples_and_gaps_are_silence() -> None:
    recording = record(cut((100, 900), (900, 5000), (7000, 20000)))
    assert recording.length == 20000
    assert recording.gaps == ((0, 100), (5000, 7000))
    np.testing.assert_array_equal(played(recording), silenced((0, 100), (5000, 7000), length=20000))
    done = recording.completeness()
    assert (done.received, done.expected, done.unit) == (17900, 20000, "samples")
    assert done.gaps == recording.gaps


def test_lost_samples_of_a_block_are_gaps() -> None:
    mask = np.zeros(4000, bool)
    mask[10:20] = mask[3990:] = True
    recording = record([block(0, SOUND[:4000], start=0, mask=mask), block(1, SOUND[4000:8000], start=4000)])
    assert recording.gaps == ((10, 20), (3990, 4000))
    np.testing.assert_array_equal(played(recording), silenced(*recording.gaps, length=8000))


def test_more_gaps_than_a_catalog_keeps_are_all_found() -> None:
    mask = np.arange(8000) % 4 == 1
    recording = record([block(0, SOUND[:8000], start=0, mask=mask)])
    assert len(recording.gaps) == 2000
    done = recording.completeness()
    assert len(done.gaps) == 1000
    assert "2000 gaps" in done.caveats[0]
    np.testing.assert_array_equal(played(recording)[mask], 0)


def test_a_second_copy_fills_what_the_first_lost() -> None:
    mask = np.zeros(4000, bool)
    mask[1000:3000] = True
    torn = np.where(mask[:, None], 77 << 8, SOUND[:4000])
    recording = record([block(0, torn, start=0, mask=mask), block(0, SOUND[500:2500], start=500, file="g")])
    assert recording.gaps == ((2500, 3000),)
    np.testing.assert_array_equal(played(recording), silenced((2500, 3000), length=4000))
    assert recording.caveats == ()


def test_blocks_that_differ_are_settled_by_key_and_told() -> None:
    other = SOUND[:1000] ^ 256
    recording = record([block(0, SOUND[:1000], start=0, file="a"), block(0, other, start=0, file="b")])
    np.testing.assert_array_equal(played(recording), SOUND[:1000])
    assert recording.caveats == ("1,000 samples came more than once and differ; those of the first block in key order were taken",)


def test_equal_blocks_are_loaded_once() -> None:
    copies = Group.of([block(0, SOUND[:1000], start=0, file=name) for name in "abc"])
    loaded: list[int] = []
    entries = [dataclasses.replace(entry, digest="same") for entry in copies.entries]
    group = Group(entries, lambda i: loaded.append(i) or copies[i])
    recording = room.audio(group, MICROPHONE, Clock())
    np.testing.assert_array_equal(played(recording), SOUND[:1000])
    assert loaded == [0]


def test_blocks_without_a_place_follow_one_another() -> None:
    blocks = [block(n, SOUND[n * 1000 : (n + 1) * 1000], file=f"f{n // 3}") for n in range(6)]
    np.testing.assert_array_equal(played(record(blocks)), SOUND[:6000])
    mixed = [block(0, SOUND[:1000], start=2000), block(1, SOUND[1000:2000]), block(0, SOUND[5000:6000], file="a")]
    recording = record(mixed)
    assert recording.gaps == ((0, 2000),)
    np.testing.assert_array_equal(played(recording)[2000:], np.concatenate([SOUND[:2000], SOUND[5000:6000]]))


def test_times_place_blocks_and_small_jitter_does_not_tear_them() -> None:
    jitter = [0.0, 0.0004, -0.0007, 0.0003]
    blocks = [block(n, SOUND[n * RATE : (n + 1) * RATE], clock=500.0 + n + jitter[n]) for n in range(4)]
    recording = record(blocks)
    assert recording.gaps == ()
    assert recording.clock == 500.0
    np.testing.assert_array_equal(played(recording), SOUND[: 4 * RATE])
    without = record([*blocks[:2], blocks[3]])
    assert without.length == 4 * RATE + round(0.0003 * RATE)
    assert without.gaps == ((2 * RATE, 3 * RATE + round(0.0003 * RATE)),)


def test_the_profile_may_say_when_the_recording_began() -> None:
    microphone = Microphone(name="EDL", start=498.5)
    recording = record([block(0, SOUND[:RATE], clock=499.0)], microphone)
    assert recording.gaps == ((0, RATE // 2),)
    assert recording.clock == 498.5
    early = record([block(0, SOUND[: 2 * RATE], clock=498.0), block(1, SOUND[:RATE], clock=400.0, file="g")], microphone)
    assert early.length == 3 * RATE // 2
    np.testing.assert_array_equal(played(early), SOUND[RATE // 2 : 2 * RATE])
    assert "1 block was left out" in early.caveats[0]


def test_sample_and_time_together_date_the_recording() -> None:
    clock = Clock(correlation=((0.0, 0.0, 1.0),), tdt_minus_utc=0.0)
    blocks = [block(1, SOUND[RATE : 2 * RATE], start=RATE, clock=61.0)]
    recording = room.audio(Group.of(blocks), MICROPHONE, clock)
    assert recording.clock == 60.0
    assert recording.utc == "2000-01-01T12:01:00.000000Z"


@pytest.mark.parametrize("stray", [{"start": 2**62}, {"start": -(2**40)}])
def test_one_wrong_stamp_does_not_stretch_the_recording(stray: dict[str, Any]) -> None:
    blocks = [*cut((0, 4000), (4000, 8000)), block(9, SOUND[:100], **stray)]
    recording = record(blocks)
    assert recording.length == 8000
    np.testing.assert_array_equal(played(recording), SOUND[:8000])
    assert "1 block was left out: did not lie in the 24 hours" in recording.caveats[0]


def test_a_wrong_time_stamp_does_not_move_the_rest() -> None:
    blocks = [block(n, SOUND[n * RATE : (n + 1) * RATE], clock=1e9 + n) for n in range(3)]
    recording = record([block(0, SOUND[:100], clock=0.0, file="a"), *blocks])
    assert recording.length == 3 * RATE
    assert recording.clock == 1e9
    assert recording.gaps == ()


def test_the_form_of_most_blocks_holds() -> None:
    stereo = np.repeat(SOUND[:500], 2, axis=1)
    blocks = [*cut((0, 1000), (1000, 2000)), block(7, SOUND[:500], start=0, rate=44100), block(8, stereo, start=0)]
    recording = record(blocks)
    assert (recording.rate, recording.channels, recording.length) == (RATE, 1, 2000)
    assert recording.caveats == ("2 blocks were left out: did not have the form of the others (8000 Hz, channels: 1)",)
    tie = record([block(0, SOUND[:500], start=0), block(1, SOUND[:500], start=0, rate=44100)])
    assert tie.rate == 44100


@pytest.mark.parametrize("fields", [{"rate": 0}, {"rate": -5}])
def test_blocks_that_cannot_be_sound_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no block holds a sample"):
        record([block(0, SOUND[:10], **fields)])
    with pytest.raises(DataError, match="no block holds a sample"):
        record([block(0, SOUND[:0], start=0)])


def test_a_block_shorter_than_the_catalog_says_is_refused() -> None:
    group = Group.of(cut((0, 1000)))
    entries = [dataclasses.replace(group.entries[0], facts=group.entries[0].facts | {"length": 2000})]
    with pytest.raises(DataError, match="catalog"):
        played(room.audio(Group(entries, group.__getitem__), MICROPHONE, Clock()))


def test_hours_have_bounds() -> None:
    with pytest.raises(ProfileError, match=r"audio\.hours"):
        record(cut((0, 10)), hours=0.0)


def test_only_one_block_is_in_memory_and_only_when_played() -> None:
    blocks = cut(*((n * 100, (n + 1) * 100) for n in range(20)))
    loaded: list[int] = []
    group = Group(Group.of(blocks).entries, lambda i: loaded.append(i) or blocks[i])
    recording = room.audio(group, MICROPHONE, Clock())
    assert loaded == []
    played(recording)
    assert loaded == list(range(20))


def test_flac_holds_every_sample(tmp_path: Path) -> None:
    recording = record(cut((100, 30000), (31000, 48000)))
    again = reloaded(recording, tmp_path)
    info = soundfile.info(tmp_path / "product.flac")
    assert (info.format, info.subtype, info.samplerate, info.frames) == ("FLAC", "PCM_24", RATE, 48000)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "product.flac", dtype="int32", always_2d=True)[0], played(recording))
    np.testing.assert_array_equal(played(again), played(recording))
    assert again.facts() == recording.facts()
    assert again.completeness() == recording.completeness()
    record_ = json.loads((tmp_path / "product.json").read_text())
    assert record_["gaps"] == [[0, 100], [30000, 31000]]
    assert record_["meta"]["sources"] == ["EM__0001"]


def test_equal_recordings_are_equal_bytes(tmp_path: Path) -> None:
    blocks = cut((100, 30000), (31000, 48000))
    record(blocks).save(FolderSink(tmp_path / "a"))
    record(blocks[::-1]).save(FolderSink(tmp_path / "b"))
    for name in ("product.flac", "product.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    "bits,channels,rate,suffix,subtype",
    [
        (12, 1, 100_000, ".flac", "PCM_16"),
        (16, 2, 44_100, ".flac", "PCM_16"),
        (24, 8, 48_000, ".flac", "PCM_24"),
        (32, 1, 48_000, ".wav", "PCM_32"),
        (24, 9, 48_000, ".wav", "PCM_24"),
        (16, 1, 1_000_000, ".wav", "PCM_16"),
    ],
)
def test_each_sound_has_a_container_that_holds_it(tmp_path: Path, bits: int, channels: int, rate: int, suffix: str, subtype: str) -> None:
    samples = np.random.default_rng(1).integers(-(2**31), 2**31, (3000, channels)).astype(np.int32) >> (32 - bits) << (32 - bits)
    recording = record([block(0, samples, start=0, bits=bits, rate=rate)])
    again = reloaded(recording, tmp_path)
    assert soundfile.info(tmp_path / f"product{suffix}").subtype == subtype
    np.testing.assert_array_equal(played(again), samples)


def test_blocks_come_back_from_disk(tmp_path: Path) -> None:
    mask = np.random.default_rng(2).random(1001) < 0.2
    stereo = np.repeat(SOUND[:1001], 2, axis=1)
    one = block(3, stereo, start=77, clock=1.5, mask=mask, bits=16)
    again = reloaded(one, tmp_path)
    np.testing.assert_array_equal(again.samples, one.samples)
    np.testing.assert_array_equal(again.mask, one.mask)
    assert again.facts() == one.facts()
    assert again.completeness() == one.completeness()
    path = tmp_path / "product"
    with pytest.raises(DataError, match="do not have"):
        SoundBlock.load(Source(key=one.key, files={"": FileRef(path=str(path), length=path.stat().st_size - 1)}))
