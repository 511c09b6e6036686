"""What every section asks of its table: known keys, values of a list, numbers in a range."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pipeline.errors import ProfileError

__all__ = ["checked", "one_of", "within"]

T = TypeVar("T")


def checked(cls: type[T], mapping: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the mapping as keyword arguments of the dataclass; ProfileError for keys that it has not."""
    known = [item.name for item in dataclasses.fields(cls) if item.name != "name"]  # type: ignore[arg-type]
    for key in mapping:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Known keys are {', '.join(known)}"
            raise ProfileError("is not a key of this table", where=f"{where}.{key}", remedy=remedy)
    return dict(mapping)


def one_of(value: object, choices: object, where: str) -> None:
    """Raise ProfileError unless the value is one of a Literal's."""
    allowed = get_args(choices)
    if value not in allowed:
        raise ProfileError(f"{value!r} is not one of {', '.join(map(repr, allowed))}", where=where)


def within(value: object, low: float, high: float, where: str) -> None:
    """Raise ProfileError unless the value is a number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ProfileError(f"{value!r} is not a number from {low:g} to {high:g}", where=where)
