"""The chunks of a pass as they will be, and what each one's stage reads of those before it.

A chunk's margin reaches back over as many chunks as it takes, in one file or several. When a chunk comes, goes or changes, so do the
margins of those that follow, as far as they reach back; their digests change with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.catalog import Catalog
from pipeline.places import Held
from pipeline.receipt import FileRecord, Output, output_digest
from pipeline.store import digest_file

__all__ = ["Passes", "Stretch"]

UNREADABLE = "absent"
"""In place of the digest of a margin whose file is gone, or cannot be read: so it is seen when the file is there again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A chunk in its pass."""

    kind: str
    key: str
    start: str
    stop: str
    own: FileRecord
    wanted: int
    """Bytes of margin."""
    sections: Mapping[str, str]

    @property
    def pass_(self) -> str:
        """The pass."""
        return self.key.partition("/")[0]


class Passes:
    """The catalog's chunks, without those that go, with those that come."""

    def __init__(self, catalog: Catalog, left: Iterable[Held], new: Iterable[Stretch]) -> None:
        self._catalog = catalog
        self._new = {stretch.key: stretch for stretch in new}
        # A place that is left may be held anew, by a chunk of another length: what followed the former one follows no more.
        self._left = [(held.key, held.span[1]) for held in left if held.span]
        self._gone = {key for key, _ in self._left} - self._new.keys()
        self._by_stop: dict[tuple[str, str], list[str]] = {}
        for stretch in self._new.values():
            self._by_stop.setdefault((stretch.pass_, stretch.stop), []).append(stretch.key)

    def stretch(self, key: str) -> Stretch | None:
        """Return a chunk by its key."""
        if key in self._new:
            return self._new[key]
        if key in self._gone:
            return None
        name, _, chunk = key.partition("/")
        row = self._catalog.db.execute("SELECT * FROM spans WHERE pass = ? AND chunk = ?", (name, chunk)).fetchone()
        return None if row is None else self._known(row)

    def _known(self, row: Any) -> Stretch | None:
        key = f"{row['pass']}/{row['chunk']}"
        output = self._catalog.output(row["kind"], key)
        if output is None:
            return None
        return Stretch(
            kind=row["kind"], key=key, start=row["start"], stop=row["stop"], own=output.files[0], wanted=row["margin"], sections={}
        )

    def _ending(self, name: str, stop: str) -> Stretch | None:
        """Return the chunk that ends here; of several, the first by name."""
        rows = self._catalog.db.execute("SELECT chunk FROM spans WHERE pass = ? AND stop = ?", (name, stop)).fetchall()
        keys = [key for row in rows if (key := f"{name}/{row['chunk']}") not in self._gone and key not in self._new]
        keys += self._by_stop.get((name, stop), [])
        return self.stretch(min(keys)) if keys else None

    # --- margins ------------------------------------------------------------------------------------------------------------------

    def margin(self, stretch: Stretch) -> tuple[FileRecord, ...]:
        """List the stretches of files that make a chunk's margin, in order; it is short where the pass begins or has a gap."""
        known = self._catalog.output(stretch.kind, stretch.key)
        digests = {_extent(record): record.sha256 for record in known.files[1:] if record.sha256 != UNREADABLE} if known else {}
        pieces: list[FileRecord] = []
        start, wanted = stretch.start, stretch.wanted
        while wanted > 0 and (before := self._ending(stretch.pass_, start)) is not None and before.kind == stretch.kind:
            take = min(before.own.size, wanted)
            piece = dataclasses.replace(before.own, offset=before.own.offset + before.own.size - take, size=take, whole=False)
            if pieces and pieces[0].path == piece.path and piece.offset + take == pieces[0].offset:
                pieces[0] = dataclasses.replace(piece, size=take + pieces[0].size)
            else:
                pieces.insert(0, piece)
            wanted -= take
            start = before.start
        return tuple(
            dataclasses.replace(piece, suffix=f"margin.{number:06d}", sha256=digests.get(_extent(piece)) or _digest(piece))
            for number, piece in enumerate(pieces)
        )

    def followers(self) -> Iterator[dict[str, Any]]:
        """Give the lines about chunks that stay as they are and now have another margin."""
        done = set(self._new)
        changed = [(stretch.key, stretch.stop) for stretch in self._new.values()]
        for key, end in dict.fromkeys(changed + self._left):
            name, stop, distance = key.partition("/")[0], end, 0
            while (after := self.stretch(f"{name}/{stop}")) is not None and distance < after.wanted:
                if after.key not in done:
                    done.add(after.key)
                    yield from self._with_margin(after)
                distance += after.own.size
                stop = after.stop

    def _with_margin(self, stretch: Stretch) -> Iterator[dict[str, Any]]:
        output = self._catalog.output(stretch.kind, stretch.key)
        maker = self._catalog.maker(stretch.kind, stretch.key)
        assert output is not None
        assert maker is not None
        files = (stretch.own, *self.margin(stretch))
        if files == output.files:
            return
        digest = output_digest(files, output.completeness, output.facts)
        changed = Output(kind=output.kind, key=output.key, digest=digest, completeness=output.completeness, facts=output.facts, files=files)
        span = [stretch.start, stretch.stop]
        yield {"type": "admit", "output": changed.to_json(), "input": maker[1], "span": span, "margin": stretch.wanted}

    # --- sections -----------------------------------------------------------------------------------------------------------------

    def assignments(self) -> Iterator[dict[str, Any]]:
        """Give the lines that say which section of the profile holds for each pass: that of its first chunk."""
        for name in sorted({key.partition("/")[0] for key in (*self._new, *self._gone)}):
            # Where the first chunk came by no section, the pass is its own name, as where nothing was ever said.
            known = self._catalog.db.execute("SELECT section FROM assignments WHERE value = ?", (name,)).fetchall()
            tables = {row["section"]: name for row in known} | dict(self._sections(name))
            for section, table in sorted(tables.items()):
                if self._catalog.assignment(section, name) != table:
                    yield {"type": "assignment", "section": section, "value": name, "name": table}

    def _sections(self, name: str) -> Mapping[str, str]:
        rows = self._catalog.db.execute("SELECT chunk FROM spans WHERE pass = ? ORDER BY chunk", (name,))
        known = next((key for row in rows if (key := f"{name}/{row['chunk']}") not in self._gone), None)
        first = min([key for key in self._new if key.startswith(f"{name}/")] + ([known] if known else []), default=None)
        if first is None:
            return {}
        if first in self._new:
            return self._new[first].sections
        row = self._catalog.db.execute("SELECT kind FROM spans WHERE pass = ? AND chunk = ?", tuple(first.split("/"))).fetchone()
        maker = self._catalog.maker(row["kind"], first)
        record = None if maker is None else self._catalog.input(maker[1])
        return {} if record is None else dict(record["sections"])


def _extent(record: FileRecord) -> tuple[str, int, int, int]:
    return record.path, record.offset, record.size, record.mtime_ns


def _digest(record: FileRecord) -> str:
    try:
        return digest_file(Path(record.path), record.offset, record.size)
    except OSError:
        # What needs it waits until the file is there again.
        return UNREADABLE
