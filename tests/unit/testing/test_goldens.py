"""Comparators see what a single score misses; blessing is strict."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.testing.comparators import compare
from pipeline.testing.goldens import Case, bless, check


def test_a_lost_block_shows_and_rounding_does_not():
    rng = np.random.default_rng(1)
    want = rng.integers(0, 250, (540, 960, 3), np.uint8)
    rounded = want + np.uint8(1)
    lost = want.copy()
    lost[100:164, 200:264] = 0
    assert compare(rounded, want, tolerance=1).equal
    difference = compare(lost, want, tolerance=1)
    assert not difference.equal
    assert difference.worst_tile > 50
    assert 100 <= difference.where[0] < 164
    assert 200 <= difference.where[1] < 264


def test_shape_and_dtype_count():
    assert "instead of" in str(compare(np.zeros(3, np.uint8), np.zeros(3, np.uint16)))
    assert not compare(np.zeros(3), np.zeros(4)).equal
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))).equal


def test_sixteen_bit_errors_above_eight_bits_are_seen():
    assert compare(np.full((4, 4), 4000, np.uint16), np.full((4, 4), 3000, np.uint16)).largest == 1000


@pytest.fixture
def case(tmp_path):
    (tmp_path / "out").mkdir()
    np.save(tmp_path / "out" / "a.npy", np.arange(4))
    return Case(name="a", stage="s", load=lambda out: np.load(out / "a.npy"))


def test_blessing_wants_a_reason_a_person_and_a_new_version(tmp_path, case, monkeypatch):
    out, folder = tmp_path / "out", tmp_path / "golden"
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(UsageError, match="no golden"):
        check(case, out, folder)
    with pytest.raises(UsageError, match="reason"):
        bless([case], out, folder, versions={"s": 1}, reason="ok")
    assert bless([case], out, folder, versions={"s": 1}, reason="the first one") == ["a"]
    assert check(case, out, folder).equal
    np.save(out / "a.npy", np.arange(4) + 1)
    assert not check(case, out, folder).equal
    with pytest.raises(UsageError, match="still has version 1"):
        bless([case], out, folder, versions={"s": 1}, reason="a better kernel")
    assert bless([case], out, folder, versions={"s": 2}, reason="a better kernel") == ["a"]
    assert "a better kernel: a" in (folder / "LOG.md").read_text()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError, match="CI"):
        bless([case], out, folder, versions={"s": 3}, reason="sneaking it in")
