"""`skycrane watch`, `skycrane listen` and `skycrane replay`: as data arrive."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import click

from pipeline.cli.common import Opening, examples, intake_options, mission_option, out_option, running
from pipeline.drive import Run
from pipeline.errors import UsageError
from pipeline.landing import Landing, Waker
from pipeline.listen import Recorder, parse_address
from pipeline.replay import replay as replay_pieces
from pipeline.watch import Cohort
from pipeline.watch import watch as watch_folders

__all__ = ["listen", "replay", "watch"]


@click.command(epilog=examples("watch /data/landing --mission mars2020 --out /data/out", "watch pass-1 pass-2 --out out --once"))
@click.argument("landing", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="LANDING...")
@out_option
@mission_option
@click.option("--once", is_flag=True, help="End when all that is there has been processed.")
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    default=2.0,
    metavar="SECONDS",
    help="How long a file must have been still to be complete, if nothing else says so.",
)
@intake_options
def watch(landing: tuple[Path, ...], out: Path, opened: Opening, level: str | None, link: str | None, settle: float, *, once: bool) -> None:
    """Process what arrives in the LANDING folders and below them, until interrupted (Ctrl-C, or SIGTERM).

    A file is complete when a mark beside it says so (NAME.ready, NAME.done, NAME.sha256), when it was renamed from an unfinished name
    (.part, .tmp, a leading dot), or when it has been still. Files stay where they are. What came while nobody watched is taken too. An
    interrupt lets the tasks that run end; the same command goes on.
    """
    with opened() as run, running(run):
        _watch(run, list(landing), settle=settle, once=once, level=level, link=link)
        code = run.exit_code(strict=False)
    click.echo(f"Report: {out / 'index.html'}")
    raise click.exceptions.Exit(code)


@click.command(epilog=examples("listen 127.0.0.1:5000 --mission mars2020 --out out --pass 2021-049a"))
@click.argument("address")
@out_option
@mission_option
@click.option("--record", type=click.Path(path_type=Path, file_okay=False), show_default="OUT-recordings", help="Folder of the recordings.")
@click.option("--pass", "name", default="", metavar="NAME", show_default="the time of the connection", help="Name of the pass.")
@intake_options
def listen(address: str, out: Path, opened: Opening, level: str | None, link: str | None, record: Path | None, name: str) -> None:
    """Record what is sent to ADDRESS (HOST:PORT) over TCP, and process it, until interrupted."""
    where = parse_address(address)
    folder = record or out.with_name(f"{out.name}-recordings")
    with (
        opened() as run,
        running(run),
        contextlib.closing(Recorder(where, folder, name=name, tell=_say, on_failure=lambda: setattr(run, "stop", True))) as recorder,
    ):
        _say(f"listening on {where[0]}:{recorder.port}; recordings go to {folder}")
        _watch(run, [folder], settle=2.0, once=False, level=level, link=link)


@click.command(epilog=examples("replay pass.cadu landing --rate 10M --shuffle 1"))
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="RECORDING...")
@click.argument("landing", type=click.Path(path_type=Path, file_okay=False))
@click.option("--rate", default="10M", metavar="BITS", help="Bits a second: 10M, 2.5M, 800k; 0 for all at once.")
@click.option("--piece", default="1M", metavar="BYTES", help="Into pieces of how many bytes a recording is cut: 1M, 200k.")
@click.option("--shuffle", type=int, metavar="SEED", help="Let the pieces land in another order.")
def replay(recordings: tuple[Path, ...], landing: Path, rate: str, piece: str, shuffle: int | None) -> None:
    """Feed RECORDINGs into a LANDING folder as if they arrived now."""
    size = int(_quantity(piece, "piece"))
    if size < 1:
        raise UsageError("a piece has at least one byte", remedy="--piece 1M")
    count = 0
    for landed in replay_pieces(recordings, landing, rate=_quantity(rate, "rate"), piece_bytes=size, seed=shuffle):
        count += landed.length
    click.echo(f"{count:,} bytes have landed in {landing}")


def _watch(run: Run, folders: list[Path], *, settle: float, once: bool, level: str | None, link: str | None) -> None:
    landing = Landing(folders, settle=settle, hears=True)
    with contextlib.closing(Waker(folders, landing.hear)) as waker:
        watch_folders(run, landing, waker, once=once, level=level, link=link, tell=_tell)


def _tell(cohort: Cohort) -> None:
    waiting = f", {cohort.waiting} still arriving" if cohort.waiting else ""
    _say(f"took in {cohort.taken} files, made {cohort.made} products in {cohort.seconds:.1f} s{waiting}")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _quantity(text: str, what: str) -> float:
    """Read 10M, 800k, 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", text)
    if match is None:
        raise UsageError(f"{text!r} is not a {what}", remedy="Write 10M, 2.5M, 800k or 0")
    return float(match[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[match[2]]
