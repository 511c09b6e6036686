"""What the bits of a chunk are counted in, and how a place is told."""

from __future__ import annotations

import numpy as np
import pytest

from stages.products import Chunk
from stages.products.chunk import part_of, told_place


@pytest.mark.parametrize(
    "name, position, part, begins",
    [
        ("000000001048576", 1048576, "", 1048576),
        ("p000002", None, "p000002", 0),
        ("p000002+000001048576", None, "p000002", 1048576),
        ("p000002+", None, "p000002", 0),
    ],
)
def test_a_chunk_says_where_it_begins_and_of_what(name: str, position: int | None, part: str, begins: int) -> None:
    chunk = Chunk(pass_="one", chunk=name, data=np.zeros(1, np.uint8), position=position)  # noqa: S106 - a pass over a ground station
    assert (part_of(name), chunk.begins) == (part, begins)


@pytest.mark.parametrize(
    "bits, part, said",
    [
        ([80], "", "byte 10"),
        ([80, 9, 87], "", "byte 10"),
        ([80, 88], "", "bytes 10 to 11"),
        ([80, 8_000_000], "p000002", "bytes 10 to 1,000,000 of part p000002"),
    ],
)
def test_a_place_is_told_in_bytes(bits: list[int], part: str, said: str) -> None:
    assert told_place(bits, part) == said
