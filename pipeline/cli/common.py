"""What several commands share: options, opening an output folder, the two signals."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import click

from pipeline.catalog import Catalog
from pipeline.cli.showing import showing_progress
from pipeline.drive import Run
from pipeline.errors import UsageError
from pipeline.events import Command, Log
from pipeline.executors import make_executor
from pipeline.mission import Profile, available, load_profile
from pipeline.registry import Registry, discover
from pipeline.settings import RUN, Settings
from pipeline.store import Store

__all__ = [
    "Opening",
    "complete_mission",
    "complete_stage",
    "examples",
    "executor_options",
    "intake_options",
    "json_option",
    "mission_option",
    "open_run",
    "out_argument",
    "out_option",
    "reading",
    "running",
    "settings_options",
    "stage_set",
]

C = TypeVar("C", bound=Callable[..., Any])


def complete_stage(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """List the stages whose name begins like this, for the shell."""
    del context, parameter
    return [name for name in discover().stages if name.startswith(begun)]


def complete_mission(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """List the missions whose name begins like this, for the shell."""
    del context, parameter
    return [name for name in available() if name.startswith(begun)]


out_argument = click.argument("out", type=click.Path(path_type=Path, file_okay=False))
out_option = click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the products: a new one, an empty one, or one that skycrane made.",
)
mission_option = click.option(
    "--mission",
    metavar="NAME|FILE",
    shell_complete=complete_mission,
    show_default="what OUT has, else generic",
    help="Mission profile, as `skycrane missions` lists them, or a TOML file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
event_option = click.option(
    "--on-event",
    metavar="COMMAND",
    help="Run COMMAND with a JSON line on its standard input for each new product, gap, quarantined item, and a disk that runs low.",
)


def examples(*lines: str) -> str:
    """Lay out examples as the end of a command's help."""
    return "\b\n" + "\n".join(["Examples:", *(f"  skycrane {line}" for line in lines)])


