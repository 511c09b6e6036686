"""Nothing has changed that nobody meant to change."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from pipeline.registry import discover
from pipeline.testing.goldens import check

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("golden_cases", HERE / "cases.py")
assert _spec is not None
assert _spec.loader is not None
_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_cases)


@pytest.mark.parametrize("case", _cases.CASES, ids=lambda case: case.name)
def test_golden(case, sample_tree):
    difference = check(case, sample_tree, HERE / "data")
    assert difference.equal, f"{case.name}: {difference}"


def test_goldens_belong_to_the_stages_that_are_installed():
    versions = json.loads((HERE / "data" / "versions.json").read_text())
    stages = {case.name: discover().stages[case.stage].version for case in _cases.CASES}
    assert versions == stages
