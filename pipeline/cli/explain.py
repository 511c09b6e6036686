"""`skycrane explain`."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.catalog import Catalog
from pipeline.cli.common import examples, json_option, out_argument, reading
from pipeline.errors import UsageError
from pipeline.product import Product
from pipeline.receipt import Output
from pipeline.stage import Role
from pipeline.work import loadable

__all__ = ["explain"]

LISTED = 12
"""Of many inputs alike, this many are told of."""


@click.command(
    epilog=examples("explain out images/DDC/0000007.png", "explain out DDC/0000012", "explain out 'ReceivedFile 0080-0666953400-00000'")
)
@out_argument
@click.argument("product")
@json_option
@click.option("--depth", type=click.IntRange(min=1), default=12, metavar="STEPS", help="How far back.")
def explain(out: Path, product: str, depth: int, *, as_json: bool) -> None:
    """Tell the story of PRODUCT in OUT, down to the bytes of the downlink: what made it, from what, and why a part of it is missing.

    PRODUCT is a path (images/DDC/0000007.png), or a key with or without its kind (DDC/0000007, Image DDC/0000007). Of one that is not
    there, it tells whether it is waiting, in quarantine, or has not come, and what has come next to it.
    """
    with reading(out) as (store, catalog):
        stories = [_story(catalog, store.out, kind, key, depth, set()) for kind, key in _find(catalog, store.out, product)]
    if as_json:
        click.echo(json.dumps(stories, indent=1))
        return
    for story in stories:
        for line in _lines(story, 0):
            click.echo(line)


def _find(catalog: Catalog, out: Path, text: str) -> list[tuple[str, str]]:
    """Return kind and key of the products that a text names; UsageError with what is near if there is none."""
    path = Path(text)
    for candidate in (path, out / path):
        if candidate.exists() and out in candidate.resolve().parents:
            relative = str(candidate.resolve().relative_to(out))
            if found := _by_path(catalog, relative):
                return found
    if found := _by_path(catalog, text):
        return found
    kind, _, key = text.rpartition(" ")
    rows = catalog.db.execute(
        "SELECT kind, key FROM products WHERE key = ?1 AND (?2 = '' OR kind = ?2) AND stage <> '' ORDER BY kind", (key, kind)
    ).fetchall()
    rows = rows or catalog.db.execute("SELECT kind, key FROM products WHERE key = ?1 AND (?2 = '' OR kind = ?2)", (key, kind)).fetchall()
    if rows:
        ranks = {name: rank for rank, name in enumerate(catalog.registry.kinds)}
        last = max(rows, key=lambda row: ranks.get(row["kind"], 0))
        return [(last["kind"], last["key"])]
    waiting = catalog.db.execute(
        "SELECT stage, key, state, reasons, failure FROM tasks WHERE key = ? AND state <> 'done'", (key,)
    ).fetchall()
    if waiting:
        row = waiting[0]
        why = json.loads(row["failure"])["message"] if row["failure"] else "; ".join(json.loads(row["reasons"]))
        raise UsageError(f"{row['stage']} {row['key']} is {row['state']}: {why}", remedy="There is no product of it yet")
    raise UsageError(f"there is no product {text!r}", where=str(out), remedy=_near(catalog, kind, key))


def _near(catalog: Catalog, kind: str, key: str) -> str:
    """Say what there is before and behind a key that is not there, or what is called like it."""
    room, _, name = key.rpartition("/")
    rows = catalog.db.execute(
        "SELECT DISTINCT key FROM products WHERE key > ?1 AND key < ?2 AND (?3 = '' OR kind = ?3) AND stage <> '' ORDER BY key",
        (f"{room}/", f"{room}0", kind),  # 0 follows / in ASCII
    ).fetchall()
    keys = [row["key"] for row in rows if "/" not in row["key"][len(room) + 1 :]] if room else []
    keys = [other for other in keys if len(other) == len(key)] or keys  # frames have numbers of one length, sheets of another
    if keys:
        place = bisect.bisect(keys, key)
        before = f"next before it is {keys[place - 1]}" if place else "nothing is before it"
        behind = f"next behind it is {keys[place]}" if place < len(keys) else "nothing is behind it"
        return f"Nothing of it has come: {before}, {behind}. The report tells under Missing what the link may have cost"
    sql = "SELECT DISTINCT key FROM products WHERE key LIKE ? AND stage <> '' ORDER BY key LIMIT 5"
    near = ", ".join(row["key"] for row in catalog.db.execute(sql, (f"%{name[:60]}%",)))
    return f"Near it: {near}" if near else "`skycrane status` and index.csv say what there is"


def _by_path(catalog: Catalog, relative: str) -> list[tuple[str, str]]:
    # A path is a function of kind and key; the last part of it narrows the search, and the record decides.
    rows = catalog.db.execute("SELECT kind, key FROM products WHERE record LIKE ?", (f'%"{relative}"%',)).fetchall()
    found = []
    for row in rows:
        output = catalog.output(row["kind"], row["key"])
        if output is not None and any(record.path == relative for record in output.files):
            found.append((row["kind"], row["key"]))
    return found


def _story(catalog: Catalog, out: Path, kind: str, key: str, depth: int, told: set[tuple[str, str]]) -> dict[str, Any]:
    """Tell one product: what it is, what made it, from what; each input is told once."""
    output = catalog.output(kind, key)
    story: dict[str, Any] = {"kind": kind, "key": key}
    if output is None:
        return story | {"gone": True}
    story |= {
        "files": [_place(record) for record in output.files],
        "completeness": output.completeness.to_json(),
        "facts": {name: value for name, value in output.facts.items() if value not in (None, "", [], {})},
    }
    if (kind, key) in told:
        return story | {"told": True}
    told.add((kind, key))
    maker = catalog.maker(kind, key)
    if maker is None or not maker[0]:
        return story | {"from": "outside"}
    row = catalog.tasks.row(*maker)
    if row is None or row["receipt"] is None:
        return story
    what = json.loads(row["receipt"])["what"]
    story["made"] = {"stage": what["stage"], "version": what["version"], "settings": what["settings"], "task": what["digest"]}
    if row["state"] != "done" or row["dirty"]:
        story["now"] = {"state": row["state"], "reasons": json.loads(row["reasons"])}
    story["lines"] = _tell(catalog, out, output)
    if catalog.is_pruned(kind, key):
        story["pruned"] = True
        story["lines"] = ["was pruned, as --keep final says; what needs it makes it again"]
    if depth > 1:
        inputs = _inputs(catalog, what)
        story["inputs"] = [_story(catalog, out, name, text, depth - 1, told) for name, text in inputs[:LISTED]]
        story["more"] = max(0, max(len(inputs), what["input_count"]) - LISTED)
    return story


def _place(record: Any) -> str:
    return record.path if record.whole else f"{record.path} bytes {record.offset:,}-{record.offset + record.size:,}"


def _inputs(catalog: Catalog, what: dict[str, Any]) -> list[tuple[str, str]]:
    spec = catalog.registry.stages[what["stage"]]
    previous = {item.name for item in spec.inputs if item.role is Role.PREVIOUS}
    # What the chunk before handed on is told of by name only: its own story is that of another chunk.
    return [(record["kind"], record["key"]) for record in what["inputs"] if record["name"] not in previous]


def _tell(catalog: Catalog, out: Path, output: Output) -> list[str]:
    kind = catalog.registry.kinds[output.kind]
    if kind.story is Product.story:
        return []
    try:
        return loadable(kind, output, out).load().story()
    except (OSError, ValueError) as error:
        return [f"cannot be read: {error}"]


def _lines(story: dict[str, Any], level: int) -> Iterator[str]:
    pad = "  " * level
    yield f"{pad}{story['kind']} {story['key']}{_share(story)}"
    if story.get("gone"):
        yield f"{pad}  is gone"
        return
    for place in story["files"]:
        yield f"{pad}  {'was in' if story.get('pruned') else 'in' if story.get('made') else 'from'} {place}"
    plain = {name: value for name, value in story["facts"].items() if not isinstance(value, list | dict)}  # --json has the others
    facts = ", ".join(f"{name} {_short(value)}" for name, value in plain.items())
    if facts and not story.get("told"):
        yield f"{pad}  {facts}"
    for caveat in story["completeness"]["caveats"]:
        yield f"{pad}  note: {caveat}"
    if made := story.get("made"):
        settings = ", ".join(f"{name}={value}" for name, value in made["settings"].items())
        yield f"{pad}  made by {made['stage']} version {made['version']}{f' with {settings}' if settings else ''}"
    if now := story.get("now"):
        yield f"{pad}  now {now['state']}: {'; '.join(now['reasons'])}"
    for line in story.get("lines", [])[:40]:
        yield f"{pad}  {line}"
    for child in story.get("inputs", []):
        yield from _lines(child, level + 1)
    if story.get("more"):
        yield f"{pad}  and {story['more']:,} more inputs"


def _share(story: dict[str, Any]) -> str:
    completeness = story.get("completeness")
    if not completeness or completeness["expected"] is None:
        return ""
    received, expected, unit = completeness["received"], completeness["expected"], completeness["unit"]
    if received == expected:
        return f": all {expected:,} {unit}"
    gaps = ", ".join(f"{start:,}-{stop:,}" for start, stop in completeness["gaps"][:6])
    return f": {received:,} of {expected:,} {unit}" + (f"; lost {gaps}" if gaps else "")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."
