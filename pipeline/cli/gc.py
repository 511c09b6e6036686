"""`skycrane gc`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from pipeline.cli.common import json_option, open_run, out_argument

__all__ = ["gc"]


@click.command()
@out_argument
@json_option
def gc(out: Path, *, as_json: bool) -> None:
    """Give back disk space that OUT no longer needs; no product changes.

    Receipts of products that were made again since, and packs of which less than half is still in use, are written anew with what is
    current. It is safe to interrupt, and to kill, at any moment.
    """
    with open_run(out, executor="sync") as run:
        freed = run.compact()
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(freed), "total": freed.total}, indent=1))
        return
    click.echo(f"freed {freed.total:,} bytes: {freed.packs:,} of packs, {freed.receipts:,} of receipts, {freed.catalog:,} of the catalog")
