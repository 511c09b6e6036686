"""Inputs from a remote store, by fsspec URL: copied beside the output folder once, then taken in as files.

An input is its bytes, and products refer to them for as long as they stand: so they are kept at hand, not read over a network again and
again. A copy is made under an unfinished name and renamed when all of it is there; one that is there is fetched again only if the store
says that its size, or its tag or time, is another.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import DataError, InterruptedRunError, StorageError, UsageError, storage_errors

__all__ = ["fetch", "is_url"]

NOTE = ".fetched.jsonl"
"""A line for each copy: its name, and what the store said of it. Of several for a name the last one counts."""
TAGS = ("ETag", "etag", "md5", "LastModified", "mtime", "modified", "created")
"""What stores call that which changes with a file's bytes; the first that there is counts."""


def is_url(text: str) -> bool:
    """Say whether an input names a remote store: s3://bucket/prefix."""
    return "://" in text


def fetch(url: str, folder: Path, *, stopped: Callable[[], bool] = lambda: False) -> Path:
    """Copy all files under a URL into a folder; return the file or folder that holds them.

    stopped  asked before each file
    Raises UsageError for a URL that leads nowhere or needs what is not installed, StorageError if the store does not answer,
    DataError for a name that would leave the folder, InterruptedRunError when stopped.
    """
    with _store_errors(url):
        store, root = _open(url)
        single = store.isfile(root)
        found = {root: store.info(root)} if single else store.find(root, detail=True)
    if not found:
        raise UsageError("there is nothing there", where=url, remedy="Check the URL")
    base = folder / _inside(url.partition("://")[0], f"{root}")
    with storage_errors(folder), contextlib.ExitStack() as stack:
        base.parent.mkdir(parents=True, exist_ok=True)
        known = _known(folder)
        note = stack.enter_context((folder / NOTE).open("a", encoding="utf-8"))
        for remote, info in sorted(found.items()):
            if stopped():
                raise InterruptedRunError("stopped while fetching", where=url, remedy="The same command goes on")
            local = folder / _inside(url.partition("://")[0], remote)
            tag = [info["size"], next((str(info[name]) for name in TAGS if info.get(name)), "")]
            name = str(local.relative_to(folder))
            if known.get(name) == tag and local.exists() and local.stat().st_size == info["size"]:
                continue
            with _store_errors(url):
                _copy(store, remote, local, info["size"])
            # The empty line ends one that a crash has cut off.
            note.write(f"\n{json.dumps([name, tag])}\n")
            note.flush()
    return base


def _open(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        store, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(str(error), where=url, remedy="Install what fsspec needs for it, for instance `pip install s3fs`") from None
    return store, root


def _copy(store: Any, remote: str, local: Path, size: int) -> None:
    local.parent.mkdir(parents=True, exist_ok=True)
    part = local.with_name(f"{local.name}.part")
    store.get_file(remote, str(part))
    got = part.stat().st_size
    if got != size:
        raise OSError(f"{remote} came with {got} bytes of {size}")
    part.replace(local)


def _inside(protocol: str, remote: str) -> Path:
    parts = [part for part in remote.split("/") if part]
    if ".." in parts or any("\0" in part for part in parts):
        raise DataError("has a name that would lead out of the folder", where=remote)
    return Path(protocol, *parts)


def _known(folder: Path) -> dict[str, list[Any]]:
    """Read what is noted of copies; what a crash has cut off, or nobody can read, is fetched again."""
    known = {}
    with contextlib.suppress(FileNotFoundError), (folder / NOTE).open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            with contextlib.suppress(ValueError, TypeError):
                name, tag = json.loads(line)
                known[str(name)] = list(tag)
    return known


@contextlib.contextmanager
def _store_errors(url: str) -> Iterator[None]:
    """Say in our words what a store's own library raises."""
    try:
        yield
    except (UsageError, DataError, StorageError, InterruptedRunError):
        raise
    except FileNotFoundError as error:
        raise UsageError("there is nothing there", where=url, remedy="Check the URL") from error
    except Exception as error:
        remedy = "Check the network, the address and the credentials, then give the same command again"
        raise StorageError(f"cannot be fetched: {error}", where=url, remedy=remedy) from error
