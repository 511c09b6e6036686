"""Whatever bytes a file of pictures or sound has: what is in it or DataError, and no more room than its length allows.

`make fuzz SECONDS=600 FORMATS="png mp4"` goes on for that long with each format (with all, if none is named), and prints how many files it
made and the most memory that the process ever had; a file that breaks the rule is kept in the folder for temporary files.
"""

from __future__ import annotations

import io
import random
import resource
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import av
import imagecodecs
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from stages.decode import decode, labels
from stages.decode.sidecars import moments_of
from stages.formats.archive import described_by
from stages.formats.images import read_image_bytes
from stages.formats.layout import Layout, read_layout
from stages.formats.levels import as_levels
from stages.formats.png import write_png
from stages.formats.raster import LARGEST
from stages.formats.tiff import tiff_parts
from stages.products import LabelFile, ReceivedFile
from stages.profile import Clock, Names, Sidecars

PICTURE = np.random.default_rng(1).integers(0, 200, (12, 16)).astype(np.uint8)
MOST_BYTES = 1 << 30
"""A gigabyte, for the largest picture that is read at all."""
NUMBERS = (b"0", b"-1", b"1", b"2", b"3", b"7", b"8", b"255", b"4096", b"65536", b"999999999", b"1e400", b"16#FF#", b"(1,2)", b"''", b'"')


def vicar(kind="HALF", dtype="<i2", items=""):
    system = f"FORMAT='{kind}' TYPE='IMAGE' EOL=1 RECSIZE={16 * np.dtype(dtype).itemsize} ORG='BSQ' NL=12 NS=16 NB=1 NBB=0 NLB=0 "
    label = f"LBLSIZE=512 {system}INTFMT='LOW' REALFMT='VAX' COMPRESS='NONE' PROPERTY='P' MISSING_CONSTANT=0.0 {items}"
    return label.ljust(512, "\0").encode() + PICTURE.astype(dtype).tobytes() + b"LBLSIZE=64 TASK='T' USER='U'".ljust(64, b"\0")


def pds3(image, body, head="", size=1024):
    front = f"PDS_VERSION_ID = PDS3\r\nRECORD_BYTES = 256\r\n^IMAGE = {size + 1} <BYTES>\r\n"
    text = f"{front}{head}OBJECT = IMAGE\r\n{image}END_OBJECT\r\nEND\r\n"
    return text.encode().ljust(size, b" ") + body


def plain_pds3():
    image = "LINES = 12\r\nLINE_SAMPLES = 16\r\nSAMPLE_TYPE = MSB_INTEGER\r\nSAMPLE_BITS = 16\r\nMISSING_CONSTANT = 16#00#\r\n"
    return pds3(
        image + 'BANDS = 1\r\nNOTE = "two\r\n lines" /* and a comment */\r\nX = (1 <m>, {A, B})\r\n', PICTURE.astype(">i2").tobytes()
    )


def hirise():
    table = ", ".join(f"({64 * number}, {64 * number + 63})" for number in range(255))
    head = f'INSTRUMENT_ID = "HIRISE"\r\n^GAP_TABLE = 5000 <BYTES>\r\nMRO:LOOKUP_CONVERSION_TABLE = ({table})\r\n'
    head += "OBJECT = GAP_TABLE\r\nROWS = 1\r\nEND_OBJECT\r\n"
    rows = b"".join(b"\xff\x00\xe8\0\0" + bytes([line]) + b"B" * 12 + PICTURE[line].tobytes() + b"D" * 16 for line in range(12))
    image = "LINES = 12\r\nLINE_SAMPLES = 16\r\nSAMPLE_BITS = 8\r\nLINE_PREFIX_BYTES = 18\r\nLINE_SUFFIX_BYTES = 16\r\n"
    return pds3(image, rows.ljust(903, b"\0") + bytes(3) + b"\x11\x00\0\0\x11\x02", head, 4096)


def pds4():
    axes = "".join(
        f"<Axis_Array><axis_name>{axis}</axis_name><elements>{length}</elements><sequence_number>{number}</sequence_number></Axis_Array>"
        for number, axis, length in ((1, "Line", 12), (2, "Sample", 16))
    )
    return f"""<?xml version="1.0"?><Product_Observational>
<File_Area_Observational><File><file_name>a.img</file_name></File><Array_2D_Image>
<offset>0</offset><axes>2</axes><Element_Array><data_type>UnsignedByte</data_type></Element_Array>{axes}<Special_Constants>
<missing_constant>0</missing_constant></Special_Constants></Array_2D_Image></File_Area_Observational></Product_Observational>""".encode()


