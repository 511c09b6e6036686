"""From labels beside files to what all of them say of each file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.errors import DataError
from pipeline.product import safe_value
from pipeline.stage import Group
from stages.decode.names import product_name
from stages.formats.archive import read_label
from stages.formats.moments import clock_seconds, utc_text
from stages.products import Description, Label, LabelFile
from stages.profile import Clock, Sidecars

__all__ = ["EXTENSIONS", "describe_file", "moments_of", "read_labels"]

LARGEST = 1 << 26
"""Bytes of a file of JSON."""
MOST_RECORDS = 1 << 16
LONGEST = 200
"""Characters of a fact."""
EXTENSIONS = (".png", ".jpg", ".tif", ".IMG", ".img", ".VIC", ".mp4")
"""Of the files that a sidecar may speak of that names a product and no file."""
APART = 1.0
"""Seconds by which two labels may differ."""


def read_labels(file: LabelFile, sidecars: Sidecars) -> Iterator[Label]:
    """Give what a file of labels says of each file that it names; see `stages.decode.sidecars`."""
    told: dict[str, dict[str, Any]] = {}
    for names, meta in _records(file, sidecars):
        for name in names:
            told.setdefault(safe_value(name), meta)
    for name, meta in sorted(told.items()):
        yield Label(label=file.label, file=name, meta=meta)


def _records(file: LabelFile, sidecars: Sidecars) -> Iterator[tuple[Sequence[str], dict[str, Any]]]:
    if not re.match(rb"(?:\xef\xbb\xbf)?\s*[\[{]", file.data):
        label = read_label(file.data, file.name)
        # Labels often write in capitals what lies in small letters.
        yield [form for name in label.files for form in (name, name.upper(), name.lower())], dict(label.meta)
        return
    for record in _json_records(file, sidecars):
        facts = _facts(record, sidecars)
        names = _names(record, sidecars) or _likely_names(record, file, sidecars)
        if facts and names:
            yield names, {"label": facts}


def _json_records(file: LabelFile, sidecars: Sidecars) -> list[Mapping[str, Any]]:
    """Parse the file. Raises DataError for what is no JSON, is too large, or holds no record."""
    if len(file.data) > LARGEST:
        raise DataError(f"is JSON of {len(file.data)} bytes", where=f"{file.name} at byte 0", remedy=f"Up to {LARGEST} are read: split it")
    try:
        parsed = json.loads(file.data)
    except json.JSONDecodeError as error:
        raise DataError(f"is no JSON: {error.msg}", where=f"{file.name} at byte {error.pos}", remedy="Fetch the file again") from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise DataError(f"is no JSON: {type(error).__name__}", where=f"{file.name} at byte 0", remedy="Fetch the file again") from None
    lists = [found for path in sidecars.records if isinstance(found := _at(parsed, path), list)]
    listed = lists[0] if lists else parsed if isinstance(parsed, list) else [parsed]
    records: list[Mapping[str, Any]] = [record for record in listed[:MOST_RECORDS] if isinstance(record, dict)]
    if not records:
        raise DataError(
            "is JSON without a record", where=f"{file.name} at byte 0", remedy="Say where they stand: [sidecars] in the profile"
        )
    return records


def _at(record: Any, path: str) -> Any:
    """Follow a path of keys, without regard to case; None where it leads nowhere."""
    for key in path.split("."):
        if not isinstance(record, dict):
            return None
        record = next((value for name, value in record.items() if name.casefold() == key.casefold()), None)
    return record


def _first(record: Mapping[str, Any], paths: Sequence[str]) -> Any:
    return next((value for path in paths if (value := _at(record, path)) not in (None, "", "UNK", "null")), None)


def _facts(record: Mapping[str, Any], sidecars: Sidecars) -> dict[str, Any]:
    """Give the facts under the names of `label_facts`."""
    wanted = {"product": sidecars.product, "instrument": sidecars.instrument, "sol": sidecars.sol}
    instrument = str(_first(record, sidecars.instrument) or "")
    if not (sidecars.untimed and re.fullmatch(sidecars.untimed, instrument[:LONGEST], re.IGNORECASE)):
        wanted |= {"clock_start": sidecars.clock, "start_time": sidecars.utc}
    found = {name: _first(record, paths) for name, paths in wanted.items()}
    plain = {name: value for name, value in found.items() if isinstance(value, (str, int, float)) and not isinstance(value, bool)}
    return {name: value[:LONGEST] if isinstance(value, str) else value for name, value in plain.items()}


def _names(record: Mapping[str, Any], sidecars: Sidecars) -> list[str]:
    """Give the names of its files; of an address, the end."""
    addresses = [value for path in sidecars.files if isinstance(value := _at(record, path), str)]
    return [name for address in addresses if (name := re.split(r"[/\\]", address.partition("?")[0])[-1]) and len(name) <= LONGEST]


def _likely_names(record: Mapping[str, Any], file: LabelFile, sidecars: Sidecars) -> list[str]:
    """Give the names that a picture may have of which no file is named: the product's, else the sidecar's own without its ending.

    X.png.json speaks of X.png; X.json and X-metadata.json of X in any form.
    """
    own = re.sub(r"[-_.]metadata$", "", re.sub(r"\.json$", "", file.name, flags=re.IGNORECASE))
    product = _first(record, sidecars.product)
    stem = product[:LONGEST] if isinstance(product, str) else product_name(own)
    if own != stem == product_name(own):
        return [own]
    return [f"{stem}{ending}" for ending in EXTENSIONS]


def describe_file(labels: Group[Label]) -> Description:
    """Merge what all labels say of a file: of each fact, the first in the order of the labels' names."""
    meta: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    caveats: list[str] = []
    for label in labels:
        for key, value in label.meta.items():
            if key != "label":
                meta.setdefault(key, value)
        for key, value in label.meta.get("label", {}).items():
            if facts.setdefault(key, value) != value and key in {"start_time", "clock_start"}:
                caveats.append(f"labels differ on its {key.replace('_', ' ')}: {facts[key]}, and {value} in {label.label}")
    return Description(file=labels.entries[0].key["file"], meta=meta | {"label": facts} | ({"caveats": caveats} if caveats else {}))


def moments_of(label: Mapping[str, Any], clock: Clock) -> tuple[float | None, str]:
    """Give the clock seconds and the UTC of acquisition that a label says; of one that says but one of them, the other by the clock."""
    utc, stop = utc_text(label.get("start_time", "")), utc_text(label.get("stop_time", ""))
    span = _seconds_between(utc, stop) if utc and stop else None
    seconds = clock_seconds(label.get("clock_start"), label.get("clock_stop"), ticks=clock.ticks_per_second, span=span)
    if seconds is None and utc:
        seconds = clock.seconds(utc)
    return seconds, utc


def _seconds_between(first: str, last: str) -> float:
    return float((np.datetime64(last.rstrip("Z")) - np.datetime64(first.rstrip("Z"))) / np.timedelta64(1, "us")) / 1e6
