"""Inputs become chunks and received files.

An input's identity is its SHA-256: equal bytes under any name are one input. A recorded stretch is cut into chunks of at most 64 MiB,
each placed in its pass by part number or byte offset, never by the order of arrival; `pipeline.places` says which input holds which place.
A file whose bytes change takes the place of what it held before: those bytes are nowhere else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import checksums
from pipeline.catalog import Catalog
from pipeline.errors import DataError, StorageError
from pipeline.margins import Passes, Stretch
from pipeline.mission import Profile
from pipeline.places import Held, claims, contest, layout
from pipeline.product import Completeness, Recognition
from pipeline.receipt import FileRecord, Output, output_digest
from pipeline.recognition import Found, Recogniser, digests, printable
from pipeline.registry import Registry

__all__ = ["Admission", "Admitter"]


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
    withheld: list[str] = field(default_factory=list)
    """Paths of inputs that an operator has withdrawn."""


class Admitter:
    """Takes files in: recognises them, and gives each chunk its place.

    level, link  what the operator says that the files are; None: find out
    """

    def __init__(self, catalog: Catalog, profile: Profile, *, level: str | None = None, link: str | None = None) -> None:
        self._catalog = catalog
        self._profile = profile
        self._registry: Registry = catalog.registry
        self._recogniser = Recogniser(catalog.registry, profile, level=level, link=link)
        self._withheld = catalog.withheld()
        if level is not None:
            self._registry.check_level(level)

    def admit(self, path: Path, *, named: bool) -> Admission:
        """Look at one file; the caller posts the records before the next one is looked at.

        named  whether somebody asked for this very file: then StorageError is raised if it cannot be read, else it is left out
        """
        admission = Admission()
        absolute = os.path.realpath(path)
        try:
            self._look(Path(absolute), absolute, admission, name=path)
        except DataError as error:
            why = f"{error.problem}. {error.remedy}" if error.remedy else error.problem
            admission.refused.append((printable(absolute), why, named))
        except OSError as error:
            if named:
                where, remedy = printable(absolute), "Check the disk and the rights"
                raise StorageError(f"cannot be read: {error.strerror}", where=where, remedy=remedy) from error
            admission.refused.append((printable(absolute), f"cannot be read: {error.strerror}", named))
        return admission

    def knows_pass_of(self, path: Path) -> bool:
        """Say whether a file that showed nothing by itself is a stretch of a pass of which others are known by now."""
        try:
            status = path.stat()
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size > 0 and self._as_its_pass(path) is not None

    def pass_of(self, path: Path) -> str | None:
        """Give the pass of which a file's name says that it is a stretch; None if it says nothing of the kind."""
        return self._recogniser.stretch_of(path)

    def relocate(self, sha256: str) -> list[dict[str, Any]]:
        """Find an input whose file is gone under another of its names; return the lines that say so, or none."""
        record = self._catalog.input(sha256)
        found = None if record is None else self._elsewhere(record, "")
        return [] if found is None else self._change(add=[found])

    def withdraw(self, sha256: str) -> list[dict[str, Any]]:
        """Give the lines that take an input back, as if it had never come."""
        record = self._catalog.input(sha256)
        return [] if record is None else self._change(drop=[record])

    def restore(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the lines that take an input in again as it was recorded."""
        return self._change(add=[record])

    # --- one file -----------------------------------------------------------------------------------------------------------------

    def _look(self, path: Path, absolute: str, admission: Admission, *, name: Path) -> None:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError("is no ordinary file")
        identity = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "inode": status.st_ino}
        before = self._catalog.known_path(absolute)
        unchanged = before is not None and all(before[name] == value for name, value in identity.items())
        if before is not None and unchanged and not self._says_otherwise(before["sha256"]):
            admission.known = 1
            self._withhold(before["sha256"], absolute, admission)
            return
        # Only its first bytes are read of a file that is nothing to us, as long as none of ours is of its size.
        found = None if self._catalog.size_known(status.st_size) else self._recognise(path, status.st_size)
        sha256, pieces = digests(path, status, head=self._recogniser.head_of(path) if found else b"")
        # A link's sender speaks of the link.
        checksums.check(name, sha256)
        here = {"path": absolute, "sha256": sha256, **identity}
        earlier = self._catalog.input(sha256)
        add: list[dict[str, Any]] = []
        drop: list[Mapping[str, Any]] = []
        if self._withhold(sha256, absolute, admission):
            admission.records.append({"type": "path", **here})
        elif earlier is None or self._says_otherwise(sha256):
            add.append(self._recogniser.record(found or self._recognise(path, status.st_size), path, here, pieces))
            admission.taken = 1
        else:
            admission.known = 1
            moved = earlier["path"] == absolute or not _holds(earlier)
            if self._recogniser.rank(path) < tuple(earlier["rank"]):
                # Of the names that the same bytes have had, the first one counts, whichever came first.
                record = self._recogniser.record(self._recognise(path, status.st_size), path, here, pieces)
                add.append({**record, "told": earlier["told"]})
            elif moved:
                # The file was touched or is elsewhere: what refers to it follows.
                add.append({**earlier, **here})
            if not moved:
                admission.records.append({"type": "path", **here})
                admission.duplicates.append((printable(absolute), printable(earlier["path"])))
        if before is not None and before["sha256"] != sha256:
            self._replace(before["sha256"], absolute, add, drop)
        # What is taken back goes first: it takes the names of its file along.
        admission.records = [*self._change(add=add, drop=drop), *admission.records]

    def _recognise(self, path: Path, size: int, *, name: Path | None = None) -> Found:
        """Find out what a file is; one that shows nothing by itself, but whose name places it in a known pass, is what that is."""
        try:
            return self._recogniser.recognise(path, size, name=name)
        except DataError:
            found = self._as_its_pass(name or path) if size else None
            if found is None:
                raise
            return found

    def _as_its_pass(self, path: Path) -> Found | None:
        """Take a stretch for what the others of its pass are, whose files end in the same suffix: noise, or less than a frame."""
        pass_name = self._recogniser.stretch_of(path)
        if pass_name is None:
            return None
        for record in self._inputs_of(pass_name):
            if Path(record["path"]).suffix == path.suffix:
                recognition = Recognition(
                    confidence=0.0, level=record["level"], key={}, chunked=True, sections=record["sections"], margin=record["margin"]
                )
                return self._registry.kinds[record["kind"]], recognition
        return None

    def _inputs_of(self, pass_name: str) -> Iterator[Mapping[str, Any]]:
        """Give the inputs that are stretches of a pass."""
        for dimensions in sorted({"/".join(kind.KEY) for kind in self._registry.external}):
            # The character after the slash ends the range of all that begin with it.
            bounds = (f"{dimensions}:{pass_name}/", f"{dimensions}:{pass_name}0")
            rows = self._catalog.db.execute("SELECT sha256 FROM places WHERE place >= ? AND place < ? ORDER BY place", bounds).fetchall()
            for row in rows:
                record = self._catalog.input(row["sha256"])
                if record is not None and record["chunked"]:
                    yield record

    def _withhold(self, sha256: str, path: str, admission: Admission) -> bool:
        """Say whether an input was withdrawn, and note that it came again."""
        if sha256 in self._withheld:
            admission.withheld.append(printable(path))
        return sha256 in self._withheld

    def _says_otherwise(self, sha256: str) -> bool:
        """Whether the operator now says of an input what was not said when it was taken in."""
        if self._recogniser.told == [None, None]:
            return False
        record = self._catalog.input(sha256)
        return record is not None and record["told"] != self._recogniser.told

    def _replace(self, sha256: str, path: str, add: list[dict[str, Any]], drop: list[Mapping[str, Any]]) -> None:
        """Find what becomes of an input of which a file now has other bytes: it is elsewhere, has another name, or is gone."""
        record = self._catalog.input(sha256)
        if record is None:
            return
        changed = self._elsewhere(record, path)
        if changed is not None and (changed["path"], changed["rank"]) != (record["path"], record["rank"]):
            add.append(changed)
        elif changed is None and record["path"] == path:
            drop.append(record)

    def _elsewhere(self, record: Mapping[str, Any], gone: str) -> dict[str, Any] | None:
        """Give an input's record as its names but for one say, with a file that holds it; None if none does."""
        rows = self._catalog.db.execute("SELECT * FROM paths WHERE sha256 = ? ORDER BY path", (record["sha256"],)).fetchall()
        rows = [row for row in rows if row["path"] != gone]
        holding = next((row for row in rows if row["path"] == record["path"] and _holds(row)), None) or next(filter(_holds, rows), None)
        if holding is None:
            return None
        here = {name: holding[name] for name in ("path", "size", "mtime_ns", "inode")}
        name = min((Path(row["path"]) for row in rows), key=self._recogniser.rank)
        if list(self._recogniser.rank(name)) == record["rank"]:
            return {**record, **here}
        found = self._recognise(Path(holding["path"]), holding["size"], name=name)
        renamed = self._recogniser.record(found, name, {**here, "sha256": record["sha256"]}, record["pieces"])
        return {**renamed, "told": record["told"]}

    # --- what changes when inputs come and go -------------------------------------------------------------------------------------

    def _change(self, *, add: Iterable[dict[str, Any]] = (), drop: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """Give the lines after which every place is held as the inputs that there are then demand."""
        added = {record["sha256"]: record for record in add}
        dropped = {record["sha256"] for record in drop}
        earlier = [record for sha256 in (*added, *dropped) if (record := self._catalog.input(sha256)) is not None]
        known = contest(self._catalog, [*added.values(), *earlier])
        records = {sha256: record for sha256, record in {**known, **added}.items() if sha256 not in dropped}
        before, after = self._held(known), self._held(records)
        gone = [held for which, held in before.items() if which not in after]
        new = [held for which, held in after.items() if before.get(which) != held or held.sha256 in added]
        lines: list[dict[str, Any]] = [{"type": "drop", "sha256": sha256} for sha256 in sorted(dropped)]
        lines += [{**record, "type": "input"} for record in added.values()]
        lines += [{"type": "retract", "kind": held.kind, "key": held.key} for held in gone]
        left = [*gone, *(before[which] for which in after if which in before and before[which] != after[which])]
        passes = Passes(self._catalog, left, [self._stretch(held, records[held.sha256]) for held in new if held.span])
        lines += passes.assignments()
        for held in new:
            stretch = passes.stretch(held.key) if held.span else None
            lines.append(self._admission(held, records[held.sha256], stretch, passes))
        lines += passes.followers()
        return lines

    def _held(self, records: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], Held]:
        suffixes = layout(records.values())
        return {
            (held.kind, held.key): held
            for sha256, record in records.items()
            for held in claims(self._registry.kinds[record["kind"]], record, suffixes[sha256])
        }

    def _stretch(self, held: Held, record: Mapping[str, Any]) -> Stretch:
        assert held.span is not None
        return Stretch(
            kind=held.kind,
            key=held.key,
            start=held.span[0],
            stop=held.span[1],
            own=_own_file(held, record),
            wanted=record["margin"],
            sections=record["sections"],
        )

    def _admission(self, held: Held, record: Mapping[str, Any], stretch: Stretch | None, passes: Passes) -> dict[str, Any]:
        facts = {**record["facts"], "level": record["level"]}
        if held.span:
            facts["position"] = int(held.span[0]) if held.span[0].isdigit() else None
        files = (_own_file(held, record), *(passes.margin(stretch) if stretch else ()))
        completeness = Completeness(received=held.length, expected=held.length)
        output = Output(
            kind=held.kind,
            key=held.key,
            digest=output_digest(files, completeness, facts),
            completeness=completeness,
            facts=facts,
            files=files,
        )
        span = list(held.span) if held.span else None
        return {"type": "admit", "output": output.to_json(), "input": held.sha256, "span": span, "margin": record["margin"]}


def _own_file(held: Held, record: Mapping[str, Any]) -> FileRecord:
    return FileRecord(
        suffix="",
        path=record["path"],
        size=held.length,
        sha256=record["pieces"][held.number] if held.span else record["sha256"],
        offset=held.offset,
        whole=held.length == record["size"],
        mtime_ns=record["mtime_ns"],
        inode=record["inode"],
    )


def _holds(known: Any) -> bool:
    """Whether a file still is what a record or a row says."""
    try:
        status = os.stat(known["path"])  # noqa: PTH116  a text, once for each file that arrives
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns, status.st_ino) == (known["size"], known["mtime_ns"], known["inode"])
