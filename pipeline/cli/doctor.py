"""`skycrane doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.checkup import check_folder, check_machine
from pipeline.cli.common import json_option
from pipeline.errors import ExitCode
from pipeline.registry import discover

__all__ = ["doctor"]


@click.command()
@click.argument("out", required=False, type=click.Path(path_type=Path, file_okay=False))
@json_option
def doctor(out: Path | None, *, as_json: bool) -> None:
    """Look for what may be wrong with this machine, and with OUT; changes nothing.

    Python, libraries, processors, the cache of compiled kernels, free space and the time of a sync; of OUT who holds it, settings,
    receipts, catalog, and files that are missing or that nobody names. Ends with 1 if something is wrong.
    """
    checks = list(check_machine(out or Path.cwd()))
    if out is not None:
        checks += check_folder(out, discover())
    wrong = [check for check in checks if not check.good]
    if as_json:
        rows = [{"check": check.name, "good": check.good, "found": check.found, "remedy": check.remedy} for check in checks]
        click.echo(json.dumps(rows, indent=1))
    else:
        for check in checks:
            click.echo(f"{'ok   ' if check.good else 'WRONG'} {check.name:<17} {check.found}")
        for check in wrong:
            click.echo(f"{check.name}: {check.remedy}")
        click.echo(f"{len(wrong)} things are wrong" if wrong else "nothing is wrong")
    raise click.exceptions.Exit(ExitCode.FOUND if wrong else ExitCode.GOOD)
