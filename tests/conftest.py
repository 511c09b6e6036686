"""What every test may use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of real captures and images; absent for everyone but the maintainers."""
    folder = REPOSITORY.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("real captures are not in ../shared/real")
    return folder


@pytest.fixture(scope="session")
def sample_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample downlinks, processed once as `make process` does. Tests that use it share the xdist group "sample"."""
    out = tmp_path_factory.mktemp("sample") / "out"
    command = [sys.executable, "-m", "pipeline.cli", "process", str(REPOSITORY / "sample_data" / "downlinks"), "--mission", "mars2020"]
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"Report: {out / 'index.html'}"
    return out


@pytest.fixture(autouse=True)
def _own_numbers(request: pytest.FixtureRequest) -> None:
    """Let a test draw the same numbers from its module's RNG whichever tests ran before it."""
    generator = getattr(request.module, "RNG", None)
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = np.random.default_rng(4711).bit_generator.state
