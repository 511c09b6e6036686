"""Makes a recording of blocks."""

from __future__ import annotations

from pipeline.errors import ProfileError
from pipeline.product import Completeness
from pipeline.stage import Group
from stages.audio.mix import Mixer, gaps_of
from stages.audio.placement import lay_out
from stages.products import Recording, SoundBlock
from stages.products.sound import runs
from stages.profile import Clock, Microphone

__all__ = ["make_recording"]


def make_recording(blocks: Group[SoundBlock], microphone: Microphone, clock: Clock, *, hours: float) -> Recording:
    """Lay the blocks out; they are loaded, one at a time, when the recording is read."""
    if not 0 < hours <= 24 * 366:
        raise ProfileError(f"{hours:g} is not from 0 to {24 * 366}", where="audio.hours")
    entries = blocks.entries
    layout = lay_out(entries, origin=microphone.start, longest=hours * 3600)
    mixer = Mixer(layout.pieces, blocks.__getitem__, layout.channels)
    disputed = mixer.disputed()
    caveats = layout.caveats
    if disputed:
        caveats += (f"{disputed:,} samples came more than once and differ; those of the first block in key order were taken",)
    sources = {entries[piece.index].facts["source"] for piece in layout.pieces}

    def lost(index: int) -> list[tuple[int, int]]:
        gaps = entries[index].completeness.gaps
        if len(gaps) < Completeness.MAX_GAPS:
            return list(gaps)
        return [(int(start), int(stop)) for start, stop in runs(blocks[index].mask)]

    return Recording(
        microphone=entries[0].key["microphone"],
        rate=layout.rate,
        channels=layout.channels,
        bits=layout.bits,
        length=layout.length,
        blocks=lambda: mixer.blocks(layout.length),
        gaps=gaps_of(layout.pieces, lost, layout.length),
        clock=layout.clock,
        utc=clock.utc_text(layout.clock),
        title=microphone.title,
        caveats=caveats,
        meta={"sources": sorted(sources - {""})},
    )
