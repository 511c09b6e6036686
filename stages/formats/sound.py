"""Sound files, read and written block by block (libsndfile): FLAC where it can hold the sound exactly, else WAV or Wave64.

Samples are int32, left-justified: a 16-bit sample stands in the upper 16 bits. Nothing is rescaled or dithered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.errors import DataError

__all__ = ["SUFFIXES", "Suffix", "container", "read_blocks", "write_sound"]

Suffix: TypeAlias = Literal[".flac", ".wav", ".w64"]

SUFFIXES: tuple[Suffix, ...] = (".flac", ".wav", ".w64")
FLAC_RATES = range(1, 655_351)
"""Hertz that a FLAC header can say (RFC 9639, section 8.2)."""
WAV_BYTES = (1 << 32) - 4096
"""Sizes in WAV have 32 bits; the difference is for its headers."""
BLOCK_SAMPLES = 1 << 20
"""Of all channels together, in a block."""
TAGS = ("title", "copyright", "artist", "comment", "album", "genre")


def container(*, bits: int, channels: int, rate: int, length: int) -> Suffix:
    """Choose the file that holds the sound exactly: FLAC up to 24 bits and 8 channels, WAV up to 4 GiB, Wave64 beyond."""
    if bits <= 24 and channels <= 8 and rate in FLAC_RATES:
        return ".flac"
    return ".wav" if length * channels * _width(bits) < WAV_BYTES else ".w64"


def _width(bits: int) -> int:
    """Give the bytes of a sample."""
    return 2 if bits <= 16 else 3 if bits <= 24 else 4


def write_sound(
    path: Path, blocks: Iterable[NDArray[np.int32]], *, rate: int, channels: int, bits: int, tags: Mapping[str, str] | None = None
) -> None:
    """Write blocks of (frames, channels) one after the other; the suffix names the container. Equal sound gives equal bytes.

    tags  title, copyright, artist, comment, album, genre

    Raises DataError if libsndfile cannot write this rate or count of channels.
    """
    subtype = f"PCM_{8 * _width(bits)}"
    kind = path.suffix[1:].upper()
    try:
        with soundfile.SoundFile(path, "w", samplerate=rate, channels=channels, subtype=subtype, format=kind) as file:
            for name in TAGS:
                if (tags or {}).get(name):
                    setattr(file, name, (tags or {})[name])
            for block in blocks:
                file.write(np.ascontiguousarray(block))
    except soundfile.LibsndfileError as error:
        raise DataError(
            f"cannot be written with {channels} channels at {rate} Hz: {error}", where=path.name, remedy="Look at the blocks' headers"
        ) from None


def read_blocks(
    file: Path | BinaryIO, *, start: int = 0, stop: int | None = None, frames: int = 0, where: str = ""
) -> Iterator[NDArray[np.int32]]:
    """Read (frames, channels) blocks in order, left-justified.

    start, stop  frames of the file
    frames       of a block; 0 bounds its memory whatever the count of channels

    A file that ends early gives what it has. Raises DataError for a file that libsndfile cannot read.
    """
    with _opened(file, where) as sound:
        try:
            sound.seek(min(start, sound.frames))
            left = max(0, min(sound.frames, sound.frames if stop is None else stop) - start)
            while left > 0:
                wanted = min(left, frames or max(1, BLOCK_SAMPLES // sound.channels))
                block = sound.read(wanted, dtype="int32", always_2d=True)
                if not len(block):
                    return
                left -= len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise _unreadable(file, where, error) from None


def _opened(file: Path | BinaryIO, where: str) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        raise _unreadable(file, where, error) from None


def _unreadable(file: Path | BinaryIO, where: str, error: Exception) -> DataError:
    name = where or (str(file) if isinstance(file, Path) else "sound in memory")
    return DataError(f"is not sound that libsndfile can read: {error}", where=name, remedy="Compare it with the original")
