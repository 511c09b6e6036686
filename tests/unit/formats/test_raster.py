"""Masks: of what is there as a whole they are a single octet, and everything that asks them gets the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from stages.formats.png import encode_png
from stages.formats.png_reader import decode_png
from stages.formats.raster import any_lost, count_lost, for_kernels, nothing_lost


def test_a_mask_of_nothing_takes_no_memory_and_cannot_be_written() -> None:
    mask = nothing_lost((1024, 1280))
    assert mask.shape == (1024, 1280)
    assert mask.base is not None
    assert mask.base.nbytes == 1
    assert not any_lost(mask)
    assert count_lost(mask) == 0
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = True


def test_one_octet_may_also_say_that_all_is_lost() -> None:
    mask = np.broadcast_to(np.True_, (3, 4))
    assert any_lost(mask)
    assert count_lost(mask) == 12
    assert for_kernels(mask).all()


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (2048, 2048), (2049, 2048)])
def test_kernels_get_masks_of_octets_side_by_side(shape: tuple[int, int]) -> None:
    dense = for_kernels(nothing_lost(shape))
    assert dense.shape == shape
    assert dense.flags.c_contiguous
    assert dense.flags.writeable
    assert not dense.any()


def test_kernels_get_what_is_masked() -> None:
    mask = np.zeros((6, 8), np.bool_)
    mask[4, 2] = True
    for given in (mask, mask[:, ::2], mask.T):
        dense = for_kernels(given)
        assert np.array_equal(dense, given)
        assert dense.flags.c_contiguous
        assert any_lost(given)
        assert count_lost(given) == 1


def test_a_whole_file_has_no_mask_of_its_own() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert not any(decode_png(encode_png(picture), "here").mask.strides)
