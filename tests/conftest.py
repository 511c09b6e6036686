"""What every test may use."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# No test is timed: the first example of one that has kernels compiled, or a busy machine, takes as long as it does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REPOSITORY = Path(__file__).parents[1]
FIRST = ("end_to_end/test_docs.py", "faults", "unit/engine", "unit/cli", "unit/stages", "end_to_end", "browser", "properties")
"""Files and folders of tests that begin first, each file on one worker.

The first one has the sample made, for which most kernels are compiled. Those after it that need none go on beside it; all that comes later
finds the kernels compiled. What takes long comes before the rest, so that no worker has much left when the other is done.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in the order of FIRST."""
    places = [REPOSITORY / "tests" / name for name in FIRST]
    items.sort(key=lambda item: next((rank for rank, place in enumerate(places) if item.path.is_relative_to(place)), len(places)))


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of real captures and images; absent for everyone but the maintainers."""
    folder = REPOSITORY.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("real captures are not in ../shared/real")
    return folder


@pytest.fixture(scope="session")
def sample_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample downlinks, processed as `make process` does, once for all workers of pytest-xdist: tests only read it."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    out, told = folder / "sample" / "out", folder / "sample.txt"
    with (folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            downlinks = str(REPOSITORY / "sample_data" / "downlinks")
            command = [sys.executable, "-m", "pipeline.cli", "process", downlinks, "--mission", "mars2020", "--out", str(out)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            told.write_text(done.stdout)
    assert told.read_text().splitlines()[-1] == f"Report: {out / 'index.html'}"
    return out


@pytest.fixture
def sample_copy(sample_tree: Path, tmp_path: Path) -> Path:
    """A copy of that tree, to change. What readers of its catalog put beside that for a moment is none of it."""
    return shutil.copytree(sample_tree, tmp_path / "out", symlinks=True, ignore=shutil.ignore_patterns("*-shm", "*-wal"))


@pytest.fixture(autouse=True)
def _own_numbers(request: pytest.FixtureRequest) -> None:
    """Let a test draw the same numbers from its module's RNG whichever tests ran before it."""
    generator = getattr(request.module, "RNG", None)
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = np.random.default_rng(4711).bit_generator.state
