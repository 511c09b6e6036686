"""What numba has no name for: eight floats, or eight octets, at a time. Of loops over so few it makes one after the other, or a call.

Written in LLVM's intermediate representation, which turns vectors into what each processor has: one register of newer x86 ones, two of
others. Addresses are not checked; who calls owns 32 or 8 octets behind each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["add_eight", "big_endian"]

_INT, _WORD = ir.IntType(32), ir.IntType(64)
_EIGHT = ir.VectorType(ir.FloatType(), 8)


def _adding(_context: Any, to: Any, factor: Any, of: Any) -> Any:
    """Add to the eight floats at address `to` those at `of`, times a factor."""
    del to, factor, of
    return types.void(types.intp, types.float32, types.intp), _emit_adding


def _emit_adding(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    to, factor, of = arguments
    nothing, lanes = ir.Constant(_EIGHT, ir.Undefined), ir.Constant(ir.VectorType(_INT, 8), [0] * 8)
    factors = builder.shuffle_vector(builder.insert_element(nothing, factor, _INT(0)), nothing, lanes)
    result = builder.fadd(_load(builder, _EIGHT, to, 4), builder.fmul(factors, _load(builder, _EIGHT, of, 4)))
    builder.store(result, builder.inttoptr(to, ir.PointerType(_EIGHT))).align = 4
    return context.get_dummy_value()


add_eight = cast("Callable[[int, np.float32, int], None]", intrinsic(_adding))


def _reading(_context: Any, at: Any) -> Any:
    """Give the eight octets at an address as a number, the first one highest."""
    del at
    return types.uint64(types.intp), _emit_reading


def _emit_reading(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    swap = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_WORD, [_WORD]), "llvm.bswap.i64")
    return builder.call(swap, [_load(builder, _WORD, arguments[0], 1)])


big_endian = cast("Callable[[int], np.uint64]", intrinsic(_reading))
"""Processors that put the lowest octet first are meant, as numba's all do."""


def _load(builder: ir.IRBuilder, kind: ir.Type, address: ir.Value, align: int) -> ir.Value:
    value = builder.load(builder.inttoptr(address, ir.PointerType(kind)))
    value.align = align
    return value
