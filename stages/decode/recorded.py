"""From a file as far as it has come to the blocks of sound in it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from stages.decode.names import identify
from stages.decode.raw import is_coded, is_raw
from stages.products import ReceivedFile, SoundBlock
from stages.profile import Names

__all__ = ["decode_sound", "is_sound"]

BLOCK = 1 << 19
"""Samples of a block at most: ten seconds of one channel at 48 kHz."""
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 24, "DOUBLE": 24}
"""By libsndfile's name; floating point counts as 24, any other coding as 16."""
SAMPLES_AS_THEY_ARE = {1, 3, 0xFFFE}
"""WAVE format tags: integers, floating point, and either by an extension."""
GRANTED = 16
"""A file that was cut may have been this many times as long; what it announces beyond is not believed."""
REMEDY = "Fetch the file again"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of the file's sound, in order."""

    samples: NDArray[np.int32]
    mask: NDArray[np.bool_]
    rate: int
    bits: int


def is_sound(file: ReceivedFile) -> bool:
    """Say whether a file is sound, by its first bytes; the spacecraft's word that it holds a picture's samples is worth more."""
    return not is_raw(file.meta) and not is_coded(file.meta) and _kind(file.data) is not None


def decode_sound(file: ReceivedFile, names: Names) -> Iterator[SoundBlock]:
    """Decode the sound of a file; nothing if too little of it has come."""
    identity = identify(file.name, names, file.meta)
    told = file.meta.get("sample")
    first = told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 1 << 53 else None
    offset = 0
    for number, stretch in enumerate(_stretches(file)):
        start = None if first is None else first + offset
        yield SoundBlock(
            file=file.file,
            microphone=identity.microphone,
            block=f"{number:06d}" if start is None else f"{start:016d}",
            samples=stretch.samples,
            mask=stretch.mask,
            rate=stretch.rate,
            bits=stretch.bits,
            start=start,
            source=identity.name,
            clock=None if identity.clock is None else identity.clock + offset / stretch.rate,
        )
        offset += len(stretch.samples)


def _stretches(file: ReceivedFile) -> Iterator[_Stretch]:
    kind = _kind(file.data)
    partial = bool(file.gaps) or file.size is None
    if kind == "flac":
        yield from _read_flac(file, partial=partial)
    elif kind == "wav" and (lost := _Lost.of(file, partial=partial)):
        yield from _read(lost.padded(file.data), file.name, lost)
    elif kind and not partial:
        yield from _read(file.data, file.name, None)


def _kind(data: bytes) -> str | None:
    """Know sound by its first bytes."""
    if data[:4] in {b"RIFF", b"RF64", b"RIFX"} and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"fLaC":
        return "flac"
    other = data[:4] == b"FORM" and data[8:12] in {b"AIFF", b"AIFC"}
    return "other" if other or data[:4] in {b"riff", b"caff", b".snd"} else None


class _Stream(io.BytesIO):
    """Bytes as a file. A broken header makes the library seek before the start, and an exception in its callback is printed."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return super().seek(max(0, offset) if whence == io.SEEK_SET else offset, whence)


def _read(data: bytes, name: str, lost: _Lost | None) -> Iterator[_Stretch]:
    """Have the library decode a file, a block at a time; `lost` knows what of a WAV file is not there."""
    import soundfile

    try:
        with soundfile.SoundFile(_Stream(data)) as stream:
            bits, frames, at = BITS.get(stream.subtype, 16), max(1, BLOCK // stream.channels), 0
            while len(samples := _next(stream, frames)):
                mask = np.zeros(len(samples), np.bool_) if lost is None else lost.mask(at, len(samples))
                at += len(samples)
                yield _Stretch(samples, mask, stream.samplerate, bits)
    except soundfile.LibsndfileError as error:
        raise DataError(f"is no sound that can be read: {error}", where=f"{name} at byte 0", remedy=REMEDY) from error


def _next(stream: Any, frames: int) -> NDArray[np.int32]:
    """Read (frames, channels), left-justified; the library does not scale floating point to integers."""
    if stream.subtype not in {"FLOAT", "DOUBLE"}:
        integers: NDArray[np.int32] = stream.read(frames, dtype="int32", always_2d=True)
        return integers
    values = np.nan_to_num(stream.read(frames, dtype="float64", always_2d=True))
    scaled: NDArray[np.int32] = np.clip(np.rint(values * 2**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
    return scaled


def _read_flac(file: ReceivedFile, *, partial: bool) -> Iterator[_Stretch]:
    """Read as far as the library goes, then salvage what is behind."""
    at = 0
    problem: DataError | None = None
    if not partial:
        try:
            for stretch in _read(file.data, file.name, None):
                at += len(stretch.mask)
                yield stretch
        except DataError as error:
            problem = error
        else:
            return
    # It compiles; whole files, and those that are no sound, do without.
    from stages.decode.flac import salvage_flac

    end = GRANTED * len(file.data) if file.size is None or problem else file.size
    whole = salvage_flac(file.data, file.name, [gap for gap in file.gaps if gap[0] < len(file.data)], end)
    if whole is None or whole.mask.all():
        if problem:
            raise problem
        return
    step = BLOCK // whole.samples.shape[1]
    for start in range(at, len(whole.mask), step):
        yield _Stretch(whole.samples[start : start + step], whole.mask[start : start + step], whole.rate, whole.bits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    """Where the samples of a WAV file stand, and which bytes are lost."""

    offset: int
    """Byte of the first sample."""
    align: int
    """Bytes of a frame."""
    gaps: tuple[tuple[int, int], ...]
    stop: int
    """Byte at which the samples end, if what the header announces can be believed."""

    @classmethod
    def of(cls, file: ReceivedFile, *, partial: bool) -> _Lost | None:
        """Go from chunk to chunk up to the samples; None if something before them is lost, or they are coded."""
        data, at, align = file.data, 12, 0
        order: Literal["big", "little"] = "big" if data[:4] == b"RIFX" else "little"
        while at + 8 <= len(data):
            kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], order)
            at += 8
            if kind == b"fmt " and length >= 16 and int.from_bytes(data[at : at + 2], order) in SAMPLES_AS_THEY_ARE:
                align = int.from_bytes(data[at + 12 : at + 14], order)
            if kind == b"data":
                if not align or any(start < at for start, _ in file.gaps):
                    return None
                stop = (file.size or len(data)) if length in {0, 0xFFFFFFFF} else at + length
                most = file.size if partial and file.size is not None else GRANTED * len(data)
                stop = min(stop, most)
                return cls(offset=at, align=align, gaps=(*file.gaps, (len(data), stop)), stop=stop)
            at += length + length % 2
        return None

    def padded(self, data: bytes) -> bytes:
        """Give the file with silence for what is lost of its end."""
        return data[: self.stop] + bytes(max(0, self.stop - len(data)))

    def mask(self, first: int, count: int) -> NDArray[np.bool_]:
        """Say which of `count` frames from the first on have lost a byte."""
        mask = np.zeros(count, np.bool_)
        for start, stop in self.gaps:
            low, high = (start - self.offset) // self.align - first, -((self.offset - stop) // self.align) - first
            mask[max(0, low) : max(0, low, high)] = True
        return mask
