"""What numba has no name for: arithmetic of GF(2) on whole registers, with instructions of x86 processors that have AVX-512.

The loops are written in LLVM's intermediate representation. A processor without these instructions never compiles them: callers ask
`has_vectors` first, and have a portable way. What the loops compute, the tests hold against that way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import numba
import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["OCTETS", "ROOTS", "fold_octets", "has_vectors", "mark_wrong_codewords"]

NEEDED = ("avx512f", "avx512bw", "gfni", "pclmul", "ssse3")
OCTETS = 64
"""Of a register; it holds eight matrices of 8 x 8 bits."""
ROOTS = 32
"""Of a code, eight a register."""

_BYTE, _INT, _WORD = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_STRETCH, _PAIR = ir.VectorType(_BYTE, 16), ir.VectorType(_WORD, 2)
_REGISTER, _WORDS = ir.VectorType(_BYTE, OCTETS), ir.VectorType(_WORD, 8)


@cache
def has_vectors() -> bool:
    """Say whether the processor has the instructions, and numba compiles for it and no other."""
    config: Any = numba.config
    if config.DISABLE_JIT or config.CPU_NAME is not None or config.CPU_FEATURES is not None:
        return False
    features = binding.get_host_cpu_features()
    return all(features.get(name, False) for name in NEEDED)


def _syndromes(_context: Any, first: Any, second: Any, symbols: Any, step: Any, matrices: Any) -> Any:
    """Evaluate the interleaved codewords of two blocks at 32 roots.

    first, second  addresses of the blocks; eight octets are read every `step`, `symbols` times, whatever they belong to
    matrices       address of the roots' matrices: 32 times eight octets

    Returns a word a block: its lowest octet is zero if the first codeword is zero at every root, and so on.
    """
    del first, second, symbols, step, matrices
    return types.UniTuple(types.uint64, 2)(*[types.intp] * 5), _emit_syndromes


def _emit_syndromes(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Horner's rule: multiply by the root, which is an 8 x 8 matrix over GF(2), and add the next symbol.

    Two blocks at a time, because a step of one has to wait for the one before.
    """
    *blocks, symbols, step, matrices = arguments
    kind = ir.FunctionType(_REGISTER, [_REGISTER, _REGISTER, _BYTE])
    multiply = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.vgf2p8affineqb.512")
    roots = [_load(builder, _REGISTER, builder.add(matrices, _WORD(OCTETS * k))) for k in range(ROOTS // 8)]
    zero = ir.Constant(_REGISTER, None)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in roots] for _ in blocks]
    with cgutils.for_range(builder, symbols) as loop:
        offset = builder.mul(loop.index, step)
        for block, own in zip(blocks, sums, strict=True):
            symbol = _spread(builder, _load(builder, _WORD, builder.add(block, offset)))
            for total, root in zip(own, roots, strict=True):
                builder.store(builder.xor(builder.call(multiply, [builder.load(total), root, _BYTE(0)]), symbol), total)
    return context.make_tuple(builder, signature.return_type, [_merge(builder, [*map(builder.load, own)]) for own in sums])


mark_wrong_codewords = cast("Callable[[int, int, int, int, int], tuple[np.uint64, np.uint64]]", intrinsic(_syndromes))


def _folding(_context: Any, octets: Any, turns: Any, keys: Any, out: Any) -> Any:
    """Shorten a polynomial over GF(2) to 16 octets that leave the same remainder, highest power first.

    octets  address of the polynomial
    turns   its length in units of 64 octets, at least one
    keys    address of four words: the remainders of x^512, x^576, x^128 and x^192
    out     address of 16 octets
    """
    del octets, turns, keys, out
    return types.void(*[types.intp] * 4), _emit_folding


def _emit_folding(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    """Fold four stretches of 128 bits at a time onto the next four, then the four onto one another.

    A stretch h x^64 + l that stands n bits higher leaves what h (x^(n + 64) mod p) + l (x^n mod p) does: two carry-less products.
    """
    octets, turns, keys, out = arguments
    kind = ir.FunctionType(_PAIR, [_PAIR, _PAIR, _BYTE])
    multiply = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.pclmulqdq")
    far, near = (_load(builder, _PAIR, builder.add(keys, _WORD(16 * k))) for k in range(2))

    def fold(stretch: ir.Value, key: ir.Value, onto: ir.Value) -> ir.Value:
        high, low = (builder.call(multiply, [stretch, key, _BYTE(which)]) for which in (0x11, 0x00))
        return builder.xor(builder.xor(high, low), onto)

    def read(at: ir.Value, number: int) -> ir.Value:
        return _reverse(builder, _load(builder, _STRETCH, builder.add(at, _WORD(16 * number))), _PAIR)

    sums = [cgutils.alloca_once_value(builder, read(octets, number)) for number in range(4)]
    with cgutils.for_range(builder, builder.sub(turns, _WORD(1))) as loop:
        at = builder.add(octets, builder.mul(builder.add(loop.index, _WORD(1)), _WORD(OCTETS)))
        for number, total in enumerate(sums):
            builder.store(fold(builder.load(total), far, read(at, number)), total)
    result = builder.load(sums[0])
    for total in sums[1:]:
        result = fold(result, near, builder.load(total))
    store = builder.store(_reverse(builder, builder.bitcast(result, _STRETCH), _STRETCH), builder.inttoptr(out, ir.PointerType(_STRETCH)))
    store.align = 1
    return context.get_dummy_value()


fold_octets = cast("Callable[[int, int, int, int], None]", intrinsic(_folding))


def _reverse(builder: ir.IRBuilder, octets: ir.Value, kind: ir.Type) -> ir.Value:
    """Put the last of 16 octets first: the polynomial's highest power stands in its first octet, a register's in its last."""
    order = ir.Constant(ir.VectorType(_INT, 16), list(range(15, -1, -1)))
    return builder.bitcast(builder.shuffle_vector(octets, octets, order), kind)


def _load(builder: ir.IRBuilder, kind: ir.Type, address: ir.Value) -> ir.Value:
    """Load from an address that need not be aligned."""
    value = builder.load(builder.inttoptr(address, ir.PointerType(kind)))
    value.align = 1
    return value


def _spread(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    """Fill a register with a word of eight octets."""
    nothing = ir.Constant(_WORDS, ir.Undefined)
    lanes = ir.Constant(ir.VectorType(_INT, 8), [0] * 8)
    return builder.bitcast(builder.shuffle_vector(builder.insert_element(nothing, word, _INT(0)), nothing, lanes), _REGISTER)


def _merge(builder: ir.IRBuilder, registers: list[ir.Value]) -> ir.Value:
    """Give the word in which a bit is set if it is in any of the registers' words."""
    merged = registers[0]
    for register in registers[1:]:
        merged = builder.or_(merged, register)
    words = builder.bitcast(merged, _WORDS)
    result = builder.extract_element(words, _INT(0))
    for k in range(1, 8):
        result = builder.or_(result, builder.extract_element(words, _INT(k)))
    return result
