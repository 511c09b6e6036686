"""An output folder of as many products as wanted: the sample's receipts many times over, each time of other chunks, files and frames.

What is in a receipt is real, and so is its length; the files are there, and empty. Nothing is due, so nothing reads them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.ledger import Ledger
from pipeline.receipt import Journal
from pipeline.registry import discover
from pipeline.store import Store

__all__ = ["enlarge"]

FRAMES_A_COPY = 96
"""Two pages of a contact sheet."""
CHUNKS_A_COPY = 7


def enlarge(out: Path, products: int) -> int:
    """Add to a folder that `process` has made until it holds so many products; return how many it then holds."""
    store = Store(out)
    receipts = [line for line in _receipts(store) if _copied(line)]
    each = sum(len(line["what"]["outputs"]) for line in receipts)
    texts = [json.dumps(line) for line in receipts]
    ledger = Ledger(store, discover())
    ledger.begin()
    count = int(ledger.catalog.db.execute("SELECT COUNT(*) FROM products").fetchone()[0])
    for copy in range(1, 1 + -(-(products - count) // each)):
        packs: dict[str, int] = {}
        lines = [json.loads(_renamed(text, copy)) for text in texts]
        for line in lines:
            for output in line["what"]["outputs"]:
                for record in output["files"]:
                    _make(out, record, packs)
        for path, reach in packs.items():
            with (out / path).open("wb") as stream:
                stream.truncate(reach)
        ledger.record(lines)
        count += each
    # As the end of a run leaves it: everything has been looked at.
    ledger.catalog.db.execute("UPDATE tasks SET dirty = 0")
    ledger.catalog.db.execute("DELETE FROM tasks WHERE receipt IS NULL")
    ledger.commit()
    ledger.close()
    store.manifest.write_text("")
    store.mark_ended()
    return count


def _receipts(store: Store) -> Iterator[dict[str, Any]]:
    for record, _ in Journal(store.receipts).read():
        for line in record["lines"] if record["type"] == "together" else [record]:
            if line["type"] == "receipt":
                yield line


def _copied(line: dict[str, Any]) -> bool:
    """Whether more data give more of a receipt's kind: what is made once, or once a camera, is not."""
    keys = [output["key"] for output in line["what"]["outputs"]]
    return any(re.search(r"edl-2021-|\d{4}-\d{10}-\d{5}|/\d{7}", key) for key in keys)


def _renamed(text: str, copy: int) -> str:
    text = re.sub(r"(?<=/p)\d{6}\b", lambda m: f"{int(m[0]) + CHUNKS_A_COPY * copy:06d}", text)
    text = re.sub(r"\b(\d{4})-(\d{10})-(\d{5})\b", lambda m: f"{m[1]}-{int(m[2]) + 100_000 * copy:010d}-{m[3]}", text)
    text = re.sub(r"(?<=[A-Z0-9]/)\d{7}(?=[-./\"])", lambda m: f"{int(m[0]) + FRAMES_A_COPY * copy:07d}", text)
    return re.sub(r"[0-9a-f]{32}(?=(\.[a-z_.]+)?\.pack)", lambda m: hashlib.sha256(f"{m[0]}{copy}".encode()).hexdigest()[:32], text)


def _make(out: Path, record: dict[str, Any], packs: dict[str, int]) -> None:
    if not record["whole"]:
        packs[record["path"]] = max(packs.get(record["path"], 0), record["offset"] + record["size"])
        return
    path = out / record["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    status = path.stat()
    record |= {"size": 0, "mtime_ns": status.st_mtime_ns, "inode": status.st_ino}
