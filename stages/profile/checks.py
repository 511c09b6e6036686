"""What every section asks of its table: known keys, values of the right type, numbers in a range."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pipeline.errors import ProfileError

__all__ = ["checked", "made", "one_of", "tables", "within"]

T = TypeVar("T")

WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", bytes: "octets in hexadecimal"}


def checked(cls: type[Any], mapping: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the mapping as keyword arguments of the dataclass; ProfileError for keys that it has not."""
    if not isinstance(mapping, Mapping):
        raise ProfileError("must be a table", where=where)
    known = [item.name for item in dataclasses.fields(cls) if item.name != "name"]
    for key in mapping:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Known keys are {', '.join(known)}"
            raise ProfileError("is not a key of this table", where=f"{where}.{key}", remedy=remedy)
    return dict(mapping)


def made(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Make the dataclass; ProfileError that names the key if a value is not of its field's type."""
    hints = get_type_hints(cls)
    for name, value in values.items():
        if not _fits(value, hints[name]):
            raise ProfileError(f"{value!r} is not {_words(hints[name])}", where=f"{where}.{name}")
    return cls(**values)


def tables(value: Any, where: str) -> list[Mapping[str, Any]]:
    """Return a list of tables; ProfileError if it is none."""
    if not isinstance(value, list | tuple) or not all(isinstance(table, Mapping) for table in value):
        raise ProfileError("must be tables", where=where, remedy=f"Write [[{where}]]")
    return list(value)


def one_of(value: object, choices: object, where: str) -> None:
    """Raise ProfileError unless the value is one of a Literal's."""
    if not _fits(value, choices):
        raise ProfileError(f"{value!r} is not {_words(choices)}", where=where)


def within(value: Any, low: float, high: float, where: str) -> None:
    """Raise ProfileError unless the value is a number in [low, high]."""
    if not _fits(value, float) or not low <= value <= high:
        raise ProfileError(f"{value!r} is not a number from {low:g} to {high:g}", where=where)


def _fits(value: Any, hint: Any) -> bool:
    """Say whether a value is of a type as dataclass fields name it; true and false are no numbers, and numbers are finite."""
    arguments = get_args(hint)
    match get_origin(hint):
        case None if hint in {int, float}:
            numeric: type = Integral if hint is int else Real
            return isinstance(value, numeric) and not isinstance(value, bool) and math.isfinite(value)  # type: ignore[arg-type]
        case None:
            return hint is Any or isinstance(value, hint)
        case origin if origin is Literal:
            return isinstance(value, str) and value in arguments
        case origin if origin in {UnionType, Union}:
            return any(_fits(value, one) for one in arguments)
        case origin:
            return isinstance(value, origin) and _holds(value, arguments)


def _holds(value: Any, kinds: tuple[Any, ...]) -> bool:
    """Say whether the entries of a tuple or a table are of these types."""
    if isinstance(value, Mapping):
        return all(_fits(key, kinds[0]) and _fits(entry, kinds[1]) for key, entry in value.items())
    each = kinds[:1] * len(value) if kinds[1:] == (...,) else kinds
    return len(value) == len(each) and all(map(_fits, value, each))


def _words(hint: Any) -> str:
    """Name a type as an error message does."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if origin in {UnionType, Union}:
        return " or ".join(_words(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return f"a list{'' if arguments[1:] == (...,) else f' of {len(arguments)}'}, each {_words(arguments[0])}"
    if origin is Mapping:
        return f"a table, each entry {_words(arguments[1])}"
    return WORDS.get(hint, "a value of this key")
