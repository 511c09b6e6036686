"""Output folders below a folder of inputs: what stands there is nobody's arrival."""

from __future__ import annotations

import os

from pipeline.folders import scan
from pipeline.landing import Landing


def laid_out(folder):
    """A folder of inputs, with the output of another run in it."""
    for name in ("pass.cadu", "out/index.csv", "out/.skycrane/settings.toml", "out/images/DDC/0000001.png", "later/pass.cadu"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        os.utime(path, (1_000_000, 1_000_000))


def test_a_scan_passes_it_over(tmp_path):
    laid_out(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path, _ in scan([tmp_path])] == ["pass.cadu", "later/pass.cadu"]


def test_what_is_named_is_taken(tmp_path):
    laid_out(tmp_path)
    named = [str(path.relative_to(tmp_path)) for path, _ in scan([tmp_path / "out"])]
    assert named == ["out/index.csv", "out/images/DDC/0000001.png"]


def test_a_landing_folder_passes_it_over(tmp_path):
    laid_out(tmp_path)
    assert Landing([tmp_path], settle=1.0).poll() == [tmp_path / "later" / "pass.cadu", tmp_path / "pass.cadu"]
