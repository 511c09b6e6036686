"""`skycrane rerun`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.common import complete_stage, executor_options, open_run, out_argument, running, settings_options, stage_set
from pipeline.registry import discover

__all__ = ["rerun"]


@click.command()
@out_argument
@click.argument("stage", shell_complete=complete_stage)
@click.option(
    "--only",
    default="",
    metavar="GLOB",
    help="Only items whose key matches: 'DDC/*'. Settings given with it hold for those only.",
)
@settings_options
@click.option("--force", is_flag=True, help="Make them again even if nothing has changed.")
@click.option("--no-downstream", is_flag=True, help="Leave what is made from them as it is; a later `process` brings it up to date.")
@executor_options
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
) -> None:
    """Make STAGE's products in OUT again, with other settings or by force, and what depends on them."""
    registry = discover()
    chosen = stage_set(registry, stage)
    allowed = chosen if no_downstream else chosen.union(*(registry.downstream(name) for name in chosen))
    with (
        open_run(out, assignments=assignments, only=only, executor=executor, scheduler=scheduler, jobs=jobs) as run,
        running(run),
    ):
        forced = sum(run.force(name, only) for name in chosen) if force else 0
        if force and not forced:
            click.echo(f"no item of {stage} matches {only or '*'}", err=True)
        run.work(stages=allowed)
        code = run.exit_code(strict=False)
    made = ", ".join(f"{count} {name}" for name, count in run.summary.made.items())
    for failed, key, message in run.summary.quarantined[:5]:
        click.echo(f"in quarantine: {failed} {key}: {message}", err=True)
    if run.summary.idle:
        click.echo("nothing due: settings and inputs are those that the products were made with; --force makes them all the same")
    else:
        click.echo(f"made {made or 'nothing'} in {run.summary.seconds:.1f} s")
    click.echo(f"Report: {out / 'index.html'}")
    raise click.exceptions.Exit(code)
