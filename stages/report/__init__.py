"""The report: everything that came, on one page that opens without a network."""

from __future__ import annotations

from pipeline.stage import Listing, stage
from stages.products import (
    ChannelTable,
    Chunk,
    ContactSheet,
    EventTable,
    Frames,
    Image,
    Packets,
    ReceivedFile,
    Recording,
    Report,
    SheetBook,
    Spectrogram,
    TimeSheet,
)
from stages.profile import Clock, Dictionary, Mission, Timeline

__all__ = ["report"]


@stage(version=5, settled=True)
def report(
    images: Listing[Image],
    sheets: Listing[ContactSheet],
    books: Listing[SheetBook],
    recordings: Listing[Recording],
    spectrograms: Listing[Spectrogram],
    files: Listing[ReceivedFile],
    frames: Listing[Frames],
    packets: Listing[Packets],
    chunks: Listing[Chunk],
    together: Listing[TimeSheet],
    channels: ChannelTable | None,
    events: EventTable | None,
    mission: Mission,
    timeline: Timeline,
    clock: Clock,
    dictionary: Dictionary,
) -> Report:
    """Write the page (index.html, page/) and the table of all images (index.csv).

    No product but the two tables is loaded: what the page says of the others is what the catalog knows of them.
    """
    from stages.report.page import make_report

    return make_report(
        images=images.entries,
        sheets=sheets.entries,
        books=books.entries,
        recordings=recordings.entries,
        spectrograms=spectrograms.entries,
        files=files.entries,
        frames=frames.entries,
        packets=packets.entries,
        chunks=chunks.entries,
        together=together.entries,
        channels=channels,
        events=events,
        mission=mission,
        timeline=timeline,
        clock=clock,
        dictionary=dictionary,
    )
