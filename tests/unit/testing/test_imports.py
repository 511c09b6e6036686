"""The contracts on imports hold for modules that nobody has listed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[3]

NEWCOMERS = {
    "a layer that nobody has named": ("pipeline/newcomer.py", "", "The engine's layers"),
    "the engine imports dask": ("pipeline/testing/newcomer.py", "import dask", "Only the executors import dask"),
    "the engine imports click": ("pipeline/testing/newcomer.py", "from click import echo", "Only the executors import dask"),
    "the engine imports the science": ("pipeline/testing/newcomer.py", "import stages.frames", "The engine never imports the science"),
    "a room imports the engine": ("stages/newcomer/__init__.py", "from pipeline.limit import in_time", "The science knows errors"),
    "a room imports a room": ("stages/newcomer/__init__.py", "import stages.frames.crc", "One room never imports another"),
    "what rooms share imports a room": ("stages/products/newcomer.py", "import stages.frames.crc", "One room never imports another"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The packages, to put modules into."""
    folder = tmp_path_factory.mktemp("house")
    for package in ("pipeline", "stages"):
        shutil.copytree(
            HOUSE / package, folder / package, ignore=lambda _, names: [name for name in names if "." in name and name[-3:] != ".py"]
        )
    shutil.copy(HOUSE / "pyproject.toml", folder)
    return folder


def broken(folder: Path) -> list[str]:
    """The contracts that do not hold."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return [
        line
        for line in " ".join(done.stdout.split("\n")).replace("KEPT", "\n").replace("BROKEN", "BROKEN\n").split("\n")
        if "BROKEN" in line
    ]


def test_the_house_is_in_order(copy):
    assert broken(copy) == []


@pytest.mark.parametrize("path, text, contract", NEWCOMERS.values(), ids=NEWCOMERS)
def test_a_newcomer_is_checked_without_being_listed(copy, path, text, contract):
    module = copy / path
    module.parent.mkdir(exist_ok=True)
    module.write_text(f"{text}\n")
    try:
        (found,) = broken(copy)
        assert contract in found
    finally:
        shutil.rmtree(module.parent) if module.name == "__init__.py" else module.unlink()
