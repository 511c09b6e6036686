"""What is an arrival in a folder, by its name: one rule for files that are processed at once and for those that land.

Hidden files, those whose name says that they are still being written, marks beside a file, and output folders are nobody's arrivals.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline import checksums
from pipeline.errors import UsageError

__all__ = ["MARKS", "OUTPUT", "final_name", "is_mark", "is_unfinished", "rare_first", "scan"]

OUTPUT = ".skycrane"
"""Stands in a folder that is the output of a run."""
UNFINISHED = (".part", ".tmp", ".partial", ".crdownload")
MARKS = (".ready", ".done", checksums.SUFFIX)
"""Endings of what a sender puts beside a file that is complete."""


def is_unfinished(name: str) -> bool:
    """Say whether a file's name is hidden, or says that the file is still being written."""
    return name.startswith(".") or name.endswith(UNFINISHED)


def is_mark(name: str) -> bool:
    """Say whether a file only speaks of another."""
    return name.endswith(MARKS)


def final_name(path: str) -> str:
    """Give the name that a file with an unfinished name is to have, or that a mark speaks of; another path as it is."""
    folder, _, name = path.rpartition("/")
    name = name.removeprefix(".")
    for suffix in (*UNFINISHED, *MARKS):
        name = name.removesuffix(suffix)
    return f"{folder}/{name}"


def scan(inputs: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Give every file that these paths hold, sorted, with whether it was named itself; UsageError for one that is not there.

    A mark that was named is passed over too where its file stands beside it: a shell that spells a folder out names every file in it.
    """
    for path in inputs:
        if path.is_dir():
            yield from ((found, False) for found in _inside(path))
        elif not path.exists():
            raise UsageError("is neither a file nor a folder", where=str(path), remedy="Check the path")
        elif not (is_mark(path.name) and path.with_suffix("").is_file()):
            yield path, True


def rare_first(files: Iterable[tuple[Path, bool]]) -> list[tuple[Path, bool]]:
    """Put what there is little of first, by suffix: it may tell something of the rest, which has to wait for it."""
    found = list(files)
    counts = Counter(path.suffix for path, _ in found)
    return sorted(found, key=lambda item: counts[item[0].suffix])


def _inside(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        if OUTPUT in folders and Path(folder) != top:
            # Another output folder: its pictures are nobody's arrivals.
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(files) if not (is_unfinished(name) or is_mark(name)))
