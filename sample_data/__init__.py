"""Small downlinks of a landing that were never flown, their truth, and the spacecraft simulator that made them.

`downlinks()` names the recordings, `sample_data.truth` knows what was sent, `python -m sample_data` makes both anew. Reading them needs
none of the encoders that made them.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["FOLDER", "downlinks"]

FOLDER = Path(__file__).parent
"""Of the sample downlinks, their truth and their manifest."""


def downlinks(folder: Path = FOLDER) -> list[Path]:
    """Give the recordings, by pass and part: `PASS.partNNN.cadu` holds CADUs, `PASS.partNNN.frames` bare transfer frames."""
    return sorted(path for path in (folder / "downlinks").iterdir() if path.suffix in {".cadu", ".frames"})
