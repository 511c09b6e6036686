"""What the radio adds: Reed-Solomon (255,223) in the dual basis by reedsolo, the pseudo-random sequence, markers.

A Reed-Solomon code is linear, so the parity of any message is the sum of the parities of its bits. `reedsolo` encodes each of the
1784 bits once; sums of table rows do the rest a hundred times as fast as it could.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "INTERLEAVE", "MARKER", "crc16", "encode", "parity", "randomiser", "to_dual"]

Bytes = NDArray[np.uint8]

MARKER = bytes.fromhex("1ACFFC1D")
DATA, CHECK, INTERLEAVE = 223, 32, 5
BLOCK = (DATA + CHECK) * INTERLEAVE
"""Octets of a codeblock: 1275."""

# Conventional to dual basis (CCSDS 131.0-B annex F): row i is what bit 7 - i of a symbol becomes.
_TO_DUAL = (0x8D, 0xEF, 0xEC, 0x86, 0xFA, 0x99, 0xAF, 0x7B)


@functools.cache
def _bases() -> tuple[Bytes, Bytes]:
    """Tables of 256: conventional to dual, dual to conventional."""
    symbols = np.arange(256, dtype=np.uint8)
    dual = np.zeros(256, np.uint8)
    for bit, row in enumerate(_TO_DUAL):
        dual ^= np.where(symbols >> (7 - bit) & 1, row, 0).astype(np.uint8)
    back = np.empty(256, np.uint8)
    back[dual] = symbols
    return dual, back


def to_dual(symbols: Bytes) -> Bytes:
    """Change the basis of symbols from conventional to dual."""
    return _bases()[0][symbols]


@functools.cache
def _table() -> NDArray[np.uint64]:
    """(223, 256, 4): the parity, as four words, that each octet adds at each place, dual basis."""
    from reedsolo import RSCodec

    codec = RSCodec(CHECK, nsize=255, fcr=112, prim=0x187, generator=0xAD)
    dual, back = _bases()
    table = np.zeros((DATA, 256, CHECK), np.uint8)
    for place in range(DATA):
        for bit in range(8):
            message = bytearray(DATA)
            message[place] = int(back[1 << bit])
            check = dual[np.frombuffer(codec.encode(bytes(message))[DATA:], np.uint8)]
            table[place, 1 << bit : 2 << bit] = table[place, : 1 << bit] ^ check
    return table.view(np.uint64)


def parity(messages: Bytes) -> Bytes:
    """Give the 32 check symbols (n, 32) of messages (n, 223), all in the dual basis."""
    table = _table()
    total = np.zeros((len(messages), CHECK // 8), np.uint64)
    for place in range(DATA):
        total ^= table[place][messages[:, place]]
    return total.view(np.uint8)


@functools.cache
def randomiser() -> Bytes:
    """255 octets of the sequence x^8 + x^7 + x^5 + x^3 + 1 from all ones (CCSDS 131.0-B section 10)."""
    register, bits = [1] * 8, []
    for _ in range(255 * 8):
        bits.append(register[0])
        register = [*register[1:], register[0] ^ register[3] ^ register[5] ^ register[7]]
    return np.packbits(np.array(bits, np.uint8))


def encode(frames: Bytes) -> Bytes:
    """Give the channel access data units (n, 1279) of transfer frames (n, 1115)."""
    count = len(frames)
    words = frames.reshape(count, DATA, INTERLEAVE).transpose(0, 2, 1).reshape(-1, DATA)
    check = parity(np.ascontiguousarray(words)).reshape(count, INTERLEAVE, CHECK).transpose(0, 2, 1).reshape(count, -1)
    units = np.empty((count, len(MARKER) + BLOCK), np.uint8)
    units[:, : len(MARKER)] = np.frombuffer(MARKER, np.uint8)
    units[:, len(MARKER) :] = np.concatenate([frames, check], axis=1) ^ np.resize(randomiser(), BLOCK)
    return units


@functools.cache
def _crc_table() -> NDArray[np.uint16]:
    value: NDArray[np.uint16] = np.arange(256, dtype=np.uint16) << np.uint16(8)
    for _ in range(8):
        value = np.where(value & 0x8000, value << 1 ^ 0x1021, value << 1).astype(np.uint16)
    return value


def crc16(frames: Bytes) -> NDArray[np.uint16]:
    """Give the error control field (n,) of frames (n, length) without it: CRC-16, polynomial 0x1021, from all ones."""
    table = _crc_table()
    value = np.full(len(frames), 0xFFFF, np.uint16)
    for column in np.ascontiguousarray(frames.T):
        value[:] = np.left_shift(value, 8, dtype=np.uint16) ^ table[(value >> 8).astype(np.uint8) ^ column]
    return value
