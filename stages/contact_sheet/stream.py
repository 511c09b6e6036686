"""Sheets drawn and written while the files that they show are still being read.

Where each cell stands follows from names and headers, so rows are drawn, coded and put by as soon as their cells are there, by the same
threads that read. What a title says is known last: it is drawn last, and put before the rest when the file is put together.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from stages.contact_sheet.draw import bands_of
from stages.contact_sheet.layout import Leaf
from stages.contact_sheet.sheet import Plan
from stages.formats.jpeg_bands import UNIT, jpeg_file, pack_jpeg
from stages.formats.png import pack_png, png_file
from stages.products import Cell

__all__ = ["Coding", "coding_of", "in_order", "write_leaves"]

T = TypeVar("T")

AHEAD = 12
"""Files that each thread may be ahead."""
BANDS = 4
"""Bands that are at work at a time, if they fit in ROOM."""
ROOM = 48 << 20
"""Bytes."""
QUALITY = 90
"""Of JPEG; colour has half as many samples each way."""


@dataclass(frozen=True, slots=True)
class Coding:
    """A kind of file that a sheet is written as."""

    step: int
    """Rows; a band has a multiple of them, but for the last."""
    pack: Callable[[NDArray[np.uint8]], list[bytes]]
    """Codes a band by itself."""
    file: Callable[[int, int, Iterable[bytes]], Iterator[bytes | memoryview]]
    """Gives a file from width, height and what the bands were coded as."""


def coding_of(path: Path) -> Coding:
    """Choose by the file's extension; UsageError for any but .png, .jpg and .jpeg."""
    suffix = path.suffix.lower()
    if suffix == ".png":
        return Coding(1, lambda rows: [pack_png(rows)], png_file)
    if suffix in {".jpg", ".jpeg"}:
        return Coding(UNIT, partial(pack_jpeg, quality=QUALITY), partial(jpeg_file, quality=QUALITY))
    raise UsageError(f"{suffix or 'no extension'} is no kind of sheet", where=str(path), remedy="Call it .png, .jpg or .jpeg")


@dataclass(slots=True)
class _Body:
    """Where the coded rows of a leaf lie in the temporary file."""

    begin: int
    sizes: list[int] = field(default_factory=list)


def write_leaves(
    plan: Plan,
    cut: Callable[[int], Cell],
    finish: Callable[[int, Cell], None],
    retitle: Callable[[], Plan],
    paths: Sequence[Path],
    coding: Coding,
    spool: IO[bytes],
    pool: ThreadPoolExecutor,
    threads: int,
) -> Iterator[Path]:
    """Write the leaves of a page.

    plan     where everything lies
    cut      makes a cell, by its index; called by several threads
    finish   is told of each cell before it is drawn
    retitle  gives the plan when all cells are there
    paths    of the leaves
    spool    a temporary file, open for writing and reading

    Raises what `cut` raises, and DataError if a leaf is too large for its kind of file; then nothing is written.
    """
    wanted = [spot.slot.cell for leaf in plan.leaves for spot in leaf.spots if spot.slot.cell is not None]
    cells = in_order(pool, ((partial(cut, index)) for index in wanted), AHEAD * threads)
    bodies = []
    for leaf in plan.leaves:
        body = _Body(spool.tell())
        for coded in _code_rows(plan, leaf, cells, finish, coding, pool):
            body.sizes += map(len, coded)
            spool.writelines(coded)
        bodies.append(body)
    plan = retitle()
    for leaf, body, path in zip(plan.leaves, bodies, paths, strict=True):
        title = coding.pack(plan.band(leaf, bands_of(leaf, plan.metrics)[0]))
        spool.seek(body.begin)
        parts = coding.file(leaf.width, leaf.height, itertools.chain(title, map(spool.read, body.sizes)))
        first = next(iter(parts))
        with path.open("wb") as stream:
            stream.write(first)
            stream.writelines(parts)
        yield path


def _code_rows(
    plan: Plan, leaf: Leaf, cells: Iterator[Cell], finish: Callable[[int, Cell], None], coding: Coding, pool: ThreadPoolExecutor
) -> Iterator[list[bytes]]:
    """Draw and code all of a leaf but its title."""
    bands = bands_of(leaf, plan.metrics)[1:]
    ahead = max(1, min(BANDS, ROOM // (8 * leaf.width * plan.metrics.pitch[1])))

    def drawings() -> Iterator[Callable[[], NDArray[np.uint8]]]:
        for band in bands:
            indexes = [spot.slot.cell for spot in leaf.spots if spot.y == band[0] and spot.slot.cell is not None]
            row = dict(zip(indexes, itertools.islice(cells, len(indexes)), strict=True))
            for index, cell in row.items():
                finish(index, cell)
            yield partial(plan.band, leaf, band, row.__getitem__)

    slabs = in_steps(in_order(pool, drawings(), ahead), coding.step)
    return in_order(pool, (partial(coding.pack, slab) for slab in slabs), ahead)


def in_steps(bands: Iterable[NDArray[np.uint8]], step: int) -> Iterator[NDArray[np.uint8]]:
    """Give the same rows in bands that have a multiple of `step`, but for the last."""
    rest: NDArray[np.uint8] | None = None
    for band in bands:
        rows = band
        if rest is not None and len(rest):
            # Only what is left over is joined: a band is megabytes.
            begin = step - len(rest)
            rest, rows = np.concatenate([rest, band[:begin]]), band[begin:]
            if len(rest) < step:
                continue
            yield rest
        whole = len(rows) - len(rows) % step
        if whole:
            yield rows[:whole]
        rest = rows[whole:]
    if rest is not None and len(rest):
        yield rest


def in_order(pool: ThreadPoolExecutor, works: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """Have works done; give the results in order, with no more than `ahead` of them begun and not taken."""
    works = iter(works)
    begun: deque[Future[T]] = deque(pool.submit(work) for work in itertools.islice(works, ahead))
    while begun:
        result = begun.popleft().result()
        begun.extend(pool.submit(work) for work in itertools.islice(works, 1))
        yield result
