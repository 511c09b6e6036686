"""Published sequences of both randomisers."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError, ProfileError
from stages.frames.randomizer import derandomize, pseudo_noise

# CCSDS 131.0-B section 10; the long one from the vectors of doppler-dsp (reference/link-layer.md section 6).
SHORT = "ff480ec09a0d70bc8e2c93ada7b746ce"
LONG = "1c71b91ba9ba8457b4bc5054bfd055402f49319652982cd6cf986a9fccd54f99"


def test_the_short_sequence() -> None:
    noise = pseudo_noise(255 + 16)
    assert noise[:16].tobytes().hex() == SHORT
    assert noise[249:255].tobytes().hex() == "78c44a66f558"
    assert noise[255:].tobytes().hex() == SHORT


def test_the_long_sequence() -> None:
    noise = pseudo_noise(40_000, "ccsds-131071")
    assert noise[:32].tobytes().hex() == LONG
    bits = np.unpackbits(noise)
    assert bits[:131071].sum() == 65536
    assert (bits[131071:] == bits[: bits.size - 131071]).all()


def test_a_real_header_derandomises() -> None:
    frames = np.frombuffer(bytes.fromhex("98189882 8c8d"), np.uint8)[None].copy()
    assert derandomize(frames) is frames
    assert frames.tobytes().hex() == "675096421680"


@pytest.mark.parametrize("sequence", ["none", "ccsds-255", "ccsds-131071"])
@pytest.mark.parametrize("length", [0, 1, 892, 1275])
def test_twice_is_not_at_all_and_every_frame_starts_anew(sequence: str, length: int) -> None:
    frames = np.random.default_rng(length).integers(0, 256, (3, length), dtype=np.uint8)
    kept = frames.copy()
    derandomize(frames, sequence=sequence)
    assert (frames ^ kept == pseudo_noise(length, sequence)).all()
    derandomize(frames, sequence=sequence)
    assert (frames == kept).all()


def test_a_part_of_a_wider_array_changes_in_place() -> None:
    cadus = np.zeros((2, 20), np.uint8)
    derandomize(cadus[:, 4:])
    assert cadus[:, :4].any() == 0
    assert cadus[1, 4:].tobytes().hex() == SHORT


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ProfileError):
        derandomize(np.zeros((1, 4), np.uint8), sequence="ccsds-17")
    for wrong in (np.zeros(4, np.uint8), np.zeros((1, 4), np.int8), np.frombuffer(bytes(4), np.uint8)[None]):
        with pytest.raises(DataError):
            derandomize(wrong)
