"""`skycrane process` and `skycrane demo`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from pipeline.arrivals import Admitter
from pipeline.cli.common import (
    Opening,
    complete_stage,
    examples,
    executor_options,
    intake_options,
    mission_option,
    open_run,
    out_option,
    running,
    stage_set,
)
from pipeline.drive import Run, Summary
from pipeline.errors import UsageError
from pipeline.fetch import fetch, is_url
from pipeline.folders import scan
from pipeline.plan import Finding
from pipeline.space import size_in_words

__all__ = ["demo", "process", "tell_findings"]


@click.command(
    epilog=examples(
        "process recordings/ --mission mars2020 --out out",
        "process *.png --mission mars2020 --out pictures --set debayer.white_balance=none",
        "process s3://bucket/pass-12 --out out --dry-run",
    )
)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(), metavar="INPUT...")
@out_option
@mission_option
@click.option(
    "--until", metavar="STAGE", shell_complete=complete_stage, help="Go no further than this stage, as `skycrane stages` lists them."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and why; change nothing.")
@click.option("--strict", is_flag=True, help="End with 25 if data are missing.")
@intake_options
def process(
    inputs: tuple[str, ...],
    out: Path,
    opened: Opening,
    level: str | None,
    link: str | None,
    until: str | None,
    *,
    dry_run: bool,
    strict: bool,
) -> None:
    """Turn recordings or media files into pictures, sound and a report.

    INPUTs are files, or folders with all that is below them: recordings of a link (bits, or frames one after the other), space packets,
    or pictures and sound from an archive. What a file holds is found out. What OUT has already is not made again; what was interrupted
    goes on. URLs that fsspec knows (s3://bucket/prefix) are copied into the folder OUT-inputs first.
    """
    for path in inputs:
        if not is_url(path) and not Path(path).exists():
            raise UsageError("there is no such file or folder", where=path, remedy="Check the path")
    with opened(dry=dry_run) as run, running(run):
        if dry_run:
            _preview(run, inputs, level, link)
            return
        beside = out.with_name(f"{out.name}-inputs")
        paths = [fetch(path, beside, stopped=lambda: run.stop) if is_url(path) else Path(path) for path in inputs]
        stages = _until(run, until)
        run.admit(paths, level=level, link=link, stages=stages)
        run.work(stages=stages)
        code = run.exit_code(strict=strict)
    _tell(run.summary, out)
    raise click.exceptions.Exit(code)


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False), default=Path("skycrane-demo"))
@executor_options
def demo(out: Path, executor: str, scheduler: str | None, jobs: int | None) -> None:
    """Process the sample downlinks that come with skycrane: a landing on Mars, four cameras and a microphone.

    OUT is the folder skycrane-demo here, unless another is named.
    """
    spec = importlib.util.find_spec("sample_data")
    folder = Path(spec.origin).parent / "downlinks" if spec is not None and spec.origin else None
    if folder is None or not folder.is_dir():
        raise UsageError("the sample downlinks are not installed", remedy="Install skycrane from its wheel or its repository")
    with open_run(out, mission="mars2020", create=True, executor=executor, scheduler=scheduler, jobs=jobs) as run, running(run):
        run.admit([folder])
        run.work()
        code = run.exit_code(strict=False)
    _tell(run.summary, out)
    raise click.exceptions.Exit(code)


def _until(run: Run, until: str | None) -> set[str]:
    registry = run.catalog.registry
    if until is None:
        return set(registry.stages)
    chosen = stage_set(registry, until)
    return chosen.union(*(registry.upstream[stage] for stage in chosen))


def _preview(run: Run, inputs: tuple[str, ...], level: str | None, link: str | None) -> None:
    urls = [url for url in inputs if is_url(url)]
    for url in urls:
        click.echo(f"would copy {url}")
    admitter = Admitter(run.catalog, run.profile, level=level, link=link)
    taken = 0
    for path, named in scan([Path(path) for path in inputs if not is_url(path)]):
        admission = admitter.admit(path, named=named)
        for refused, why, _ in admission.refused:
            click.echo(f"would leave out {refused}: {why}")
        for left_out in admission.withheld:
            click.echo(f"would leave out {left_out}: it was withdrawn")
        for record in (record for record in admission.records if record["type"] == "input"):
            what = record["claim"].partition(" ")[2]
            click.echo(f"would take in {record['path']} as {record['kind']} at level {record['level']}: {what}")
            taken += 1
    findings = run.preview()
    if not (taken or urls):
        tell_findings(findings)
        return
    for finding in findings:
        click.echo(_words(finding))
    besides = f"; besides, {len(findings)} tasks are due" if findings else ""
    click.echo(f"would take in {taken} files{' and what is copied' if urls else ''}, and make what follows from them{besides}")


def tell_findings(findings: list[Finding]) -> None:
    """Print what is due, and why."""
    for finding in findings:
        click.echo(_words(finding))
    click.echo(f"{len(findings)} tasks are due" if findings else "nothing due")


def _words(finding: Finding) -> str:
    return f"would {'withdraw' if finding.withdraw else 'make'} {finding.stage} {finding.key}: {'; '.join(finding.reasons[:4])}"


def _tell(summary: Summary, out: Path) -> None:
    """Print what was done, and where to look; messages go to standard error, the last line names the report."""
    for path, first in summary.duplicates:
        click.echo(f"{path} holds the same bytes as {first}: taken once", err=True)
    if summary.withheld:
        which = f"{summary.withheld[0]} was" if len(summary.withheld) == 1 else f"{summary.withheld.total} files were"
        click.echo(f"{which} withdrawn and left out; `skycrane withdraw {out}` lists them, --undo takes one in again", err=True)
    refused = summary.refused
    for path, why, _ in refused[:5]:
        click.echo(f"left out {path}: {why}", err=True)
    if len(refused) > 5:
        click.echo(f"left out {refused.total - 5} more files", err=True)
    for stage, key, message in summary.quarantined[:5]:
        click.echo(f"in quarantine: {stage} {key}: {message}", err=True)
    if summary.quarantined:
        click.echo(f"{summary.quarantined.total} put aside; see `skycrane quarantine list {out}`", err=True)
    if summary.pruned_products:
        click.echo(f"pruned {summary.pruned_products:,} intermediate products: {size_in_words(summary.pruned_bytes)} given back", err=True)
    made = ", ".join(f"{count} {stage}" for stage, count in summary.made.items())
    click.echo("nothing due" if summary.idle else f"made {made or 'nothing'} in {summary.seconds:.1f} s")
    report = out / "index.html"
    click.echo(f"Report: {report}" if report.exists() else f"Next: skycrane status {out}")
