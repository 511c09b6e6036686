"""Pictures that are handed on in memory are those that a reader of their files would get."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest

from pipeline.testing.saving import reloaded
from stages.products import Image, Mosaic

RNG = np.random.default_rng(3)
MASK = RNG.random((20, 30)) < 0.2
META = {"telemetry": (2, 3), "gains": [1.0, 1.5, 2.25], "caveats": ["a"]}


def mosaic(dtype=np.uint8, mask=MASK, channels=()):
    samples = RNG.integers(0, np.iinfo(dtype).max, (20, 30, *channels), dtype)
    return Mosaic(file="f", camera="c", frame="1", edition="jpeg", samples=samples, mask=mask, clock=12.5, meta=META)


def image(samples, mask=MASK, **more):
    return Image(camera="c", frame="1", samples=samples, mask=mask, edition="jpeg", editions=("a", "b"), clock=1.25, meta=META, **more)


COLOUR = RNG.integers(0, 255, (20, 30, 3), np.uint8)
PRODUCTS = {
    "mosaic": mosaic(),
    "whole mosaic": mosaic(mask=np.zeros_like(MASK)),
    "deep mosaic": mosaic(np.uint16),
    "coloured mosaic": mosaic(channels=(3,)),
    "image": image(COLOUR),
    "whole image": image(COLOUR, np.zeros_like(MASK)),
    "part of a picture": image(RNG.integers(0, 255, (20, 60, 3), np.uint8)[:, ::2]),
    "grey": image(COLOUR[..., 0].copy()),
    "whole grey": image(COLOUR[..., 0].copy(), np.zeros_like(MASK)),
}


@pytest.mark.parametrize("made", PRODUCTS.values(), ids=PRODUCTS)
def test_a_reader_would_get_the_same(made, tmp_path):
    read = reloaded(made, tmp_path)
    handed = made.as_saved()
    for item in fields(made):
        one, other = getattr(handed, item.name), getattr(read, item.name)
        assert type(one) is type(other), item.name
        if isinstance(one, np.ndarray):
            assert (one.dtype, one.flags.c_contiguous) == (other.dtype, other.flags.c_contiguous)
            np.testing.assert_array_equal(one, other)
        else:
            assert json.dumps(one) == json.dumps(other), item.name


def test_what_is_written_otherwise_than_it_is_has_to_be_read():
    assert image(COLOUR.astype(np.uint16), white=4095).as_saved() is None
