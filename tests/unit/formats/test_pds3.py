"""PDS3 labels and images: real products, pvl as a second opinion, and bytes laid out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from stages.formats.images import image_format, read_image, read_image_bytes
from stages.formats.labels import BitPattern, Quantity, parse_label

HAZCAM = "1F483288473EFFCMUFP1214L0M1.IMG"
HIRISE = "PSP_001446_1790_BG12_0.IMG"


def pds3(octets, *, size=1024, pointer="2", record="RECORD_BYTES = 1024", head="", **image):
    """Lay out a label and the bytes of an image."""
    image = {"LINES": 4, "LINE_SAMPLES": 6, "SAMPLE_BITS": 16, "SAMPLE_TYPE": "MSB_UNSIGNED_INTEGER"} | image
    lines = "".join(f"  {key} = {value}\r\n" for key, value in image.items())
    text = f"PDS_VERSION_ID = PDS3\r\n{record}\r\n^IMAGE = {pointer}\r\n{head}OBJECT = IMAGE\r\n{lines}END_OBJECT = IMAGE\r\nEND\r\n"
    return text.encode().ljust(size, b" ") + octets


def numbers(dtype, shape=(4, 6), low=0):
    return np.random.default_rng(3).integers(low, 120, shape).astype(dtype)


def test_real_hazcam_picture(real):
    path = real / "archive_images" / HAZCAM
    raster = read_image(path)
    plain = np.frombuffer(path.read_bytes(), ">i2", 1 << 20, 20 * 2048).reshape(1024, 1024)
    assert (raster.samples == plain).all()
    # Its own label says MEAN = 840.053, STANDARD_DEVIATION = 537.714, MINIMUM = 5, MAXIMUM = 4046.
    assert round(float(raster.samples.mean()), 3) == 840.053
    assert round(float(raster.samples.std()), 3) == 537.714
    assert (raster.samples.min(), raster.samples.max(), raster.meta["bits"]) == (5, 4046, 12)
    assert not raster.mask.any()
    assert raster.meta["label"]["instrument"] == "FRONT_HAZCAM_LEFT"
    assert raster.meta["lossless"] is False  # ICER at 4 bits


def plainly(value):
    """Bring pvl's values and ours to one form."""
    if isinstance(value, Quantity) or hasattr(value, "units"):
        return plainly(value.value)
    if isinstance(value, (tuple, list)):
        return [plainly(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None if value is None else " ".join(str(value).split()).upper()


@pytest.mark.parametrize("file", [f"archive_images/{HAZCAM}", f"hirise/{HIRISE}"])
def test_labels_are_read_as_pvl_reads_them(real, file):
    pvl = pytest.importorskip("pvl", reason="pvl is not installed")
    data = (real / file).read_bytes()[:65536].decode("latin-1")
    label, size = parse_label(data, file)
    theirs = pvl.loads(data[:size])
    compared = 0

    def compare(block, other):
        nonlocal compared
        mine = {key: plainly(value) for key, value in block.values.items()}
        for key, value in other.items():
            if not hasattr(value, "items"):
                told = plainly(value)
                if isinstance(told, str) and mine[key.upper()] != told:
                    assert ":" in told  # times: pvl makes objects of them
                else:
                    assert mine[key.upper()] == told, key
                compared += 1
        inner = [value for _, value in other.items() if hasattr(value, "items")]
        assert len(inner) == len(block.blocks)
        for ours, its in zip(block.blocks, inner, strict=True):
            compare(ours, its)

    compare(label, theirs)
    assert compared > 150


@pytest.mark.parametrize(
    "told, bits, dtype",
    [
        ("MSB_UNSIGNED_INTEGER", 8, "u1"),
        ("UNSIGNED_INTEGER", 16, ">u2"),
        ("MSB_INTEGER", 16, ">i2"),
        ("SUN_INTEGER", 32, ">i4"),
        ("LSB_UNSIGNED_INTEGER", 16, "<u2"),
        ("PC_INTEGER", 16, "<i2"),
        ("VAX_INTEGER", 32, "<i4"),
        ("IEEE_REAL", 32, ">f4"),
        ("MAC_REAL", 64, ">f8"),
        ("PC_REAL", 32, "<f4"),
    ],
)
def test_every_type(told, bits, dtype):
    truth = numbers(dtype, low=-100 if "i" in dtype or "f" in dtype else 0)
    raster = read_image_bytes(pds3(truth.tobytes(), SAMPLE_TYPE=told, SAMPLE_BITS=bits), "x")
    assert (raster.samples == truth).all()


@pytest.mark.parametrize("storage", ["BAND_SEQUENTIAL", "LINE_INTERLEAVED", "SAMPLE_INTERLEAVED"])
@pytest.mark.parametrize("prefix, suffix", [(0, 0), (5, 3)])
def test_bands_and_what_stands_beside_lines(storage, prefix, suffix):
    truth = numbers(">u2", (3, 4, 6))  # bands, lines, samples
    order = {"BAND_SEQUENTIAL": (0, 1, 2), "LINE_INTERLEAVED": (1, 0, 2), "SAMPLE_INTERLEAVED": (1, 2, 0)}[storage]
    rows = truth.transpose(order)
    rows = rows.reshape(4, -1) if storage == "SAMPLE_INTERLEAVED" else rows.reshape(12, 6)
    body = b"".join(b"P" * prefix + row.tobytes() + b"S" * suffix for row in rows)
    told = {"BANDS": 3, "BAND_STORAGE_TYPE": storage, "LINE_PREFIX_BYTES": prefix, "LINE_SUFFIX_BYTES": suffix}
    assert (read_image_bytes(pds3(body, **told), "x").samples == truth.transpose(1, 2, 0)).all()


def test_keywords_that_are_often_missing_have_the_standards_defaults():
    truth = numbers("u1")
    raster = read_image_bytes(pds3(truth.tobytes()).replace(b"SAMPLE_TYPE", b"SAMPLE_NOTE").replace(b"SAMPLE_BITS", b"SAMPLE_BOTS"), "x")
    assert (raster.samples == truth).all()


@pytest.mark.parametrize("pointer, record", [("1025 <BYTES>", ""), ("2", "RECORD_BYTES = 1024"), ("9", "RECORD_BYTES = 128 <BYTES>")])
def test_pointers(pointer, record):
    truth = numbers(">u2")
    assert (read_image_bytes(pds3(truth.tobytes(), pointer=pointer, record=record), "x").samples == truth).all()


@pytest.mark.parametrize("pointer", ['"DATA.IMG"', '("DATA.IMG", 1)', '("data.img", 9 <BYTES>)'])
def test_detached_labels(tmp_path, pointer):
    truth = numbers(">u2")
    (tmp_path / "DATA.LBL").write_bytes(pds3(b"", size=0, pointer=pointer))
    (tmp_path / "DATA.IMG").write_bytes(bytes(8 if "9" in pointer else 0) + truth.tobytes())
    for name in ("DATA.LBL", "DATA.IMG"):
        assert (read_image(tmp_path / name).samples == truth).all()
    assert image_format((tmp_path / "DATA.LBL").read_bytes()) is None
    (tmp_path / "DATA.IMG").unlink()
    with pytest.raises(DataError, match="not beside it"):
        read_image(tmp_path / "DATA.LBL")


def test_a_label_names_no_file_of_another_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(bytes(100))
    for pointer in ('"../secret"', f'"{tmp_path}/secret"', '"..\\secret"', '".hidden"'):
        (tmp_path / "in" / "A.LBL").write_bytes(pds3(b"", size=0, pointer=pointer))
        with pytest.raises(DataError, match="names the file"):
            read_image(tmp_path / "in" / "A.LBL")


@pytest.mark.parametrize(
    "constant, dtype, told, value",
    [
        ("0", ">u2", "MSB_UNSIGNED_INTEGER", 0),
        ("16#FF#", "u1", "UNSIGNED_INTEGER", 255),
        ("-32768", ">i2", "MSB_INTEGER", -32768),
        ("16#8000#", ">i2", "MSB_INTEGER", -32768),
        ("-1.5", ">f4", "IEEE_REAL", -1.5),
        ("16#FF7FFFFB#", ">f4", "IEEE_REAL", np.array(0xFF7FFFFB, np.uint32).view(np.float32)),
    ],
)
@pytest.mark.parametrize("keyword", ["MISSING_CONSTANT", "INVALID_CONSTANT"])
def test_constants_are_lost_samples(constant, dtype, told, value, keyword):
    truth = numbers(dtype, low=1)
    truth[1, 2] = value
    bits = 8 * truth.itemsize
    raster = read_image_bytes(pds3(truth.tobytes(), SAMPLE_TYPE=told, SAMPLE_BITS=bits, **{keyword: constant}), "x")
    assert np.argwhere(raster.mask).tolist() == [[1, 2]]
    assert (raster.samples[~raster.mask] == truth[~raster.mask]).all()


def test_a_constant_in_one_band_of_a_colour_is_a_colour():
    truth = numbers("u1", (3, 4, 6), low=1)
    truth[0, 0, 0] = truth[:, 3, 3] = 0
    raster = read_image_bytes(pds3(truth.tobytes(), BANDS=3, SAMPLE_BITS=8, MISSING_CONSTANT=0), "x")
    assert np.argwhere(raster.mask).tolist() == [[3, 3]]


def test_requests_do_not_pass_for_results():
    groups = {"IMAGE_REQUEST_PARMS": "ICER", "COMPRESSION_PARMS": "LOCO"}
    head = "".join(f"GROUP = {group}\r\nINST_CMPRS_NAME = {coding}\r\nEND_GROUP\r\n" for group, coding in groups.items())
    raster = read_image_bytes(pds3(numbers(">u2").tobytes(), head=head), "x")
    assert raster.meta["label"]["compression"] == "LOCO"
    assert raster.meta["lossless"] is True


def test_cut_file_keeps_what_came():
    raster = read_image_bytes(pds3(numbers(">u2", low=1).tobytes())[:-13], "x")
    assert int(raster.mask.sum()) == 7
    with pytest.raises(DataError, match="before its first sample"):
        read_image_bytes(pds3(b""), "x")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"LINES": 10**9}, "pixels"),
        ({"LINES": "MANY"}, "LINES = MANY"),
        ({"BANDS": 4}, "4 bands"),
        ({"LINE_PREFIX_BYTES": 10**9}, "claims an array"),
        ({"SAMPLE_BITS": 12}, "12 bits"),
        ({"SAMPLE_TYPE": "MSB_BIT_STRING"}, "BIT_STRING"),
        ({"ENCODING_TYPE": '"CLEM-JPEG-1"'}, "coded"),
        ({"pointer": "0"}, "points to"),
        ({"pointer": "3", "record": ""}, "how long"),
        ({"BANDS": 3, "BAND_STORAGE_TYPE": "HEAP"}, "HEAP"),
        ({"head": "OBJECT = X\r\n"}, "within X"),
        ({"head": 'TEXT = "never closed\r\n'}, "byte"),
        ({"head": "/* never closed\r\n"}, "does not end"),
        ({"head": "X = (1, (2\r\n"}, "belongs"),
        ({"head": "X = " + "(" * 5000}, "lists"),
        ({"head": "OBJECT = X\r\n" * 50}, "objects"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(changes, words):
    with pytest.raises(DataError, match=words):
        read_image_bytes(pds3(numbers(">u2").tobytes(), **changes), "x")


def test_values_of_every_form():
    text = """A = 1 B = -2.5e3 /* note */ C = 16#FF# D = "two
        lines" E = 'sym' F = (1 <m>, "x", {A, B}) G = 2004-01-01T00:00:00.5Z NS:H = N/A ^P = ("F.IMG", 3 <BYTES>) END junk"""
    label, size = parse_label(text, "x")
    assert label.values == {
        "A": 1, "B": -2500.0, "C": 255, "D": "two lines", "E": "sym", "F": (Quantity(1, "m"), "x", ("A", "B")),
        "G": "2004-01-01T00:00:00.5Z", "NS:H": "N/A", "^P": ("F.IMG", Quantity(3, "BYTES")),
    }  # fmt: skip
    assert isinstance(label.values["C"], BitPattern)
    assert text[size:] == " junk"
