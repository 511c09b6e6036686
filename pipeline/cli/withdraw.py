"""`skycrane withdraw`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.cli.common import executor_options, json_option, open_run, out_argument, reading, running
from pipeline.withdrawal import find_input

__all__ = ["withdraw"]


@click.command()
@out_argument
@click.argument("input", required=False, metavar="[INPUT]")
@click.option("--undo", is_flag=True, help="Take a withdrawn INPUT in again.")
@executor_options
@json_option
def withdraw(out: Path, input: str | None, executor: str, scheduler: str | None, jobs: int | None, *, undo: bool, as_json: bool) -> None:  # noqa: A002  click's name
    """Take INPUT back, as if it had never come; without one, list what was withdrawn.

    INPUT is the path of a file that was taken in, or six or more digits of its SHA-256. What was made from it alone is removed, the rest is
    made again without it. It stays out under any name, also when it is named again, until --undo. The file itself is left alone.
    """
    if input is None:
        _list(out, as_json=as_json)
        return
    with open_run(out, executor=executor, scheduler=scheduler, jobs=jobs) as run, running(run):
        sha256 = find_input(run.catalog, input, withheld=undo)
        if undo:
            run.restore(sha256)
        else:
            run.withdraw(sha256)
        run.work()
        code = run.exit_code(strict=False)
    summary = run.summary
    made = ", ".join(f"{count} {stage}" for stage, count in summary.made.items()) or "nothing"
    if as_json:
        document = {"sha256": sha256, "undone": undo, "removed": summary.withdrawn, "made": dict(summary.made)}
        click.echo(json.dumps(document, indent=1))
    elif undo:
        click.echo(f"took {input} in again; made {made}")
    else:
        click.echo(f"withdrew {input}: {summary.withdrawn} tasks have nothing to do any more, made {made} again")
        click.echo(f"Undo: skycrane withdraw {out} {sha256[:12]} --undo")
    raise click.exceptions.Exit(code)


def _list(out: Path, *, as_json: bool) -> None:
    with reading(out) as (_, catalog):
        records = catalog.withheld()
    if as_json:
        rows = [{"sha256": sha256, **{name: record[name] for name in ("path", "size", "kind")}} for sha256, record in records.items()]
        click.echo(json.dumps(rows, indent=1))
        return
    for sha256, record in records.items():
        click.echo(f"{sha256[:12]} {record['path']} ({record['kind']}, {record['size']:,} bytes)")
    click.echo(f"Next: skycrane withdraw {out} INPUT --undo" if records else "nothing was withdrawn")
