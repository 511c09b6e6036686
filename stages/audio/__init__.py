"""Sound: blocks become a recording of true length, and a picture of what is in it."""

from __future__ import annotations

from typing import Literal

from pipeline.stage import Group, stage
from stages.products import Recording, SoundBlock, Spectrogram
from stages.profile import Clock, Microphone, Timeline

__all__ = ["Pool", "audio", "spectrogram"]

Pool = Literal["mean", "max"]


@stage(version=1)
def audio(blocks: Group[SoundBlock], microphone: Microphone, clock: Clock, *, hours: float = 24.0) -> Recording:
    """Join all blocks of a microphone at their places on its time line.

    hours  longest recording: a block with a wrong time stamp must not stretch it over years

    The recording is as long as the time line; what never came is silence, and listed as a gap. Blocks that came twice count once. Where
    blocks differ, samples that came beat lost ones, then the first in key order holds. Rate and channels are those of most blocks.
    ProfileError if a setting is out of range, DataError if no block holds a sample.
    """
    from stages.audio.recording import make_recording

    return make_recording(blocks, microphone, clock, hours=hours)


@stage(version=3)
def spectrogram(
    recording: Recording,
    microphone: Microphone,
    timeline: Timeline,
    clock: Clock,
    *,
    nfft: int = 2048,
    width: int = 1600,
    pool: Pool = "mean",
) -> Spectrogram:
    """Draw what frequencies a recording holds when.

    nfft   samples of a window, a power of two from 64 to 65536
    width  pixels of the plot
    pool   "mean" shows true levels, "max" short clicks in long recordings

    Levels are in dB of a full-scale sine; gaps are hatched, not drawn as silence. ProfileError if a setting is out of range.
    """
    from stages.audio.picture import make_spectrogram

    return make_spectrogram(recording, microphone, timeline, clock, nfft=nfft, width=width, pool=pool)
