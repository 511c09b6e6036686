"""A mission profile, read from TOML and checked; fills the sections that signatures name.

A profile may name files, ``dictionary = { file = "channels.toml" }``: their bytes stand in its place when a section is read, and their
digest is part of the section's.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import ProfileError, UsageError
from pipeline.priority import Priorities
from pipeline.registry import Registry
from pipeline.stage import Section

__all__ = ["ArrivalNames", "Profile", "available", "load_profile"]

S = TypeVar("S", bound=Section)

PASS_PATTERNS = (
    r"(?P<pass>.+?)[._-]part(?P<part>\d{1,6})",
    r"(?P<pass>.+?)[._-]at(?P<offset>\d{1,15})",
)
"""Forms of file name, without extension, that tell a chunk's pass and position, whatever the mission: PASS.part003, PASS.at1048576."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalNames:
    """What the name of a recorded stretch says: `[arrivals]`."""

    patterns: tuple[re.Pattern[str], ...]

    def read(self, stem: str) -> tuple[str, int | None, int | None]:
        """Return pass, part number, byte offset of a file name without extension."""
        for pattern in self.patterns:
            if match := pattern.fullmatch(stem):
                found = match.groupdict()
                return found.get("pass") or stem, _number(found.get("part"), pattern), _number(found.get("offset"), pattern)
        return stem, None, None


def _number(text: str | None, pattern: re.Pattern[str]) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ProfileError(
            f"{pattern.pattern!r} takes {text!r} for a number", where="arrivals.patterns", remedy="Groups part and offset are made of \\d"
        )
    return int(text)


