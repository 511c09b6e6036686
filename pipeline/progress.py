"""What a run tells while it goes on, and what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

from pipeline.events import Listener

__all__ = ["First", "Progress", "Summary"]

T = TypeVar("T")


class Progress(Protocol):
    """Who is told how far the work has come."""

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        """`done` more tasks of a stage have ended; so many may be due, by stage."""

    def note(self, text: str) -> None:
        """Something that the operator should know."""


class First(list[T]):
    """The first thousand of what may be any number: a run that lasts for months must not keep them all."""

    KEPT = 1000

    def __init__(self, *, uncounted: int = 0) -> None:
        super().__init__()
        self.total = uncounted
        """How many there were, kept or not."""

    def append(self, item: T) -> None:
        """Count it, and keep it if it is one of the first."""
        self.total += 1
        if len(self) < self.KEPT:
            super().append(item)

    def extend(self, items: Iterable[T]) -> None:
        """Append them all."""
        for item in items:
            self.append(item)

    def forget(self, which: Callable[[T], bool]) -> None:
        """Count one less, and let go of the first that is meant, if it was kept."""
        self.total -= 1
        found = next((number for number, item in enumerate(self) if which(item)), None)
        if found is not None:
            del self[found]

    def __iadd__(self, items: Iterable[T]) -> Self:  # type: ignore[override,misc]  # a list takes what can be indexed too
        self.extend(items)
        return self


@dataclass(kw_only=True)
class Summary:
    """What a run did."""

    made: Counter[str] = field(default_factory=Counter)
    """Tasks, by stage."""
    withdrawn: int = 0
    pruned_products: int = 0
    pruned_bytes: int = 0
    quarantined: First[tuple[str, str, str]] = field(default_factory=First)
    """(stage, key, message) of those that this run put aside."""
    absent: First[tuple[str, str, str]] = field(default_factory=First)
    """(stage, key, file) of those that could not be done for want of a file from outside."""
    failed_stages: list[str] = field(default_factory=list)
    """Stages of which every task has failed."""
    taken: int = 0
    known: int = 0
    duplicates: First[tuple[str, str]] = field(default_factory=First)
    refused: First[tuple[str, str, bool]] = field(default_factory=First)
    """(path, why, whether the file was named itself)."""
    refused_named: bool = False
    """Whether any of those that were not kept may have been named itself."""
    withheld: First[str] = field(default_factory=First)
    """Paths of inputs that were withdrawn, and are not taken in again."""
    seconds: float = 0.0
    listeners: tuple[Listener, ...] = ()

    def tell(self, event: str, **facts: Any) -> None:
        """Tell those who listen of an event."""
        for listener in self.listeners:
            listener.hear(event, facts)

    def gone(self) -> list[str]:
        """Say of the files from outside that were wanted and are not there, five at most, how many tasks wait for each."""
        counts = Counter(path for _, _, path in self.absent)
        lines = [f"{path} is gone or has changed: {count} tasks wait for it" for path, count in counts.most_common(5)]
        return [*lines, *([f"{len(counts) - 5} more files are gone or have changed"] if len(counts) > 5 else [])]

    @property
    def idle(self) -> bool:
        """Whether nothing was due."""
        return not (self.made or self.withdrawn or self.quarantined or self.absent)
