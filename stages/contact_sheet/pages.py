"""Which page a frame belongs to: a function of its name alone, so that a late frame moves no other."""

from __future__ import annotations

import re

__all__ = ["frame_number", "frame_order", "page_of"]

_NUMBER = re.compile(r"[0-9]{1,18}")


def frame_number(frame: str) -> int | None:
    """Give the number of a numbered frame; None for one that is called by its product's name."""
    return int(frame) if _NUMBER.fullmatch(frame) else None


def frame_order(frame: str) -> tuple[bool, int, str]:
    """Sort numbered frames by number, then named ones by name."""
    number = frame_number(frame)
    return number is None, number or 0, frame


def page_of(frame: str, per_page: int) -> str:
    """Name the page of a frame.

    Numbered frames fill pages in order: frames 0 to per_page - 1 are on 0001. A name says nothing of how many there are or which
    are near each other, and any rule that spreads thousands of names over pages also tears three of them apart; so all named
    frames of a camera are on page 0001, which is drawn on as many leaves as it takes.
    """
    number = frame_number(frame)
    return f"{1 if number is None else number // per_page + 1:04d}"
