"""Inputs become chunks and received files.

An input's identity is its SHA-256: equal bytes under any name are one input. A recorded stretch is cut into chunks of at most 64 MiB,
each placed in its pass by part number or byte offset, never by the order of arrival. Which input holds which place is a function of the
set of inputs alone: other bytes for a place that is taken get a pass of their own, ``PASS@1a2b3c4d``, and of those that contend the
smallest digest has the plain name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.catalog import Catalog
from pipeline.errors import DataError, StorageError, UsageError
from pipeline.mission import Profile
from pipeline.product import Arrival, Completeness, Key, Product, Recognition, safe_value
from pipeline.receipt import FileRecord, Output, output_digest
from pipeline.registry import Registry
from pipeline.store import digest_file

__all__ = ["Admission", "Admitter", "scan"]

CHUNK_BYTES = 64 << 20
HEAD_BYTES = 1 << 20
UNFINISHED = (".part", ".tmp", ".partial", ".crdownload")


def scan(inputs: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Give every file that these paths hold, sorted, with whether it was named itself; UsageError for one that is not there.

    Hidden files and those whose name says that they are still being written are passed over inside folders.
    """
    for path in inputs:
        if path.is_dir():
            for folder, folders, files in os.walk(path):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(files):
                    if not name.startswith(".") and not name.endswith(UNFINISHED):
                        yield Path(folder) / name, False
        elif path.is_file():
            yield path, True
        else:
            raise UsageError("is neither a file nor a folder", where=str(path), remedy="Check the path")


@dataclass(kw_only=True)
class Admission:
    """What became of the files that were looked at."""

    records: list[dict[str, Any]] = field(default_factory=list)
    """Lines for the journal."""
    taken: int = 0
    known: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    """(path, the path that brought the same bytes first)."""
    refused: list[tuple[str, str, bool]] = field(default_factory=list)
    """(path, why, whether the file was named itself)."""


