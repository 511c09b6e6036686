"""Which input holds which place: a function of the set of inputs alone, never of the order in which they came.

An input claims a place for each of its chunks, or one for a file that is not cut. Of inputs that claim a place in common, the smallest
digest has the plain name; the next that shares no place with those before it as well; any other gets a name of its own,
``NAME@1a2b3c4d``, for all that it holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pipeline.catalog import Catalog
from pipeline.product import Key, Product, safe_value

__all__ = ["Held", "InputRecord", "claims", "contest", "layout", "places_of", "plain_name"]

InputRecord: TypeAlias = Mapping[str, Any]
"""The line of the journal about an input."""

LONGEST = 150
"""Characters of a value in a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one input holds at one place."""

    kind: str
    key: str
    sha256: str
    """Of the input."""
    number: int
    """Of the chunk in the file."""
    offset: int
    """Byte of the file."""
    length: int
    span: tuple[str, str] | None
    """Start and stop in the pass; None for what is no stretch of a pass."""


def plain_name(text: str) -> str:
    """Give a name from outside a form that is no other input's name of its own."""
    name = safe_value(text)
    if re.search(r"@[0-9a-f]{8,}$", name):
        return f"{name.replace('@', '_')[: LONGEST - 9]}~{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    return name


def cut(record: InputRecord) -> list[tuple[int, int, str, str]]:
    """Cut a stretch of a pass into chunks: (offset in the file, length, start, stop); a start is also the chunk's name."""
    size, start = record["size"], record["start"]
    offsets = record.get("cuts") or range(0, size, record["step"])
    if start.startswith("p"):
        names = [start if not offset else f"{start}+{offset:012d}" for offset in offsets]
        ends = [*names[1:], f"p{int(start[1:]) + 1:06d}"]
    else:
        names = [f"{int(start) + offset:015d}" for offset in offsets]
        ends = [*names[1:], f"{int(start) + size:015d}"]
    stops = [*offsets[1:], size]
    return [(offset, stop - offset, name, end) for offset, stop, name, end in zip(offsets, stops, names, ends, strict=True)]


def places_of(kind: type[Product], record: InputRecord) -> list[str]:
    """List the places that an input claims. Kinds whose keys have the same dimensions share theirs: one may be made from the other."""
    dimensions = "/".join(kind.KEY)
    if record["chunked"]:
        return [f"{dimensions}:{record['pass']}/{start}" for _, _, start, _ in cut(record)]
    return [f"{dimensions}:{'/'.join(record['key'][name] for name in kind.KEY)}"]


def contest(catalog: Catalog, records: Iterable[InputRecord]) -> dict[str, InputRecord]:
    """Find all inputs that contend with these, or with those that do: by digest, those that the catalog knows."""
    found: dict[str, InputRecord] = {}
    pending = [place for record in records for place in record["places"]]
    seen: set[str] = set()
    while pending:
        new = [place for place in dict.fromkeys(pending) if place not in seen]
        seen.update(new)
        others = {sha256: record for sha256, record in catalog.contenders(new).items() if sha256 not in found}
        found |= others
        pending = [place for record in others.values() for place in record["places"]]
    return found


def layout(records: Iterable[InputRecord]) -> dict[str, str]:
    """Give each input what its name has behind it: nothing, or ``@`` and enough of its digest."""
    taken: set[str] = set()
    suffixes: dict[str, str] = {}
    for record in sorted(records, key=lambda record: str(record["sha256"])):
        digits, suffix = 0, ""
        while not taken.isdisjoint(f"{suffix} {place}" for place in record["places"]):
            # Two digests may begin alike, by intent: then more of them tells.
            digits += 8
            suffix = f"@{record['sha256'][:digits]}"
        taken.update(f"{suffix} {place}" for place in record["places"])
        suffixes[record["sha256"]] = suffix
    return suffixes


def claims(kind: type[Product], record: InputRecord, suffix: str) -> list[Held]:
    """List what an input holds under its name."""
    name, sha256 = kind.__name__, record["sha256"]
    if not record["chunked"]:
        values = dict(record["key"])
        values[kind.KEY[0]] = _suffixed(values[kind.KEY[0]], suffix)
        key = Key((dimension, values[dimension]) for dimension in kind.KEY).text
        return [Held(kind=name, key=key, sha256=sha256, number=0, offset=0, length=record["size"], span=None)]
    pass_name = _suffixed(record["pass"], suffix)
    return [
        Held(kind=name, key=f"{pass_name}/{start}", sha256=sha256, number=number, offset=offset, length=length, span=(start, stop))
        for number, (offset, length, start, stop) in enumerate(cut(record))
    ]


def _suffixed(name: str, suffix: str) -> str:
    if len(name) + len(suffix) > LONGEST:
        name = f"{name[: LONGEST - len(suffix) - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{name}{suffix}"
