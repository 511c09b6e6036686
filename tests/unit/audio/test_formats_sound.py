"""Sound files that others wrote, and files that are none."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.errors import DataError
from stages.formats.sound import container, read_blocks, write_sound

SAMPLES = np.random.default_rng(3).integers(-(2**15), 2**15, (5000, 2)).astype(np.int16)


def test_a_file_of_the_standard_library_is_read_exactly(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(22050)
        file.writeframes(SAMPLES.tobytes())
    blocks = list(read_blocks(path, frames=777))
    assert [len(block) for block in blocks] == [777] * 6 + [338]
    np.testing.assert_array_equal(np.concatenate(blocks) >> 16, SAMPLES)
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(path, start=100, stop=1100))) >> 16, SAMPLES[100:1100])
    assert list(read_blocks(path, start=9000)) == []


def test_sound_in_memory_is_read() -> None:
    stream = io.BytesIO()
    soundfile.write(stream, SAMPLES, 8000, format="FLAC", subtype="PCM_16")
    stream.seek(0)
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(stream))) >> 16, SAMPLES)


@pytest.mark.parametrize("data", [b"", b"fLaC", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"\x00" * 200])
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="not sound"):
        list(read_blocks(io.BytesIO(data), where="EM__0001.wav at byte 0"))


def test_a_torn_file_gives_what_it_has() -> None:
    stream = io.BytesIO()
    soundfile.write(stream, SAMPLES, 8000, format="WAV", subtype="PCM_16")
    torn = io.BytesIO(stream.getvalue()[: len(stream.getvalue()) // 2])
    heard = np.concatenate(list(read_blocks(torn, frames=500))) >> 16
    assert 0 < len(heard) < len(SAMPLES)
    np.testing.assert_array_equal(heard, SAMPLES[: len(heard)])


def test_a_rate_that_no_container_takes_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        write_sound(tmp_path / "x.flac", [], rate=48000, channels=9, bits=24)


@pytest.mark.parametrize(
    "bits,channels,rate,length,suffix",
    [
        (24, 1, 48000, 10**12, ".flac"),
        (24, 1, 0, 10, ".wav"),
        (32, 1, 48000, 2**30 - 2000, ".wav"),
        (32, 1, 48000, 2**30, ".w64"),
        (8, 16, 8000, 2**27, ".w64"),
    ],
)
def test_containers_follow_from_what_they_hold(bits: int, channels: int, rate: int, length: int, suffix: str) -> None:
    assert container(bits=bits, channels=channels, rate=rate, length=length) == suffix


def test_tags_are_written(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    write_sound(path, [SAMPLES.astype(np.int32) << 16], rate=8000, channels=2, bits=16, tags={"title": "Mars", "comment": "a, b"})
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.comment) == ("Mars", "a, b")
