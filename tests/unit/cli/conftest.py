"""The command line in this process, on the toy stages."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pipeline.cli.catalogues
import pipeline.cli.common
import pipeline.cli.rerun
from pipeline.mission import Profile
from pipeline.testing.toys import toy_registry

REGISTRY = toy_registry()


@dataclasses.dataclass
class Answer:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Cli = Callable[..., Answer]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command as the shell does; what takes `--executor` gets sync."""
    for module in (pipeline.cli.common, pipeline.cli.rerun, pipeline.cli.catalogues):
        monkeypatch.setattr(module, "discover", lambda: REGISTRY)
    monkeypatch.setattr(pipeline.cli.common, "load_profile", lambda name: Profile(name=name, tables={}))

    def run(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["skycrane", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            pipeline.cli.main()
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def tapes(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write tapes into a folder."""
    (tmp_path / "tapes").mkdir()

    def write(name: str, text: str) -> Path:
        path = tmp_path / "tapes" / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