@dataclass(kw_only=True)
class Profile:
    """A mission, as data."""

    name: str
    """What `--mission` takes: a name or a path."""
    tables: Mapping[str, Any]
    folder: Path | None = None
    """Where the files that it names lie."""
    _cache: dict[tuple[type[Section], str], tuple[Section, str]] = field(default_factory=dict, repr=False)

    def section(self, kind: type[S], name: str = "") -> S:
        """Read one section; a keyed one by the name of its table, and with the defaults if the profile has none of that name."""
        section, _ = self._read(kind, name)
        assert isinstance(section, kind)
        return section

    def digest(self, kind: type[Section], name: str = "") -> str:
        """SHA-256 of what a section says."""
        return self._read(kind, name)[1]

    def sections(self, kind: type[Any]) -> Mapping[str, Any]:
        """All sections of a type, by name; the one of a type without key has the name ''."""
        if not kind.KEY:
            return {"": self.section(kind)}
        return {name: self.section(kind, name) for name in self._table(kind.NAME)}

    @property
    def arrivals(self) -> ArrivalNames:
        """What file names say, the mission's own forms first."""
        table = self._table("arrivals")
        patterns = table.get("patterns", [])
        for key in table:
            if key != "patterns":
                raise ProfileError("is not a key of this table", where=f"{self.name}: arrivals.{key}", remedy="Known keys are patterns")
        if not isinstance(patterns, list) or not all(isinstance(text, str) for text in patterns):
            raise ProfileError("must be a list of texts", where=f"{self.name}: arrivals.patterns")
        try:
            return ArrivalNames(patterns=tuple(re.compile(text) for text in (*patterns, *PASS_PATTERNS)))
        except re.error as error:
            raise ProfileError(f"holds what is no regular expression: {error}", where=f"{self.name}: arrivals.patterns") from None

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """The mission's own settings of stages, which count when an output folder is made."""
        settings = self.tables.get("settings", {})
        if not isinstance(settings, Mapping) or not all(isinstance(table, Mapping) for table in settings.values()):
            raise ProfileError("must hold a table for each stage", where=f"{self.name}: settings")
        return settings

    @property
    def priorities(self) -> Priorities:
        """What is made first of what is due."""
        rules = self.tables.get("priority", [])
        if not isinstance(rules, list) or not all(isinstance(rule, Mapping) and rule for rule in rules):
            raise ProfileError("must be tables: [[priority]]", where=f"{self.name}: priority")
        for rule in rules:
            for dimension, glob in rule.items():
                if not isinstance(glob, str):
                    raise ProfileError("must be a text: a value, or a pattern with * and ?", where=f"{self.name}: priority.{dimension}")
        return Priorities(tuple(dict(rule) for rule in rules))

    def check(self, registry: Registry) -> None:
        """Read every section; ProfileError for the first that is wrong, and for tables that no stage reads."""
        known = {*registry.sections, "arrivals", "settings", "mission", "priority"}
        for table in self.tables:
            if table not in known:
                near = difflib.get_close_matches(table, known, n=1)
                remedy = f"Did you mean [{near[0]}]?" if near else f"Known tables are {', '.join(sorted(known))}"
                raise ProfileError("no stage reads this table", where=f"{self.name}: {table}", remedy=remedy)
        for section in registry.sections.values():
            self.sections(section)
        _ = self.arrivals, self.settings
        dimensions = sorted({dimension for kind in registry.kinds.values() for dimension in kind.KEY})
        for dimension in (dimension for rule in self.priorities.rules for dimension in rule if dimension not in dimensions):
            where, remedy = f"{self.name}: priority.{dimension}", f"Keys have {', '.join(dimensions)}"
            raise ProfileError("is no part of any key", where=where, remedy=remedy)

    def _read(self, kind: type[Section], name: str) -> tuple[Section, str]:
        if (kind, name) not in self._cache:
            table = self._table(kind.NAME)
            mapping = table.get(name, {}) if kind.KEY else table
            where = f"{self.name}: {kind.NAME}.{name}".rstrip(".")
            if not isinstance(mapping, Mapping):
                raise ProfileError("must be a table", where=where)
            loaded, digests = self._load_files(mapping, where)
            try:
                section = kind.from_mapping(loaded, name=name)
            except ProfileError as error:
                raise ProfileError(error.problem, where=f"{self.name}: {error.where}", remedy=error.remedy) from None
            except (TypeError, AttributeError, LookupError, ArithmeticError, ValueError) as error:
                raise ProfileError(f"cannot be read: {type(error).__name__}: {error}", where=where) from error
            text = json.dumps([kind.NAME, name, mapping, digests], sort_keys=True, default=str)
            self._cache[kind, name] = section, hashlib.sha256(text.encode()).hexdigest()
        return self._cache[kind, name]

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.tables.get(name, {})
        if not isinstance(table, Mapping):
            raise ProfileError("must be a table", where=f"{self.name}: {name}")
        return table

    def _load_files(self, mapping: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
        loaded, digests = dict(mapping), []
        for key, value in mapping.items():
            if isinstance(value, Mapping) and set(value) == {"file"}:
                path = (self.folder or Path()) / str(value["file"])
                try:
                    loaded[key] = path.read_bytes()
                except OSError as error:
                    raise ProfileError(f"names {path}, which cannot be read: {error.strerror}", where=f"{where}.{key}") from None
                digests.append(hashlib.sha256(loaded[key]).hexdigest())
        return loaded, digests


def available() -> dict[str, Path]:
    """Find the profiles that are installed (entry-point group ``skycrane.missions``): name to file."""
    found: dict[str, Path] = {}
    for entry in entry_points(group="skycrane.missions"):
        folder = Path(str(resources(entry.value)))
        for path in sorted(folder.glob("*.toml")):
            if _is_profile(path):
                found[path.stem] = path
    return dict(sorted(found.items()))


def _is_profile(path: Path) -> bool:
    # Dictionaries and other files that a profile names lie beside it; only a profile says who flies.
    return re.search(r"^\[mission\]", path.read_text(), re.MULTILINE) is not None


def load_profile(name: str, *, known: Callable[[], dict[str, Path]] = available) -> Profile:
    """Read a profile by name, or from a file.

    Raises UsageError if there is none, ProfileError with line and column if it is not TOML.
    """
    missions = known()
    path = missions.get(name, Path(name))
    if not path.is_file():
        near = difflib.get_close_matches(name, missions, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no mission {name!r}", remedy=f"{hint}Known ones are {', '.join(missions)}; or name a TOML file")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"is not TOML: {error}", where=str(path)) from None
    except OSError as error:
        raise ProfileError(f"cannot be read: {error.strerror}", where=str(path)) from None
    return Profile(name=name if name in missions else str(path.resolve()), tables=tables, folder=path.parent)
