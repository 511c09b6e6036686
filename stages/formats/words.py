"""Words of eight octets, loaded and stored anywhere in an array by one instruction each, which numba has no name for.

Arrays have to be contiguous, or compilation fails. Nothing else is checked: who calls sees to it that all eight octets lie inside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

__all__ = ["leading_zeros", "load_word", "store_word", "trailing_zeros"]

WORD = ir.IntType(64)


def _place(target: Any, builder: Any, signature: Any, octets: Any, index: Any) -> Any:
    data = make_array(signature.args[0])(target, builder, octets).data
    return builder.bitcast(cgutils.pointer_add(builder, data, index), WORD.as_pointer())


def _first_lowest(builder: Any, word: Any) -> Any:
    return word if sys.byteorder == "little" else builder.bswap(word)


def _load(_context: Any, octets: Any, index: Any) -> Any:
    """Load the eight octets of a contiguous array that begin at an index, the first lowest."""
    del index
    if octets.layout != "C":
        return None

    def emit(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _first_lowest(builder, builder.load(_place(target, builder, signature, *arguments), align=1))

    return types.uint64(octets, types.intp), emit


def _store(_context: Any, octets: Any, index: Any, word: Any) -> Any:
    """Store a word as `_load` loads it."""
    del index, word
    if octets.layout != "C":
        return None

    def emit(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(_first_lowest(builder, arguments[2]), _place(target, builder, signature, *arguments[:2]), align=1)
        return target.get_dummy_value()

    return types.void(octets, types.intp, types.uint64), emit


def _zeros_below(_context: Any, word: Any) -> Any:
    """Count the zeros below the lowest one of a word; 64 if there is none."""
    del word

    def emit(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), emit


def _zeros_above(_context: Any, word: Any) -> Any:
    """Count the zeros above the highest one of a word; 64 if there is none."""
    del word

    def emit(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), emit


load_word = cast("Callable[[NDArray[np.uint8], int], np.uint64]", intrinsic(_load))
store_word = cast("Callable[[NDArray[np.uint8], int, np.uint64], None]", intrinsic(_store))
trailing_zeros = cast("Callable[[np.uint64], int]", intrinsic(_zeros_below))
leading_zeros = cast("Callable[[np.uint64], int]", intrinsic(_zeros_above))
