"""Words in compiled code, beside what numpy makes of the same octets."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from numpy.typing import NDArray

from stages.formats.words import leading_zeros, load_word, store_word, trailing_zeros


@njit(nogil=True)
def loaded(octets: NDArray[np.uint8], index: int) -> np.uint64:
    return load_word(octets, index)


@njit(nogil=True)
def stored(octets: NDArray[np.uint8], index: int, word: np.uint64) -> None:
    store_word(octets, index, word)


@njit(nogil=True)
def zeros(word: np.uint64) -> tuple[int, int]:
    return leading_zeros(word), trailing_zeros(word)


def test_words_anywhere_are_loaded_first_octet_lowest() -> None:
    octets = np.random.default_rng(2).integers(0, 256, 40, np.uint8)
    for index in range(33):
        assert int(loaded(octets, index)) == int.from_bytes(octets[index : index + 8].tobytes(), "little")
        assert int(loaded(octets[3:36], index % 26)) == int.from_bytes(octets[3:][index % 26 :][:8].tobytes(), "little")


def test_a_word_is_stored_in_eight_octets_and_no_others() -> None:
    for index in range(9):
        octets = np.full(17, 7, np.uint8)
        stored(octets, index, np.uint64(0x8877665544332211))
        assert octets.tobytes() == b"\7" * index + bytes.fromhex("1122334455667788") + b"\7" * (9 - index)


def test_zeros_are_counted_from_both_ends() -> None:
    assert zeros(np.uint64(0)) == (64, 64)
    for low in range(64):
        for high in range(low, 64):
            assert zeros(np.uint64(1 << low | 1 << high)) == (63 - high, low)


def test_an_array_with_gaps_is_not_compiled_for() -> None:
    with pytest.raises(TypingError):
        loaded(np.zeros(40, np.uint8)[::2], 0)
