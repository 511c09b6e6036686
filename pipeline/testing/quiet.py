"""Progress for runs that nobody watches."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Quiet"]


class Quiet:
    """Hears of progress and keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)