def complete_level(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """List the levels that begin like this, for the shell."""
    del context, parameter
    return [level for level in discover().levels if level.startswith(begun)]


def check_level(context: click.Context, parameter: click.Parameter, level: str | None) -> str | None:
    """Let a level through that some stage reads. Stages are asked for when one is given, not for the help, which must come at once."""
    del parameter
    if level is not None and not context.resilient_parsing:
        discover().check_level(level)
    return level


def recognition_options(command: C) -> C:
    """Add --level and --link."""
    options = [
        click.option(
            "--level",
            metavar="LEVEL",
            callback=check_level,
            shell_complete=complete_level,
            show_default="found out",
            help="What the files hold, for instance bits, packets or media: any level that a stage reads.",
        ),
        click.option("--link", metavar="NAME", show_default="found out", help="The profile's link that recordings came by."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def executor_options(command: C) -> C:
    """Add --executor, --scheduler and --jobs."""
    options = [
        click.option("--executor", type=click.Choice(["sync", "dask"]), default="dask", help="Where the work is done."),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="A running Dask scheduler, tcp://host:port, whose workers see OUT and the inputs; or `local`: worker processes on this "
            "machine, for this run. Else the work is done in threads of this process.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            default=None,
            show_default="one a processor",
            help="Tasks at the same time, in threads or processes of this machine.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


keep_option = click.option(
    "--keep",
    type=click.Choice([str(choice) for choice in RUN.settings[0].choices]),
    show_default=f"what OUT has, else {RUN.settings[0].default}",
    help="all: keep frames, packets and parts of files. final: remove them when what is made from them is done; what needs "
    "them later makes them again.",
)


def settings_options(command: C) -> C:
    """Add --set, --keep and --time-limit; the command gets `assignments`: STAGE.SETTING=VALUE texts of all three."""

    @functools.wraps(command)
    def with_assignments(*args: Any, assignments: tuple[str, ...], keep: str | None, time_limit: float | None, **others: Any) -> Any:
        chosen = {"keep": keep, "time_limit": time_limit}
        more = [f"run.{name}={value}" for name, value in chosen.items() if value is not None]
        return command(*args, assignments=(*assignments, *more), **others)

    _, limit = RUN.settings
    options = [
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="STAGE.SETTING=VALUE",
            help="Choose a setting, as `skycrane stages STAGE` lists them; may be given several times. It stays chosen for this OUT.",
        ),
        keep_option,
        click.option(
            "--time-limit",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            show_default=f"what OUT has, else {limit.default:g}",
            help="How long a task may take before it is given up; 0 for ever.",
        ),
    ]
    for option in reversed(options):
        with_assignments = option(with_assignments)
    return cast("C", with_assignments)


def settings_of(
    store: Store, registry: Registry, mission: str | None, assignments: tuple[str, ...], only: str = ""
) -> tuple[Settings, Profile]:
    """Read the settings of an output folder, or begin them; take in what the command line says, and keep it."""
    if store.settings.exists():
        settings = Settings.load(store.settings, registry)
        if mission is not None:
            settings.mission = load_profile(mission).name
        profile = load_profile(settings.mission)
    else:
        profile = load_profile(mission or "generic")
        settings = Settings.fresh(registry, profile.name, profile.settings)
    profile.check(registry)
    settings.assign(registry, assignments, only=only)
    return settings, profile


@contextlib.contextmanager
def open_run(
    out: Path,
    *,
    mission: str | None = None,
    assignments: tuple[str, ...] = (),
    only: str = "",
    create: bool = False,
    executor: str = "dask",
    scheduler: str | None = None,
    jobs: int | None = None,
    on_event: str | None = None,
    dry: bool = False,
) -> Iterator[Run]:
    """Hold an output folder with the settings that hold for it.

    create  begin a folder if there is none
    dry     choose the settings for this run only; a folder that would be new is a temporary one
    """
    if dry and create and not Store(out).exists:
        with tempfile.TemporaryDirectory() as folder, open_run(Path(folder), mission=mission, assignments=assignments, create=True) as run:
            yield run
        return
    registry = discover()
    store = Store(out)
    if not create:
        store.require()
    elif not store.exists:
        settings_of(store, registry, mission, assignments, only)  # what is wrong with the command is said before anything is made
        store.create()
    workers = jobs or os.cpu_count() or 1
    with contextlib.ExitStack() as ending:
        # Only the holder of the folder may change its settings, so they are read, changed and written under its hand.
        store.hold()
        ending.callback(store.release)
        settings, profile = settings_of(store, registry, mission, assignments, only)
        progress = ending.enter_context(showing_progress())
        run = Run(
            store,
            registry,
            profile,
            settings,
            executor=lambda: make_executor(executor, scheduler=scheduler, jobs=workers),
            progress=progress,
            listeners=(Log(store.logs), *([Command(on_event, note=progress.note)] if on_event else ())),
        )
        ending.enter_context(run)
        text = settings.dump()
        if not dry and (not store.settings.exists() or store.settings.read_text(encoding="utf-8") != text):
            store.write_text(store.settings, text)
        yield run


Opening: TypeAlias = Callable[..., contextlib.AbstractContextManager[Run]]


def intake_options(command: C) -> C:
    """Add what all commands share that take data in, besides --out and --mission.

    It stands next to the function, below the command's own options: so what is shared comes last in the help. The command gets
    `out`, `level` and `link`, and `opened`: that opens the run as the other options say.
    """

    @functools.wraps(command)
    def with_run(
        *args: Any,
        out: Path,
        mission: str | None,
        assignments: tuple[str, ...],
        on_event: str | None,
        executor: str,
        scheduler: str | None,
        jobs: int | None,
        **others: Any,
    ) -> Any:
        opened = functools.partial(
            open_run,
            out,
            mission=mission,
            assignments=assignments,
            create=True,
            executor=executor,
            scheduler=scheduler,
            jobs=jobs,
            on_event=on_event,
        )
        return command(*args, out=out, opened=opened, **others)

    for options in (executor_options, event_option, settings_options, recognition_options):
        with_run = options(with_run)
    return cast("C", with_run)


@contextlib.contextmanager
def running(run: Run) -> Iterator[None]:
    """Let the first interrupt or termination end the run in good order, and the second at once."""

    def stop(number: int, frame: object) -> None:
        del number, frame
        if run.stop:
            raise KeyboardInterrupt
        run.stop = True
        click.echo("stopping when the tasks that run have ended; interrupt again to stop at once", err=True)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def reading(out: Path) -> Iterator[tuple[Store, Catalog]]:
    """Open an output folder for reading only; never waits for a run."""
    store = Store(out).require()
    if not store.catalog.exists():
        raise UsageError("has no catalog yet", where=str(out), remedy="Run `skycrane process` on it")
    catalog = Catalog(store.catalog, discover(), read_only=True)
    try:
        yield store, catalog
    finally:
        catalog.close()


def stage_set(registry: Registry, name: str) -> set[str]:
    """Name the stages that a stage's or a room's name stands for; UsageError for neither."""
    chosen = {stage for stage, spec in registry.stages.items() if name in {stage, spec.room}}
    return chosen or {registry.find(name).name}
