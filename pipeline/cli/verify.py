"""`skycrane verify`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.common import executor_options, open_run, out_argument, reading, running
from pipeline.errors import ExitCode
from pipeline.store import digest_file

__all__ = ["verify"]


@click.command()
@out_argument
@click.option("--repair", is_flag=True, help="Make again what is damaged.")
@executor_options
def verify(out: Path, executor: str, scheduler: str | None, jobs: int | None, *, repair: bool) -> None:
    """Read every file of OUT, and the inputs, and compare them with the receipts."""
    damaged: list[tuple[str, str]] = []
    with reading(out) as (store, catalog):
        for output, stage, task in catalog.made():
            for record in output.files:
                path = store.out / record.path
                problem = _problem(path, record.offset, record.size, record.sha256, whole=record.whole)
                if problem:
                    click.echo(f"{record.path}: {problem}")
                    damaged.append((stage, task))
    again = {which for which in damaged if which[0]}
    if repair and again:
        with open_run(out, executor=executor, scheduler=scheduler, jobs=jobs) as run, running(run):
            for stage, task in again:
                run.catalog.tasks.void(stage, task)
            run.work()
        click.echo(f"made {len(again)} damaged products again")
    outside = len(damaged) - len([which for which in damaged if which[0]])
    if outside:
        click.echo(f"{outside} inputs are missing or changed: put them back, or `skycrane process` what replaces them")
    click.echo("all is as the receipts say" if not damaged else f"{len(damaged)} files are not what their receipts say")
    raise click.exceptions.Exit(ExitCode.FOUND if damaged and (not repair or outside) else ExitCode.GOOD)


def _problem(path: Path, offset: int, size: int, sha256: str, *, whole: bool) -> str:
    try:
        status = path.stat()
        if (whole and status.st_size != size) or status.st_size < offset + size:
            return f"has {status.st_size:,} bytes, not {offset + size:,}"
        return "" if digest_file(path, offset, size) == sha256 else "has other bytes than were written"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