def png():
    with tempfile.TemporaryDirectory() as folder:
        write_png(Path(folder) / "a.png", PICTURE)
        return (Path(folder) / "a.png").read_bytes()


def tiff():
    return b"".join(tiff_parts(PICTURE, mask=PICTURE > 190, record={"a": 1}))


def recording(kind):
    stream = io.BytesIO()
    soundfile.write(stream, np.repeat(PICTURE.reshape(-1, 1).astype(np.int32) << 20, 2, axis=1), 48_000, format=kind, subtype="PCM_24")
    return stream.getvalue()


def video(container):
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as output:
        track = output.add_stream("libx264", rate=10, options={"g": "3"})
        track.width, track.height, track.pix_fmt = 48, 32, "yuv420p"
        for number in range(6):
            frame = np.kron(PICTURE[:8, :12] // 2 + 10 * number, np.ones((4, 4), np.uint8))
            output.mux(track.encode(av.VideoFrame.from_ndarray(np.stack([frame] * 3, -1), format="rgb24")))
        output.mux(track.encode(None))
    return stream.getvalue()


STAGES = {
    "ccsds121": (decode, {"encoding": "aec", "width": 16, "height": 12, "bits": 8}),
    "wav": (decode, {}),
    "flac": (decode, {}),
    "mp4": (decode, {}),
    "mkv": (decode, {}),
    "h264": (decode, {}),
}
"""Formats that are read within a stage, which is then what is tried, and what the spacecraft says of the file."""
SEEDS = {
    "vicar": vicar,
    "vicar-real": lambda: vicar("REAL", "<f4", "A='it''s' B=(1,2.5,'x')"),
    "pds3": plain_pds3,
    "hirise": hirise,
    "pds4": pds4,
    "png": png,
    "tiff": tiff,
    "tiff-plain": lambda: b"".join(tiff_parts(PICTURE, record={"a": 1})),
    "jpeg": lambda: imagecodecs.jpeg8_encode(PICTURE, level=80),
    "jpeg-ls": lambda: imagecodecs.jpegls_encode(PICTURE),
    "ccsds121": lambda: bytes(imagecodecs.aec_encode(PICTURE.tobytes(), bitspersample=8, flags=8, blocksize=16, rsi=128)),
    "wav": lambda: recording("WAV"),
    "flac": lambda: recording("FLAC"),
    "json": lambda: LABELS["json"],
    "label": lambda: LABELS["label"],
    "mp4": lambda: video("mp4"),
    "mkv": lambda: video("matroska"),
    "h264": lambda: video("h264"),
}


def read(kind, data):
    """Read bytes as the pipeline does: the picture, or a label and then the file beside it."""
    if kind != "pds4":
        return read_image_bytes(data, "x")
    described = described_by(data, "x")
    if described is None:
        return None
    layout = Layout.from_mapping(described.layout.to_mapping(), "x")
    return read_layout(PICTURE.tobytes(), layout, "x", (), described.meta)


LABELS = {
    "json": b'{"images": [{"product_id": "a", "file_name": "a.png", "sclk": "1/12-00345", "start_time": "2021-02-18T20:41:04", "sol": 1}]}',
    "label": b'PDS_VERSION_ID = PDS3\r\n^IMAGE = ("A.IMG", 2)\r\nRECORD_BYTES = 16\r\nSTART_TIME = 2021-049T20:41:04\r\n'
    b'SPACECRAFT_CLOCK_START_COUNT = "12.00345"\r\nOBJECT = IMAGE\r\nLINES = 12\r\nLINE_SAMPLES = 16\r\nEND_OBJECT\r\nEND\r\n',
}


def told(data):
    """Have a label read as the pipeline does; say whether it spoke of any file."""
    found = list(labels(LabelFile(label="x", data=data, name="x.json"), Sidecars(records=("images",))))
    for label in found:
        moments_of(label.meta.get("label", {}), Clock())
    return bool(found)


def decoded(kind, data, cut):
    """Have a stage decode a file, as one that has come in full or as the beginning of one; say whether it gave anything."""
    stage, meta = STAGES[kind]
    size = len(data) + cut * 7 if cut else len(data)
    gaps = ((len(data), size),) if cut else ()
    found = False
    for product in stage(ReceivedFile(file="x", data=data, size=size, gaps=gaps, meta={"name": "x"} | meta), Names()):
        found = True
        assert 0 < product.mask.size <= LARGEST
        assert len(product.samples) == len(product.mask)
    return found


def check(kind, data, cut=0):
    """Read it; say whether it gave a picture or sound."""
    try:
        if kind in LABELS:
            return told(data)
        if kind in STAGES:
            return decoded(kind, data, cut)
        raster = read(kind, data)
    except DataError:
        return False
    if raster is not None:
        assert 0 < raster.mask.size <= LARGEST
        assert raster.samples.shape[:2] == raster.mask.shape
        levels = as_levels(raster)
        assert levels.samples.dtype in (np.uint8, np.uint16)
    return True


def mutated(data, edits):
    """Apply (what, where, by which octets): write over, put in, take out, cut, repeat, or another number for one that is there."""
    for what, where, by in edits:
        at = where % (len(data) + 1)
        if what == "write":
            data = data[:at] + by + data[at + len(by) :]
        elif what == "insert":
            data = data[:at] + by + data[at:]
        elif what == "remove":
            data = data[:at] + data[at + 1 + len(by) ** 2 :]
        elif what == "cut":
            data = data[:at]
        elif what == "repeat":
            data = data[:at] + data[at : at + 40] * (1 + len(by)) + data[at + 40 :]
        else:
            data = renumbered(data, at, NUMBERS[where % len(NUMBERS)])
    return data


def renumbered(data, at, number):
    """Put a number in the place of the next one, without moving what follows further than that."""
    start = next((place for place in range(at, len(data)) if 48 <= data[place] < 58), None)
    if start is None:
        return data
    stop = next((place for place in range(start, len(data)) if not 48 <= data[place] < 58), len(data))
    return data[:start] + number + data[stop:]


WAYS = ("write", "insert", "remove", "cut", "repeat", "number", "number", "number")
edits = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 1 << 14), st.binary(min_size=1, max_size=6)), min_size=1, max_size=6)


