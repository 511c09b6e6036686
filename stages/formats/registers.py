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

__all__ = ["add_eight", "add_products", "big_endian", "move_eight"]

_INT, _WORD = ir.IntType(32), ir.IntType(64)
_EIGHT = ir.VectorType(ir.FloatType(), 8)


def _adding(_context: Any, to: Any, factor: Any, of: Any) -> Any:
    """Add to the eight floats at address `to` those at `of`, times a factor."""
    del to, factor, of
    return types.void(types.intp, types.float32, types.intp), _emit_adding


def _emit_adding(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    to, factor, of = arguments
    product = builder.fmul(_spread(builder, factor), _load(builder, _EIGHT, of, 4))
    _store(builder, builder.fadd(_load(builder, _EIGHT, to, 4), product), to)
    return context.get_dummy_value()


add_eight = cast("Callable[[int, np.float32, int], None]", intrinsic(_adding))


def _multiplying(_context: Any, to: Any, factors: Any, of: Any, pitch: Any) -> Any:
    """Add to the eight floats at address `to` eight times eight at `of`, `pitch` octets apart, times the eight factors at an address."""
    del to, factors, of, pitch
    return types.void(types.intp, types.intp, types.intp, types.intp), _emit_multiplying


def _emit_multiplying(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    to, factors, of, pitch = arguments
    terms = [_load(builder, _EIGHT, to, 4)]
    for i in range(8):
        factor = _load(builder, ir.FloatType(), builder.add(factors, _WORD(4 * i)), 4)
        terms.append(builder.fmul(_spread(builder, factor), _load(builder, _EIGHT, of, 4)))
        of = builder.add(of, pitch)
    # In pairs: one sum after the other would wait for each addition.
    while len(terms) > 1:
        terms = [builder.fadd(*pair) for pair in zip(terms[::2], terms[1::2], strict=False)] + terms[len(terms) // 2 * 2 :]
    _store(builder, terms[0], to)
    return context.get_dummy_value()


add_products = cast("Callable[[int, int, int, int], None]", intrinsic(_multiplying))


def _moving(_context: Any, to: Any, of: Any) -> Any:
    """Copy the eight floats at address `of` to `to`."""
    del to, of
    return types.void(types.intp, types.intp), _emit_moving


def _emit_moving(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    _store(builder, _load(builder, _EIGHT, arguments[1], 4), arguments[0])
    return context.get_dummy_value()


move_eight = cast("Callable[[int, int], None]", intrinsic(_moving))


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


def _store(builder: ir.IRBuilder, value: ir.Value, address: ir.Value) -> None:
    builder.store(value, builder.inttoptr(address, ir.PointerType(_EIGHT))).align = 4


def _spread(builder: ir.IRBuilder, factor: ir.Value) -> ir.Value:
    """Give a number eight times."""
    nothing, lanes = ir.Constant(_EIGHT, ir.Undefined), ir.Constant(ir.VectorType(_INT, 8), [0] * 8)
    return builder.shuffle_vector(builder.insert_element(nothing, factor, _INT(0)), nothing, lanes)
