"""Published check sums, the standard library and real frames against our CRC-16."""

from __future__ import annotations

import binascii
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DataError
from stages.frames import crc
from stages.frames.crc import crc16


@pytest.mark.parametrize(
    "message,expected",
    [
        (b"123456789", 0x29B1),
        (b"", 0xFFFF),
        (bytes(2), 0x1D0F),
        (bytes(3), 0xCC9C),
        (bytes.fromhex("ABCDEF01"), 0x04A2),
        (bytes.fromhex("1456F89A0001"), 0x7FD5),
        (bytes.fromhex("06000CF0000400558873C900000521"), 0x75FB),
        (bytes.fromhex("0192FE0011825A"), 0x0EA3),
    ],
)
def test_published_sums(message: bytes, expected: int) -> None:
    assert crc16(np.frombuffer(message, np.uint8)[None]).tolist() == [expected]


@pytest.fixture(params=["as this processor can", "portable"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "portable":
        monkeypatch.setattr(crc, "has_vectors", lambda: False)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 16, 63, 64, 65, 71, 72, 127, 128, 129, 191, 192, 223, 1115, 2048])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 9])
def test_every_row_equals_the_standard_library(count: int, length: int) -> None:
    frames = np.random.default_rng(length).integers(0, 256, (count, length), dtype=np.uint8)
    sums = crc16(frames)
    assert sums.dtype == np.uint16
    assert sums.tolist() == [binascii.crc_hqx(frame.tobytes(), 0xFFFF) for frame in frames]


def test_a_frame_with_its_own_sum_leaves_nothing() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (5, 100), dtype=np.uint8)
    sums = crc16(frames)
    whole = np.hstack([frames, (sums >> 8).astype(np.uint8)[:, None], sums.astype(np.uint8)[:, None]])
    assert (crc16(whole) == 0).all()


def test_any_layout_is_taken() -> None:
    frames = np.random.default_rng(2).integers(0, 256, (6, 64), dtype=np.uint8)
    expected = crc16(frames[:, 1::3].copy())
    assert (crc16(frames[:, 1::3]) == expected).all()
    assert (crc16(np.asfortranarray(frames)) == crc16(frames)).all()
    assert (crc16(frames[::-1]) == crc16(frames)[::-1]).all()


def test_real_perseverance_frames(real: Path) -> None:
    frames = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8).reshape(950, 1115)
    assert np.flatnonzero(crc16(frames)).tolist() == [927, 928, 929, 949]


@pytest.mark.parametrize("wrong", [np.zeros(9, np.uint8), np.zeros((1, 9), np.uint16), b"123456789"])
def test_other_arrays_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(DataError):
        crc16(wrong)
