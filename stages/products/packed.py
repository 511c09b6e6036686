"""What packed products are made of: a line of JSON, then bytes, samples and their mask, or arrays as .npy."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.product import Sink, Source

__all__ = [
    "REMEDY",
    "read_arrays",
    "read_packed",
    "read_pieces",
    "split_masked",
    "write_arrays",
    "write_masked",
    "write_packed",
    "write_pieces",
]

Mask: TypeAlias = NDArray[np.bool_]

REMEDY = "Run `skycrane verify --repair` on the output folder"
"""Of products that are not as they were saved."""


def write_packed(sink: Sink, head: Mapping[str, Any], body: bytes) -> None:
    """Write a line of JSON, then the bytes."""
    sink.write(json.dumps(head, sort_keys=True).encode() + b"\n")
    sink.write(body)


def read_packed(source: Source) -> tuple[dict[str, Any], bytes]:
    """Read what `write_packed` wrote; DataError for what has no such line."""
    line, _, body = source.read().partition(b"\n")
    return _head(line, source), body


def write_pieces(sink: Sink, pieces: Iterable[tuple[Mapping[str, Any], bytes]]) -> None:
    """Write for each piece a line of JSON, and its bytes: no two of them need be in memory."""
    for head, body in pieces:
        write_packed(sink, {"head": head, "length": len(body)}, body)


def read_pieces(source: Source) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Read what `write_pieces` wrote, piece by piece; DataError for one that was damaged."""
    file = source.files[""]
    with Path(file.path).open("rb") as stream:
        stream.seek(file.offset)
        while stream.tell() < file.offset + file.length:
            line = _head(stream.readline(), source)
            head, length = line.get("head"), line.get("length")
            if not isinstance(head, dict) or not isinstance(length, int) or length < 0:
                raise DataError("is broken: a piece does not say how long it is", where=source.key.text, remedy=REMEDY)
            body = stream.read(length)
            if len(body) != length:
                raise DataError(f"is broken: a piece has {len(body)} bytes instead of {length}", where=source.key.text, remedy=REMEDY)
            yield head, body


def _head(line: bytes, source: Source) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except ValueError as error:
        raise DataError(f"is broken: {error}", where=source.key.text, remedy=REMEDY) from error
    if not isinstance(head, dict):
        raise DataError("is broken: it does not begin with an object of JSON", where=source.key.text, remedy=REMEDY)
    return head


def write_masked(sink: Sink, head: Mapping[str, Any], samples: NDArray[Any], mask: Mask, dtype: str) -> None:
    """Write a line of JSON, then the samples as this dtype, then the mask, a bit a place."""
    write_packed(sink, head, np.ascontiguousarray(samples, dtype).tobytes() + np.packbits(mask).tobytes())


def split_masked(source: Source, body: bytes, dtype: str, shape: tuple[int, ...], lost: tuple[int, ...]) -> tuple[NDArray[Any], Mask]:
    """Give what `write_masked` wrote behind its line: samples of a shape and a mask of the shape `lost`; DataError for any other length."""
    size, places = math.prod(shape), math.prod(lost)
    if len(body) != size * np.dtype(dtype).itemsize + (places + 7) // 8:
        raise DataError(f"samples of shape {shape} with a mask do not have {len(body)} bytes", where=source.key.text, remedy=REMEDY)
    samples = np.frombuffer(body, dtype, size).reshape(shape)
    mask = np.unpackbits(np.frombuffer(body, np.uint8, offset=samples.nbytes), count=places)
    return samples, mask.reshape(lost).astype(np.bool_)


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
