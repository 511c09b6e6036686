"""Packets to the files that the spacecraft sent."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.stage import Group, stage
from stages.products import FilePart, Packets, ReceivedFile
from stages.profile import FileProtocol

__all__ = ["assemble", "files"]


@stage(version=2)
def files(packets: Packets, protocol: FileProtocol) -> Iterator[FilePart]:
    """Sort a chunk's packets by the file that they are part of.

    Whatever order they come in: transfers may be interleaved, repeated and torn.
    """
    from stages.files.m2020_data_products import read_parts

    if protocol.protocol == "m2020-dp":
        yield from read_parts(packets, protocol)


@stage(version=2)
def assemble(parts: Group[FilePart]) -> ReceivedFile:
    """Put a file together from the pieces of all passes.

    Where pieces contradict each other, checksum, then majority, then key order decides. What has not come is zero, and a gap.
    """
    from stages.files.assembly import assemble_file

    return assemble_file(parts)
