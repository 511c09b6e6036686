"""What made this product, from what, how complete: the only proof that something was made.

Receipts stand in a journal (``.skycrane/receipts/NNNNNN.jsonl``), a line each, appended and synced by the driver alone, and only after what
they speak of stands under its final name. A later line about the same task replaces the earlier one. Everything that the catalog knows
follows from these lines; a last line that was cut off by a crash speaks of nothing and is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pipeline.errors import StorageError, storage_errors
from pipeline.product import Completeness

__all__ = ["FileRecord", "InputRecord", "Journal", "Output", "Receipt", "output_digest", "task_digest"]

SEGMENT_BYTES = 64 << 20
"""A journal file that is longer is followed by a new one."""

COMPACTED = b'{"type":"compacted"}\n'
"""First line of a file that holds all that was true when it was written: those before it no longer count."""

LISTED_INPUTS = 1000
"""A receipt names each input up to this many; of more it keeps the count, and their names stay provable through the task's digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file of a product, or its stretch of a pack."""

    suffix: str
    path: str
    """Relative to OUT; absolute for files from outside."""
    size: int
    sha256: str
    offset: int = 0
    whole: bool = True
    """False for a stretch of a larger file."""
    mtime_ns: int = 0
    inode: int = 0

    def to_json(self) -> dict[str, Any]:
        """Give plain values. Written out, because `dataclasses.asdict` takes ten times as long and there is one for each file."""
        return {
            "suffix": self.suffix,
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "offset": self.offset,
            "whole": self.whole,
            "mtime_ns": self.mtime_ns,
            "inode": self.inode,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A product that a task made, or that came from outside."""

    kind: str
    key: str
    digest: str
    """Over its files, its completeness and its facts."""
    completeness: Completeness
    facts: Mapping[str, Any]
    files: tuple[FileRecord, ...]

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "kind": self.kind,
            "key": self.key,
            "digest": self.digest,
            "completeness": self.completeness.to_json(),
            "facts": dict(self.facts),
            "files": [record.to_json() for record in self.files],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            kind=value["kind"],
            key=value["key"],
            digest=value["digest"],
            completeness=Completeness.from_json(value["completeness"]),
            facts=value["facts"],
            files=tuple(FileRecord(**record) for record in value["files"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRecord:
    """What a task read."""

    name: str
    """Of the parameter."""
    kind: str
    key: str
    digest: str

    def to_json(self) -> dict[str, str]:
        """Give plain values."""
        return {"name": self.name, "kind": self.kind, "key": self.key, "digest": self.digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a task made."""

    stage: str
    version: int
    key: str
    digest: str
    """The task key: SHA-256 of all that the result depends on."""
    settings: Mapping[str, Any]
    sections: Mapping[str, str]
    """Digest of each section of the profile."""
    inputs: tuple[InputRecord, ...]
    input_count: int
    outputs: tuple[Output, ...]
    how: Mapping[str, Any] = field(default_factory=dict)
    """Start, stop, host, attempt: nothing that a product may depend on."""

    def to_json(self) -> dict[str, Any]:
        """Give plain values: what (deterministic) and how."""
        what = {
            "stage": self.stage,
            "version": self.version,
            "key": self.key,
            "digest": self.digest,
            "settings": dict(self.settings),
            "sections": dict(self.sections),
            "inputs": [record.to_json() for record in self.inputs],
            "input_count": self.input_count,
            "outputs": [output.to_json() for output in self.outputs],
        }
        return {"what": what, "how": dict(self.how)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        what = value["what"]
        return cls(
            **{name: what[name] for name in ("stage", "version", "key", "digest", "settings", "sections", "input_count")},
            inputs=tuple(InputRecord(**record) for record in what["inputs"]),
            outputs=tuple(Output.from_json(output) for output in what["outputs"]),
            how=value["how"],
        )


def task_digest(
    *,
    stage: str,
    version: int,
    key: str,
    settings: Mapping[str, Any],
    sections: Mapping[str, str],
    inputs: Iterable[InputRecord],
) -> str:
    """SHA-256 of all that a task's result depends on."""
    digest = hashlib.sha256(json.dumps([stage, version, key, settings, sections], sort_keys=True).encode())
    for record in inputs:
        digest.update(f"\0{record.name}\0{record.kind}\0{record.key}\0{record.digest}".encode())
    return digest.hexdigest()


def output_digest(files: Iterable[FileRecord], completeness: Completeness, facts: Mapping[str, Any]) -> str:
    """SHA-256 over a product's files, its completeness and its facts."""
    listing = sorted((record.suffix, record.sha256) for record in files)
    return hashlib.sha256(json.dumps([listing, completeness.to_json(), facts], sort_keys=True).encode()).hexdigest()


class Journal:
    """The receipts of an output folder, in the order in which they became true."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: io.FileIO | None = None
        self._number = 0

    def segments(self) -> list[Path]:
        """List the journal's files, oldest first."""
        files = sorted(self._folder.glob("[0-9]*.jsonl"))
        return next((files[at:] for at in range(len(files) - 1, 0, -1) if _begins_anew(files[at])), files)

    @property
    def first(self) -> int:
        """Number of the first file that counts; 0 if there is none."""
        files = self.segments()
        return int(files[0].stem) if files else 0

    def rewrite(self, records: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
        """Begin the journal anew with lines that say all that is true; return its end.

        One rename takes the new file in and the old ones out of account; raises StorageError before it, and then has changed nothing.
        """
        number = max((int(path.stem) for path in self._folder.glob("[0-9]*.jsonl")), default=0) + 1
        path, part = self._folder / f"{number:06d}.jsonl", self._folder / "compacted.part"
        with storage_errors(part):
            with part.open("wb") as stream:
                stream.write(COMPACTED)
                for record in records:
                    stream.write(_line(record))
                stream.flush()
                os.fsync(stream.fileno())
                length = stream.tell()
            self.close()
            part.replace(path)
            _sync_folder(self._folder)
        self.sweep()
        return number, length

    def sweep(self) -> None:
        """Remove files that no longer count."""
        counting = self.segments()
        for path in self._folder.iterdir():
            if path not in counting:
                path.unlink(missing_ok=True)

    def position(self) -> tuple[int, int]:
        """Give the end: number of the last file, and its length up to the last whole line."""
        files = self.segments()
        return (int(files[-1].stem), _whole_length(files[-1])) if files else (0, 0)

    def read(self, after: tuple[int, int] = (0, 0)) -> Iterator[tuple[dict[str, Any], tuple[int, int]]]:
        """Give the lines after a position, each with the position behind it."""
        for path in self.segments():
            number = int(path.stem)
            if number < after[0]:
                continue
            with path.open("rb") as stream:
                offset = stream.seek(after[1] if number == after[0] else 0)
                for line in stream:
                    if not line.endswith(b"\n"):
                        break
                    offset += len(line)
                    yield _parse(line, f"{path} at byte {offset - len(line)}"), (number, offset)

    def append(self, records: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
        """Add lines and wait until the disk has them; return the new end. Raises StorageError, and then has added nothing."""
        data = b"".join(map(_line, records))
        with storage_errors(self._folder):
            stream = self._open()
            start = stream.tell()
            try:
                left = memoryview(data)
                while left:
                    left = left[stream.write(left) :]
                os.fsync(stream.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(stream.fileno(), start)
                self.close()
                raise
        return self._number, start + len(data)

    def close(self) -> None:
        """Close the file that is being written."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self) -> io.FileIO:
        if self._stream is not None and self._stream.tell() < SEGMENT_BYTES:
            return self._stream
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        number, length = self.position()
        number = max(number, 1) if length < SEGMENT_BYTES else number + 1
        path = self._folder / f"{number:06d}.jsonl"
        if path.exists():
            # A line that a crash cut off speaks of nothing, and must not run into the next one.
            os.truncate(path, length)
        self._stream = path.open("ab", buffering=0)
        self._number = number
        if not length:
            _sync_folder(self._folder)
        return self._stream


def _line(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _begins_anew(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(COMPACTED)) == COMPACTED


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if isinstance(record, dict) and isinstance(record.get("type"), str):
            return record
    except ValueError:
        pass
    raise StorageError(
        "a line of the receipts is damaged",
        where=where,
        remedy="Restore the file from a copy, or process the inputs into a new folder; a line that begins with "
        '{"type":"receipt" may be deleted: what it spoke of is made again',
    )


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _whole_length(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        tail = b""
        while end > 0 and b"\n" not in tail:
            start = max(0, end - 65536)
            stream.seek(start)
            tail = stream.read(end - start)
            if b"\n" not in tail:
                end = start
        return end - len(tail) + tail.rfind(b"\n") + 1 if b"\n" in tail else 0
