"""`skycrane serve`."""

from __future__ import annotations

import itertools
import json
import signal
import threading
from pathlib import Path
from typing import Any

import click

from pipeline.catalog import Catalog
from pipeline.cli.common import out_argument
from pipeline.news import News
from pipeline.public import PublicTree
from pipeline.registry import discover
from pipeline.serve import Server, serving
from pipeline.store import Store

__all__ = ["serve"]

MOST_FAILURES = 100
"""That the page names."""


@click.command()
@out_argument
@click.option("--port", type=click.IntRange(0, 65535), default=8021, help="Port; 0 takes any that is free.")
@click.option("--host", default="127.0.0.1", help="Address to listen on. Any but the default shows OUT to everyone who can reach it.")
def serve(out: Path, port: int, host: str) -> None:
    """Serve the report of OUT to a browser, live, until interrupted; prints its address.

    Read-only: nothing in OUT is changed, and a run may hold it meanwhile. Pictures appear as they are made, and the page when it is made
    anew.
    """
    store = Store(out).require()
    tree = PublicTree(store.out)
    news = News(store.receipts, report=lambda: tree.tag("index.html"), tally=lambda: _tally(store))
    server = Server(tree, news, host=host, port=port)
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with serving(server):
            click.echo(f"{store.out} is at {server.url} until you press Ctrl-C", err=True)
            click.echo(server.url)
            ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tally(store: Store) -> dict[str, Any]:
    """Count what is still to be made, and say what could not be."""
    if not store.catalog.exists():
        return {}
    catalog = Catalog(store.catalog, discover(), read_only=True)
    try:
        rows = catalog.tasks.tally().values()
        return {
            "due": sum(row["stale"] + row["waiting"] for row in rows),
            "quarantined": sum(row["quarantined"] + row["failed"] for row in rows),
            "failures": [
                {name: failure[name] for name in ("stage", "key", "message")}
                for row in itertools.islice(catalog.tasks.rows(state="quarantined"), MOST_FAILURES)
                for failure in [json.loads(row["failure"])]
            ],
        }
    finally:
        catalog.close()
