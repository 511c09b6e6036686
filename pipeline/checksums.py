"""What a sender says of a file's bytes: `NAME.sha256` beside it, as sha256sum writes it."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from pipeline.errors import DataError

__all__ = ["check", "told_of"]

SUFFIX = ".sha256"
LONGEST = 1 << 20
"""Bytes of a list of digests that are read."""

LINE = re.compile(r"([0-9A-Fa-f]{64})(?:[ \t]+\*?(.+))?")


def told_of(path: Path) -> str | None:
    """Return the SHA-256 that the sender tells of a file; None if none is told, or nothing that can be read.

    Of several lines the one with the file's name counts. A single one counts whatever it calls the file, which may have another name here.
    """
    try:
        with path.with_name(f"{path.name}{SUFFIX}").open("rb") as stream:
            text = stream.read(LONGEST).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    lines = [match.groups() for line in text.splitlines() if (match := LINE.fullmatch(line.strip()))]
    named = [digest for digest, name in lines if name and PurePosixPath(name).name == path.name]
    found = named or ([lines[0][0]] if len(lines) == 1 else [])
    return str(found[0]).lower() if found else None


def check(path: Path, sha256: str) -> None:
    """Raise DataError for a file whose bytes are not what the sender tells."""
    told = told_of(path)
    if told is not None and told != sha256:
        raise DataError(
            f"was damaged on its way: its SHA-256 is {sha256}, and {path.name}{SUFFIX} says {told}",
            where=str(path),
            remedy=f"Send it again; it is taken as it is once {path.name}{SUFFIX} is removed and the command given again",
        )
