"""CCSDS 121.0-B against the encoder of libaec, whole and cut anywhere."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from stages.decode import decode
from stages.formats.ccsds121 import decode_ccsds121
from stages.products import ReceivedFile
from stages.profile import Names

FORM = {"width": 48, "height": 64}


def coded(bits, *, block=16, interval=64, flags=8):
    low, spread = (1 << bits) / 2, max(1, (1 << bits) / 80)
    truth = np.clip(np.random.default_rng(0).normal(low, spread, (64, 48)), 0, (1 << bits) - 1)
    truth = truth.astype(np.uint8 if bits <= 8 else "<u2")
    return truth, imagecodecs.aec_encode(truth.tobytes(), bitspersample=bits, flags=flags, blocksize=block, rsi=interval)


@pytest.mark.parametrize("bits", [4, 8, 10, 12, 16])
@pytest.mark.parametrize("block, interval, flags", [(16, 64, 8), (32, 128, 8), (8, 1, 0)])
def test_every_depth(bits, block, interval, flags):
    truth, data = coded(bits, block=block, interval=interval, flags=flags)
    raster = decode_ccsds121(data, "x", **FORM, bits=bits, block_size=block, interval=interval, preprocessed=bool(flags))
    assert (raster.samples == truth).all()
    assert not raster.mask.any()
    assert (raster.meta["bits"], raster.meta["lossless"]) == (bits, True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 2200), st.booleans())
def test_what_precedes_a_cut_or_gap_is_exact(place, cut):
    truth, data = coded(12)
    gap = () if cut else ((place, place + 1),)
    try:
        raster = decode_ccsds121(data[:place] if cut else data, "x", gap, **FORM, bits=12, interval=64)
    except DataError:
        assert place < 8
        return
    kept = ~raster.mask
    assert (raster.samples[kept] == truth[kept]).all()
    assert kept.sum() >= place * 8 / 12 - 16


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.integers(1, 16))
def test_any_bytes_give_a_picture_or_the_documented_error(data, bits):
    try:
        raster = decode_ccsds121(data, "x", **FORM, bits=bits)
    except DataError:
        return
    assert raster.samples.shape == raster.mask.shape == (64, 48)


@pytest.mark.parametrize("wrong", [{"bits": 17}, {"bits": 0}, {"block_size": 5}, {"interval": 0}, {"width": 1 << 20, "height": 1 << 20}])
def test_parameters_that_cannot_be_are_refused(wrong):
    with pytest.raises(DataError):
        decode_ccsds121(b"1234", "x", **(FORM | {"bits": 8} | wrong))


@pytest.mark.parametrize("wrong", [{"bits": True}, {"bits": "8"}, {"block_size": None}, {"preprocessed": 1}, {"width": None}])
def test_a_record_that_cannot_be_is_refused(wrong):
    meta = {"encoding": "aec", **FORM, "bits": 8} | wrong
    with pytest.raises(DataError):
        list(decode(ReceivedFile(file="f", data=b"1234", size=4, meta=meta), Names()))


def test_a_received_file_becomes_a_mosaic():
    truth, data = coded(12)
    meta = {"encoding": "aec", **FORM, "bits": 12, "interval": 64, "cfa": "RGGB"}
    (mosaic,) = decode(ReceivedFile(file="f", data=data, size=len(data), meta=meta), Names())
    assert (mosaic.samples == truth).all()
    assert (mosaic.edition, mosaic.cfa, mosaic.white) == ("lossless", "RGGB", 4095)
    (partial,) = decode(ReceivedFile(file="f", data=data, size=len(data), gaps=((900, 950),), meta=meta), Names())
    assert 0 < partial.mask.sum() < truth.size
