"""What was just made in this process, for the stages that want it next: what a picture was written to need not be read back at once.

Products are known by the digest of what they saved, so that one which never becomes part of the tree is only forgotten.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

import numpy as np

from pipeline.product import Product

__all__ = ["FRESH", "Fresh"]

ROOM = 128 << 20
"""Bytes of arrays that are kept."""
SHARE = 8
"""No product may take more than this part of it."""
PATIENCE = 60.0
"""Seconds after which a product that nothing has asked for is forgotten, as soon as another is kept or asked for."""


class Fresh:
    """A few products, those that were asked for longest ago forgotten first."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._lock = threading.Lock()
        self._products: OrderedDict[tuple[type[Product], str, str], tuple[Product, int, float]] = OrderedDict()
        """Each with its size, and the moment when it was made or asked for: in the order of those."""
        self._held = 0

    def keep(self, product: Product, digest: str) -> None:
        """Hold a product of this digest, if it says what loading it would give."""
        self._forget_old()
        saved = product.as_saved()
        size = 0 if saved is None else _size(saved)
        if saved is None or size > self._room // SHARE:
            return
        name = (type(saved), saved.key.text, digest)
        with self._lock:
            self._drop(name)
            self._products[name] = (saved, size, time.monotonic())
            self._held += size
            while self._held > self._room:
                self._drop(next(iter(self._products)))

    def find(self, kind: type[Product], key: str, digest: str) -> Product | None:
        """Give the product if it is held."""
        self._forget_old()
        with self._lock:
            found = self._products.get((kind, key, digest))
            if found is None:
                return None
            self._drop((kind, key, digest))
            self._products[kind, key, digest] = (*found[:2], time.monotonic())
            self._held += found[1]
            return found[0]

    def _forget_old(self) -> None:
        with self._lock:
            while self._products and next(iter(self._products.values()))[2] < time.monotonic() - PATIENCE:
                self._drop(next(iter(self._products)))

    def _drop(self, name: tuple[type[Product], str, str]) -> None:
        if name in self._products:
            self._held -= self._products.pop(name)[1]


def _size(product: Product) -> int:
    values = (getattr(product, name) for name in getattr(product, "__dataclass_fields__", ()))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


FRESH = Fresh()
"""Of this process."""
