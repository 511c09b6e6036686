"""Everything that can go wrong, and the exit code of each.

SkycraneError
├── UsageError          2    the command line asks for something that cannot be
├── HeldError          10    another run holds the output folder
├── ProfileError       35    a mission profile or a setting is not valid
├── ContractError      35    a stage's signature breaks the key law
├── DataError          20    bytes from outside are not what they should be; the item is quarantined, the rest goes on
├── TimeLimitError     20    a task takes longer than a task may; the item is quarantined, the rest goes on
├── StorageError       74    a disk is full, unreadable or gone
└── InterruptedRunError 130  a signal stopped the run; what was done stays

Each error names what it speaks of (a file, a byte offset, a key of a profile) and the remedy.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "ContractError",
    "DataError",
    "ExitCode",
    "HeldError",
    "InterruptedRunError",
    "ProfileError",
    "SkycraneError",
    "StorageError",
    "TimeLimitError",
    "UsageError",
    "storage_error",
    "storage_errors",
]


class ExitCode(enum.IntEnum):
    """How a command ends; of several, the greatest wins."""

    GOOD = 0
    """All good."""
    FOUND = 1
    """`verify` or `doctor` found something."""
    USAGE = 2
    """The command line asks for something that cannot be."""
    HELD = 10
    """Another run holds the output folder."""
    QUARANTINED = 20
    """Finished; some items are in quarantine."""
    MISSING = 25
    """Finished; data are still missing (only with --strict)."""
    STAGE_FAILED = 30
    """A stage failed for every item."""
    INVALID = 35
    """Profile, settings or a stage's contract are invalid."""
    INTERNAL = 40
    """An error of the program itself."""
    STORAGE = 74
    """Disk full or unreadable."""
    INTERRUPTED = 130
    """Interrupted; what was done stays, and the same command goes on."""


class SkycraneError(Exception):
    """Root of every error that this program raises on purpose."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        """Compose the message.

        problem  what is wrong
        where    what it speaks of: a file, with a byte offset where there is one, or a key of a profile
        remedy   what to do about it
        """
        super().__init__(problem, where, remedy)
        self.problem = problem
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        lead = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{lead}. {self.remedy}" if self.remedy else lead

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.where, self.remedy)


def _rebuild(kind: type[SkycraneError], problem: str, where: str, remedy: str) -> SkycraneError:
    return kind(problem, where=where, remedy=remedy)


class UsageError(SkycraneError, ValueError):
    """The command line asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class HeldError(SkycraneError):
    """Another run holds the output folder."""

    exit_code = ExitCode.HELD


class ProfileError(SkycraneError, ValueError):
    """A mission profile or a setting is not valid; `where` names the key."""

    exit_code = ExitCode.INVALID


class ContractError(SkycraneError, TypeError):
    """A stage's signature cannot be read, or breaks the key law."""

    exit_code = ExitCode.INVALID


class DataError(SkycraneError, ValueError):
    """Bytes from outside are not what they should be; `where` names file and offset."""

    exit_code = ExitCode.QUARANTINED


class TimeLimitError(SkycraneError):
    """A task takes longer than a task may."""

    exit_code = ExitCode.QUARANTINED


class StorageError(SkycraneError, OSError):
    """A disk is full, unreadable or gone."""

    exit_code = ExitCode.STORAGE


class InterruptedRunError(SkycraneError):
    """A signal stopped the run."""

    exit_code = ExitCode.INTERRUPTED


def storage_error(error: BaseException, path: Path) -> StorageError | None:
    """Give the StorageError that an error of the system, or of SQLite, stands for; None if it stands for none."""
    if isinstance(error, StorageError):
        return error
    where = str(path)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES}:
        problem, where = error.strerror or "cannot be written", str(error.filename or path)
    elif isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
        problem = os.strerror(errno.ENOSPC)
    elif isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
        problem = str(error)
    else:
        return None
    return StorageError(
        problem, where=where, remedy="Free space or mend the disk, then give the same command again: it goes on where it stopped"
    )


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full or broken disk into a StorageError."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        known = storage_error(error, path)
        if known is None or known is error:
            raise
        raise known from error
