from __future__ import annotations

import numpy as np
import pytest

from sample_data.scenes.canopy import canopy, skirt
from sample_data.scenes.message import FILLER, GORES, PLACE, decode, rings


def test_the_parachute_says_what_the_real_one_said() -> None:
    text, place = decode(rings())
    assert text == "DARE MIGHTY THINGS"
    degrees, minutes, seconds, north, *west = place
    assert (degrees, minutes, seconds, chr(north + 64)) == (34, 11, 58, "N")
    assert (*west[:3], chr(west[3] + 64)) == (118, 10, 31, "W")
    assert place == PLACE


def test_each_group_begins_with_three_white_gores() -> None:
    groups = rings().reshape(4, 8, 10)
    assert not groups[:, :, :3].any()
    # The first gores of the innermost ring are D: seven white, one red, two white.
    assert rings()[0, :10].tolist() == [False] * 7 + [True, False, False]


def test_words_run_on_from_ring_to_ring_and_ones_fill_up() -> None:
    values = rings().reshape(4, 8, 10)[:, :, 3:] @ (1 << np.arange(6, -1, -1))
    assert (values[0, 4:] == FILLER).all()
    assert values[1, :2].tolist() == [ord("T") - 64, ord("Y") - 64]  # MIGHTY begins at the fifth group and runs over the end
    assert (values[2, :2] == FILLER).all()


@pytest.mark.parametrize("fill", [0.0, 0.4, 1.0])
def test_cloth_carries_the_message_whatever_its_shape(fill: float) -> None:
    cloth = canopy(fill, 0.0)
    assert np.isfinite(cloth.points).all()
    assert np.allclose(np.linalg.norm(cloth.normals, axis=1), 1, atol=1e-3)
    gore = np.floor(cloth.local[cloth.faces].mean(1)[:, 0]).astype(int)
    red = rings()
    assert (cloth.material == 1).sum() > 0
    for ring in range(4):
        # The parts of a gore are numbered 7 x gore + ring.
        for number in (0, 13, GORES - 1):
            mine = gore == number
            expected = set(red[:, number].astype(int).tolist())
            assert set(cloth.material[mine].tolist()) == expected, (ring, number)


def test_the_mouth_opens() -> None:
    closed, full = (np.hypot(*skirt(fill, 0.0)[:, :2].T).mean() for fill in (0.0, 1.0))
    assert closed < 2 < full
    assert full == pytest.approx(7.37, abs=0.2)
