"""Calls a stage on products in memory the way the engine does, and tells whether what it was given has changed."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.perform import perform
from pipeline.product import Entry, Key, Product, Source
from pipeline.stage import Group, Input, Listing, Role, StageSpec
from pipeline.work import Batch, Listed, Loadable, Outcome, Work

__all__ = ["call", "fingerprint", "freeze"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Held(Loadable):
    """A product that is in memory."""

    give: Callable[[], Product]

    def load(self) -> Product:
        """Give it."""
        return self.give()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _HeldList(Listed):
    """Products of which nothing is loaded."""

    known: Sequence[Entry]

    def entries(self) -> Iterator[Entry]:
        """Give what is known of them."""
        return iter(self.known)


def call(spec: StageSpec, arguments: Mapping[str, Any], folder: Path) -> Outcome:
    """Run a stage as a worker does, with all that is checked there; its files stand in the folder.

    arguments  by parameter: a product, None, a list or a Group of products, a section, a setting
    """
    inputs = tuple((item, _held(item, arguments[item.name])) for item in spec.inputs)
    work = Work(
        key=_key(spec, inputs),
        inputs=inputs,
        sections={name: arguments[name] for name, _ in spec.sections},
        settings={setting.name: arguments.get(setting.name, setting.default) for setting in spec.settings},
        digest="",
    )
    (outcome,) = perform(Batch(name="contract", spec=spec, work=(work,), staging=str(folder / "call")))
    return outcome


def _held(item: Input, value: Any) -> tuple[_Held, ...] | _HeldList:
    if value is None:
        return ()
    if item.role is Role.GROUP:
        group: Group[Product] = value if isinstance(value, Group) else Group.of(value)
        if not item.loads:
            return _HeldList(kind=item.kind, count=len(group), packed=b"", known=group.entries)
        return tuple(_hold(item, entry, lambda at=at: group[at]) for at, entry in enumerate(group.entries))  # type: ignore[misc]
    entry = Entry(key=value.key, digest="", completeness=value.completeness(), facts=value.facts())
    return (_hold(item, entry, lambda: value),)


def _hold(item: Input, entry: Entry, give: Callable[[], Product]) -> _Held:
    return _Held(kind=item.kind, source=Source(key=entry.key, files={}), entry=entry, give=give)


def _key(spec: StageSpec, inputs: Sequence[tuple[Input, tuple[_Held, ...] | _HeldList]]) -> Key:
    """Give the key that the stage runs at with these inputs."""
    values: dict[str, str] = {}
    for item, held in inputs:
        entries = held.entries() if isinstance(held, _HeldList) else (each.entry for each in held)
        if item.role is not Role.PREVIOUS and (first := next(iter(entries), None)):
            values |= dict(first.key)
    return spec.key_of(values)


def freeze(value: Any) -> Any:
    """Make every array in a value read-only, as those are that the engine loads; return the value."""
    for part in _parts(value):
        freeze(part)
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


def fingerprint(value: Any) -> str:
    """SHA-256 over all that a value holds: arrays, products, and what a product's functions without parameters give."""
    digest = hashlib.sha256(type(value).__qualname__.encode())
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        digest.update("".join(f"{name!r}{fingerprint(item)}" for name, item in value.items()).encode())
    elif isinstance(value, list | tuple) or dataclasses.is_dataclass(value):
        digest.update("".join(fingerprint(part) for part in _parts(value)).encode())
    elif isinstance(value, Group | Listing):
        digest.update("".join(fingerprint(entry) for entry in value.entries).encode())
    elif callable(value):
        digest.update("".join(fingerprint(part) for part in value()).encode())
    else:
        digest.update(pickle.dumps(value))
    return digest.hexdigest()


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    if dataclasses.is_dataclass(value):
        return [getattr(value, item.name) for item in dataclasses.fields(value)]
    return []
