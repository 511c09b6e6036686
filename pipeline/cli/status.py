"""`skycrane status`."""

from __future__ import annotations

import contextlib
import json
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from pipeline.catalog import Catalog
from pipeline.checkup import holder_of
from pipeline.cli.common import json_option, out_argument, reading
from pipeline.cli.tables import COLUMNS, page
from pipeline.product import Product
from pipeline.settings import Settings
from pipeline.space import Space, measure, size_in_words
from pipeline.store import Store

__all__ = ["status", "summarise"]


@click.command()
@out_argument
@json_option
@click.option("--watch", is_flag=True, help="Look again and again, until interrupted; with --json, a document a line.")
@click.option("--every", type=click.FloatRange(min=0.1), default=2.0, metavar="SECONDS", help="How often --watch looks.")
def status(out: Path, *, as_json: bool, watch: bool, every: float) -> None:
    """Show what OUT holds, what is missing and what is due: by stage, link, file, camera and microphone; and the disk.

    Reads only, and never waits for a run. The last lines name the commands to type next.
    """
    if watch:
        _follow(out, every, as_json=as_json)
        return
    document, hints = _look(out)
    if as_json:
        click.echo(json.dumps(document, indent=1))
        return
    from rich.console import Console

    Console(highlight=False).print(page(document))
    for hint in hints:
        click.echo(hint)


def summarise(catalog: Catalog) -> dict[str, Any]:
    """Make the document that `--json` prints (DESIGN 6): the engine's part, and what each kind of product adds."""
    document: dict[str, Any] = {"stages": catalog.tasks.tally()}
    for kind in catalog.registry.kinds.values():
        for name, value in kind.tally(catalog.entries(kind.__name__)).items():
            if isinstance(value, dict) and isinstance(document.get(name), dict):
                document[name] |= value
            else:
                document[name] = value
    return document


def _look(out: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the document, and the lines that say what to type next."""
    with reading(out) as (store, catalog):
        keep = Settings.load(store.settings, catalog.registry).keep if store.settings.exists() else "all"
        document = {**summarise(catalog), "disk": _disk(measure(store, catalog, keep))}
        return document, _hints(document, store, catalog, out)


def _disk(space: Space) -> dict[str, Any]:
    """Sum up what lies where, and tell how much more downlink there is room for."""
    products, size = space.pruned
    return {
        "rooms": space.rooms,
        "bytes": space.used,
        "downlink": space.downlink,
        "ratio": None if space.ratio is None else round(space.ratio, 3),
        "free": space.free,
        "room_for": space.room_for,
        "keep": space.keep,
        "intermediate": space.intermediate,
        "pruned": {"products": products, "bytes": size},
    }


# --- live -------------------------------------------------------------------------------------------------------------------------


def _follow(out: Path, every: float, *, as_json: bool) -> None:
    """Show it anew every few seconds, where looking takes long less often, until an interrupt."""
    from rich.console import Console
    from rich.live import Live

    live = Live(console=Console(highlight=False), auto_refresh=False, screen=sys.stdout.isatty())
    with contextlib.suppress(KeyboardInterrupt), contextlib.nullcontext() if as_json else live:
        seen = _look(out)
        while True:
            begin = time.monotonic()
            # A run may be making its catalog anew just now: then what was seen last still holds.
            with contextlib.suppress(sqlite3.OperationalError):
                seen = _look(out)
            if as_json:
                click.echo(json.dumps(seen[0]))
            else:
                live.update(_screen(out, *seen), refresh=True)
            time.sleep(max(every, 5 * (time.monotonic() - begin)))


def _screen(out: Path, document: dict[str, Any], hints: list[str]) -> Any:
    from rich.console import Group
    from rich.text import Text

    lead = f"{time.strftime('%H:%M:%S')} {holder_of(Store(out)) or 'nobody'} works on {out}"
    return Group(Text(lead, style="bold"), page(document), *(Text(hint) for hint in hints))


# --- what to type next ------------------------------------------------------------------------------------------------------------


def _hints(document: dict[str, Any], store: Store, catalog: Catalog, out: Path) -> list[str]:
    """Name the command that each alarming number leads to, ready to be typed."""
    sums = {column: sum(counts[column] for counts in document["stages"].values()) for column in COLUMNS}
    here = shlex.quote(str(out))
    hints = []
    if sums["quarantined"] or sums["failed"]:
        hints.append(f"{sums['quarantined'] + sums['failed']:,} quarantined: skycrane quarantine list {here}")
    if sums["stale"] or sums["waiting"]:
        hints.append(_unfinished(sums["stale"] + sums["waiting"], store, catalog, here))
    for count, product in _partials(catalog):
        hints.append(f"{count:,} {product.partition(' ')[0]} partial: skycrane explain {here} {shlex.quote(product)}")
    disk = document["disk"]
    if disk["free"] < max(1 << 30, disk["bytes"] // 20):
        more = f" --keep final (gives back {size_in_words(disk['intermediate'])})" if disk["keep"] == "all" and disk["intermediate"] else ""
        hints.append(f"{size_in_words(disk['free'])} free: skycrane gc {here}{more}")
    if store.crashed and not holder_of(store):
        hints.append(f"the last run did not end well: skycrane doctor {here}")
    report = out / "index.html"
    hints.append(f"Report: {report}" if report.exists() else f"Next: skycrane doctor {here}")
    return hints


def _unfinished(count: int, store: Store, catalog: Catalog, here: str) -> str:
    """Say what finishes the work: a run that goes on, or a command."""
    holder = holder_of(store)
    if holder:
        return f"{count:,} stale or waiting: {holder} is at it; skycrane status {here} --watch"
    first = next(catalog.inputs(), None)
    what = shlex.quote(first["path"]) if first is not None else "INPUT"
    return f"{count:,} stale or waiting: skycrane process {what} --out {here} --dry-run says why; without --dry-run it does them"


def _partials(catalog: Catalog) -> Iterator[tuple[int, str]]:
    """Count the partial products of each kind that the tables sum up, or of all where none does, and name the first of them."""
    kinds = catalog.registry.kinds
    told = {name for name, kind in kinds.items() if kind.tally.__func__ is not Product.tally.__func__}  # type: ignore[attr-defined]  # a class method's function
    for name in kinds:
        if name in told or not told:
            row = catalog.db.execute("SELECT COUNT(*) AS n, MIN(key) AS key FROM products WHERE partial AND kind = ?", (name,)).fetchone()
            if row["n"]:
                yield row["n"], f"{name} {row['key']}"
