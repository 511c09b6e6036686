"""Progress for runs that nobody watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Quiet"]


class Quiet:
    """Hears of progress and keeps the notes; `say` is told of each."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._say = say
        self.notes: list[str] = []

    def advance(self, stage: str, done: int, due: Mapping[str, int]) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)
        if self._say:
            self._say(text)
