"""The page on the command line says what click knows, and the shell completes it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipeline.cli import COMMANDS, EPILOG, skycrane
from pipeline.errors import ExitCode

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "reference" / "command-line.md"


@pytest.fixture(scope="module")
def writer():
    spec = importlib.util.spec_from_file_location("command_line", DOCS / "reference" / "command_line.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands(group, context):
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        child = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from commands(command, child)
        else:
            yield child.command_path, command


def test_the_page_is_what_the_commands_say_now(writer):
    page = PAGE.read_text(encoding="utf-8")
    assert page == writer.with_commands(page), "run: python docs/reference/command_line.py"


def test_every_command_and_option_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    found = dict(commands(skycrane, click.Context(skycrane, info_name="skycrane")))
    assert re.findall(r"^## (skycrane .*)$", page, re.MULTILINE) == list(found)
    sections = dict(zip(found, page.split("\n## skycrane ")[1:], strict=True))
    for name, command in found.items():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"
                assert all(option in sections[name] for option in parameter.opts), f"{name} {parameter.name}"


def test_the_changelog_names_every_command():
    changes = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`{name}`" not in changes] == []


@pytest.mark.parametrize("where", ["reference/command-line.md", "how-to/when-something-fails.md"])
def test_the_exit_codes_are_those_of_the_program(where):
    rows = re.findall(r"^\| (\d+) \|", (DOCS / where).read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(row) for row in rows] == sorted(ExitCode)
    assert {int(code) for code in re.findall(r"^ +(\d+) |  (\d+) ", EPILOG, re.MULTILINE) for code in code if code} == set(ExitCode)


@pytest.mark.parametrize(
    "words,wanted",
    [("skycrane qua", "quarantine"), ("skycrane rerun out deb", "debayer"), ("skycrane process --executor da", "dask")],
)
def test_the_shell_completes_commands_stages_and_choices(words, wanted):
    script = "import sys; sys.argv[0] = 'skycrane'; from pipeline.cli import main; main()"
    parts = words.split()
    environment = os.environ | {"_SKYCRANE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert f"plain,{wanted}" in done.stdout.split("\n"), done.stderr
