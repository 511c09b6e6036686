"""Tables of numpy as the bytes of .npy files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["from_npy", "to_npy"]


def to_npy(table: NDArray[Any]) -> bytes:
    """Give an array as the bytes of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    return stream.getvalue()


def from_npy(data: bytes, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """Read what `to_npy` wrote."""
    table: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    if dtype is not None and table.dtype != dtype:
        raise DataError(f"holds {table.dtype} where {dtype} belongs", remedy="Run `skycrane verify --repair` on the output folder")
    return table
