"""Accept what this build makes of the sample downlinks as golden: make golden-bless REASON="..."."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.errors import SkycraneError
from pipeline.registry import discover
from pipeline.testing.goldens import bless

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def main() -> int:
    """Process the sample, and write the goldens that differ."""
    from cases import CASES

    reason = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        downlinks = HERE.parents[1] / "sample_data" / "downlinks"
        command = [sys.executable, "-m", "pipeline.cli", "process", str(downlinks), "--mission", "mars2020", "--out", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        versions = {name: spec.version for name, spec in discover().stages.items()}
        try:
            blessed = bless(CASES, out, HERE / "data", versions=versions, reason=reason)
        except SkycraneError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    sys.stdout.write(f"blessed {', '.join(blessed)}\n" if blessed else "nothing has changed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
