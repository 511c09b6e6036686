"""index.csv: a row for every image."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from pipeline.product import Entry
from stages.profile import Clock
from stages.report.words import finite_clock

__all__ = ["COLUMNS", "index_csv"]

COLUMNS = (
    "source", "camera", "frame", "clock", "utc", "edition", "editions", "width", "height", "received", "expected", "completeness", "path",
)  # fmt: skip
"""completeness is received / expected, pixels; path is relative to this file."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def index_csv(images: Iterable[Entry], clock: Clock) -> bytes:
    """Write the table as RFC 4180 has it, UTF-8, in key order."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in images:
        facts, done = entry.facts, entry.completeness
        fraction, seconds = done.fraction, finite_clock(facts.get("clock"))
        writer.writerow(
            [
                safe(facts.get("source") or ""),
                entry.key["camera"],
                entry.key["frame"],
                "" if seconds is None else f"{seconds:.6f}",
                facts.get("utc") or clock.utc_text(seconds),
                safe(facts.get("edition") or ""),
                " ".join(facts.get("editions") or ()),
                facts.get("width", ""),
                facts.get("height", ""),
                done.received,
                "" if done.expected is None else done.expected,
                "" if fraction is None else f"{int(fraction * 1e6) / 1e6:.6f}",
                picture_path(entry),
            ]
        )
    return stream.getvalue().encode()


def safe(text: str) -> str:
    """Keep a name from being a formula where the table is opened as a spreadsheet: such a name gets an apostrophe in front."""
    return f"'{text}" if text.startswith(FORMULA) else text


def picture_path(entry: Entry) -> str:
    """Give the path of what a browser can show; empty if there is none."""
    return next((path for path in entry.paths if path.lower().endswith(".png")), entry.paths[0] if entry.paths else "")
