"""What packed products are made of: a line of JSON, then bytes, or arrays as .npy."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import Sink, Source

__all__ = ["read_arrays", "read_packed", "write_arrays", "write_packed"]

REMEDY = "Run `skycrane verify --repair` on the output folder"


def write_packed(sink: Sink, head: Mapping[str, Any], body: bytes) -> None:
    """Write a line of JSON, then the bytes."""
    sink.write(json.dumps(head, sort_keys=True).encode() + b"\n")
    sink.write(body)


def read_packed(source: Source) -> tuple[dict[str, Any], bytes]:
    """Read what `write_packed` wrote; DataError for what has no such line."""
    line, _, body = source.read().partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError as error:
        raise DataError(f"is broken: {error}", where=source.key.text, remedy=REMEDY) from error
    if not isinstance(head, dict):
        raise DataError("is broken: it does not begin with an object of JSON", where=source.key.text, remedy=REMEDY)
    return head, body


def write_arrays(sink: Sink, head: Mapping[str, Any], *arrays: NDArray[Any] | None) -> None:
    """Write a line of JSON, then the arrays, an empty one for one that is not there."""
    stream = io.BytesIO()
    for array in arrays:
        np.save(stream, np.zeros(0) if array is None else array, allow_pickle=False)
    write_packed(sink, head, stream.getvalue())


def read_arrays(source: Source, count: int) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Read what `write_arrays` wrote; DataError for what holds fewer arrays."""
    head, body = read_packed(source)
    stream = io.BytesIO(body)
    try:
        return head, [np.load(stream, allow_pickle=False) for _ in range(count)]
    except (ValueError, EOFError) as error:
        raise DataError(f"is broken: {error}", where=source.key.text, remedy=REMEDY) from error
