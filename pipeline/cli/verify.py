"""`skycrane verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.catalog import Catalog
from pipeline.cli.common import executor_options, json_option, open_run, out_argument, reading, running
from pipeline.errors import ExitCode
from pipeline.store import Store, digest_file

__all__ = ["verify"]


@click.command()
@out_argument
@click.option("--repair", is_flag=True, help="Make again what is damaged.")
@executor_options
@json_option
def verify(out: Path, executor: str, scheduler: str | None, jobs: int | None, *, repair: bool, as_json: bool) -> None:
    """Read every file of OUT, and the inputs, and compare them with what was written down when they were made or taken in.

    Ends with 1 if one is missing or changed, and --repair could not mend it: inputs are for you to put back.
    """
    with reading(out) as (store, catalog):
        damages = list(_damages(store, catalog))
        pruned = catalog.intermediate()["pruned"][0]
    tasks = {damage.task for damage in damages if damage.task[0]}
    outside = sum(not damage.task[0] for damage in damages)
    if not as_json:
        for damage in damages:
            click.echo(f"{damage.path}: {damage.problem}")
    mended, code = (0, ExitCode.GOOD)
    if repair and tasks:
        with open_run(out, executor=executor, scheduler=scheduler, jobs=jobs) as run, running(run):
            for stage, task in tasks:
                run.catalog.tasks.void(stage, task)
            run.work()
            mended = sum(_is_done(run.catalog, stage, task) for stage, task in tasks)
            code = run.exit_code(strict=False)
    left = outside + len(tasks) - mended
    if as_json:
        rows = [{"path": damage.path, "problem": damage.problem, "stage": damage.task[0], "key": damage.task[1]} for damage in damages]
        counts = {"tasks": len(tasks), "done_again": mended, "inputs": outside, "pruned": pruned}
        click.echo(json.dumps({"damaged": rows, **counts}, indent=1))
    else:
        _tell(len(damages), outside, mended, len(tasks) - mended if repair else 0)
        if pruned:
            click.echo(f"{pruned:,} intermediate products were pruned on purpose; what needs one makes it again")
    raise click.exceptions.Exit(max(code, ExitCode.FOUND if left else ExitCode.GOOD))


def _is_done(catalog: Catalog, stage: str, key: str) -> bool:
    row = catalog.tasks.row(stage, key)
    return row is not None and row["state"] == "done"


@dataclass(frozen=True, slots=True)
class _Damage:
    """A file that is not as it was written."""

    path: str
    problem: str
    task: tuple[str, str]
    """Stage and key of what made it; no stage for an input."""


def _damages(store: Store, catalog: Catalog) -> Iterator[_Damage]:
    for output, stage, task in catalog.made():
        for record in output.files:
            problem = _problem(store.out / record.path, record.offset, record.size, record.sha256, whole=record.whole)
            # A run may have made it again meanwhile: then the record that we hold is no longer the one to compare with.
            if problem and catalog.output(output.kind, output.key) == output:
                yield _Damage(record.path, problem, (stage, task))


def _tell(damaged: int, outside: int, mended: int, failed: int) -> None:
    click.echo(f"{damaged} files are not what their receipts say" if damaged else "all is as the receipts say")
    if mended:
        click.echo(f"did {mended} tasks again, and what they made is mended")
    if failed:
        click.echo(f"{failed} tasks could not be done again: skycrane quarantine list, and the inputs below, say why")
    if outside:
        click.echo(f"{outside} inputs are missing or changed: put them back, or `skycrane process` what replaces them")


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