@pytest.mark.filterwarnings("default")  # third-party readers warn of what they then refuse
@pytest.mark.parametrize("kind", list(SEEDS))
def test_any_bytes_give_a_picture_or_the_documented_error(kind):
    seed = SEEDS[kind]()
    assert check(kind, seed)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(edits)
    def fuzz(changes):
        check(kind, mutated(seed, changes), len(changes) % 2)

    tracemalloc.start()
    try:
        fuzz()
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind, least", [("vicar", 8), ("pds3", 8), ("hirise", 8)])
def test_a_short_file_takes_little_room_whatever_it_claims(kind, least):
    seed = SEEDS[kind]().replace(b"NL=12 ", b"NL=999999 ").replace(b"LINES = 12\r\n", b"LINES = 999999\r\n")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="bytes"):
            read_image_bytes(seed, "x")
        assert tracemalloc.get_traced_memory()[1] < least << 20
    finally:
        tracemalloc.stop()


def main(seconds, kinds):
    """Fuzz each format for so long, from one seed of chance, and print a line for each."""
    for kind in kinds or SEEDS:
        chance, seed = random.Random(2021), SEEDS[kind]()
        stop, files, pictures = time.monotonic() + seconds, 0, 0
        while time.monotonic() < stop:
            changes = [
                (chance.choice(WAYS), chance.randrange(1 << 14), chance.randbytes(chance.randint(1, 6)))
                for _ in range(chance.randint(1, 6))
            ]
            data = mutated(seed, changes)
            files += 1
            try:
                pictures += check(kind, data, files % 2)
            except Exception:
                path = Path(tempfile.gettempdir()) / f"fuzz-{kind}-{files}"
                path.write_bytes(data)
                sys.stdout.write(f"{kind}: file {files} breaks the rule; it is kept as {path}\n")
                raise
        room = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        sys.stdout.write(f"{kind}: {files} files, {pictures} of them with something in them, the others DataError or nothing; {room} MiB\n")
        assert room << 20 < 2 * MOST_BYTES
        sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
