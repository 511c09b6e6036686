"""Bands cut anew into whole rows of units."""

from __future__ import annotations

import numpy as np
import pytest

from stages.contact_sheet.stream import in_steps


@pytest.mark.parametrize("heights", [[16], [5], [245, 245, 7], [3, 4, 5, 6], [10, 3, 40], [16, 32], [1, 0, 50]])
@pytest.mark.parametrize("step", [1, 16])
def test_bands_keep_their_rows_and_order_and_only_the_last_one_is_no_multiple(heights, step):
    bands = [np.arange(sum(heights[:n]), sum(heights[: n + 1]), dtype=np.uint16)[:, None] for n in range(len(heights))]
    found = list(in_steps(iter(bands), step))
    assert np.concatenate(found).ravel().tolist() == list(range(sum(heights)))
    assert all(len(rows) and len(rows) % step == 0 for rows in found[:-1])


def test_what_is_whole_is_not_copied():
    bands = [np.zeros((40, 3), np.uint8), np.zeros((40, 3), np.uint8)]
    found = list(in_steps(bands, 16))
    assert [len(rows) for rows in found] == [32, 16, 32]
    assert found[0].base is bands[0]
    assert found[2].base is bands[1]
