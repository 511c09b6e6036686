"""Golden outputs: small pieces of what a build made, kept to see that nothing has changed.

A golden made by our own code proves only that. It may change only together with the version of the stage that makes it, and a person says
why: `bless` refuses under CI, without a reason, and for a stage whose version is the old one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.testing.comparators import Difference, compare

__all__ = ["Case", "bless", "check"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One golden piece."""

    name: str
    stage: str
    load: Callable[[Path], NDArray[Any]]
    """Takes the piece from an output folder."""
    tolerance: float = 0.0


def check(case: Case, out: Path, folder: Path) -> Difference:
    """Compare what an output folder holds with the golden; UsageError if there is none."""
    path = folder / f"{case.name}.npy"
    if not path.exists():
        raise UsageError(f"there is no golden {case.name}", where=str(path), remedy='make golden-bless REASON="first"')
    return compare(case.load(out), np.load(path), tolerance=case.tolerance)


def bless(cases: Sequence[Case], out: Path, folder: Path, *, versions: dict[str, int], reason: str) -> list[str]:
    """Write the goldens that differ or whose stage has a new version; return their names.

    Raises UsageError under CI, without a reason, and for a golden whose stage has not got a new version.
    """
    if os.environ.get("CI"):
        raise UsageError("goldens are not blessed under CI", remedy="Bless them where a person looks at them")
    if len(reason.split()) < 2:
        raise UsageError("a golden changes for a reason", remedy='make golden-bless REASON="what changed, and why it may"')
    record_path = folder / "versions.json"
    record: dict[str, int] = json.loads(record_path.read_text()) if record_path.exists() else {}
    changed = [case for case in cases if not (folder / f"{case.name}.npy").exists() or not check(case, out, folder).equal]
    for case in changed:
        if record.get(case.name) == versions[case.stage]:
            raise UsageError(
                f"golden {case.name} differs, but stage {case.stage} still has version {versions[case.stage]}",
                remedy="If the change is meant, raise the version: products that users have must become stale",
            )
    folder.mkdir(parents=True, exist_ok=True)
    # A stage may have a new version for something that no golden shows: they belong to it all the same.
    changed += [case for case in cases if case not in changed and record.get(case.name) != versions[case.stage]]
    for case in changed:
        np.save(folder / f"{case.name}.npy", case.load(out), allow_pickle=False)
        record[case.name] = versions[case.stage]
    record_path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    if changed:
        with (folder / "LOG.md").open("a") as log:
            log.write(f"- {reason}: {', '.join(case.name for case in changed)}\n")
    return [case.name for case in changed]
