"""`skycrane rerun`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.common import (
    complete_stage,
    examples,
    executor_options,
    open_run,
    out_argument,
    running,
    settings_options,
    stage_set,
)
from pipeline.cli.process import tell_findings
from pipeline.registry import discover

__all__ = ["rerun"]


@click.command(
    epilog=examples(
        "rerun out debayer --only 'RDC/*' --set debayer.method=superpixel",
        "rerun out contact_sheet --set contact_sheet.columns=10 --dry-run",
        "rerun out debayer --only DDC/0000012 --force --no-downstream",
    )
)
@out_argument
@click.argument("stage", shell_complete=complete_stage)
@click.option(
    "--only",
    default="",
    metavar="GLOB",
    show_default="all",
    help="Only items whose key matches, for instance 'DDC/*'. Settings given with it hold for those items alone, also in later runs.",
)
@settings_options
@click.option("--force", is_flag=True, help="Make them again even if neither settings nor inputs have changed.")
@click.option("--no-downstream", is_flag=True, help="Leave what is made from them as it is; a later `process` brings it up to date.")
@executor_options
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and why; change nothing.")
def rerun(
    out: Path,
    stage: str,
    only: str,
    assignments: tuple[str, ...],
    executor: str,
    scheduler: str | None,
    jobs: int | None,
    *,
    force: bool,
    no_downstream: bool,
    dry_run: bool,
) -> None:
    """Make STAGE's products in OUT again, with other settings or by force, and what depends on them.

    `skycrane stages` lists the stages, `skycrane stages STAGE` its settings. The key of an item is what stands behind its kind in
    `skycrane explain`: CAMERA/FRAME for pictures.
    """
    registry = discover()
    chosen = stage_set(registry, stage)
    allowed = chosen if no_downstream else chosen.union(*(registry.downstream(name) for name in chosen))
    with (
        open_run(out, assignments=assignments, only=only, executor=executor, scheduler=scheduler, jobs=jobs, dry=dry_run) as run,
        running(run),
    ):
        if dry_run:
            tell_findings([finding for finding in run.preview() if finding.stage in allowed])
            for name in sorted(chosen) if force else ():
                click.echo(f"would make {name} {only or '*'}: by force")
            return
        forced = sum(run.force(name, only) for name in chosen) if force else 0
        if force and not forced:
            click.echo(f"no item of {stage} matches {only or '*'}", err=True)
        run.work(stages=allowed)
        code = run.exit_code(strict=False)
    made = ", ".join(f"{count} {name}" for name, count in run.summary.made.items())
    for failed, key, message in run.summary.quarantined[:5]:
        click.echo(f"in quarantine: {failed} {key}: {message}", err=True)
    for line in run.summary.gone():
        click.echo(line, err=True)
    if run.summary.idle:
        click.echo("nothing due: settings and inputs are those that the products were made with; --force makes them all the same")
    else:
        click.echo(f"made {made or 'nothing'} in {run.summary.seconds:.1f} s")
    click.echo(f"Report: {out / 'index.html'}")
    raise click.exceptions.Exit(code)
