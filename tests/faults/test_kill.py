"""Killed with SIGKILL at ten moments of a run on the sample downlinks, and started again: the tree ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.testing.comparators import tree_digests

DOWNLINKS = Path(__file__).parents[2] / "sample_data" / "downlinks"
KILLS = 10


def start(out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline.cli", "process", str(DOWNLINKS), "--mission", "mars2020", "--out", str(out), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def finish(process: subprocess.Popen[bytes]) -> int:
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors.decode()
    return process.returncode


def interrupted(out: Path) -> list[str]:
    """Name the stages whose tasks had begun and left no receipt: their staging folders stand."""
    staging = out / ".skycrane" / "staging"
    return sorted(path.name.rpartition("-")[0] for path in staging.iterdir()) if staging.is_dir() else []


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_ten_times_the_tree_is_the_same(tmp_path, capsys):
    begin = time.monotonic()
    finish(start(tmp_path / "warm"))  # compiles what numba has to compile
    begin = time.monotonic()
    finish(start(tmp_path / "calm"))
    undisturbed = time.monotonic() - begin
    wanted = tree_digests(tmp_path / "calm")
    assert len(wanted) > 100
    moments = random.Random(20210218)
    story = [f"undisturbed: {undisturbed:.1f} s, {len(wanted)} files"]
    begun = 0
    for number in range(KILLS):
        share = moments.uniform(0.05, 0.95)
        out = tmp_path / f"killed{number}"
        process = start(out)
        try:
            process.wait(timeout=share * undisturbed)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        left = interrupted(out)
        begun += bool(left)
        story.append(f"killed at {share:.0%}: interrupted {', '.join(left) or 'no task'}")
        finish(start(out))
        assert tree_digests(out) == wanted, story[-1]
        manifest = subprocess.run(["sha256sum", "-c", "--quiet", "MANIFEST.sha256"], cwd=out, capture_output=True, check=False)
        assert manifest.returncode == 0, manifest.stdout
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(story) + "\n")
    # Some die while they begin, or between two batches.
    assert begun > KILLS // 2, story
