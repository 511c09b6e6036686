"""What the rover's microphone hears: wind, the engines, the mortar, separations, touchdown, and a data line that whistles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from sample_data.scenes.mesh import Floats
from sample_data.scenes.noise import smoothstep
from sample_data.sensor import generator
from sample_data.timeline import (
    BACKSHELL,
    BRIDLE_CUT,
    CONTACT,
    HEAT_SHIELD,
    MORTAR,
    POWERED,
    RAPPEL,
    SKY_CRANE,
    speed,
)

__all__ = ["BLOCK", "RATE", "SECONDS", "START", "record"]

RATE = 48_000
BLOCK = 12_000
"""Samples of a block: a quarter of a second."""
START = 666952931.0
"""Clock seconds of the first sample of the sample recording: the last of the sky crane, touchdown, and the fly-away."""
SECONDS = 12.0


def record(start: float = START, seconds: float = SECONDS) -> NDArray[np.int32]:
    """Give (n,) int32 samples of 24 bits, from a clock reading on."""
    count = round(seconds * RATE)
    clock = start + np.arange(count) / RATE
    sound = (
        _wind(clock, start)
        + _engines(clock, start)
        + _lines(clock, start)
        + _blows(clock, start)
        + _touchdown(clock, start)
        + _interference(clock, start)
    )
    # The capsule hears nothing under 20 Hz; the converter's own noise lies 96 dB below its full range.
    heard = sosfilt(butter(2, 20, "highpass", fs=RATE, output="sos"), sound)
    heard += generator("microphone", start, "floor").standard_normal(count) * 1.6e-5
    samples: NDArray[np.int32] = np.clip(np.rint(np.tanh(heard) * (2**23 - 1)), -(2**23), 2**23 - 1).astype(np.int32)
    return samples


def _band(count: int, low: float, high: float, *names: object, order: int = 3) -> Floats:
    """Noise of a band of frequencies, about 1 rms."""
    white = generator("microphone", *names).standard_normal(count + 4096)
    shaped = sosfilt(butter(order, (low, high), "bandpass", fs=RATE, output="sos"), white)[4096:]
    result: Floats = shaped / (shaped.std() or 1.0)
    return result


def _slow(count: int, hertz: float, *names: object) -> Floats:
    """A curve that wanders, mostly -1 to 1, with no faster change than `hertz`."""
    knots = generator("microphone", *names).standard_normal(int(count / RATE * hertz * 2) + 6)
    at = np.linspace(2, len(knots) - 3, count)
    wave: Floats = np.interp(at, np.arange(len(knots)), np.convolve(knots, [0.25, 0.5, 0.25], "same")) * 1.3
    return wave


def _wind(clock: Floats, start: float) -> Floats:
    """Air over the capsule: it goes with the speed until the ground, then gusts."""
    flow = np.minimum(speed(clock) / 60.0, 4.0)
    gust = 1 + 0.55 * _slow(len(clock), 0.7, start, "gust")
    level = 0.004 * (0.35 + flow) * gust
    rumble = _band(len(clock), 22, 160, start, "rumble") + 0.35 * _band(len(clock), 160, 900, start, "hiss")
    wind: Floats = level * rumble
    return wind


def _throttle(clock: Floats) -> Floats:
    """Thrust, 0 to 1: from powered descent to the fly-away; half of the engines idle in the sky crane."""
    on = smoothstep(POWERED, POWERED + 0.6, clock)
    level = 0.85 - 0.40 * smoothstep(SKY_CRANE - 1.0, SKY_CRANE + 0.5, clock)
    level = level - 0.13 * smoothstep(CONTACT + 0.15, CONTACT + 1.1, clock)
    level = level + 0.58 * smoothstep(BRIDLE_CUT + 0.12, BRIDLE_CUT + 0.5, clock)
    value: Floats = on * level
    return value


def _engines(clock: Floats, start: float) -> Floats:
    """Roar of the engines, muffled by thin carbon dioxide; after the fly-away it sinks and fades with distance."""
    count = len(clock)
    gone = np.maximum(clock - BRIDLE_CUT - 0.35, 0)
    distance = 9.5 + 2.8 * gone**2
    level = 0.105 * _throttle(clock) * (9.5 / distance) ** 1.15
    flutter = 1 + 0.22 * _slow(count, 14, start, "flutter") + 0.10 * _slow(count, 3, start, "surge")
    low = _band(count, 35, 240, start, "roar")
    middle = _band(count, 240, 1100, start, "tearing") * (9.5 / distance) ** 0.5
    high = _band(count, 1100, 3800, start, "crackle") * (9.5 / distance) ** 1.2
    # Chugging of the feed lines: a low tone and its harmonics, which falls as the stage flies off (Doppler, 240 m/s).
    pitch = (58 + 26 * _throttle(clock)) * (240 / (240 + 5.6 * gone)) * (1 + 0.012 * _slow(count, 5, start, "hunting"))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(number * phase + number * number) / number**0.9 for number in range(1, 9))
    roar: Floats = level * (flutter * (low + 0.42 * middle + 0.085 * high) + 0.50 * tone)
    return roar


def _lines(clock: Floats, start: float) -> Floats:
    """Bridles that hum in the plumes while they are taut."""
    count = len(clock)
    taut = smoothstep(RAPPEL[0] + 0.5, RAPPEL[1], clock) * smoothstep(CONTACT + 0.12, CONTACT, clock)
    total = np.zeros(count)
    for number, hertz in enumerate((311.0, 402.0, 467.0)):
        bend = 1 + 0.018 * _slow(count, 2.2, start, "bend", number)
        phase = 2 * np.pi * np.cumsum(hertz * bend) / RATE
        swell = np.maximum(0.4 + 0.8 * _slow(count, 1.3, start, "swell", number), 0)
        total += swell * (np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase))
    hum: Floats = 0.0055 * taut * total
    return hum


def _knock(clock: Floats, at: float, hertz: float, seconds: float) -> Floats:
    """A struck body: a tone that starts at `at` and dies away."""
    since = np.maximum(clock - at, 0)
    knock: Floats = np.where(clock >= at, np.exp(-since / seconds) * np.sin(2 * np.pi * hertz * since), 0)
    return knock


def _blows(clock: Floats, start: float) -> Floats:
    """Everything that is fired: mortar, heat shield, backshell, bridles."""
    crack = generator("microphone", start, "crack").standard_normal(len(clock))
    shots = [(MORTAR, 0.40, 42.0), (HEAT_SHIELD, 0.22, 90.0), (BACKSHELL, 0.28, 70.0)]
    shots += [(BRIDLE_CUT + 0.009 * number, 0.16, 150.0 + 35 * number) for number in range(3)] + [(BRIDLE_CUT + 0.061, 0.11, 260.0)]
    total = np.zeros(len(clock))
    for at, strength, hertz in shots:
        since = np.maximum(clock - at, 0)
        snap = np.where(clock >= at, np.exp(-since / 0.004) + 0.12 * np.exp(-since / 0.06), 0)
        total += strength * (snap * crack * 0.55 + 1.3 * _knock(clock, at, hertz, 0.09) + 0.5 * _knock(clock, at, 2.9 * hertz, 0.03))
    # The lines run out of the bag, then the canopy flaps.
    flap = smoothstep(MORTAR + 1.04, MORTAR + 1.7, clock) * np.exp(-np.maximum(clock - MORTAR - 1.7, 0) / 3)
    total += 0.05 * flap * (1 + np.sign(np.sin(2 * np.pi * 11 * clock))) * _band(len(clock), 60, 1500, start, "flap")
    return total


def _touchdown(clock: Floats, start: float) -> Floats:
    """Six wheels on gravel: thumps, a crunch, the frame that rings and settles."""
    total = np.zeros(len(clock))
    for at, strength in ((0.0, 0.34), (0.043, 0.22), (0.071, 0.28), (0.118, 0.15), (0.19, 0.12), (0.262, 0.08)):
        total += strength * (_knock(clock, CONTACT + at, 54, 0.08) + 0.5 * _knock(clock, CONTACT + at, 137, 0.05))
    for hertz, seconds, strength in ((612.0, 0.22, 0.020), (887.0, 0.17, 0.016), (1430.0, 0.12, 0.010), (2210.0, 0.08, 0.006)):
        total += strength * _knock(clock, CONTACT + 0.004, hertz, seconds)
    since = clock - CONTACT
    crunch = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.23), 0) * np.abs(_slow(len(clock), 90, start, "stones"))
    total += 0.055 * crunch * _band(len(clock), 500, 6500, start, "gravel")
    return total


def _interference(clock: Floats, start: float) -> Floats:
    """Whistles of power converters, as in the real recordings: five to seven kilohertz, and thirteen."""
    count = len(clock)
    drift = _slow(count, 0.4, start, "converter")
    first = 2 * np.pi * np.cumsum(5870 + 85 * drift) / RATE
    second = 2 * np.pi * np.cumsum(6620 - 60 * drift) / RATE
    beat = 1 + 0.4 * np.sin(2 * np.pi * 3.1 * clock)
    tones: Floats = 3.2e-4 * beat * np.sin(first) + 1.9e-4 * np.sin(second) + 2.2e-4 * np.sin(2 * np.pi * 13_040 * clock)
    return tones
