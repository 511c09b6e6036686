"""PDS4 labels and the files beside them, and XML that means harm."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.product import Arrival
from stages.formats.images import read_image
from stages.formats.pds4 import parse_pds4
from stages.recognise import recognise_label, recognise_media

TYPES = {
    "UnsignedByte": "u1",
    "SignedMSB2": ">i2",
    "UnsignedMSB2": ">u2",
    "UnsignedLSB2": "<u2",
    "SignedLSB4": "<i4",
    "IEEE754MSBSingle": ">f4",
    "IEEE754LSBDouble": "<f8",
}


def pds4(axes=(("Line", 4), ("Sample", 6)), *, data_type="UnsignedMSB2", file="a.img", offset=10, head="", special=""):
    parts = "".join(
        f"<Axis_Array><axis_name>{axis}</axis_name><elements>{length}</elements><sequence_number>{number}</sequence_number></Axis_Array>"
        for number, (axis, length) in enumerate(axes, 1)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
{head}<Product_Observational xmlns="http://pds.nasa.gov/pds4/pds/v1" xmlns:img="http://pds.nasa.gov/pds4/img/v1">
 <Identification_Area><logical_identifier>urn:nasa:pds:b:c:p</logical_identifier><version_id>1.0</version_id></Identification_Area>
 <Observation_Area><Time_Coordinates><start_date_time>2021-02-18T20:41:04.447Z</start_date_time></Time_Coordinates>
  <Observing_System><Observing_System_Component><name>LCAM</name><type>Instrument</type></Observing_System_Component></Observing_System>
  <img:Color_Filter_Array><img:color_filter_array_type>Bayer RGGB</img:color_filter_array_type></img:Color_Filter_Array>
 </Observation_Area>
 <File_Area_Observational><File><file_name>{file}</file_name></File>
  <Array_{len(axes)}D_Image><offset unit="byte">{offset}</offset><axes>{len(axes)}</axes>
   <axis_index_order>Last Index Fastest</axis_index_order><Element_Array><data_type>{data_type}</data_type></Element_Array>
   {parts}<Special_Constants>{special}</Special_Constants></Array_{len(axes)}D_Image></File_Area_Observational>
</Product_Observational>""".encode()


def numbers(dtype, shape=(4, 6)):
    return np.random.default_rng(5).integers(1, 99, shape).astype(dtype)


@pytest.mark.parametrize("data_type", list(TYPES))
def test_every_type(tmp_path, data_type):
    truth = numbers(TYPES[data_type])
    (tmp_path / "a.img").write_bytes(bytes(10) + truth.tobytes())
    (tmp_path / "a.xml").write_bytes(pds4(data_type=data_type))
    for name in ("a.xml", "a.img"):
        raster = read_image(tmp_path / name)
        assert (raster.samples == truth).all()
    assert raster.meta["label"]["instrument"] == "LCAM"
    assert raster.meta["label"]["start_time"] == "2021-02-18T20:41:04.447Z"
    assert raster.meta["cfa"] == "RGGB"


@pytest.mark.parametrize("order", ["Band Line Sample", "Line Band Sample", "Line Sample Band"])
def test_axes_in_any_order(tmp_path, order):
    truth = numbers(">u2", (4, 6, 3))
    names = ["Line", "Sample", "Band"]
    axes = [(axis, truth.shape[names.index(axis)]) for axis in order.split()]
    stored = truth.transpose([names.index(axis) for axis in order.split()])
    (tmp_path / "a.img").write_bytes(bytes(10) + stored.tobytes())
    (tmp_path / "a.xml").write_bytes(pds4(axes))
    assert (read_image(tmp_path / "a.xml").samples == truth).all()


