from __future__ import annotations

import numpy as np
import pytest
from reedsolo import RSCodec

from sample_data.coding import BLOCK, MARKER, crc16, encode, parity, randomiser, to_dual

# Published and twice encoded elsewhere: messages of 223 octets and their parity in the dual basis.
KNOWN = {
    bytes(range(223)): "4ffb92dd557ec67f27fb8982cf58f8fd028ad117fcef6b2793d0418826578651",
    bytes(222) + b"\x01": "660827f283411b8b28e61fad2759c879c85927ad1fe6288b1b4183f227086601",
}


@pytest.mark.parametrize("message, check", KNOWN.items())
def test_parity_is_the_published_one(message: bytes, check: str) -> None:
    assert parity(np.frombuffer(message, np.uint8)[None]).tobytes().hex() == check


def test_parity_is_what_reedsolo_gives() -> None:
    rng = np.random.default_rng(1)
    codec = RSCodec(32, nsize=255, fcr=112, prim=0x187, generator=0xAD)
    symbols = np.arange(256, dtype=np.uint8)
    back = np.argsort(to_dual(symbols)).astype(np.uint8)
    messages = rng.integers(0, 256, (12, 223), dtype=np.uint8)
    for message, check in zip(messages, parity(messages), strict=True):
        whole = np.frombuffer(codec.encode(back[message].tobytes()), np.uint8)
        assert np.array_equal(to_dual(whole[223:]), check)


def test_the_sequence_is_the_published_one() -> None:
    assert randomiser()[:16].tobytes().hex() == "ff480ec09a0d70bc8e2c93ada7b746ce"
    assert randomiser()[-6:].tobytes().hex() == "78c44a66f558"


@pytest.mark.parametrize("data, check", [(b"123456789", 0x29B1), (b"\0\0", 0x1D0F), (bytes.fromhex("1456F89A0001"), 0x7FD5)])
def test_error_control_is_the_published_one(data: bytes, check: int) -> None:
    assert crc16(np.frombuffer(data, np.uint8)[None])[0] == check


def test_a_unit_is_marker_and_randomised_interleaved_codeblock() -> None:
    frame = np.random.default_rng(2).integers(0, 256, (1, 1115), dtype=np.uint8)
    unit = encode(frame)
    assert unit.shape == (1, len(MARKER) + BLOCK)
    assert unit[0, :4].tobytes() == MARKER
    block = unit[0, 4:] ^ np.resize(randomiser(), BLOCK)
    assert np.array_equal(block[:1115], frame[0])
    for codeword in range(5):
        own = np.ascontiguousarray(block[codeword::5])
        assert np.array_equal(parity(own[None, :223])[0], own[223:])
