"""The files that the spacecraft sent become mosaics and blocks of sound."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.stage import Group, stage
from stages.products import Description, Label, LabelFile, Mosaic, ReceivedFile, SoundBlock
from stages.profile import Clock, Names, Sidecars

__all__ = ["decode", "describe", "labels"]

UNTOLD = Clock()
"""A clock that nothing is known of."""


@stage(version=1)
def labels(file: LabelFile, sidecars: Sidecars) -> Iterator[Label]:
    """Read a PDS3 or PDS4 label, or JSON, for what it says of each file that it names.

    JSON that names no file speaks of those of its product's name, else of its own. DataError for a label that is broken or names nothing.
    """
    from stages.decode.sidecars import read_labels

    yield from read_labels(file, sidecars)


@stage(version=1)
def describe(labels: Group[Label]) -> Description:
    """Put together what all labels say of a file; where they differ, the first in the order of their names holds, with a caveat."""
    from stages.decode.sidecars import describe_file

    return describe_file(labels)


@stage(version=6)
def decode(
    file: ReceivedFile, names: Names, clock: Clock = UNTOLD, description: Description | None = None
) -> Iterator[Mosaic | SoundBlock]:
    """Decode the picture, the video or the sound in a file.

    A picture is PNG, JPEG, JPEG-LS, TIFF, VICAR, PDS and others, or samples that the spacecraft's record describes, as they are or in the
    lossless code of CCSDS 121.0-B. Of a video in H.264 (MP4, QuickTime, Matroska or a bare stream) each frame is a picture, with its time;
    those that damage has touched are left out. Sound is WAV, FLAC and whatever else libsndfile reads; it comes in blocks of at most ten
    seconds.

    What is lost of the file is lost of what is in it: JPEG keeps what precedes a gap and what restart markers allow to pick up, JPEG-LS
    and PNG the rows before it, raw samples all that came; sound loses sample by sample in PCM and frame by frame in FLAC. Camera, frame and
    edition are what the file's name says by the profile's rules; the time is the spacecraft's own, else that of its label, else the
    name's. A file that is none of these, or too little of one, gives nothing. DataError for a whole file that cannot be decoded.
    """
    from stages.decode.picture import decode_picture
    from stages.decode.recorded import decode_sound, is_sound
    from stages.decode.video import decode_video, is_video

    told = {} if description is None else description.meta
    if is_sound(file):
        yield from decode_sound(file, names)
    elif is_video(file):
        yield from decode_video(file, names, told, clock)
    else:
        yield from decode_picture(file, names, told, clock)