def test_special_constants_are_lost(tmp_path):
    truth = numbers(">u2")
    truth[0, 1], truth[2, 2] = 0, 65535
    (tmp_path / "a.img").write_bytes(bytes(10) + truth.tobytes())
    (tmp_path / "a.xml").write_bytes(pds4(special="<missing_constant>0</missing_constant><invalid_constant>16#FFFF#</invalid_constant>"))
    assert np.argwhere(read_image(tmp_path / "a.xml").mask).tolist() == [[0, 1], [2, 2]]


@pytest.mark.parametrize(
    "label, words",
    [
        (pds4(head='<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>'), "document type"),
        (pds4(head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "document type"),
        (pds4(head="<Product_Observational>" * 200), "levels"),
        (pds4().replace(b"<axes>", b"<axes>&bomb;"), "no XML"),
        (pds4()[:-30], "no XML"),
        (pds4().replace(b"UTF-8", b"no-such"), "no XML"),
        (pds4(file="../a.img"), "names the file"),
        (pds4(file=""), "names the file"),
        (pds4(offset=-1), "whole number"),
        (pds4(data_type="ComplexMSB8"), "ComplexMSB8"),
        (pds4((("Line", 10**9), ("Sample", 10**9))), "pixels"),
        (pds4((("Line", 4), ("Time", 6))), "axes"),
        (pds4((("Line", 4), ("Line", 6))), "axes"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path, label, words):
    (tmp_path / "a.img").write_bytes(bytes(100))
    (tmp_path / "a.xml").write_bytes(label)
    with pytest.raises(DataError, match=words):
        read_image(tmp_path / "a.xml")


def test_too_many_elements_are_refused():
    with pytest.raises(DataError, match="elements"):
        parse_pds4(b"<Product_X>" + b"<a/>" * 100_001 + b"</Product_X>", "x")


def arrival(path):
    data = path.read_bytes()
    return Arrival(path=path, size=len(data), head=data)


def test_a_label_goes_with_its_file_and_is_no_picture_itself(tmp_path):
    (tmp_path / "a.img").write_bytes(bytes(10) + numbers(">u2").tobytes())
    alone = recognise_media(arrival(tmp_path / "a.img"), lambda _: {})
    assert alone is not None
    # By its ending alone, which says little: the label may still come.
    assert (alone.confidence, alone.facts) == (0.1, {"name": "a.img"})
    (tmp_path / "a.xml").write_bytes(pds4())
    found = recognise_media(arrival(tmp_path / "a.img"), lambda _: {})
    assert found is not None
    assert found.level == "media"
    assert found.facts["layout"]["lines"] == 4
    assert recognise_media(arrival(tmp_path / "a.xml"), lambda _: {}) is None
    label = recognise_label(arrival(tmp_path / "a.xml"), lambda _: {})
    assert label is not None
    assert (label.level, label.key) == ("label", {"label": "a.xml"})


def test_a_file_with_a_label_beside_it_becomes_a_mosaic(tmp_path):
    from pipeline.product import FileRef, Key, Source
    from stages.decode import decode
    from stages.products import ReceivedFile
    from stages.profile import Names

    truth = numbers("<f8") - 50
    (tmp_path / "a.img").write_bytes(bytes(10) + truth.tobytes())
    (tmp_path / "a.xml").write_bytes(pds4(data_type="IEEE754LSBDouble"))
    found = recognise_media(arrival(tmp_path / "a.img"), lambda _: {})
    assert found is not None
    source = Source(
        key=Key([("file", "a.img")]),
        files={"": FileRef(path=str(tmp_path / "a.img"), length=(tmp_path / "a.img").stat().st_size)},
        facts=found.facts,
    )
    (mosaic,) = decode(ReceivedFile.load(source), Names())
    levels = mosaic.meta["levels"]
    assert (mosaic.camera, mosaic.cfa, mosaic.white, mosaic.samples.dtype) == ("LCAM", "RGGB", 65535, np.uint16)
    assert np.abs(levels["offset"] + levels["step"] * mosaic.samples - truth).max() <= levels["step"]
    assert "shown as levels" in mosaic.meta["caveats"][0]
