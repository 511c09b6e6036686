"""Checks the arrays of octets that come in, and gives kernels one kind of array, so that each compiles once."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["Bytes", "byte_rows", "byte_stream", "check_octets"]

Bytes: TypeAlias = NDArray[np.uint8]


def byte_rows(array: Bytes, name: str, *, length: int | None = None) -> Bytes:
    """Return (n, length) uint8 as a read-only view in C order; copied only when it is not in that order.

    Raises DataError for another type, shape or, where `length` is given, row length.
    """
    check_octets(array, name, dimensions=2)
    if length is not None and array.shape[1] != length:
        raise DataError(f"{name} have {array.shape[1]} octets each", remedy=f"With these parameters they have {length}")
    return _sealed(array)


def byte_stream(array: Bytes, name: str) -> Bytes:
    """Return (n,) uint8 as a read-only contiguous view. Raises DataError for another type or shape."""
    check_octets(array, name, dimensions=1)
    return _sealed(array)


def check_octets(array: Bytes, name: str, *, dimensions: int) -> None:
    """Raise DataError for anything but an array of uint8 with so many dimensions."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != dimensions:
        given = f"{array.ndim}-dimensional {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise DataError(f"{name}: {given}", remedy=f"Give a {dimensions}-dimensional array of uint8")


def _sealed(array: Bytes) -> Bytes:
    # numba compiles anew for a read-only array, and bytes from a file are one: everything is made read-only.
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
