"""Published vectors, two other implementations and a real downlink against our Reed-Solomon code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import galois
import numpy as np
import pytest
import reedsolo
from numpy.typing import NDArray

from pipeline.errors import DataError, ProfileError
from stages.frames import reed_solomon
from stages.frames.galois_field import TO_CONVENTIONAL, TO_DUAL, generator
from stages.frames.randomizer import derandomize, pseudo_noise

# reedsolo, doppler-dsp and reed-solomon-ccsds agree on these (reference/link-layer.md section 6).
VECTORS = [
    (bytes(range(223)), 32, False, "2fbd4fb4748494b9acd554627212eeb3ebed41191de1d36320ea49290b25abcf"),
    (bytes(range(223)), 32, True, "4ffb92dd557ec67f27fb8982cf58f8fd028ad117fcef6b2793d0418826578651"),
    (bytes(222) + b"\1", 32, False, "5b7f56101e0deb61a5082a3656ab207120ab56362a08a561eb0d1e10567f5b01"),
    (bytes(222) + b"\1", 32, True, "660827f283411b8b28e61fad2759c879c85927ad1fe6288b1b4183f227086601"),
    (bytes(range(239)), 16, False, "2aa9a33235aefe260e3c55be8f495000"),
    (bytes(range(239)), 16, True, "9755133f2714a3fbe0101e8f0e0ac1d2"),
]
CODES = [(32, True), (32, False), (16, True), (16, False)]


def row(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8)[None]


def damaged(block: NDArray[np.uint8], counts: list[int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Spoil so many symbols of each of the interleaved codewords."""
    result = block.copy()
    interleave = len(counts)
    for codeword, count in enumerate(counts):
        places = rng.choice(block.size // interleave, count, replace=False) * interleave + codeword
        result[places] ^= rng.integers(1, 256, count, dtype=np.uint8)
    return result


@cache
def reedsolo_codec(parity: int) -> reedsolo.RSCodec:
    return reedsolo.RSCodec(parity, nsize=255, fcr=128 - parity // 2, prim=0x187, generator=0xAD)


@cache
def galois_code(parity: int) -> galois.ReedSolomon:
    # Compiling its kernels takes longer than the few codewords here do without.
    field = galois.GF(2**8, irreducible_poly="x^8 + x^7 + x^2 + x + 1", compile="python-calculate")
    alpha = field.primitive_element**11
    return galois.ReedSolomon(255, 255 - parity, field=field, alpha=alpha, c=128 - parity // 2)


def test_generators_are_the_published_ones() -> None:
    assert generator(32).hex() == "015b7f56101e0deb61a5082a3656ab207120ab56362a08a561eb0d1e10567f5b01"
    assert generator(16).hex() == "01a5691b9f6898654a6598689f1b69a501"


def test_basis_tables_begin_as_published_and_undo_each_other() -> None:
    assert TO_DUAL[:8].tobytes().hex() == "007bafd499e2364d"
    assert TO_CONVENTIONAL[:8].tobytes().hex() == "00ccac6079b5d519"
    assert (TO_CONVENTIONAL[TO_DUAL] == np.arange(256)).all()


@pytest.mark.parametrize("message,parity,dual,expected", VECTORS)
def test_published_parity(message: bytes, parity: int, dual: bool, expected: str) -> None:  # noqa: FBT001  a case's parameter
    block = reed_solomon.encode(row(message), interleave=1, parity=parity, dual_basis=dual)
    assert block[0, : len(message)].tobytes() == message
    assert block[0, len(message) :].tobytes().hex() == expected
    data, corrected = reed_solomon.decode(block, interleave=1, parity=parity, dual_basis=dual)
    assert (data[0].tobytes(), corrected.tolist()) == (message, [0])


@pytest.mark.parametrize("interleave", [1, 2, 4, 8])
@pytest.mark.parametrize("parity,dual", CODES)
def test_the_short_randomiser_is_itself_a_codeword(interleave: int, parity: int, dual: bool) -> None:  # noqa: FBT001
    noise = pseudo_noise(255 * interleave)[None]
    _, corrected = reed_solomon.decode(noise, interleave=interleave, parity=parity, dual_basis=dual)
    assert corrected.tolist() == [0]


@pytest.mark.parametrize("interleave", [3, 5])
def test_the_short_randomiser_is_no_codeword_when_interleaved_oddly(interleave: int) -> None:
    _, corrected = reed_solomon.decode(pseudo_noise(255 * interleave)[None], interleave=interleave)
    assert corrected.tolist() == [-1]


@pytest.mark.parametrize("parity", [32, 16])
def test_parity_equals_that_of_reedsolo_and_galois(parity: int) -> None:
    rng = np.random.default_rng(parity)
    data = rng.integers(0, 256, (3, 255 - parity), dtype=np.uint8)
    ours = reed_solomon.encode(data, interleave=1, parity=parity, dual_basis=False)
    assert (ours == galois_code(parity).encode(data)).all()
    for message, block in zip(data, ours, strict=True):
        assert bytes(reedsolo_codec(parity).encode(message.tobytes())) == block.tobytes()


@pytest.mark.parametrize("parity", [32, 16])
def test_decoding_equals_galois_beyond_what_can_be_corrected_too(parity: int) -> None:
    rng = np.random.default_rng(parity + 1)
    most = parity // 2
    counts = [0, 1, 2, most - 1, most, most + 1, most + 2, most + 3, parity - 1, parity, parity + 1, 200]
    data = rng.integers(0, 256, (len(counts), 255 - parity), dtype=np.uint8)
    blocks = reed_solomon.encode(data, interleave=1, parity=parity, dual_basis=False)
    received = np.stack([damaged(block, [count], rng) for block, count in zip(blocks, counts, strict=True)])
    ours, corrected = reed_solomon.decode(received, interleave=1, parity=parity, dual_basis=False)
    theirs, errors = galois_code(parity).decode(received, errors=True)
    assert corrected.tolist() == errors.tolist()
    known = corrected >= 0
    assert (ours[known] == np.asarray(theirs)[known]).all()


def test_reedsolo_and_ours_correct_alike() -> None:
    rng = np.random.default_rng(5)
    data = rng.integers(0, 256, (4, 223), dtype=np.uint8)
    blocks = reed_solomon.encode(data, interleave=1, dual_basis=False)
    received = np.stack([damaged(block, [count], rng) for block, count in zip(blocks, [1, 7, 15, 16], strict=True)])
    ours, corrected = reed_solomon.decode(received, interleave=1, dual_basis=False)
    assert corrected.tolist() == [1, 7, 15, 16]
    for block, mine in zip(received, ours, strict=True):
        assert bytes(reedsolo_codec(32).decode(block.tobytes())[0]) == mine.tobytes()


@pytest.mark.parametrize("interleave,fill", [(1, 0), (2, 31), (3, 1), (5, 0), (8, 100), (4, 32), (1, 222)])
@pytest.mark.parametrize("parity,dual", CODES)
def test_up_to_half_the_parity_is_corrected_in_every_codeword(
    interleave: int,
    fill: int,
    parity: int,
    dual: bool,  # noqa: FBT001
) -> None:
    rng = np.random.default_rng(interleave * 1000 + fill)
    code = {"interleave": interleave, "parity": parity, "dual_basis": dual, "virtual_fill": fill}
    data = rng.integers(0, 256, (9, interleave * (255 - parity - fill)), dtype=np.uint8)
    blocks = reed_solomon.encode(data, **code)
    counts = [rng.integers(0, parity // 2 + 1, interleave).tolist() for _ in range(8)] + [[parity // 2] * interleave]
    received = np.stack([damaged(block, count, rng) for block, count in zip(blocks, counts, strict=True)])
    kept = received.copy()
    result, corrected = reed_solomon.decode(received, **code)
    assert (result == data).all()
    assert corrected.tolist() == [sum(count) for count in counts]
    assert (received == kept).all()


def test_virtual_fill_is_a_codeword_with_zeros_in_front() -> None:
    rng = np.random.default_rng(2)
    data = rng.integers(0, 256, (2, 4 * 200), dtype=np.uint8)
    short = reed_solomon.encode(data, interleave=4, virtual_fill=23)
    full = reed_solomon.encode(np.hstack([np.zeros((2, 4 * 23), np.uint8), data]), interleave=4)
    assert (full[:, 4 * 23 :] == short).all()


def test_a_failed_codeword_comes_back_as_received_and_the_others_corrected() -> None:
    rng = np.random.default_rng(8)
    data = rng.integers(0, 256, (1, 5 * 223), dtype=np.uint8)
    block = reed_solomon.encode(data, interleave=5)
    received = damaged(block[0], [0, 30, 16, 0, 3], rng)[None]
    result, corrected = reed_solomon.decode(received, interleave=5)
    assert corrected.tolist() == [-1]
    assert (result[0, 1::5] == received[0, 1:1115:5]).all()
    for codeword in (0, 2, 3, 4):
        assert (result[0, codeword::5] == data[0, codeword::5]).all()


def test_errors_in_the_parity_alone_are_counted() -> None:
    block = reed_solomon.encode(np.full((1, 223), 7, np.uint8), interleave=1)
    block[0, [223, 254]] ^= 1
    data, corrected = reed_solomon.decode(block, interleave=1)
    assert (data == 7).all()
    assert corrected.tolist() == [2]


def test_real_suomi_npp_codewords_are_clean_and_only_in_the_dual_basis(real: Path) -> None:
    cadus = np.fromfile(real / "link" / "suomi_npp_cadus.dat", np.uint8).reshape(65, 1024)
    assert (cadus[:, :4] == np.frombuffer(bytes.fromhex("1acffc1d"), np.uint8)).all()
    codeblocks = derandomize(cadus[:, 4:].copy())
    for codeword in range(4):
        _, corrected = reed_solomon.decode(codeblocks[:, codeword::4], interleave=1)
        assert corrected.tolist() == [0] * 65
    data, corrected = reed_solomon.decode(codeblocks, interleave=4)
    assert corrected.tolist() == [0] * 65
    assert (data == codeblocks[:, :892]).all()
    _, conventional = reed_solomon.decode(codeblocks, interleave=4, dual_basis=False)
    assert (conventional == -1).all()


def test_arrays_of_any_layout_are_taken() -> None:
    blocks = reed_solomon.encode(np.arange(4 * 223, dtype=np.uint8).reshape(4, 223), interleave=1)
    wide = np.zeros((4, 510), np.uint8)
    wide[:, ::2] = blocks
    frozen = blocks.copy()
    frozen.flags.writeable = False
    for view in (wide[:, ::2], np.asfortranarray(blocks), frozen, blocks[::-1][::-1]):
        data, corrected = reed_solomon.decode(view, interleave=1)
        assert (data == blocks[:, :223]).all()
        assert corrected.tolist() == [0] * 4
        assert data.flags.writeable


def test_no_frames_give_none() -> None:
    data, corrected = reed_solomon.decode(np.zeros((0, 1275), np.uint8), interleave=5)
    assert data.shape == (0, 1115)
    assert corrected.shape == (0,)
    assert reed_solomon.encode(data, interleave=5).shape == (0, 1275)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 1274), np.uint8), np.zeros(1275, np.uint8), np.zeros((2, 1275), np.int64), [[0] * 1275]],
)
def test_other_arrays_are_refused(wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(DataError):
        reed_solomon.decode(wrong, interleave=5)


@pytest.mark.parametrize(
    "parameters",
    [
        {"interleave": 0},
        {"interleave": 9},
        {"interleave": 1, "parity": 8},
        {"interleave": 1, "virtual_fill": -1},
        {"interleave": 1, "virtual_fill": 223},
    ],
)
def test_parameters_outside_the_standard_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(ProfileError):
        reed_solomon.decode(np.zeros((1, 255), np.uint8), **parameters)
