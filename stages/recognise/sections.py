"""The sections of a mission profile, as those who recognise files are given them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

__all__ = ["Sections"]

Sections: TypeAlias = Callable[[type[Any]], Mapping[str, Any]]
"""Gives all sections of a type, by name."""
