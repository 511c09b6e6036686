"""Every stage of ours keeps the contract: cheap to import, pure, deterministic, and honest about losses."""

from __future__ import annotations

import binascii
import dataclasses
import io
import json
import struct
from typing import Any

import numpy as np
from PIL import Image as Picture

from pipeline.registry import discover
from pipeline.testing.contract import StageContract
from stages.products import (
    CHANNEL_DTYPE,
    EVENT_DTYPE,
    FRAME_DTYPE,
    PACKET_DTYPE,
    SPOT_DTYPE,
    Cell,
    Channels,
    Chunk,
    ContactSheet,
    Description,
    Events,
    FilePart,
    Frames,
    Image,
    Label,
    LabelFile,
    Mosaic,
    Packets,
    ReceivedFile,
    Recording,
    Repair,
    Sequence,
    SheetBook,
    SheetPrint,
    Sighting,
    SoundBlock,
    Spectrogram,
)
from stages.products.books import PrintedLeaf
from stages.products.files import Segment
from stages.products.sheets import Place
from stages.profile import Camera, Clock, Dictionary, FileProtocol, Link, Microphone, Mission, Names, Sidecars, Timeline
from stages.sequence import survey

LENGTH = 64
LINK = Link.from_mapping({"spacecraft": 33, "frame_length": LENGTH, "randomizer": "none"})
PROTOCOL = FileProtocol.from_mapping({"protocol": "m2020-dp", "apids": [80]})
CAMERA = Camera(name="DDC", title="Descent stage camera", width=24, height=18)
MICROPHONE = Microphone(name="EDL", title="EDL microphone")
TIMELINE = Timeline(zero=1000.0, zero_name="entry", events=({"clock": 1000.0, "name": "entry", "title": "Entry"},))
CLOCK = Clock(ticks_per_second=65536, correlation=((0.0, 0.0, 1.0),))
DICTIONARY = Dictionary.from_mapping(
    {
        "grammar": "m2020",
        "channel_apids": [9],
        "event_apids": [8],
        "channels": {"1": {"name": "volts", "type": "u16", "unit": "mV"}},
        "events": {"0x10": {"name": "MORTAR", "text": "Mach {0}", "level": "info", "arguments": ["f32"]}},
    }
)
NOISE = np.random.default_rng(20210218).integers(0, 256, (18, 24), dtype=np.uint8)
SOUND = np.random.default_rng(1).integers(-20000, 20000, 4000)
TRANSFER = "0080-0666952780-00007"


def space_packet(apid: int, body: bytes, number: int = 0) -> bytes:
    octets = (666952780 << 16 | 7).to_bytes(6, "big") + body
    return struct.pack(">HHH", 0x0800 | apid, 0xC000 | number, len(octets) - 1) + octets


def piece(offset: int, data: bytes) -> bytes:
    return b"\1" + offset.to_bytes(3, "big") + b"\0\x0a\x42" + len(data).to_bytes(3, "big") + data + (sum(data) & 0xFFFF).to_bytes(2, "big")


def sent() -> bytes:
    """Packets of each sort: a channel's, an event's, and those of a file of 200 bytes."""
    event = b"edl".ljust(6, b"\0") + struct.pack(">IIIB", 0x10, 0, 1, 1) + bytes([4]) + struct.pack(">f", 1.7)
    data = bytes(range(200))
    text = json.dumps({"name": "a.bin"}).encode()
    bodies = [
        (9, struct.pack(">HH", 1, 500)),
        (8, event),
        (80, bytes(99) + len(text).to_bytes(2, "big") + text),
        (80, piece(0, data[:90])),
        (80, piece(90, data[90:])),
        (80, b"\2" + bytes(6) + (200).to_bytes(3, "big")),
    ]
    return b"".join(space_packet(apid, body, number) for number, (apid, body) in enumerate(bodies))