class Admitter:
    """Takes files in: recognises them, and gives each chunk its place.

    level, link  what the operator says that the files are; None: find out
    """

    def __init__(self, catalog: Catalog, profile: Profile, *, level: str | None = None, link: str | None = None) -> None:
        self._catalog = catalog
        self._profile = profile
        self._registry: Registry = catalog.registry
        self._level = level
        self._link = link
        levels = sorted({name for kind in self._registry.external for name in kind.LEVELS})
        if level is not None and level not in levels:
            raise UsageError(f"there is no level {level!r}", remedy=f"Levels are {', '.join(levels)}")

    def admit(self, path: Path, *, named: bool) -> Admission:
        """Look at one file; the caller applies the records before the next one is looked at."""
        admission = Admission()
        absolute = str(path.resolve())
        try:
            status = path.stat()
            known = self._catalog.known_path(absolute)
            identity = (status.st_size, status.st_mtime_ns, status.st_ino)
            if known is not None and (known["size"], known["mtime_ns"], known["inode"]) == identity:
                admission.known = 1
                return admission
            sha256, pieces = _digests(path)
        except OSError as error:
            raise StorageError(f"cannot be read: {error.strerror}", where=absolute, remedy="Check the disk and the rights") from error
        here = {
            "path": absolute,
            "sha256": sha256,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "inode": status.st_ino,
        }
        if (earlier := self._catalog.input(sha256)) is not None:
            admission.records.extend(self._again(earlier, here))
            admission.known = 1
            if earlier["path"] != absolute:
                admission.duplicates.append((absolute, earlier["path"]))
            return admission
        try:
            admission.records.extend(self._admit_new(path, here, pieces))
            admission.taken = 1
        except DataError as error:
            admission.refused.append((absolute, error.problem, named))
        return admission

    def _again(self, earlier: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"type": "path", **here}
        if not Path(earlier["path"]).exists():
            # The file has moved: what refers to it follows.
            moved = {**earlier, **here}
            yield from self._place(moved, [other for other in self._catalog.claims(earlier["claim"]) if other["sha256"] != here["sha256"]])

    def _admit_new(self, path: Path, here: dict[str, Any], pieces: list[str]) -> Iterator[dict[str, Any]]:
        kind, found = self._recognise(path, here["size"])
        record = {
            "type": "input",
            **here,
            "kind": kind.__name__,
            "level": found.level,
            "key": dict(found.key),
            "sections": dict(found.sections),
            "margin": found.margin,
            "facts": dict(found.facts),
            "pieces": pieces,
            "chunked": found.chunked,
        }
        if found.chunked:
            name, part, offset = self._profile.arrivals.read(path.stem)
            start = f"p{part:06d}" if part is not None else f"{offset or 0:015d}"
            record |= {"pass": safe_value(name), "start": start, "claim": f"{kind.__name__} {safe_value(name)} {start}"}
        else:
            record |= {"claim": f"{kind.__name__} {'/'.join(found.key.values())}"}
        yield from self._place(record, self._catalog.claims(record["claim"]))

    def _recognise(self, path: Path, size: int) -> tuple[type[Product], Recognition]:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if not head:
            raise DataError("is empty", where=str(path), remedy="Check the transfer that brought it")
        arrival = Arrival(path=path, size=size, head=head, level=self._level, section=self._link)
        found = [(kind, kind.recognise(arrival, self._profile.sections)) for kind in self._registry.external]
        ranked = sorted(((kind, r) for kind, r in found if r is not None), key=lambda pair: -pair[1].confidence)
        if not ranked:
            raise DataError(
                "holds nothing that is known here: neither frames, nor packets, nor a picture or sound",
                where=str(path),
                remedy="If it is a recording, name what it holds: --level, --link, --mission",
            )
        return ranked[0]

    # --- places -----------------------------------------------------------------------------------------------------------------

    def _place(self, record: dict[str, Any], others: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Give an input its place, and those that contend for it theirs."""
        yield record
        contenders = sorted([*others, record], key=lambda contender: contender["sha256"])
        for rank, contender in enumerate(contenders):
            suffix = f"@{contender['sha256'][:8]}" if rank else ""
            if contender["sha256"] == record["sha256"] or (rank <= 1 and contenders[0] is record):
                yield from self._products(contender, suffix)
        # The one that had the plain name until now was placed anew above; what it had is overwritten by the new holder, unless that
        # one is shorter.
        if contenders[0] is record and len(contenders) > 1:
            yield from self._surplus(contenders[1], record)

    def _products(self, record: Mapping[str, Any], suffix: str) -> Iterator[dict[str, Any]]:
        kind = self._registry.kinds[record["kind"]]
        if not record["chunked"]:
            values = dict(record["key"])
            first = kind.KEY[0]
            values[first] += suffix
            yield self._admission(kind, Key((name, values[name]) for name in kind.KEY), record, 0, [], None)
            return
        name = record["pass"] + suffix
        for section, table in record["sections"].items():
            yield {"type": "assignment", "section": section, "value": name, "name": table}
        chunks = _chunks(record)
        for chunk, (offset, length, start, stop) in enumerate(chunks):
            key = Key((("pass", name), ("chunk", start)))
            margin = self._margin_within(record, chunk, offset) or self._margin_before(kind, name, start, record["margin"])
            del length
            yield self._admission(kind, key, record, chunk, margin, (start, stop))
        yield from self._margins_after(kind, name, chunks[-1][3], record, chunks)

    def _surplus(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Take back the chunks that the former holder of a pass had and the new one has not."""
        if not old["chunked"]:
            return
        held = {start for _, _, start, _ in _chunks(new)}
        for _, _, start, _ in _chunks(old):
            if start not in held:
                yield {"type": "retract", "kind": old["kind"], "key": f"{old['pass']}/{start}"}

    def _admission(
        self,
        kind: type[Product],
        key: Key,
        record: Mapping[str, Any],
        chunk: int,
        margin: list[tuple[str, int, int]],
        span: tuple[str, str] | None,
    ) -> dict[str, Any]:
        offset, length = (chunk * CHUNK_BYTES, min(CHUNK_BYTES, record["size"] - chunk * CHUNK_BYTES)) if span else (0, record["size"])
        own = FileRecord(
            suffix="",
            path=record["path"],
            size=length,
            sha256=record["pieces"][chunk] if span else record["sha256"],
            offset=offset,
            whole=length == record["size"],
            mtime_ns=record["mtime_ns"],
            inode=record["inode"],
        )
        before = [
            FileRecord(
                suffix=f"margin.{number:03d}",
                path=path,
                size=size,
                sha256=digest_file(Path(path), start, size),
                offset=start,
                whole=False,
            )
            for number, (path, start, size) in enumerate(margin)
        ]
        facts = {**record["facts"], "level": record["level"]}
        if span:
            facts["position"] = int(span[0]) if span[0].isdigit() else None
        completeness = Completeness(received=length, expected=length)
        output = Output(
            kind=kind.__name__,
            key=key.text,
            digest=output_digest([own, *before], completeness, facts),
            completeness=completeness,
            facts=facts,
            files=(own, *before),
        )
        return {"type": "admit", "output": output.to_json(), "input": record["sha256"], "span": span}

    # --- margins: what a chunk's stage reads of the chunks before ------------------------------------------------------------------

    def _margin_within(self, record: Mapping[str, Any], chunk: int, offset: int) -> list[tuple[str, int, int]]:
        length = min(record["margin"], offset)
        return [(record["path"], offset - length, length)] if chunk and length else []

    def _margin_before(self, kind: type[Product], name: str, start: str, wanted: int) -> list[tuple[str, int, int]]:
        """Walk back over the chunks that end where the next one starts, until there are enough bytes."""
        margin: list[tuple[str, int, int]] = []
        while wanted > 0:
            row = self._catalog.db.execute(
                "SELECT chunk, start FROM spans WHERE pass = ? AND stop = ? ORDER BY chunk LIMIT 1", (name, start)
            ).fetchone()
            output = None if row is None else self._catalog.output(kind.__name__, f"{name}/{row['chunk']}")
            if row is None or output is None or row["start"] == start:
                break
            own = output.files[0]
            length = min(own.size, wanted)
            margin.insert(0, (own.path, own.offset + own.size - length, length))
            wanted -= length
            start = row["start"]
        return margin

    def _margins_after(
        self, kind: type[Product], name: str, stop: str, record: Mapping[str, Any], chunks: list[tuple[int, int, str, str]]
    ) -> Iterator[dict[str, Any]]:
        """Give the chunks that follow their margins anew, as far as these reach back into the new one."""
        wanted = record["margin"]
        _, length, first, _ = chunks[-1]
        margin = [(record["path"], record["size"] - min(length, wanted), min(length, wanted))]
        if length < wanted:
            margin = [*self._margin_before(kind, name, first, wanted - length), *margin]
        reach = 0
        while reach < wanted:
            row = self._catalog.db.execute("SELECT chunk, stop FROM spans WHERE pass = ? AND start = ?", (name, stop)).fetchone()
            output = None if row is None else self._catalog.output(kind.__name__, f"{name}/{row['chunk']}")
            if row is None or output is None:
                return
            owner = next((r for r in self._claimants(kind, name, stop, output)), None)
            if owner is None:
                return
            yield self._admission(kind, Key.parse(kind.KEY, output.key), owner, 0, list(margin), (row["chunk"], row["stop"]))
            own = output.files[0]
            reach += own.size
            margin = _trim([*margin, (own.path, own.offset, own.size)], wanted)
            stop = row["stop"]

    def _claimants(self, kind: type[Product], name: str, start: str, output: Output) -> Iterator[dict[str, Any]]:
        plain = name.partition("@")[0]
        for record in self._catalog.claims(f"{kind.__name__} {plain} {start}"):
            if record["path"] == output.files[0].path:
                yield record


def _trim(margin: list[tuple[str, int, int]], wanted: int) -> list[tuple[str, int, int]]:
    """Keep the last `wanted` bytes of a list of stretches."""
    kept: list[tuple[str, int, int]] = []
    for path, start, size in reversed(margin):
        take = min(size, wanted)
        if take:
            kept.insert(0, (path, start + size - take, take))
        wanted -= take
    return kept


def _chunks(record: Mapping[str, Any]) -> list[tuple[int, int, str, str]]:
    """Cut an input into chunks: (offset in the file, length, start, stop); a start is also the chunk's name."""
    size, start = record["size"], record["start"]
    offsets = range(0, size, CHUNK_BYTES)
    if start.startswith("p"):
        part = int(start[1:])
        names = [start if not offset else f"{start}+{offset:012d}" for offset in offsets]
        ends = [*names[1:], f"p{part + 1:06d}"]
    else:
        names = [f"{int(start) + offset:015d}" for offset in offsets]
        ends = [*names[1:], f"{int(start) + size:015d}"]
    return [(offset, min(CHUNK_BYTES, size - offset), name, end) for offset, name, end in zip(offsets, names, ends, strict=True)]


def _digests(path: Path) -> tuple[str, list[str]]:
    """SHA-256 of a file and of each of its chunks, in one reading."""
    whole, pieces = hashlib.sha256(), []
    with path.open("rb") as stream:
        piece, length = hashlib.sha256(), 0
        while block := stream.read(1 << 20):
            whole.update(block)
            piece.update(block)
            length += len(block)
            if length == CHUNK_BYTES:
                pieces.append(piece.hexdigest())
                piece, length = hashlib.sha256(), 0
        if length or not pieces:
            pieces.append(piece.hexdigest())
    return whole.hexdigest(), pieces
