"""What was just made in this process, for the stages that want it next: what a picture was written to need not be read back at once.

Products are known by the digest of what they saved, so that one which never becomes part of the tree is only forgotten.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any, TypeAlias

from pipeline.product import Product

__all__ = ["FRESH", "Fresh"]

ROOM = 192 << 20
"""Bytes of arrays that are kept where nobody says how many tasks are at work."""
EACH = 32 << 20
"""Bytes for each task that is: a picture until its cell is made, and a few that may soon be asked for."""
LARGEST = EACH // 2
"""Bytes of a product; what is larger is read again."""
PATIENCE = 60.0
"""Seconds after which a product that nothing has asked for is forgotten, as soon as another is kept or asked for."""

Name: TypeAlias = tuple[type[Product], str, str]
"""Kind, key and digest."""


class Fresh:
    """A few products. Most are asked for once: those that have been make room for others first, then the oldest."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._asked: OrderedDict[Name, tuple[Product, int, float]] = OrderedDict()
        """Each with its size, and the moment when it was asked for last: in the order of those."""
        self._made: OrderedDict[Name, tuple[Product, int, float]] = OrderedDict()
        """Those that nothing has asked for, each with the moment when it was made."""
        self._held = 0

    def hold_for(self, tasks: int) -> None:
        """Hold no more from now on than so many tasks at a time need.

        What stays lies strewn among what is let go of, so that little memory can be used again for anything large: a process that held
        three times as much took half as much again, and the time to ask the system for it.
        """
        with self._lock:
            self._room = min(ROOM, tasks * EACH)

    def keep(self, product: Product, digest: str) -> bool:
        """Hold a product of this digest, if it says what loading it would give; say whether it does."""
        self._forget_old()
        saved = product.as_saved()
        size = 0 if saved is None else _size(saved)
        if saved is None or size > min(LARGEST, self._room // 2):
            return False
        name = (type(saved), saved.key.text, digest)
        with self._lock:
            self._drop(name)
            self._made[name] = (saved, size, time.monotonic())
            self._held += size
            while self._held > self._room:
                self._drop(next(iter(self._asked or self._made)))
        return True

    def let_go(self, kind: type[Product], key: str, digest: str) -> None:
        """Hold a product no longer, if it is held: nothing will ask for it any more."""
        with self._lock:
            self._drop((kind, key, digest))

    def find(self, kind: type[Product], key: str, digest: str) -> Product | None:
        """Give the product if it is held."""
        self._forget_old()
        with self._lock:
            name = (kind, key, digest)
            found = self._drop(name)
            if found is None:
                return None
            product, size, _ = found
            self._asked[name] = (product, size, time.monotonic())
            self._held += size
            return product

    def _forget_old(self) -> None:
        with self._lock:
            for products in (self._asked, self._made):
                while products and next(iter(products.values()))[2] < time.monotonic() - PATIENCE:
                    self._drop(next(iter(products)))

    def _drop(self, name: Name) -> tuple[Product, int, float] | None:
        found = self._asked.pop(name, None) or self._made.pop(name, None)
        self._held -= found[1] if found else 0
        return found


def _size(product: Product) -> int:
    """Sum up arrays, and what else says how many bytes it holds."""
    values = (getattr(product, name) for name in getattr(product, "__dataclass_fields__", ()))
    return sum(_octets(value) for value in values)


def _octets(value: Any) -> int:
    octets = int(getattr(value, "nbytes", 0))
    # All of an array without strides is one item.
    return octets if any(getattr(value, "strides", (1,))) else min(octets, value.itemsize)


FRESH = Fresh()
"""Of this process."""
