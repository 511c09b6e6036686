"""Inputs taken by mistake: taken back, kept out, and taken in again.

An input is its bytes. Once withdrawn it stays out under any name, whatever folder is scanned or file is named, until an operator undoes it:
a shell that spells a folder out (``process downlinks/*``) names every file in it, so being named says nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.arrivals import Admitter
from pipeline.catalog import Catalog
from pipeline.errors import UsageError

__all__ = ["find_input", "restoring", "withdrawing"]

Lines = list[dict[str, Any]]

SHORTEST_DIGEST = 6


def find_input(catalog: Catalog, text: str, *, withheld: bool = False) -> str:
    """Return the SHA-256 of the input that a path, or the beginning of a digest, names; UsageError for none, or for several.

    withheld  look among those that were withdrawn
    """
    known = catalog.withheld() if withheld else {record["sha256"]: record for record in catalog.inputs()}
    absolute = os.path.realpath(text)
    row = catalog.known_path(absolute)
    found = {sha256 for sha256, record in known.items() if record["path"] == absolute}
    if row is not None and row["sha256"] in known:
        found.add(row["sha256"])
    if not found and re.fullmatch(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}", text):
        found = {sha256 for sha256 in known if sha256.startswith(text)}
    if len(found) == 1:
        return found.pop()
    if found:
        raise UsageError(f"{text} begins the digest of {len(found)} inputs", remedy="Give more of it")
    what = "withdrawn input" if withheld else "input"
    near = [record["path"] for record in known.values() if Path(record["path"]).name == Path(text).name]
    remedy = f"Is it {near[0]}?" if near else f"Inputs are named by their path, or by {SHORTEST_DIGEST} or more digits of their SHA-256"
    raise UsageError(f"there is no {what} {text}", remedy=remedy)


def withdrawing(catalog: Catalog, admitter: Admitter, sha256: str) -> Lines:
    """Give the lines that take an input back, as if it had never come, and keep it out."""
    record = catalog.input(sha256)
    if record is None:
        return []
    rows = catalog.db.execute("SELECT path, sha256, size, mtime_ns, inode FROM paths WHERE sha256 = ? ORDER BY path", (sha256,)).fetchall()
    # Its names stay known, so that no scan reads it again.
    names = [{"type": "path", **dict(row)} for row in rows]
    return [*admitter.withdraw(sha256), {"type": "withhold", "record": record}, *names]


def restoring(catalog: Catalog, admitter: Admitter, sha256: str) -> Lines:
    """Give the lines that take a withdrawn input in again; UsageError if its file is no longer what it was."""
    record = catalog.withheld()[sha256]
    rows = catalog.db.execute("SELECT path, size, mtime_ns, inode FROM paths WHERE sha256 = ? ORDER BY path", (sha256,)).fetchall()
    place: Mapping[str, Any] | None = next((dict(row) for row in (record, *rows) if _holds(row)), None)
    if place is None:
        raise UsageError("the file is gone or has changed", where=record["path"], remedy="Put it back, then give the command again")
    where = {name: place[name] for name in ("path", "size", "mtime_ns", "inode")}
    return [{"type": "restore", "sha256": sha256}, *admitter.restore({**record, **where})]


def _holds(known: Any) -> bool:
    try:
        status = Path(known["path"]).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns, status.st_ino) == (known["size"], known["mtime_ns"], known["inode"])
