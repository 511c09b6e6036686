"""Tables of numpy as the bytes of .npy files."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.products.packed import REMEDY

__all__ = ["from_npy", "to_npy"]

PREFIX = b"\x93NUMPY\x01\x00"
"""Of an .npy file of version 1.0 (NumPy's NEP 1); two octets with the length of the header follow."""


def to_npy(table: NDArray[Any]) -> bytes:
    """Give a table, (n,) of any dtype without objects, as the bytes of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    return stream.getvalue()


def from_npy(data: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read what `to_npy` wrote of a table of this dtype; DataError for anything else.

    The header is compared, not parsed: `np.load` has Python's own parser read it, and that fails in one thread, now and then, while
    another one is at it (CPython issue 106905).
    """
    start = len(PREFIX) + 2
    stop = start + int.from_bytes(data[len(PREFIX) : start], "little")
    wanted = f"{{'descr': {np.lib.format.dtype_to_descr(dtype)!r}, 'fortran_order': False, 'shape': "
    header = data[start:stop].decode("latin-1")
    rows = re.fullmatch(r"\((\d{1,15}),\), \} *\n", header.removeprefix(wanted)) if header.startswith(wanted) else None
    if not data.startswith(PREFIX) or rows is None or len(data) - stop != int(rows[1]) * dtype.itemsize:
        raise DataError(f"holds no table of {dtype}", remedy=REMEDY)
    return np.frombuffer(data, dtype, offset=stop).copy()
