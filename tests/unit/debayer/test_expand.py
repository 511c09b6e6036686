"""Companding tables of real cameras, and when they are applied."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError, ProfileError
from stages.debayer.develop import develop
from stages.debayer.renditions import Recipe
from stages.formats.companding import expand, parse_table
from stages.products import Mosaic
from stages.profile import Camera

SQUARE = "".join(f"{number} {number * number // 16}\n" for number in range(256))
DOUBLE = "".join(f"{number} {number * 2}\n" for number in range(256))


@pytest.mark.parametrize(
    "file, first, last",
    [
        ("M20_MCZ_LUT0.txt", [0, 2, 3, 3, 4, 5, 5, 6, 7, 8], [2009, 2025, 2033]),
        ("M20_LUT1.txt", [0, 1, 1, 1, 151, 151, 152], [4080]),
        ("M20_LUT2_v2a.txt", [0, 1, 127, 131, 135, 140], [4007, 4035, 4095]),
        ("M20_LUT2_sols0-13.txt", [0, 0, 0, 0, 0], [4043, 4078]),
    ],
)
def test_tables_of_mars_2020(real, file, first, last):
    table = parse_table((real / "calibration" / file).read_text(), file)
    assert list(table[: len(first)]) == first
    assert list(table[-len(last) :]) == last
    samples = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert expand(samples, table).ravel().tolist() == list(table)


def test_labels_before_a_table_are_passed_over():
    assert parse_table(f"LBLSIZE=512 FORMAT='BYTE'\nPDS_VERSION_ID = PDS3\r\n{SQUARE}END", "x")[255] == 4064


@pytest.mark.parametrize(
    "text", ["", SQUARE[:-10], SQUARE + "256 9999\n", SQUARE.replace("7 3\n", "7 9999\n", 1), SQUARE.replace("\n9 ", "\n10 ")]
)
def test_anything_but_256_ascending_values_is_refused(text):
    with pytest.raises(DataError):
        parse_table(text, "x")


def mosaic(**meta):
    samples = np.full((8, 8), 200, np.uint8)
    mask = np.zeros((8, 8), np.bool_)
    mask[0, 0] = True
    samples[0, 0] = 0
    facts = {"file": "f", "camera": "C", "frame": "1", "edition": "lossless", "samples": samples, "mask": mask}
    return Mosaic(**facts, cfa="mono", meta={"label": meta} if meta else {})


def camera():
    tables = [{"name": "lut2", "sols": [0, 13], "values": DOUBLE}, {"name": "LUT2", "values": SQUARE}]
    return Camera.from_mapping({"companding": tables}, name="C")


@pytest.mark.parametrize(
    "label, value, white", [({"companding": "LUT2", "sol": 13}, 400, 510), ({"companding": "LUT2", "sol": 14}, 2500, 4064)]
)
def test_the_table_follows_label_and_sol(label, value, white):
    image = develop(mosaic(**label), camera(), ("lossless",), Recipe())
    assert (image.samples[4, 4], image.samples[0, 0], image.white, image.samples.dtype) == (value, 0, white, np.uint16)
    assert image.meta["companding"]["table"] == "LUT2"
    assert len(image.meta["companding"]["sha256"]) == 64


@pytest.mark.parametrize("label", [{}, {"companding": "LUT1", "sol": 3}, {"sol": 3}])
def test_nothing_is_expanded_unless_the_profile_names_the_table(label):
    image = develop(mosaic(**label), camera(), ("lossless",), Recipe())
    assert (image.samples[4, 4], image.white) == (200, 255)
    assert "companding" not in image.meta
    bare = develop(mosaic(companding="LUT2"), Camera(), ("lossless",), Recipe())
    assert bare.samples[4, 4] == 200


@pytest.mark.parametrize(
    "table, words",
    [
        ({"values": "0 1"}, "lines of a table"),
        ({"values": SQUARE, "sols": [1]}, "first and the last sol"),
        ({"values": SQUARE, "soles": [1, 2]}, "Did you mean sols"),
    ],
)
def test_a_profile_with_a_wrong_table_is_refused_by_its_key(table, words):
    with pytest.raises(ProfileError, match=words) as caught:
        Camera.from_mapping({"companding": [table]}, name="C")
    assert caught.value.where.startswith("camera.C.companding[0]")
