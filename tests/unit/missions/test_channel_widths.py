"""The widths in the dictionary are those that the packets give away."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def test_the_script_gives_the_committed_table(real: Path) -> None:
    script = REPOSITORY / "docs" / "reference" / "mars2020_channel_widths.py"
    frames = real / "m2020" / "aos_frames_xband_2020-07-31.u8"
    printed = subprocess.run([sys.executable, script, frames], capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    assert "109 blocks, 1818 channels, 1669 of one possible width, 0 of two at once" in printed
    dictionary = tomllib.loads((REPOSITORY / "stages" / "missions" / "mars2020_dictionary.toml").read_text())
    assert tomllib.loads(printed)["unnamed"] == dictionary["unnamed"]
