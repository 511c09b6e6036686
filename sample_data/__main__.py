"""python -m sample_data: make the sample downlinks anew, larger ones elsewhere, or check the ones here."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from sample_data import FOLDER, downlinks
from sample_data.build import build, check


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  this is a command; messages go to standard error


def main() -> int:
    """Run the command; 1 if the check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m sample_data", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for downlinks/, truth/ and the manifest (default: this package)")
    parser.add_argument("--scale", type=int, default=1, help="so many times as many frames a camera, and as much sound")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render")
    parser.add_argument("--check", action="store_true", help="make everything anew in a temporary folder and compare")
    arguments = parser.parse_args()
    if arguments.scale < 1 or arguments.workers < 1:
        parser.error("--scale and --workers must be at least 1")
    if arguments.scale > 1 and arguments.out == FOLDER:
        parser.error("a larger downlink needs a folder of its own: --out DIR")
    if arguments.check:
        with tempfile.TemporaryDirectory() as folder:
            different = check(Path(folder), workers=arguments.workers, say=_say)
        _say(f"differs: {', '.join(different)}" if different else "The sample downlinks are what the simulator makes.")
        return 1 if different else 0
    truth = build(arguments.out, scale=arguments.scale, workers=arguments.workers, say=_say)
    octets = sum(path.stat().st_size for path in downlinks(arguments.out))
    complete = sum(row["complete"] for row in truth["files"])
    _say(f"{octets:,} octets in {len(downlinks(arguments.out))} recordings; {complete} of {len(truth['files'])} files will be complete")
    print(arguments.out / "downlinks")  # noqa: T201  the result of a command goes to standard output
    return 0


if __name__ == "__main__":
    sys.exit(main())
