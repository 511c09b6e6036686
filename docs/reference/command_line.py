"""Writes the section on every command into command-line.md, from what click knows of them: `python docs/reference/command_line.py`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from pipeline.cli import skycrane

PAGE = Path(__file__).with_name("command-line.md")
BEGIN, END = "<!-- commands: written by command_line.py -->", "<!-- end of commands -->"


def main() -> None:
    """Write it."""
    PAGE.write_text(with_commands(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_commands(page: str) -> str:
    """Return the page with its section on the commands as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    root = click.Context(skycrane, info_name="skycrane", **skycrane.context_settings)
    body = "\n".join(line for name in skycrane.list_commands(root) for line in _sections(_child(skycrane, root, name)))
    return f"{before}{BEGIN}\n\n{body}\n{END}{after}"


def _child(group: click.Group, context: click.Context, name: str) -> click.Context:
    command = group.get_command(context, name)
    assert command is not None
    return click.Context(command, info_name=name, parent=context)


def _sections(context: click.Context) -> Iterator[str]:
    """Give the lines on a command, or on each of a group's."""
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from _sections(_child(command, context, name))
        return
    yield f"## {context.command_path}"
    yield ""
    yield "```"
    yield f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    yield "```"
    yield ""
    yield inspect.cleandoc(command.help or "").replace("\b\n", "")
    yield ""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden]
    if options:
        yield "| option | what it does | default |"
        yield "|---|---|---|"
        yield from (_row(option, context) for option in options)
        yield ""
    if command.epilog:
        shown = [line.strip() for line in command.epilog.splitlines() if line.startswith("  ")]
        yield from ("```console", *(f"$ {line}" for line in shown), "```", "")


def _row(option: click.Option, context: click.Context) -> str:
    """Give an option's row, as its help has it."""
    names, text = option.get_help_record(context) or ("", "")
    text, bracket, extra = text.rpartition("  [") if text.endswith("]") else (text, "", "")
    default = extra[:-1].replace("default: ", "").strip("()") if bracket else ""
    cells = (f"`{names}`", text, default)
    return "| " + " | ".join(re.sub(r"\s*\n\s*", " ", cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
