"""The names of files from outside, as text."""

from __future__ import annotations

__all__ = ["plain"]


def plain(name: str) -> str:
    """Give a file's name as text that can be written anywhere; octets that are not UTF-8 show as replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
