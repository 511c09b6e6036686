"""Video: libx264 as the other side; order, times, colour, and what damage costs."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.video import VideoFrame, read_video, video_format

CLOCK = Fraction(1, 90000)
STEP = 3000
"""Ticks between frames at 30 a second."""
BEST = (
    Interpolation.BILINEAR
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)


def scene(number: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    waves = (np.sin(columns / 15 + number / 3), np.sin(rows / 11), np.cos((columns + rows) / 20 + number / 9))
    return np.stack([128 + 100 * wave for wave in waves], axis=-1).astype(np.uint8)


def video(
    moments: list[int], *, container: str = "mp4", pixels: str = "yuv420p", codec: str = "libx264", flat: bool = False, **options: str
) -> bytes:
    """Encode a frame for each moment; `flat` ones have a grey level of their own, 4 a step."""
    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=30, options={"crf": "4", "g": "10", "sc_threshold": "0", "bf": "2"} | options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        stream.time_base = stream.codec_context.time_base = CLOCK
        for number, moment in enumerate(moments):
            samples = np.full((64, 96, 3), 20 + 4 * number, np.uint8) if flat else scene(number)
            frame = av.VideoFrame.from_ndarray(samples, format="rgb24")
            frame.pts, frame.time_base = moment, CLOCK
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return sink.getvalue()


def frames(data: bytes, **options: Any) -> list[VideoFrame]:
    return list(read_video(data, "x.mp4", **options))


STEADY = [STEP * number for number in range(30)]


@pytest.mark.parametrize("container, kind", [("mp4", "mov"), ("mov", "mov"), ("matroska", "matroska"), ("h264", "h264")])
def test_frames_come_in_the_order_of_presentation_whatever_that_of_coding(container: str, kind: str) -> None:
    data = video(STEADY, container=container, flat=True)
    assert video_format(data[:4096]) == kind
    found = frames(data)
    assert [frame.number for frame in found] == list(range(30))
    levels = [float(frame.samples.mean()) for frame in found]
    assert np.allclose(levels, [20 + 4 * number for number in range(30)], atol=2)


def test_moments_are_those_of_the_file_however_uneven() -> None:
    moments = list(itertools.accumulate([0, 1200, 1200, 9000, 3000, 90000, 1, 2999, 450000, 1800]))
    found = frames(video(moments))
    assert [frame.seconds for frame in found] == [float(moment * CLOCK) for moment in moments]


def test_a_bare_stream_has_the_times_that_it_is_told_or_none() -> None:
    data = video(STEADY, container="h264")
    assert {frame.seconds for frame in frames(data)} == {None}
    assert [frame.seconds for frame in frames(data, rate=25)] == [number / 25 for number in range(30)]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p", "yuv444p", "yuvj420p"])
def test_colour_is_that_of_the_best_conversion_of_swscale(pixels: str) -> None:
    data = video(STEADY[:3], pixels=pixels)
    with av.open(io.BytesIO(data)) as container:
        theirs = [frame.reformat(format="rgb24", interpolation=BEST).to_ndarray() for frame in container.decode(video=0)]
    for own, other in zip(frames(data), theirs, strict=True):
        # At the edges swscale extends chroma in its own way.
        assert np.abs(own.samples.astype(int) - other)[2:-2, 2:-2].max() <= 1


@pytest.mark.parametrize("pixels, bits", [("yuv420p10le", 10), ("yuv444p10le", 10), ("yuv444p", 8)])
def test_what_was_encoded_comes_back(pixels: str, bits: int) -> None:
    found = frames(video(STEADY[:2], pixels=pixels))
    assert {frame.bits for frame in found} == {bits}
    for number, frame in enumerate(found):
        assert np.abs(frame.samples / (1 << (bits - 8)) - scene(number))[4:-4, 4:-4].mean() < 2


def test_lossless_colour_comes_back_exactly() -> None:
    found = frames(video(STEADY[:3], pixels="rgb24", codec="libx264rgb", crf="0"))
    assert all(np.array_equal(frame.samples, scene(number)) for number, frame in enumerate(found))


def test_a_loss_costs_its_frame_and_those_predicted_from_it_and_no_other() -> None:
    data = video(STEADY, container="mp4", bf="0")
    with av.open(io.BytesIO(data)) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    at, size = places[14]
    holed = data[: at + 3] + bytes(size - 3) + data[at + size :]
    found = frames(holed, gaps=[(at + 3, at + size)])
    # Key frames are 0, 10 and 20.
    assert [frame.number for frame in found] == [*range(14), *range(20, 30)]
    whole = frames(data)
    assert all(np.array_equal(frame.samples, whole[frame.number].samples) for frame in found)
    assert [frame.seconds for frame in found] == [frame.number / 30 for frame in found]


def test_a_frame_to_which_no_other_refers_is_lost_alone() -> None:
    data = video(STEADY, container="mp4", **{"b-pyramid": "none"})
    with av.open(io.BytesIO(data)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        # One that is shown before one that was decoded earlier.
        victim = next(packet for before, packet in itertools.pairwise(packets[12:]) if (packet.pts or 0) < (before.pts or 0))
        at, size, number = victim.pos or 0, victim.size, int(victim.pts or 0) // STEP
    found = frames(data[: at + 8] + bytes(size - 8) + data[at + size :], gaps=[(at + 8, at + size)])
    assert [frame.number for frame in found] == [place for place in range(30) if place != number]


def test_damage_that_nobody_told_of_gives_no_frame_that_was_not_sent() -> None:
    data = video(STEADY, container="mp4", bf="0")
    whole = {frame.number: frame.samples for frame in frames(data)}
    chance = np.random.default_rng(4)
    lost = 0
    for _ in range(12):
        octets = np.frombuffer(data, np.uint8).copy()
        at = int(chance.integers(200, len(data) // 2))
        octets[at : at + 40] = chance.integers(0, 256, 40)
        try:
            found = frames(octets.tobytes())
        except DataError:
            lost += 1
            continue
        lost += len(found) < 30
        # A key frame later on all is well again.
        assert all(np.array_equal(frame.samples, whole[frame.number]) for frame in found if frame.number >= 20)
    assert lost >= 6


def test_a_cut_bare_stream_keeps_what_came_before() -> None:
    data = video(STEADY, container="h264", bf="0")
    whole = frames(data)
    found = frames(data[: len(data) // 2])
    assert 8 <= len(found) < 30
    assert all(np.array_equal(own.samples, other.samples) for own, other in zip(found[:-1], whole, strict=False))


@pytest.mark.parametrize("data, problem", [(b"no video", "known kind"), (b"\0\0\0\x18ftypisom" + bytes(60), "no video that can be read")])
def test_what_is_no_video_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        frames(data)


def test_other_codecs_are_refused_by_name() -> None:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as output:
        stream: Any = output.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24")))
        output.mux(stream.encode(None))
    with pytest.raises(DataError, match=r"no video in H.264 \(mpeg4\)"):
        frames(sink.getvalue())


def test_a_table_of_billions_of_samples_takes_no_room() -> None:
    data = video(STEADY[:4])
    at = data.index(b"stsz") + 8
    tracemalloc.start()
    try:
        for each, count in ((1, 0x40000000), (0, 0x7FFFFFFF)):
            with pytest.raises(DataError, match="claims"):
                frames(data[:at] + each.to_bytes(4, "big") + count.to_bytes(4, "big") + data[at + 8 :])
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\1\x68\xee\x3c\x80",
        b"\0\0\1\xb3" + bytes(60),
        b"\0\0\0\1\x67\x99" + bytes(60),
        b"\x1a\xcf\xfc\x1d" + bytes(60),
    ],
)
def test_neither_pictures_nor_other_streams_are_taken_for_video(head: bytes) -> None:
    assert video_format(head) is None
