"""Packets to the values and event reports in them, and to their tables."""

from __future__ import annotations

from pipeline.stage import Group, stage
from stages.products import Channels, ChannelTable, Events, EventTable, Packets
from stages.profile import Clock, Dictionary

__all__ = ["channel_table", "event_table", "telemetry"]


@stage(version=1)
def telemetry(packets: Packets, dictionary: Dictionary) -> tuple[Channels, Events]:
    """Read the channel values and event reports in a chunk's packets.

    A channel packet is read as a whole or refused and counted: a value whose place is a guess would pass for a measurement.
    """
    from stages.telemetry.m2020_channels import read_channels
    from stages.telemetry.m2020_events import read_events

    if dictionary.grammar == "none":
        # No APID is a channel's or an event's.
        dictionary = Dictionary()
    values, unread = read_channels(packets.data, packets.table, dictionary)
    reports, unreported = read_events(packets.data, packets.table, dictionary)
    return (
        Channels(pass_=packets.pass_, chunk=packets.chunk, table=values, refused=unread),
        Events(pass_=packets.pass_, chunk=packets.chunk, table=reports, refused=unreported),
    )


@stage(version=1, settled=True)
def channel_table(channels: Group[Channels], clock: Clock, dictionary: Dictionary) -> ChannelTable:
    """Put the values of all chunks in one table, each packet once, by clock and channel."""
    from stages.telemetry.tables import tabulate_channels

    return ChannelTable(table=tabulate_channels((chunk.table for chunk in channels), clock, dictionary))


@stage(version=1, settled=True)
def event_table(events: Group[Events], clock: Clock, dictionary: Dictionary) -> EventTable:
    """Put the event reports of all chunks in one table, each packet once, by clock and counter."""
    from stages.telemetry.tables import tabulate_events

    return EventTable(table=tabulate_events((chunk.table for chunk in events), clock, dictionary))
