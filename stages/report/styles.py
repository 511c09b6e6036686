"""Numbers that only a style can say (how wide, how far left), as rules in a file of their own.

The page's policy lets no style stand in its text, and what it shows must stand without a script. Few different ones suffice: the cells
of all sheets lie on the same grid.
"""

from __future__ import annotations

__all__ = ["Styles"]


class Styles:
    """Collects rules, each once, in the order in which the page asks for them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, declarations: str) -> str:
        """Give the class that has these declarations; they are numbers of ours, no words from outside."""
        return self._names.setdefault(declarations, f"s{len(self._names)}")

    def sheet(self) -> bytes:
        """Write the rules."""
        return "".join(f".{name}{{{declarations}}}\n" for declarations, name in self._names.items()).encode()
