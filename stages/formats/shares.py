"""Shares of a whole as people read them."""

from __future__ import annotations

__all__ = ["percent"]


def percent(fraction: float) -> str:
    """Give a share to a tenth of a percent, cut off: what is not whole never says 100 %."""
    return "100 %" if fraction >= 1 else f"{int(fraction * 1000) / 10:.1f} %"
