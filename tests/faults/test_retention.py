"""keep = final on the sample downlinks: the final tree of keep = all, also when a second pass comes late, and by rerun."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.testing.comparators import tree_digests

pytestmark = pytest.mark.slow

DOWNLINKS = Path(__file__).parents[2] / "sample_data" / "downlinks"


def skycrane(*words: object) -> str:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def final(out: Path) -> dict[str, str]:
    return {path: digest for path, digest in tree_digests(out).items() if not path.startswith(("frames", "packets", "MANIFEST"))}


def test_the_sample_in_two_passes_and_with_other_settings(tmp_path):
    kept, pruned, landing = tmp_path / "kept", tmp_path / "pruned", tmp_path / "landing"
    landing.mkdir()
    first = sorted(DOWNLINKS.glob("edl-2021-049*"))
    late = sorted(DOWNLINKS.glob("edl-2021-050*"))
    assert first
    assert late
    skycrane("process", DOWNLINKS, "--mission", "mars2020", "--out", kept)
    for path in first:
        shutil.copyfile(path, landing / path.name)
    said = skycrane("process", landing, "--mission", "mars2020", "--out", pruned, "--keep", "final")
    assert "intermediate products" in said
    assert not (pruned / "frames").exists()
    for path in late:
        shutil.copyfile(path, landing / path.name)
    skycrane("process", landing, "--out", pruned)
    assert final(pruned) == final(kept)
    assert "nothing due" in skycrane("process", landing, "--out", pruned)
    assert "all is as the receipts say" in skycrane("verify", pruned)
    assert subprocess.run(["sha256sum", "-c", "--quiet", "MANIFEST.sha256"], cwd=pruned, check=False).returncode == 0
    skycrane("rerun", pruned, "packets", "--force")
    assert final(pruned) == final(kept)
    for out in (kept, pruned):
        skycrane("rerun", out, "debayer", "--only", "DDC/*", "--set", "debayer.method=superpixel")
    assert final(pruned) == final(kept)
    skycrane("process", landing, "--out", pruned, "--keep", "all")
    assert {path for path in tree_digests(pruned) if path.startswith("frames")} == {
        path for path in tree_digests(kept) if path.startswith("frames")
    }
