"""The files that the spacecraft sent become mosaics and blocks of sound."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.stage import stage
from stages.products import Mosaic, ReceivedFile, SoundBlock
from stages.profile import Names

__all__ = ["decode", "sound"]


@stage(version=1)
def decode(file: ReceivedFile, names: Names) -> Iterator[Mosaic]:
    """Decode the picture in a file: PNG, JPEG, JPEG-LS, TIFF, VICAR, PDS and others, or samples that the spacecraft's record describes.

    Those come as they are, or in the lossless code of CCSDS 121.0-B. Of a video in H.264 (MP4, QuickTime, Matroska or a bare stream) each
    frame is a picture, with its time; those that damage has touched are left out.

    What is lost of the file is lost of the picture: JPEG keeps what precedes a gap and what restart markers allow to pick up, JPEG-LS
    and PNG the rows before it, raw samples all that came. Camera, frame, edition and time are what the file's name says by the profile's
    rules. A file that is no picture, or too little of one, gives nothing. DataError for a whole file that cannot be decoded.
    """
    from stages.decode.picture import decode_picture
    from stages.decode.video import decode_video, is_video

    yield from decode_video(file, names) if is_video(file) else decode_picture(file, names)


@stage(version=1)
def sound(file: ReceivedFile, names: Names) -> Iterator[SoundBlock]:
    """Decode the sound in a file: WAV, FLAC and whatever else libsndfile reads, in blocks of at most ten seconds.

    What is lost of the file is lost of the sound, sample by sample in PCM and frame by frame in FLAC. A file that is no sound, or too
    little of one, gives nothing. DataError for a whole file that cannot be decoded.
    """
    from stages.decode.recorded import decode_sound

    yield from decode_sound(file, names)
