"""VICAR files against a real one, and against bytes laid out by hand as the format's description says."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from stages.formats.images import image_format, read_image, read_image_bytes
from stages.formats.vax import from_vax
from stages.formats.vicar import parse_vicar_label

KINDS = {"BYTE": "u1", "HALF": "i2", "FULL": "i4", "REAL": "f4", "DOUB": "f8"}


def vicar(bands, *, kind="HALF", org="BSQ", high=True, nbb=0, nlb=0, end="", items="", real=None, **changes):
    """Lay out (bands, lines, samples) record by record."""
    real = real or ("IEEE" if high else "RIEEE")
    stored = bands.astype((">" if high else "<") + KINDS[kind])
    order = {"BSQ": (0, 1, 2), "BIL": (1, 0, 2), "BIP": (1, 2, 0)}[org]
    rows = np.ascontiguousarray(stored.transpose(order))
    body = b"".join(b"\xaa" * nbb + row.tobytes() for row in rows.reshape(-1, rows.shape[2]))
    record = nbb + rows.shape[2] * stored.itemsize
    nb, nl, ns = bands.shape
    system = {"FORMAT": f"'{kind}'", "TYPE": "'IMAGE'", "EOL": int(bool(end)), "RECSIZE": record, "ORG": f"'{org}'", "NL": nl, "NS": ns}
    system |= {"NB": nb, "NBB": nbb, "NLB": nlb, "INTFMT": "'HIGH'" if high else "'LOW'", "REALFMT": f"'{real}'", "COMPRESS": "'NONE'"}
    system |= changes
    text = "LBLSIZE=1024  " + "  ".join(f"{key}={value}" for key, value in system.items()) + items
    tail = f"LBLSIZE={512}  {end}".ljust(512, "\0") if end else ""
    return text.ljust(1024, "\0").encode() + b"\xbb" * (nlb * record) + body + tail.encode()


def cube(bands=1, low=0, high=200, shape=(5, 7)):
    return np.random.default_rng(7).integers(low, high, (bands, *shape))


def test_real_insight_picture(real):
    path = real / "archive_images" / "D001L0040_600081076EDR_F0002_0010M2.VIC"
    raster = read_image(path)
    assert np.round(raster.samples.mean((0, 1)), 2).tolist() == [93.01, 79.29, 68.92]
    octets = np.frombuffer(path.read_bytes(), np.uint8, 3 << 20, 8192).reshape(3, 1024, 1024)
    assert (raster.samples == octets.transpose(1, 2, 0)).all()
    assert not raster.mask.any()
    label = raster.meta["label"]
    assert (label["instrument"], label["compression"], label["companding"]) == ("IDC", "JPEG", "LUT0")
    assert (label["start_time"], label["clock_start"]) == ("2019-01-06T21:11:46.509", "600081076.41282")
    assert raster.meta["lossless"] is False


def test_vicar_label_of_a_real_pds_product_gives_what_its_pds_label_gives(real):
    data = (real / "archive_images" / "1F483288473EFFCMUFP1214L0M1.IMG").read_bytes()
    inner, outer = read_image_bytes(data[13 * 2048 :], "inner"), read_image_bytes(data, "outer")
    assert (inner.samples == outer.samples).all()
    assert inner.meta["label"]["product"] == outer.meta["label"]["product"] == "1F483288473EFFCMUFP1214L0M1"


@pytest.mark.parametrize("org", ["BSQ", "BIL", "BIP"])
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("high", [False, True])
@pytest.mark.parametrize("nbb, nlb, bands", [(0, 0, 1), (6, 2, 3), (3, 1, 1)])
def test_every_number_in_every_organisation(org, kind, high, nbb, nlb, bands):
    truth = cube(bands, 0 if kind == "BYTE" else -99)
    raster = read_image_bytes(vicar(truth, kind=kind, org=org, high=high, nbb=nbb, nlb=nlb), "x")
    assert (raster.samples == truth.transpose(1, 2, 0).squeeze()).all()
    assert not raster.mask.any()


def test_whole_numbers_that_fit_are_unsigned():
    assert read_image_bytes(vicar(cube(high=4096)), "x").samples.dtype == np.uint16
    assert read_image_bytes(vicar(cube(low=-5)), "x").samples.dtype == np.int16


def test_label_at_the_end_continues_the_first():
    end = "PROPERTY='IDENTIFICATION'  INSTRUMENT_ID='MI'  PRODUCT_ID='It''s'  PROPERTY='IMAGE_DATA'  MISSING_CONSTANT=0.0"
    truth = cube(low=1)
    truth[0, 2, 3] = 0
    data = vicar(truth, end=end)
    raster = read_image_bytes(data, "x")
    assert raster.meta["label"] == {"instrument": "MI", "product": "It's"}
    assert np.argwhere(raster.mask).tolist() == [[2, 3]]
    cut = read_image_bytes(data[:-100], "x")
    assert "lost" in cut.meta["caveats"][0]
    assert not cut.mask.any()


def test_what_is_cut_or_missing_is_masked_to_the_sample():
    truth = cube(low=1)
    data = vicar(truth)
    raster = read_image_bytes(data[:-3], "x")
    assert np.argwhere(raster.mask).tolist() == [[4, 5], [4, 6]]
    gap = 1024 + 2 * (7 + 2)
    raster = read_image_bytes(data, "x", [(gap, gap + 1)])
    assert np.argwhere(raster.mask).tolist() == [[1, 2]]
    assert raster.samples[1, 2] == 0
    with pytest.raises(DataError, match="gap in its label"):
        read_image_bytes(data, "x", [(900, 901)])


def test_bits_come_from_the_mask_of_the_label_unless_samples_exceed_it():
    mask = "  PROPERTY='IMAGE_DATA'  SAMPLE_BIT_MASK='2#0000111111111111#'"
    assert read_image_bytes(vicar(cube(), items=mask), "x").meta["bits"] == 12
    assert read_image_bytes(vicar(cube(low=8000, high=8100), items=mask), "x").meta["bits"] == 13


def test_bayer_pattern_of_the_label():
    items = "  PROPERTY='INSTRUMENT_STATE_PARMS'  CFA_TYPE='BAYER_RGGB'  BAYER_METHOD='RAW_BAYER'"
    assert read_image_bytes(vicar(cube(), items=items), "x").meta["cfa"] == "RGGB"
    assert "cfa" not in read_image_bytes(vicar(cube(), items=items.replace("RAW_BAYER", "MALVAR")), "x").meta


def test_vax_numbers():
    # From the definition of the formats: 1.0, -3.5, and pi to the last digit, words with the low byte first.
    f_floating = bytes.fromhex("80400000 60c10000 4941db0f 00000000 00800000".replace(" ", ""))
    values = from_vax(np.frombuffer(f_floating, np.uint8).reshape(-1, 4))
    assert values.dtype == np.float32
    assert values[:4].tolist() == [1.0, -3.5, float(np.float32(np.pi)), 0.0]
    assert np.isnan(values[4])
    # D_floating has three more digits than IEEE: pi ends in ...68C2, IEEE's in ...2D18 (here shifted by three bits).
    d_floating = np.array([0x4149, 0x0FDA, 0xA221, 0x68C2], "<u2").view(np.uint8).reshape(1, 8)
    assert from_vax(d_floating).tolist() == [np.pi]


def test_vax_picture_and_reserved_operand():
    data = bytearray(vicar(cube(shape=(1, 2)), kind="REAL", real="VAX"))
    data[1024:] = bytes.fromhex("8040000000800000")
    raster = read_image_bytes(bytes(data), "x")
    assert raster.samples.tolist() == [[1.0, 0.0]]
    assert raster.mask.tolist() == [[False, True]]


def test_numbers_that_are_none_are_lost():
    truth = cube().astype(float)
    truth[0, 1, 1], truth[0, 2, 2] = np.nan, np.inf
    raster = read_image_bytes(vicar(truth, kind="REAL"), "x")
    assert np.argwhere(raster.mask).tolist() == [[1, 1], [2, 2]]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"FORMAT": "'COMP'"}, "format 'COMP'"),
        ({"COMPRESS": "'BASIC2'"}, "compressed"),
        ({"NL": 100000, "NS": 100000, "RECSIZE": 200000}, "pixels"),
        ({"NL": -1}, "NL=-1"),
        ({"NB": 7}, "7 bands"),
        ({"RECSIZE": 3}, "records of 3 bytes"),
        ({"ORG": "'XYZ'"}, "organised"),
        ({"INTFMT": "'MIDDLE'"}, "order"),
        ({"NBB": 1 << 30, "RECSIZE": (1 << 30) + 14}, "claims an array"),
        ({"NL": "(1,2"}, "without an end"),
        ({"NL": "'"}, "byte"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(changes, words):
    with pytest.raises(DataError, match=words.replace("(", r"\(")):
        read_image_bytes(vicar(cube(), **changes), "x")


def test_label_longer_than_the_file_is_refused():
    with pytest.raises(DataError, match="label"):
        read_image_bytes(vicar(cube())[:600], "x")
    assert image_format(vicar(cube())) == "vicar"


def test_label_items_of_every_form():
    label = parse_vicar_label("A='x''y' B=(1,-2.5,'c d') C=2#11# PROPERTY='P' A=7 D__UNIT=('m','s')  ", "x")
    assert label.values == {"A": "x'y", "B": (1, -2.5, "c d"), "C": 3}
    assert label.blocks[0].values == {"A": 7, "D__UNIT": ("m", "s")}