def transfer_frames() -> np.ndarray:
    """AOS frames with the packets in them, idle to the end (CCSDS 732.0-B)."""
    zone = LENGTH - 6 - 2 - 2
    octets = sent()
    starts, at = [], 0
    while at < len(octets):
        starts.append(at)
        at += 7 + int.from_bytes(octets[at + 4 : at + 6], "big")
    count = -(-len(octets) // zone)
    fill = count * zone - len(octets)
    if fill < 7:
        count, fill = count + 1, fill + zone
    starts.append(len(octets))
    octets += struct.pack(">HHH", 2047, 0xC000, fill - 7) + bytes(fill - 6)
    frames = []
    for number in range(count):
        inside = [start - number * zone for start in starts if number * zone <= start < (number + 1) * zone]
        pointer = inside[0] if inside else 2047
        head = struct.pack(">HI", 1 << 14 | 33 << 6, number << 8) + pointer.to_bytes(2, "big")
        frame = head + octets[number * zone : (number + 1) * zone]
        frames.append(frame + binascii.crc_hqx(frame, 0xFFFF).to_bytes(2, "big"))
    return np.frombuffer(b"".join(frames), np.uint8).reshape(count, LENGTH)


def received_frames(*bad: int) -> Frames:
    data = transfer_frames()
    table = np.zeros(len(data), FRAME_DTYPE)
    table["bit_offset"] = np.arange(len(data)) * LENGTH * 8
    table["good"] = ~np.isin(np.arange(len(data)), bad)
    return Frames(pass_="p", chunk="0", data=data, table=table)  # noqa: S106 - a pass over a ground station


def received_packets() -> Packets:
    data = np.frombuffer(sent(), np.uint8)
    rows, at = [], 0
    while at < data.size:
        length = 7 + int.from_bytes(data[at + 4 : at + 6].tobytes(), "big")
        rows.append((data[at + 1] | (data[at] & 7) << 8, 3, len(rows), at, length, 0, 8 * at, 1))
        at += length
    return Packets(pass_="p", chunk="0", data=data, table=np.array(rows, PACKET_DTYPE))  # noqa: S106 - as above


def part(*offsets: int) -> FilePart:
    data = bytes(range(200))
    segments = tuple(Segment(start, data[start : start + 50], True, 8 * start, 1) for start in offsets)
    return FilePart(file=TRANSFER, pass_="p", chunk="0", segments=segments, meta={"name": "a.bin"}, size=200)  # noqa: S106 - as above


def picture_file(*gaps: tuple[int, int]) -> ReceivedFile:
    """A JPEG with restart markers, so that a gap costs a part of the picture only."""
    stream = io.BytesIO()
    Picture.fromarray(np.repeat(np.repeat(NOISE, 8, 0), 8, 1)).save(stream, "jpeg", quality=90, restart_marker_rows=1)
    return media(stream.getvalue(), "frame.jpg", *gaps)


def sound_file(*gaps: tuple[int, int]) -> ReceivedFile:
    samples = SOUND.astype("<i2").tobytes()
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return media(head + b"data" + struct.pack("<I", len(samples)) + samples, "sound.wav", *gaps)


def media(data: bytes, name: str, *gaps: tuple[int, int]) -> ReceivedFile:
    octets = bytearray(data)
    for start, stop in gaps:
        octets[start:stop] = bytes(stop - start)
    return ReceivedFile(file=name, data=bytes(octets), size=len(data), gaps=gaps, meta={"name": name})


def mosaic(edition: str) -> Mosaic:
    return Mosaic(file=f"f-{edition}", camera="DDC", frame="0000001", edition=edition, samples=NOISE.copy(), mask=np.zeros((18, 24), bool))


def image(frame: str = "0000001") -> Image:
    samples = np.stack([NOISE, NOISE[::-1], NOISE[:, ::-1]], axis=2).copy()
    return Image(camera="DDC", frame=frame, samples=samples, mask=np.zeros((18, 24), bool), edition="jpeg", editions=("jpeg",), source="P")


def cell(frame: str) -> Cell:
    return Cell(camera="DDC", frame=frame, page="0001", samples=image().samples, mask=np.zeros((18, 24), bool), source="P", clock=1001.0)


def sheet() -> ContactSheet:
    drawn = np.full((40, 60, 3), 200, np.uint8)
    return ContactSheet(
        camera="DDC",
        page="0001",
        leaves=lambda: iter([drawn]),
        sizes=((60, 40),),
        frames=("0000001",),
        places=(Place("0000001", 0, 4, 4, 24, 18),),
        title="Descent stage camera",
    )


def sheet_print() -> SheetPrint:
    leaf = PrintedLeaf(jpeg=b"\xff\xd8\xff\xd9", width=60, height=40, places=sheet().places)
    return SheetPrint(camera="DDC", page="0001", leaves=lambda: iter([leaf]), count=1)


def block(number: int, start: int) -> SoundBlock:
    samples = (SOUND[start : start + 2000, None] << 16).astype(np.int32)
    mask = np.zeros(2000, bool)
    return SoundBlock(file="f", microphone="EDL", block=f"{number:06d}", samples=samples, mask=mask, rate=8000, bits=16, start=start)


def recording(*gaps: tuple[int, int]) -> Recording:
    samples = (SOUND[:, None] << 16).astype(np.int32)
    return Recording(microphone="EDL", rate=8000, channels=1, bits=16, length=4000, blocks=lambda: iter([samples]), gaps=gaps, clock=1002.0)


def channels() -> Channels:
    return Channels(pass_="p", chunk="0", table=np.array([(7 << 16, 9, 1, 1, 500.0), (8 << 16, 9, 2, 1, 501.0)], CHANNEL_DTYPE))  # noqa: S106


def events() -> Events:
    return Events(pass_="p", chunk="0", table=np.array([(7 << 16, 8, 1, 0x10, 1, b"edl", b"[1.7]")], EVENT_DTYPE))  # noqa: S106


class TestFrames(StageContract):
    STAGE = "stages.frames:frames"

    def arguments(self) -> dict[str, Any]:
        marked = np.concatenate(
            [np.broadcast_to(np.frombuffer(LINK.marker, np.uint8), (len(transfer_frames()), 4)), transfer_frames()], axis=1
        )
        return {"chunk": Chunk(pass_="p", chunk="0", data=marked.ravel()), "link": LINK}  # noqa: S106 - a pass over a ground station

    def with_losses(self) -> dict[str, Any]:
        arguments = self.arguments()
        data = arguments["chunk"].data.copy()
        data[100:110] ^= 255
        return arguments | {"chunk": Chunk(pass_="p", chunk="0", data=data)}  # noqa: S106 - as above


class TestPackets(StageContract):
    STAGE = "stages.packets:packets"

    def arguments(self) -> dict[str, Any]:
        return {"frames": received_frames(), "link": LINK, "previous": None}

    def with_losses(self) -> dict[str, Any]:
        return self.arguments() | {"frames": received_frames(2)}


class TestTelemetry(StageContract):
    STAGE = "stages.telemetry:telemetry"
    NO_LOSSES = "packets come whole or not at all, and are counted before"

    def arguments(self) -> dict[str, Any]:
        return {"packets": received_packets(), "dictionary": DICTIONARY}


class TestChannelTable(StageContract):
    STAGE = "stages.telemetry:channel_table"
    NO_LOSSES = "a table of what came; the link's account tells what did not"

    def arguments(self) -> dict[str, Any]:
        return {"channels": [channels()], "clock": CLOCK, "dictionary": DICTIONARY}


class TestEventTable(StageContract):
    STAGE = "stages.telemetry:event_table"
    NO_LOSSES = "a table of what came; the link's account tells what did not"

    def arguments(self) -> dict[str, Any]:
        return {"events": [events()], "clock": CLOCK, "dictionary": DICTIONARY}


class TestFiles(StageContract):
    STAGE = "stages.files:files"
    NO_LOSSES = "a chunk's pieces of a file; what is missing is the whole file's to say"

    def arguments(self) -> dict[str, Any]:
        return {"packets": received_packets(), "protocol": PROTOCOL}


class TestAssemble(StageContract):
    STAGE = "stages.files:assemble"

    def arguments(self) -> dict[str, Any]:
        return {"parts": [part(0, 50, 100, 150)]}

    def with_losses(self) -> dict[str, Any]:
        return {"parts": [part(0, 50, 150)]}


class TestLabels(StageContract):
    STAGE = "stages.decode:labels"
    NO_LOSSES = "a label is read in full or not at all"

    def arguments(self) -> dict[str, Any]:
        text = json.dumps({"product_id": "a", "file_name": "a.png", "start_time": "2021-02-18T20:41:04"})
        return {"file": LabelFile(label="a.json", data=text.encode(), name="a.json"), "sidecars": Sidecars()}


class TestDescribe(StageContract):
    STAGE = "stages.decode:describe"
    NO_LOSSES = "what labels say comes whole or not at all"

    def arguments(self) -> dict[str, Any]:
        return {"labels": [Label(label=name, file="a.png", meta={"label": {"sol": 4}}) for name in ("a.json", "a.xml")]}


class TestDecode(StageContract):
    STAGE = "stages.decode:decode"

    def arguments(self) -> dict[str, Any]:
        told = Description(file="frame.jpg", meta={"label": {"start_time": "2021-02-18T20:41:04.447849"}})
        return {"file": picture_file(), "names": Names(), "clock": CLOCK, "description": told}

    def with_losses(self) -> dict[str, Any]:
        size = len(picture_file().data)
        return self.arguments() | {"file": picture_file((size // 2, size // 2 + 100))}


class TestDecodeSound(StageContract):
    STAGE = "stages.decode:decode"

    def arguments(self) -> dict[str, Any]:
        return {"file": sound_file(), "names": Names(), "clock": CLOCK, "description": None}

    def with_losses(self) -> dict[str, Any]:
        return self.arguments() | {"file": sound_file((1000, 1200))}


class TestSurvey(StageContract):
    STAGE = "stages.sequence:survey"
    NO_LOSSES = "what is lost is not counted"

    def arguments(self) -> dict[str, Any]:
        return {"mosaic": mosaic("lossless"), "camera": CAMERA}


def sighting(number: int) -> Sighting:
    (one,) = survey(dataclasses.replace(mosaic("lossless"), frame=f"{8 * number:07d}"), CAMERA)
    return one


class TestSequence(StageContract):
    STAGE = "stages.sequence:sequence"
    NO_LOSSES = "frames are counted, whatever is lost of them"

    def arguments(self) -> dict[str, Any]:
        return {"sightings": [sighting(number) for number in range(6)], "camera": CAMERA}


class TestRepairs(StageContract):
    STAGE = "stages.sequence:repairs"
    NO_LOSSES = "says what is to be done to frames, whatever is lost of them"

    def arguments(self) -> dict[str, Any]:
        spots = np.array([(1, 2, 40)], SPOT_DTYPE)
        return {"sequence": Sequence(camera="DDC", span="00000", frames=("0000001",), sampled=1, spots=spots)}


class TestDebayer(StageContract):
    STAGE = "stages.debayer:debayer"

    def arguments(self) -> dict[str, Any]:
        spots = np.array([(5, 7, 40)], SPOT_DTYPE)
        repair = Repair(camera="DDC", span="00000", frame="0000001", levels={"f-lossless": tuple(range(0, 256, 2))}, spots=spots)
        return {"mosaics": [mosaic("jpeg"), mosaic("lossless")], "camera": CAMERA, "repairs": [repair]}


class TestDebayerByResiduals(TestDebayer):
    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "method": "mlri"}


class TestDebayerToHalfSize(TestDebayer):
    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "method": "superpixel"}


class TestCells(StageContract):
    STAGE = "stages.contact_sheet:cells"

    def arguments(self) -> dict[str, Any]:
        return {"image": image(), "camera": CAMERA, "width": 64}


class TestContactSheet(StageContract):
    STAGE = "stages.contact_sheet:contact_sheet"

    def arguments(self) -> dict[str, Any]:
        return {"cells": [cell("0000001"), cell("0000002")], "camera": CAMERA, "timeline": TIMELINE, "clock": CLOCK}

    def with_losses(self) -> dict[str, Any]:
        arguments = dict(StageContract.with_losses(self) or {})
        return arguments | {"cells": [dataclasses.replace(one, fraction=0.6) for one in arguments["cells"]]}


class TestPrints(StageContract):
    STAGE = "stages.contact_sheet:prints"
    NO_LOSSES = "codes the sheets as they are drawn"

    def arguments(self) -> dict[str, Any]:
        return {"sheet": sheet()}


class TestBook(StageContract):
    STAGE = "stages.contact_sheet:book"
    NO_LOSSES = "binds the sheets as they are printed"

    def arguments(self) -> dict[str, Any]:
        return {"prints": [sheet_print()], "camera": CAMERA}


class TestSideBySide(StageContract):
    STAGE = "stages.contact_sheet:side_by_side"
    NO_LOSSES = "arranges the cells, which say what they lost"

    def arguments(self) -> dict[str, Any]:
        return {"cells": [cell("0000001"), cell("0000002")], "sheets": [sheet()], "timeline": TIMELINE, "clock": CLOCK}


class TestAudio(StageContract):
    STAGE = "stages.audio:audio"

    def arguments(self) -> dict[str, Any]:
        return {"blocks": [block(0, 0), block(1, 2000)], "microphone": MICROPHONE, "clock": CLOCK}


class TestSpectrogram(StageContract):
    STAGE = "stages.audio:spectrogram"

    def arguments(self) -> dict[str, Any]:
        settings = {"nfft": 256, "width": 400}
        return {"recording": recording(), "microphone": MICROPHONE, "timeline": TIMELINE, "clock": CLOCK, **settings}

    def with_losses(self) -> dict[str, Any]:
        return self.arguments() | {"recording": recording((1000, 2000))}


class TestReport(StageContract):
    STAGE = "stages.report:report"
    NO_LOSSES = "tells of losses, and is itself whole"

    def arguments(self) -> dict[str, Any]:
        return {
            "images": [image()],
            "sheets": [sheet()],
            "books": [SheetBook(camera="DDC", pieces=lambda: iter([b"%PDF"]), pages=1)],
            "recordings": [recording((100, 200))],
            "spectrograms": [self.drawn()],
            "files": [picture_file()],
            "frames": [received_frames(2)],
            "packets": [received_packets()],
            "chunks": [],
            "together": [],
            "channels": None,
            "events": None,
            "mission": Mission(id="x", title="A landing"),
            "timeline": TIMELINE,
            "clock": CLOCK,
            "dictionary": DICTIONARY,
        }

    def drawn(self) -> Spectrogram:
        meta = {"left": 0.1, "right": 0.9, "top": 0.2, "bottom": 0.8, "width": 40, "height": 20, "seconds": 0.5, "hertz": 4000.0}
        samples = np.zeros((20, 40, 3), np.uint8)
        return Spectrogram(microphone="EDL", samples=samples, received=3900, expected=4000, meta=meta | {"peak": -3.0, "rms": -20.0})


def test_no_stage_is_left_out():
    held = {contract().spec().name for contract in globals().values() if isinstance(contract, type) and hasattr(contract, "STAGE")}
    assert held == set(discover().stages)
