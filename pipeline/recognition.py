"""What a file that has come in is, by its name and its first bytes, and how that is recorded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from pipeline.errors import DataError, ProfileError, UsageError
from pipeline.mission import Profile
from pipeline.places import claims, places_of, plain_name
from pipeline.product import CHUNK_BYTES, Arrival, Product, Recognition
from pipeline.registry import Registry

__all__ = ["CHUNK_BYTES", "Found", "Recogniser", "digests", "printable"]

HEAD_BYTES = 1 << 20
READINGS = 3
"""Times that a file is read, at most, whose inode changes meanwhile."""

Found: TypeAlias = tuple[type[Product], Recognition]


class Recogniser:
    """Asks the kinds that may come from outside what a file is.

    level, link  what the operator says that it is; None: find out
    """

    def __init__(self, registry: Registry, profile: Profile, *, level: str | None, link: str | None) -> None:
        self._kinds = registry.external
        self._profile = profile
        self._names = profile.arrivals
        self._head = (Path(), b"")
        self.told = [level, link]

    def recognise(self, path: Path, size: int, *, name: Path | None = None) -> Found:
        """Return the kind that is surest of a file, and what it makes of it; DataError if none is.

        name  another path that says what the file is called
        """
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        self._head = (path, head)
        if not head:
            raise DataError("is empty", where=str(path), remedy="Check the transfer that brought it")
        arrival = Arrival(path=name or path, size=size, head=head, level=self.told[0], section=self.told[1])
        found = [(kind, recognition) for kind in self._kinds if (recognition := self._ask(kind, arrival)) is not None]
        if not found:
            raise DataError(
                "holds nothing that is known here: neither frames, nor packets, nor a picture or sound",
                where=str(path),
                remedy="If it is a recording, name what it holds: --level, --link, --mission",
            )
        return max(found, key=lambda pair: pair[1].confidence)

    def head_of(self, path: Path) -> bytes:
        """Give the first bytes of a file that has just been looked at, so that they need not be read again; of any other, none."""
        return self._head[1] if self._head[0] == path else b""

    def _ask(self, kind: type[Product], arrival: Arrival) -> Recognition | None:
        try:
            return kind.recognise(arrival, self._profile.sections)
        except (DataError, UsageError, ProfileError):
            raise
        except Exception as error:  # whatever a file does to the reader of its first bytes, the others go on
            problem = f"cannot be looked at as {kind.__name__}: {type(error).__name__}: {error}"
            raise DataError(problem, where=str(arrival.path)) from error

    def stretch_of(self, path: Path) -> str | None:
        """Give the pass of which a file's name says that it is a stretch; None if it says nothing of the kind."""
        name, part, offset = self._names.read(path.stem)
        return None if part is None and offset is None else plain_name(name)

    def rank(self, path: Path) -> tuple[bool, str]:
        """Order the names of an input: those that tell a place before others, then by themselves."""
        return self.stretch_of(path) is None, printable(path.name)

    def record(self, found: Found, path: Path, here: Mapping[str, Any], pieces: list[str]) -> dict[str, Any]:
        """Give the line of the journal about an input; DataError if its name makes a key that cannot be.

        path    what it is called
        here    path, sha256, size, mtime_ns and inode of a file that holds it
        pieces  SHA-256 of each chunk
        """
        kind, recognition = found
        key = dict(recognition.key)
        if not recognition.chunked:
            key[kind.KEY[0]] = plain_name(key[kind.KEY[0]])
        record: dict[str, Any] = {
            "type": "input",
            **here,
            "kind": kind.__name__,
            "level": recognition.level,
            "key": key,
            "sections": dict(recognition.sections),
            "margin": recognition.margin,
            "facts": dict(recognition.facts),
            "pieces": pieces,
            "chunked": recognition.chunked,
            "told": self.told,
            "rank": list(self.rank(path)),
        }
        if recognition.chunked:
            name, part, offset = self._names.read(path.stem)
            start = f"p{part:06d}" if part is not None else f"{offset or 0:015d}"
            record |= {"pass": plain_name(name), "start": start, "step": CHUNK_BYTES}
            file = Path(here["path"])
            cuts = kind.cuts(file, CHUNK_BYTES) if here["size"] > CHUNK_BYTES else None
            if cuts is not None:
                record |= {"cuts": list(cuts), "pieces": digests(file, file.stat(), cuts)[1]}
        record["places"] = places_of(kind, record)
        record["claim"] = f"{kind.__name__} {record['places'][0].partition(':')[2]}"
        claims(kind, record, "@00000000")  # a key that cannot be raises here, before anything is written
        return record


def printable(path: str) -> str:
    """Give a path as text that can be written anywhere."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def digests(path: Path, expected: os.stat_result, cuts: Sequence[int] | None = None, *, head: bytes = b"") -> tuple[str, list[str]]:
    """SHA-256 of a file and of each of its chunks, in one reading; DataError if it changes meanwhile.

    cuts  where the chunks begin; None: every CHUNK_BYTES
    head  its first bytes, as far as they were read after `expected`
    """
    stops = [*(range(0, max(expected.st_size, 1), CHUNK_BYTES) if cuts is None else cuts), expected.st_size + 1][1:]
    head = head[: stops[0]] if stops else b""
    for attempt in range(READINGS):
        with path.open("rb") as stream:
            before = os.fstat(stream.fileno()) if attempt else expected
            if attempt and stream.read(len(head)) != head:
                break
            whole, pieces, total = _read_on(stream, head, stops)
            after = os.fstat(stream.fileno())
        if total != expected.st_size or _shape(after) != _shape(expected):
            break
        if after.st_ctime_ns == before.st_ctime_ns:
            return whole, pieces
        # A program that copies may have set the time of change back. Or only a link, a name or a right is another: then it is read again.
    raise DataError("changes while it is read", where=str(path), remedy="Give the command again when it is complete")


def _read_on(stream: BinaryIO, head: bytes, stops: Sequence[int]) -> tuple[str, list[str], int]:
    """Read what follows the first bytes; give the digests of the whole and of its chunks, and how many bytes there are."""
    whole, pieces = hashlib.sha256(head), list[str]()
    total = stream.seek(len(head))
    for stop in stops:
        # Of one chunk alone the digest is the file's.
        piece = whole if len(stops) == 1 else hashlib.sha256() if pieces else hashlib.sha256(head)
        while total < stop and (block := stream.read(min(1 << 20, stop - total))):
            whole.update(block)
            if piece is not whole:
                piece.update(block)
            total += len(block)
        pieces.append(piece.hexdigest())
    return whole.hexdigest(), pieces, total


def _shape(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
