"""Every command that the documents show runs as it is shown, page by page, in a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(REPOSITORY).as_posix() for path in chain([REPOSITORY / "README.md"], (REPOSITORY / "docs").rglob("*.md")))

# A page's own words for what the reader has, and what stands for it here.
MEANT = {
    "FILES...": "sample_data/downlinks/edl-2021-049x*",
    "RECORDING": "recording.cadu",
    "DOWNLOADS": "downloads",
    "recordings/": "recording.cadu",
    "pass.cadu": "recording.cadu",
    "*.png": "downloads/*.png",
    "/data/": "data/",
    "OUT": "out",
}
NOT_RUN = {
    r"^make (test|check)": "this is make test",
    r"^skycrane (listen|serve) ": "goes on until interrupted",
    r"s3://": "needs the reader's store; tests/unit/cli/test_fetch.py has one",
    r"tcp://|^dask ": "needs the reader's machines; tests/faults/test_executors.py has a scheduler and workers",
    r"^jq ": "another program's, and nothing was refused here",
}
# The same shell as a reader's in a checkout where skycrane is installed, but that a watch ends when all is done.
PRELUDE = """
set -eo pipefail
make() { command make --assume-old=.venv/.installed "$@"; }
skycrane() { local what=$1; shift; if [ "$what" = watch ]; then set -- "$@" --once --settle 0; fi; command skycrane "$what" "$@"; }
"""


def commands(page: str) -> list[str]:
    """Commands of the console blocks of a page, each with the lines it goes on over."""
    blocks = re.findall(r"^```console\n(.*?)^```", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    shown = chain.from_iterable(re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE) for block in blocks)
    return [command for command in shown if not any(re.search(pattern, command) for pattern in NOT_RUN)]


def meant(command: str) -> str:
    for word, stands in MEANT.items():
        command = command.replace(word, stands)
    return command


@pytest.fixture
def checkout(sample_copy, tmp_path) -> Path:
    """A checkout in which the sample has been processed, and data of one's own lie about."""
    for path in REPOSITORY.iterdir():
        if path.name in {"Makefile", "pyproject.toml", "requirements.lock", "sample_data"}:
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "skycrane").symlink_to(Path(sys.executable).parent / "skycrane")
    for landing in ("data/landing", "pass-1", "pass-2"):
        (tmp_path / landing).mkdir(parents=True)
    (tmp_path / "downloads").mkdir()
    shutil.copy(sample_copy / "images" / "DDC" / "0000001.png", tmp_path / "downloads")
    shutil.copy(next((REPOSITORY / "sample_data" / "downlinks").glob("edl-2021-049x*")), tmp_path / "recording.cadu")
    toml = re.search(r"^```toml\n(.*?)^```", (REPOSITORY / "docs/how-to/add-a-mission.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "lander.toml").write_text(toml[1])
    return tmp_path


def shown(page: str):
    """A page as a parameter; the tutorial processes the sample several times over."""
    return pytest.param(page, marks=pytest.mark.slow if page == "docs/tutorial.md" else ())


@pytest.mark.parametrize("page", [shown(page) for page in PAGES if commands(page)])
def test_every_command_shown_runs(page, checkout):
    script = PRELUDE + "\n".join(map(meant, commands(page)))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-x", "-c", script], cwd=checkout, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_what_is_shown_in_commands_exists():
    """Links between the documents lead somewhere."""
    for page in PAGES:
        text = (REPOSITORY / page).read_text()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
            assert (REPOSITORY / page).parent.joinpath(target).exists(), f"{page}: {target}"
