"""Where pictures and sound come from, and whom to thank: what a profile says of the passes that brought them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.product import Entry
from stages.profile import Mission, PassNote

__all__ = ["Origin", "origin_of"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The notes that hold, and the credit of each file."""

    notes: tuple[tuple[PassNote, tuple[str, ...]], ...]
    """With the passes of this run that each speaks of."""
    credit: str
    """Of what no note speaks of."""
    by_file: dict[str, str]
    """Credits of files that came in such passes."""

    def of(self, file: str) -> str:
        """Give the credit of what was made from a file."""
        return self.by_file.get(file, self.credit)

    def all(self, files: Iterable[str]) -> list[str]:
        """Give the credits of many, each once."""
        return list(dict.fromkeys(credit for file in files if (credit := self.of(file))))


def origin_of(mission: Mission, files: Sequence[Entry], streams: Sequence[Entry]) -> Origin:
    """Hold the profile's notes against the passes of a run: those that files came in, and those that recordings are of."""
    brought = {entry.key["file"]: [str(row[0]) for row in entry.facts.get("passes", ())] for entry in files}
    passes = sorted({name for names in brought.values() for name in names} | {entry.key["pass"] for entry in streams})
    spoken = {name: note for name in passes for note in mission.notes if re.fullmatch(note.passes, name.partition("@")[0])}
    held = tuple((note, names) for note in mission.notes if (names := tuple(name for name in passes if spoken.get(name) is note)))
    by_file = {file: spoken[names[0]].credit for file, names in brought.items() if names and all(name in spoken for name in names)}
    return Origin(held, mission.credit, by_file)
