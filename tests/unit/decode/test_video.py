"""Videos become a mosaic for each frame: names, numbers, times and editions."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.product import Arrival
from stages.decode import decode
from stages.products import Mosaic, ReceivedFile
from stages.profile import Names
from stages.recognise import recognise_media

NAMES = Names.from_mapping(
    {
        "rules": [
            {"pattern": r"(?P<instrument>[A-Z]{2})(?P<type>[A-Z]{3})(?P<number>\d+)", "frame": "number"},
            {"pattern": r"(?P<instrument>[A-Z]{2})(?P<type>[A-Z]{3})_.*"},
        ],
        "cameras": {"ED": "RDC"},
        "colours": {"ECM": "mosaic"},
    }
)


def video(*, container: str = "mp4", pixels: str = "yuv420p", count: int = 6, grey: bool = False) -> bytes:
    sink = io.BytesIO()
    rows, columns = np.mgrid[:48, :64]
    with av.open(sink, "w", format=container) as output:
        stream: Any = output.add_stream("libx264", rate=10, options={"crf": "1", "g": "3", "bf": "0", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number in range(count):
            level = 40 + 10 * number + rows + columns // 2
            bands = [level] * 3 if grey else [level, 200 - rows * 2, columns * 3]
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.stack(bands, -1).astype(np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    return sink.getvalue()


def mosaics(data: bytes, name: str, *, gaps: tuple[tuple[int, int], ...] = (), size: int | None = -1, **meta: Any) -> list[Mosaic]:
    whole = len(data) if size == -1 else size
    return list(decode(ReceivedFile(file="one", data=data, size=whole, gaps=gaps, meta={"name": name} | meta), NAMES))


def test_frames_have_numbers_from_the_first_one_that_the_name_tells() -> None:
    found = mosaics(video(), "EDECV0000100.mp4", clock=50.0)
    assert [(one.camera, one.frame, one.edition, one.cfa) for one in found] == [
        ("RDC", f"{100 + place:07d}", "video", "colour") for place in range(6)
    ]
    assert [one.clock for one in found] == pytest.approx([50 + place / 10 for place in range(6)])
    assert found[0].meta == {"seconds": 0.0}
    assert found[0].white == 255
    assert found[0].samples.shape == (48, 64, 3)


def test_frames_of_a_video_without_number_are_called_by_its_name() -> None:
    found = mosaics(video(), "EDECV_landing.mp4")
    assert [one.frame for one in found] == [f"EDECV_landing-{place:07d}" for place in range(6)]
    assert {one.clock for one in found} == {None}
    long = mosaics(video(), "x" * 200 + ".mp4")
    assert len({one.frame for one in long}) == 6
    assert all(len(one.frame) <= 80 for one in long)


def test_luma_is_a_mosaic_only_where_somebody_says_so() -> None:
    assert {one.cfa for one in mosaics(video(grey=True), "EDECV0000100.mp4")} == {"colour"}
    assert {(one.cfa, one.samples.ndim) for one in mosaics(video(grey=True), "EDECM0000100.mp4")} == {("RGGB", 2)}
    assert {one.cfa for one in mosaics(video(grey=True), "EDECV0000100.mp4", cfa="GBRG")} == {"GBRG"}
    assert {one.cfa for one in mosaics(video(), "EDECM0000100.mp4")} == {"colour"}


def test_a_bare_stream_in_a_downlinked_file_has_the_rate_that_the_spacecraft_tells() -> None:
    found = mosaics(video(container="h264"), "EDECV0000100.h264", clock=7.0, frame_rate=75)
    assert [one.clock for one in found] == pytest.approx([7 + place / 75 for place in range(6)])
    assert {one.clock for one in mosaics(video(container="h264"), "EDECV0000100.h264", clock=7.0)} == {None}


def test_a_file_that_is_still_coming_gives_what_there_is() -> None:
    data = video(container="h264")
    whole = mosaics(data, "EDECV0000100.h264")
    part = mosaics(data[: len(data) * 2 // 3], "EDECV0000100.h264", size=len(data), gaps=((len(data) * 2 // 3, len(data)),))
    assert 1 <= len(part) < 6
    assert all(np.array_equal(own.samples, other.samples) for own, other in zip(part, whole, strict=False))
    assert mosaics(video()[:300], "EDECV0000100.mp4", size=5000, gaps=((300, 5000),)) == []
    with pytest.raises(DataError):
        mosaics(video()[:300], "EDECV0000100.mp4")


def test_a_frame_says_how_many_before_it_are_lost() -> None:
    data = video(container="mp4")
    with av.open(io.BytesIO(data)) as container:
        at = next(packet.pos or 0 for packet in list(container.demux(video=0))[1:])
    found = mosaics(data, "EDECV0000100.mp4", gaps=((at, at + 4),))
    assert [one.frame for one in found] == ["0000100", "0000103", "0000104", "0000105"]
    assert found[1].meta["caveats"] == ["2 frames of the video before this one could not be decoded"]


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "h264"])
def test_videos_are_known_by_their_first_bytes(container: str) -> None:
    data = video(container=container)
    found = recognise_media(Arrival(path=Path("a.bin"), size=len(data), head=data), lambda _: {})
    assert found is not None
    assert (found.level, found.confidence) == ("media", 0.99)
