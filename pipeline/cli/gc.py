"""`skycrane gc`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from pipeline.cli.common import json_option, keep_option, open_run, out_argument

__all__ = ["gc"]


@click.command()
@out_argument
@keep_option
@json_option
def gc(out: Path, keep: str | None, *, as_json: bool) -> None:
    """Give back disk space that OUT no longer needs; no product changes.

    Receipts of products that were made again since, and packs of which less than half is still in use, are written anew with what is
    current. With --keep final, frames, packets and parts of files go as well. It is safe to interrupt, and to kill, at any moment.
    """
    assignments = () if keep is None else (f"run.keep={keep}",)
    with open_run(out, assignments=assignments, executor="sync") as run:
        freed = run.compact()
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(freed), "pruned": run.summary.pruned_bytes, "total": freed.total}, indent=1))
        return
    if run.summary.pruned_products:
        click.echo(f"pruned {run.summary.pruned_products:,} intermediate products: {run.summary.pruned_bytes:,} bytes")
    click.echo(f"freed {freed.total:,} bytes: {freed.packs:,} of packs, {freed.receipts:,} of receipts, {freed.catalog:,} of the catalog")
