"""When things happened on 18 February 2021, and where the vehicle was.

The instants are those of the reconstructed entry, descent and landing of Mars 2020 (NAIF kernel m2020_edl_v01), in seconds of the
spacecraft clock. Heights and speeds are smooth curves through what was called out and published for these instants.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from sample_data.scenes.mesh import Floats

__all__ = [
    "BRIDLE",
    "BRIDLE_CUT",
    "CONTACT",
    "ENTRY",
    "EVENTS",
    "HEAT_SHIELD",
    "MORTAR",
    "POWERED",
    "RAPPEL",
    "SKY_CRANE",
    "altitude",
    "bridle_length",
    "descent_rate",
    "drift",
    "speed",
    "ticks",
]

ENTRY = 666952519.637
MORTAR = 666952760.267
HEAT_SHIELD = 666952782.899
BACKSHELL = 666952876.933
POWERED = 666952877.969
SKY_CRANE = 666952919.361
RAPPEL = (666952922.010, 666952927.510)
CONTACT = 666952937.701
BRIDLE_CUT = 666952939.199

EVENTS = MappingProxyType(
    {
        "entry_interface": ENTRY,
        "peak_heating": 666952599.284,
        "peak_deceleration": 666952606.680,
        "bank_reversal_1": 666952601.457,
        "bank_reversal_2": 666952621.757,
        "bank_reversal_3": 666952649.757,
        "straighten_up_start": 666952743.422,
        "straighten_up_end": 666952757.462,
        "parachute_mortar": MORTAR,
        "line_stretch": 666952761.308,
        "parachute_inflation": 666952761.922,
        "heat_shield_separation": HEAT_SHIELD,
        "landing_camera_on": 666952774.005,
        "backshell_separation": BACKSHELL,
        "powered_descent": POWERED,
        "constant_velocity": 666952909.208,
        "sky_crane": SKY_CRANE,
        "rappel_start": RAPPEL[0],
        "rappel_end": RAPPEL[1],
        "contact": CONTACT,
        "touchdown_declared": BRIDLE_CUT,
        "bridle_cut": BRIDLE_CUT,
    }
)
"""Name to clock seconds."""

BRIDLE = 6.4
"""Metres from the descent stage to the rover's deck when the bridles are out."""

# Seconds after entry, metres from the wheels to the ground, metres a second downwards.
_DESCENT = np.array(
    [
        (0.00, 130_260, 1482),
        (40.0, 76_000, 1250),
        (79.65, 34_800, 800),
        (87.04, 29_600, 610),
        (110.0, 20_600, 230),
        (150.0, 17_300, 40),
        (190.0, 15_900, 45),
        (223.79, 14_350, 84),
        (240.63, 12_700, 112),
        (243.6, 12_350, 118),
        (254.37, 11_222, 108),
        (263.26, 10_020, 118),
        (314.67, 5_829, 86),
        (355.27, 2_347, 83.5),
        (357.30, 2_178, 83),
        (358.34, 2_090, 85),
        (374.0, 1_000, 62),
        (389.57, 246.6, 32),
        (393.81, 110.9, 32),
        (399.73, 13.75, 0.75),
        (418.07, 0, 0.75),
        (418.5, 0, 0),
        (900.0, 0, 0),
    ]
)
_height = CubicHermiteSpline(_DESCENT[:, 0] + ENTRY, _DESCENT[:, 1], -_DESCENT[:, 2])

# Seconds after entry, metres a second relative to Mars.
_SPEED = np.array(
    [
        (0.0, 5332), (40, 5380), (65, 5000), (79.65, 4080), (87.04, 3250), (100, 2060), (120, 1290), (150, 900), (190, 640),
        (223.79, 500), (240.63, 425), (242.3, 392), (243.2, 350), (244.2, 308), (247, 240), (254.37, 180), (263.26, 145), (280, 118),
        (314.67, 95), (355.27, 84), (357.3, 83), (358.34, 85), (374, 66), (389.57, 34), (393.81, 32.1), (399.73, 0.76),
        (418.07, 0.75), (418.5, 0), (900, 0),
    ]
)  # fmt: skip
_speed = PchipInterpolator(_SPEED[:, 0] + ENTRY, _SPEED[:, 1])

# Seconds after entry, metres east and north of the landing point: the parachute drifts, the powered descent diverts.
_DRIFT = np.array(
    [
        (240, -3400, 1650),
        (263.3, -2150, 980),
        (314, -1180, 610),
        (357.3, -540, 330),
        (374, -160, 70),
        (390, -12, 9),
        (400, 0, 0),
        (900, 0, 0),
    ]
)
_drift = PchipInterpolator(_DRIFT[:, 0] + ENTRY, _DRIFT[:, 1:])


def altitude(clock: float | Floats) -> Floats:
    """Metres from the rover's wheels to the ground."""
    height: Floats = np.maximum(_height(clock), 0.0)
    return height


def descent_rate(clock: float | Floats) -> Floats:
    """Metres a second downwards."""
    rate: Floats = -_height.derivative()(clock)
    return rate


def speed(clock: float | Floats) -> Floats:
    """Metres a second relative to Mars."""
    value: Floats = np.maximum(_speed(clock), np.abs(descent_rate(clock)))
    return value


def drift(clock: float | Floats) -> Floats:
    """Metres (east, north) of the landing point."""
    place: Floats = _drift(clock)
    return place


def bridle_length(clock: float | Floats) -> Floats:
    """Metres from the descent stage's cameras to the rover's deck: the rover is let down between two instants, then cut."""
    share = np.clip((np.asarray(clock) - RAPPEL[0]) / (RAPPEL[1] - RAPPEL[0]), 0, 1)
    eased = share * share * (3 - 2 * share)
    length: Floats = 1.15 + (BRIDLE - 1.15) * eased
    return length


def ticks(clock: float) -> int:
    """Clock seconds as ticks of 1/65536 s."""
    return round(clock * 65536)
