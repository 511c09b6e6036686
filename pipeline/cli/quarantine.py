"""`skycrane quarantine`: what could not be processed."""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path
from typing import Any

import click

from pipeline.catalog import Catalog
from pipeline.cli.common import examples, executor_options, json_option, open_run, out_argument, reading, running, settings_options

__all__ = ["quarantine"]


@click.group()
def quarantine() -> None:
    """List, show or retry what could not be processed."""


def _failures(catalog: Catalog, only: str) -> list[dict[str, Any]]:
    found = [json.loads(row["failure"]) for row in catalog.tasks.rows(state="quarantined")]
    return [failure for failure in found if fnmatch.fnmatchcase(f"{failure['stage']} {failure['key']}", f"*{only or '*'}")]


@quarantine.command("list", short_help="List what is in quarantine, with the reasons.")
@out_argument
@json_option
def list_(out: Path, *, as_json: bool) -> None:
    """List the tasks in quarantine, with the reason of each."""
    with reading(out) as (_, catalog):
        failures = _failures(catalog, "")
    if as_json:
        click.echo(json.dumps(failures, indent=1))
        return
    for failure in failures:
        click.echo(f"{failure['stage']} {failure['key']}: {failure['message']}")
    click.echo(f"Next: skycrane quarantine retry {out}" if failures else "the quarantine is empty")


@quarantine.command(short_help="Show reason, inputs and traceback of one.", epilog=examples("quarantine show out 'DDC/0000007'"))
@out_argument
@click.argument("item")
@json_option
def show(out: Path, item: str, *, as_json: bool) -> None:
    """Show all that is known of ITEM (a key, or a glob of keys): reason, inputs, traceback."""
    with reading(out) as (_, catalog):
        failures = _failures(catalog, item)
    if as_json:
        click.echo(json.dumps(failures, indent=1))
        return
    for failure in failures:
        click.echo(f"{failure['stage']} {failure['key']}\n{failure['error']}: {failure['message']}\n\ninputs:")
        for record in failure["inputs"]:
            click.echo(f"  {record['name']} = {record['kind']} {record['key']} ({record['digest'][:12]})")
        click.echo(f"\n{failure['traceback']}")
    if not failures:
        click.echo(f"nothing in quarantine matches {item}")


@quarantine.command(short_help="Try again: all, or what matches.", epilog=examples("quarantine retry out", "quarantine retry out 'DDC/*'"))
@out_argument
@click.argument("item", required=False, default="")
@settings_options
@executor_options
def retry(out: Path, item: str, assignments: tuple[str, ...], executor: str, scheduler: str | None, jobs: int | None) -> None:
    """Try ITEM again (a key, or a glob of keys), or everything in quarantine; then do all that became due by it."""
    with open_run(out, assignments=assignments, executor=executor, scheduler=scheduler, jobs=jobs) as run, running(run):
        failures = _failures(run.catalog, item)
        run.release([(failure["stage"], failure["key"]) for failure in failures])
        run.work()
        code = run.exit_code(strict=False)
    still = run.summary.quarantined.total
    click.echo(f"tried {len(failures)} again: {len(failures) - still} went well" if failures else "nothing in quarantine matches")
    raise click.exceptions.Exit(code)
