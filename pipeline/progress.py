"""What a run tells while it goes on, and what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.events import Listener

__all__ = ["Progress", "Summary"]


class Progress(Protocol):
    """Who is told how far the work has come."""

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        """`done` more tasks of a stage have ended; so many may be due, by stage."""

    def note(self, text: str) -> None:
        """Something that the operator should know."""


@dataclass(kw_only=True)
class Summary:
    """What a run did."""

    made: Counter[str] = field(default_factory=Counter)
    """Tasks, by stage."""
    withdrawn: int = 0
    pruned_products: int = 0
    pruned_bytes: int = 0
    quarantined: list[tuple[str, str, str]] = field(default_factory=list)
    """(stage, key, message) of those that this run put aside."""
    absent: list[tuple[str, str, str]] = field(default_factory=list)
    """(stage, key, file) of those that could not be done for want of a file from outside."""
    failed_stages: list[str] = field(default_factory=list)
    """Stages of which every task has failed."""
    taken: int = 0
    known: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, bool]] = field(default_factory=list)
    """(path, why, whether the file was named itself)."""
    withheld: list[str] = field(default_factory=list)
    """Paths of inputs that were withdrawn, and are not taken in again."""
    seconds: float = 0.0
    listeners: tuple[Listener, ...] = ()

    def tell(self, event: str, **facts: Any) -> None:
        """Tell those who listen of an event."""
        for listener in self.listeners:
            listener.hear(event, facts)

    @property
    def idle(self) -> bool:
        """Whether nothing was due."""
        return not (self.made or self.withdrawn or self.quarantined or self.absent)
