"""The command line: one file a command group, each loaded when its command is called."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click

from pipeline.errors import ExitCode, SkycraneError
from pipeline.memory import keep_freed_memory

__all__ = ["main"]

COMMANDS = {
    "process": ("pipeline.cli.process", "Turn recordings or media files into pictures, sound and a report."),
    "watch": ("pipeline.cli.watch", "Process what arrives in a folder, until interrupted."),
    "listen": ("pipeline.cli.watch", "Record what is sent over TCP, and process it."),
    "replay": ("pipeline.cli.watch", "Feed a recording into a folder as if it arrived now."),
    "demo": ("pipeline.cli.process", "Process the sample downlinks that come with skycrane."),
    "rerun": ("pipeline.cli.rerun", "Make one stage's products again, with other settings or by force."),
    "status": ("pipeline.cli.status", "Show what there is, what is missing, and what to type next."),
    "explain": ("pipeline.cli.explain", "Tell a product's story, or why it is missing or partial."),
    "verify": ("pipeline.cli.verify", "Read every file of OUT again: is it what was written?"),
    "serve": ("pipeline.cli.serve", "Show the report in a browser, live."),
    "quarantine": ("pipeline.cli.quarantine", "List, show or retry what could not be processed."),
    "withdraw": ("pipeline.cli.withdraw", "Take back an input that was taken in by mistake."),
    "gc": ("pipeline.cli.gc", "Give back disk space that is no longer needed."),
    "doctor": ("pipeline.cli.doctor", "Look for what may be wrong with this machine or with OUT."),
    "stages": ("pipeline.cli.catalogues", "List the stages, or show one with its settings."),
    "missions": ("pipeline.cli.catalogues", "List the mission profiles, or show one."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and loads them when called, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give them in the order in which an operator meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


EPILOG = """\b
In this order, most days:
  skycrane process recordings/ --mission mars2020 --out out
  skycrane status out
  skycrane explain out images/DDC/0000012.png
  skycrane quarantine retry out

\b
status, explain, verify, serve and doctor read while another run holds OUT;
commands that make something end with 10 then. Every --help has examples.

\b
Exit codes; of several, the greatest:
  0 all good                          30 a stage failed for every item
  1 verify or doctor found something  35 profile, settings or a stage invalid
  2 usage                             40 internal error
 10 another run holds OUT             74 disk full or unreadable
 20 finished, some in quarantine     130 interrupted; the same command goes on
 25 finished, data missing (--strict)"""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 110},
    epilog=EPILOG,
)
@click.version_option(package_name="skycrane")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def skycrane(*, debug: bool) -> None:
    """Turn a spacecraft's downlink into pictures and sound, while the data are still arriving."""
    del debug


def main() -> None:
    """Run the command line; the entry point of `skycrane`."""
    debug = "--debug" in sys.argv
    # Before there are threads, whatever the command: files are taken in by this process, a megabyte at a time.
    keep_freed_memory()
    try:
        code: Any = skycrane.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("skycrane: interrupted. What was done stays; the same command goes on", err=True)
        code = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except SkycraneError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"skycrane: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: that is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.GOOD
    except Exception as error:  # noqa: BLE001  the last line of defence: an operator gets a sentence, not a traceback
        if debug:
            traceback.print_exc()
        remedy = "Run it again with `skycrane --debug ...` and report what it prints"
        click.echo(f"skycrane: internal error: {type(error).__name__}: {error}. {remedy}", err=True)
        code = ExitCode.INTERNAL
    sys.exit(int(code or 0))
