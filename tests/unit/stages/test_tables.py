"""Tables as .npy files: what NumPy writes and reads is the measure."""

from __future__ import annotations

import io
from unittest import mock

import numpy as np
import pytest

from pipeline.errors import DataError
from stages.products.frames import FRAME_DTYPE
from stages.products.packets import GAP_DTYPE, PACKET_DTYPE
from stages.products.tables import from_npy, to_npy
from stages.products.telemetry import CHANNEL_DTYPE, EVENT_DTYPE


@pytest.mark.parametrize("dtype", [FRAME_DTYPE, PACKET_DTYPE, GAP_DTYPE, CHANNEL_DTYPE, EVENT_DTYPE, np.dtype("<f4")], ids=str)
@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_numpy_and_we_read_each_other(dtype, rows):
    octets = np.random.default_rng(rows).integers(0, 2, rows * dtype.itemsize, np.uint8)
    table = octets.view(dtype)
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    read = from_npy(stream.getvalue(), dtype)
    assert read.dtype == dtype
    assert read.tobytes() == table.tobytes()
    assert read.flags.writeable
    assert np.load(io.BytesIO(to_npy(table)), allow_pickle=False).tobytes() == table.tobytes()


def test_python_has_nothing_to_parse():
    data = to_npy(np.zeros(3, FRAME_DTYPE))
    with mock.patch("ast.literal_eval", side_effect=AssertionError("not in a thread")):
        assert len(from_npy(data, FRAME_DTYPE)) == 3


def saved(table, **options) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, table, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x01\x00\xff\xff{'descr': ",
        to_npy(np.zeros(2, GAP_DTYPE)),
        to_npy(np.zeros(2, FRAME_DTYPE))[:-1],
        to_npy(np.zeros(2, FRAME_DTYPE)) + b"\0",
        to_npy(np.zeros(2, FRAME_DTYPE)).replace(b"(2,)", b"(9" + 14 * b"9" + b",)"),
        saved(np.zeros((2, 2), FRAME_DTYPE)),
        saved(np.zeros(2, FRAME_DTYPE), version=(2, 0)),
    ],
    ids=["nothing", "cut", "long header", "other dtype", "short", "long", "claims much", "two dimensions", "other version"],
)
def test_anything_else_is_bad_data(data):
    with pytest.raises(DataError, match=r"holds no table.*verify --repair"):
        from_npy(data, FRAME_DTYPE)
