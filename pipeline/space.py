"""The disk of an output folder: what lies where, how far it reaches, and what could be given back."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from dataclasses import dataclass

from pipeline.catalog import Catalog
from pipeline.errors import StorageError
from pipeline.store import Store

__all__ = ["Space", "is_full", "measure", "said_of_full", "size_in_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Bytes, and what follows from them."""

    rooms: dict[str, int]
    """By folder of OUT."""
    downlink: int
    """Of all inputs."""
    free: int
    intermediate: int
    """Of copies of the downlink that keep = "final" would prune."""
    pruned: tuple[int, int]
    """Products that were pruned, and the bytes that they had."""
    keep: str

    @property
    def used(self) -> int:
        """Of all that was made."""
        return sum(self.rooms.values())

    @property
    def ratio(self) -> float | None:
        """Bytes that a byte of downlink leaves behind for good; None while there is none."""
        stays = self.used - (self.intermediate if self.keep == "final" else 0)
        return stays / self.downlink if self.downlink else None

    @property
    def room_for(self) -> int | None:
        """How much more downlink there is room for if it goes on as it has gone so far."""
        return int(self.free / self.ratio) if self.ratio else None


def measure(store: Store, catalog: Catalog, keep: str) -> Space:
    """Sum it all up."""
    sums = catalog.intermediate()
    return Space(
        rooms=catalog.room_bytes(),
        downlink=catalog.input_bytes(),
        free=shutil.disk_usage(store.out).free,
        intermediate=sums["kept"][1],
        pruned=sums["pruned"],
        keep=keep,
    )


def is_full(error: StorageError) -> bool:
    """Say whether an error means that there is no room."""
    # An error that came from another process has its words, and no number.
    return error.problem in {os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT)}


def said_of_full(store: Store, catalog: Catalog, keep: str) -> str:
    """Say how much is missing, and what gives room: for the operator of a run that the disk has stopped."""
    space, (tasks, needed) = measure(store, catalog, keep), catalog.still_needed()
    here = shlex.quote(str(store.out))
    lack = f"{size_in_words(space.free)} are free"
    if needed:
        lack += f", and the {tasks:,} tasks that are known to be due take some {size_in_words(needed)} more"
    ways = [f"`skycrane gc {here}` gives back what is no longer needed"]
    if keep == "all" and space.intermediate:
        ways.insert(0, f"`skycrane gc {here} --keep final` gives back {size_in_words(space.intermediate)} of frames, packets and parts")
    return f"{lack}. {'; '.join(ways)}; or free space elsewhere. Then give the same command again: it goes on where it stopped"


def size_in_words(size: float) -> str:
    """Give a number of bytes with three digits and its unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
