"""Shares: cut off, never rounded up to a whole."""

from __future__ import annotations

import pytest

from stages.formats.shares import percent


@pytest.mark.parametrize("fraction, text", [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50.0 %"), (0.0004, "0.0 %"), (0.0, "0.0 %")])
def test_what_is_not_whole_never_says_so(fraction: float, text: str) -> None:
    assert percent(fraction) == text
