"""The kinds of product that stages exchange, floor by floor: link, telemetry, files, images, sound, pages."""

from __future__ import annotations

from stages.products.books import SheetBook, SheetPrint
from stages.products.carry import Carry, ChannelState
from stages.products.chunk import Chunk
from stages.products.files import FilePart, ReceivedFile, Segment
from stages.products.frames import FRAME_DTYPE, Frames
from stages.products.images import Image, Mosaic, Rendition
from stages.products.labels import Description, Label, LabelFile
from stages.products.packets import GAP_DTYPE, PACKET_DTYPE, Packets
from stages.products.report import Report
from stages.products.sequences import SPOT_DTYPE, Repair, Sequence, Sighting, Stretch
from stages.products.sheets import Cell, ContactSheet, TimeSheet
from stages.products.sound import Recording, SoundBlock, Spectrogram
from stages.products.telemetry import CHANNEL_DTYPE, EVENT_DTYPE, Channels, ChannelTable, Events, EventTable

__all__ = [
    "CHANNEL_DTYPE",
    "EVENT_DTYPE",
    "FRAME_DTYPE",
    "GAP_DTYPE",
    "PACKET_DTYPE",
    "SPOT_DTYPE",
    "Carry",
    "Cell",
    "ChannelState",
    "ChannelTable",
    "Channels",
    "Chunk",
    "ContactSheet",
    "Description",
    "EventTable",
    "Events",
    "FilePart",
    "Frames",
    "Image",
    "Label",
    "LabelFile",
    "Mosaic",
    "Packets",
    "ReceivedFile",
    "Recording",
    "Rendition",
    "Repair",
    "Report",
    "Segment",
    "Sequence",
    "SheetBook",
    "SheetPrint",
    "Sighting",
    "SoundBlock",
    "Spectrogram",
    "Stretch",
    "TimeSheet",
]
