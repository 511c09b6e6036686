"""Frames of a video, with their times: H.264 (ITU-T H.264) in MP4, QuickTime and Matroska, or as a bare stream (its annex B).

libavcodec decodes. It conceals damage by copying from other frames; here nothing lost is invented, so a frame that was damaged is not
given, and neither are those that were predicted from it: all up to the next key frame, or only itself where no other refers to it.
"""

from __future__ import annotations

import bisect
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.formats.jpeg_markers import Gaps

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

__all__ = ["HEAD", "MOST_FRAMES", "MOST_PIXELS", "VideoFrame", "read_video", "video_format"]

HEAD = 1 << 16
"""Bytes of a file that tell its format."""
MOST_PIXELS = 36_864 * 256
"""Of a frame: what level 5.2 allows (table A-1), so that a decoder's pool of frames stays under 300 MB."""
MOST_FRAMES = 1 << 20
"""Of a file: nine hours at 30 a second."""
STILLS = {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx ", b"jp2 ", b"jpx ", b"jxl "}
"""Brands of ISO files that hold pictures."""
NAL = re.compile(rb"\x00\x00\x01([\x00-\x7f])(.)", re.DOTALL)
PROFILES = {44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 138, 139, 144, 244}
SEQUENCE, PICTURE, DELIMITER, ENHANCEMENT = 7, 8, 9, 6
"""Types of NAL unit (table 7-1)."""
REMEDY = "Fetch the file again, or convert it with ffmpeg -c:v libx264"


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A frame that could be decoded."""

    number: int
    """Its place in the order of presentation, from 0, frames that are lost counted too."""
    seconds: float | None
    """After the beginning of the presentation; None where the file does not say: a bare stream has no times."""
    samples: NDArray[Any]
    """(h, w) where the video has grey only, else (h, w, 3) RGB; uint8, or uint16 for more than 8 bits."""
    bits: int
    neutral: bool
    """A frame of a colour video has no colour: its three bands are the same."""


@dataclass(slots=True)
class _Order:
    """What the packets of a file say of its frames, before any is decoded."""

    moments: list[int] = field(default_factory=list)
    """Of presentation, ascending, in units of `unit`; empty for a bare stream."""
    unit: Fraction | None = None
    """Seconds."""
    keys: list[int] = field(default_factory=list)
    """Places, in the order of decoding, of the frames that need no other."""
    given: Counter[int] = field(default_factory=Counter)
    """Frames of a bare stream that came out, by key."""

    def number(self, place: int, moment: int | None) -> int:
        """Give the number of a frame: of a bare stream, from its key frame on, in the order in which frames come out."""
        if moment is not None and self.moments:
            return bisect.bisect_left(self.moments, moment)
        key = self.keys[bisect.bisect_right(self.keys, place) - 1] if self.keys and place >= self.keys[0] else 0
        self.given[key] += 1
        return key + self.given[key] - 1

    def seconds(self, moment: int | None) -> float | None:
        """Give a moment in seconds; None for a bare stream, whose moments libavformat makes up."""
        return None if moment is None or self.unit is None or not self.moments else float(moment * self.unit)


def video_format(head: bytes) -> str | None:
    """Name the container of a video by its first bytes, as libavformat calls it: "mov", "matroska" or "h264"; None for all else."""
    if head[4:8] == b"ftyp" and head[8:12] not in STILLS:
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    return "h264" if re.match(rb"\x00{2,3}\x01", head) and _is_stream(head[:HEAD]) else None


def _is_stream(head: bytes) -> bool:
    """Say whether NAL units begin with a known sequence parameter set, which a picture parameter set follows."""
    wanted = SEQUENCE
    for unit in NAL.finditer(head):
        kind = unit[1][0] & 31
        if kind == wanted == PICTURE:
            return True
        if kind == SEQUENCE and unit[2][0] in PROFILES:
            wanted = PICTURE
        elif kind not in {DELIMITER, ENHANCEMENT, SEQUENCE}:
            return False
    return False


def read_video(data: bytes, name: str, gaps: Gaps = (), *, rate: float | None = None) -> Iterator[VideoFrame]:
    """Decode the frames of a video that can be relied on, in the order of presentation.

    data  the file, or its beginning
    name  for messages
    gaps  [start, stop) of bytes that are lost
    rate  frames a second of a bare stream, if known from elsewhere

    Behind a loss, frames of a bare stream whose order differs from that of decoding may be numbered one or two too low, up to the next
    key frame. Raises DataError for a file that is no video, holds none in H.264, claims frames of more than MOST_PIXELS, or of which
    nothing can be decoded.
    """
    kind = video_format(data[:HEAD])
    if kind is None:
        raise DataError("is no video of a known kind", where=f"{name} at byte 0", remedy=REMEDY)
    _check_tables(data, name)
    found = False
    try:
        order = _survey(data, kind, name)
        for place, frame in _decode(data, kind, name, gaps):
            found = True
            number = order.number(place, frame.pts)
            seconds = number / rate if kind == "h264" and rate else order.seconds(frame.pts)
            yield _converted(frame, number, seconds, name)
    except DataError:
        raise
    except Exception as error:  # a hostile file can make the library raise anything
        if not found:
            raise DataError(f"is no video that can be read: {error}", where=f"{name} at byte 0", remedy=REMEDY) from error
    if not found:
        raise DataError("holds no frame that can be decoded", where=f"{name} at byte 0", remedy=REMEDY)


def _check_tables(data: bytes, name: str) -> None:
    """Refuse a table of samples (ISO 14496-12, 8.7.3.2) that claims more than there can be: it takes room before any is read."""
    for table in re.finditer(rb"stsz\x00{4}(.{8})", data, re.DOTALL):
        each, count = int.from_bytes(table[1][:4], "big"), int.from_bytes(table[1][4:], "big")
        if count > MOST_FRAMES or (each and count * each > 2 * len(data)):
            raise DataError(f"claims {count} samples", where=f"{name} at byte {table.start()}", remedy=REMEDY)


def _open(data: bytes, kind: str, name: str) -> tuple[Any, VideoStream]:
    import av

    container = av.open(io.BytesIO(data), format=kind, options={"max_streams": "16"} if kind != "h264" else {})
    codecs = {stream.index: getattr(stream.codec_context, "name", "an unknown codec") for stream in container.streams.video}
    stream = next((stream for stream in container.streams.video if codecs[stream.index] == "h264"), None)
    if stream is None:
        held = ", ".join(sorted(set(codecs.values()))) or "none"
        container.close()
        raise DataError(f"holds no video in H.264 ({held})", where=f"{name} at byte 0", remedy=REMEDY)
    context = stream.codec_context
    if context.width * context.height > MOST_PIXELS:
        container.close()
        raise DataError(
            f"claims frames of {context.width} x {context.height}", where=f"{name} at byte 0", remedy=f"Up to {MOST_PIXELS} pixels are read"
        )
    return container, stream


def _survey(data: bytes, kind: str, name: str) -> _Order:
    """Go through the packets without decoding any."""
    container, stream = _open(data, kind, name)
    order = _Order(unit=stream.time_base)
    with container:
        for place, packet in enumerate(_packets(container, stream)):
            if packet.pts is not None and not packet.is_discard:
                order.moments.append(packet.pts)
            if packet.is_keyframe:
                order.keys.append(place)
    order.moments.sort()
    return order


def _packets(container: Any, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
    """Give the packets as far as they can be read."""
    import av

    try:
        for number, packet in enumerate(container.demux(stream)):
            if number == MOST_FRAMES or not packet.size:
                return
            yield packet
    except av.FFmpegError:
        return


def _decode(data: bytes, kind: str, name: str, gaps: Gaps) -> Iterator[tuple[int, Any]]:
    """Give each sound frame with its place in the order of decoding."""
    container, stream = _open(data, kind, name)
    decoder = _Decoder(stream)
    lost = [(start, stop) for start, stop in gaps if start < stop]
    with container:
        for place, packet in enumerate(_packets(container, stream)):
            yield from decoder.take(place, packet, damaged=packet.is_corrupt or _touches(packet, lost))
        yield from decoder.rest()


def _touches(packet: av.Packet[VideoStream], lost: Sequence[tuple[int, int]]) -> bool:
    at = packet.pos
    return at is not None and any(start < at + packet.size and at < stop for start, stop in lost)


def _others_refer(unit: bytes, extradata: bytes | None) -> bool:
    """Say whether other frames may be predicted from this one: nal_ref_idc of its first slice (7.4.1), where that can be made out."""
    if extradata is None or extradata[:1] != b"\1":
        kinds = [found[1][0] for found in NAL.finditer(unit[:HEAD])]
    else:
        kinds, at, prefix = [], 0, (extradata[4] & 3) + 1
        while at + prefix < len(unit) and len(kinds) < 16:
            kinds.append(unit[at + prefix])
            at += prefix + int.from_bytes(unit[at : at + prefix], "big")
    slices = [kind for kind in kinds if 1 <= kind & 31 <= 5]
    return not slices or any(kind >> 5 & 3 for kind in slices)


class _Decoder:
    """Feeds packets to the library, and keeps back what cannot be relied on."""

    def __init__(self, stream: VideoStream) -> None:
        self._context = stream.codec_context
        # One thread: what several make of a broken stream depends on their race.
        self._context.thread_count = 1
        self._context.copy_opaque = True
        self._context.options = {"err_detect": "explode", "max_pixels": str(MOST_PIXELS)}
        self._broken = True
        """Nothing can be relied on until the next key frame."""
        self._fed = False

    def take(self, place: int, packet: av.Packet[VideoStream], *, damaged: bool) -> Iterator[tuple[int, Any]]:
        """Decode a packet; give the frames that are ready."""
        import av

        if packet.is_keyframe and not damaged and self._broken:
            if self._fed:
                yield from self.rest()
                self._context.flush_buffers()
            self._broken = False
        if self._broken:
            return
        if damaged:
            self._break(packet)
            return
        packet.opaque = place
        self._fed = True
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError:
            self._break(packet)
            return
        yield from self._sound(frames)

    def rest(self) -> Iterator[tuple[int, Any]]:
        """Give the frames that the library still holds."""
        import av

        try:
            yield from self._sound(self._context.decode(None))
        except av.FFmpegError:
            return

    def _break(self, packet: av.Packet[VideoStream]) -> None:
        self._broken = _others_refer(bytes(packet), self._context.extradata)

    def _sound(self, frames: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for frame in frames:
            place = frame.opaque
            if not frame.is_corrupt and isinstance(place, int):
                yield place, frame


def _converted(frame: Any, number: int, seconds: float | None, name: str) -> VideoFrame:
    from stages.formats.luma_chroma import from_planes, planes_of

    planes, bits = planes_of(frame, name)
    if len(planes) == 1:
        return VideoFrame(number, seconds, planes[0], bits, neutral=True)
    grey = 1 << (bits - 1)
    neutral = not frame.format.is_rgb and bool((planes[1] == grey).all() and (planes[2] == grey).all())
    return VideoFrame(number, seconds, from_planes(frame, planes, bits), bits, neutral=neutral)
