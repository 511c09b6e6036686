"""Spectrograms: levels and places against scipy, losses that do not look like silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from pipeline.errors import ProfileError
from pipeline.testing.saving import reloaded
from stages import audio as room
from stages.audio.picture import HEIGHT, WAVE, level_bounds, titles
from stages.audio.spectrum import Losses, measure
from stages.formats import palette
from stages.formats.ticks import clock_face, frequency_ticks, time_ticks
from stages.products import Recording, Spectrogram
from stages.profile import Clock, Microphone, Timeline

RATE = 48000
MICROPHONE = Microphone(name="EDL", title="EDL microphone")


def quantised(sound: NDArray[np.float64]) -> NDArray[np.int32]:
    return (np.rint(sound * (2**23 - 1)).astype(np.int32) << 8).reshape(len(sound), -1)


def tone(hertz: float, decibels: float, seconds: float = 2.0, rate: int = RATE) -> NDArray[np.int32]:
    time = np.arange(int(seconds * rate)) / rate
    return quantised(10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * time))


def recording(samples: NDArray[np.int32], *, gaps: tuple[tuple[int, int], ...] = (), block: int = 5000, **fields: Any) -> Recording:
    def blocks() -> Iterator[NDArray[np.int32]]:
        return (samples[at : at + block] for at in range(0, len(samples), block))

    values: dict[str, Any] = {"rate": RATE, "bits": 24, "channels": samples.shape[1]} | fields
    return Recording(microphone="EDL", length=len(samples), blocks=blocks, gaps=gaps, **values)


def levels(samples: NDArray[np.int32], *, nfft: int = 2048, columns: int = 100, largest: bool = False, **fields: Any) -> Any:
    one = recording(samples, **fields)
    return measure(one.blocks(), one.length, one.gaps, nfft=nfft, columns=columns, largest=largest)


def draw(samples: NDArray[np.int32], **fields: Any) -> Spectrogram:
    return room.spectrogram(recording(samples, **fields), MICROPHONE, Timeline(), Clock(), width=400)


@pytest.mark.parametrize("bin_,decibels", [(42, -6.0), (43, -6.0), (500, 0.0), (300, -80.0)])
def test_a_tone_shows_in_its_bin_at_its_level(bin_: int, decibels: float) -> None:
    power = levels(tone(bin_ * RATE / 2048, decibels)).power[5:-5]
    assert (power.argmax(axis=1) == bin_).all()
    np.testing.assert_allclose(power[:, bin_], decibels, atol=0.05)


def test_one_kilohertz_at_minus_six_between_two_bins() -> None:
    power = levels(tone(1000, -6)).power[5:-5]
    assert (abs(power.argmax(axis=1) * RATE / 2048 - 1000) <= RATE / 2048 / 2).all()
    # A Hann window dips by at most 1.42 dB half-way between bins (Harris 1978, table 1).
    assert (power.max(axis=1) <= -5.99).all()
    assert (power.max(axis=1) >= -7.5).all()


@pytest.mark.parametrize("largest", [False, True])
def test_scipy_measures_the_same(largest: bool) -> None:  # noqa: FBT001 - a parameter of the test
    rng = np.random.default_rng(6)
    sound = 0.1 * rng.standard_normal(RATE) + 0.3 * np.sin(np.arange(RATE) ** 2 * 1e-6)
    samples = quantised(sound)
    hop = len(samples) // 100
    ours = levels(samples, largest=largest).power
    window = signal.windows.hann(2048, sym=False)
    stft = signal.ShortTimeFFT(window, hop, RATE, mfft=2048, phase_shift=None)
    theirs = np.abs(stft.stft(samples[:, 0] / 2**31, p0=0, p1=100, padding="zeros") * 2 / window.sum()) ** 2
    # At this length each column has exactly one window, centred on a multiple of the hop: scipy's p-th slice.
    np.testing.assert_allclose(ours.T, 10 * np.log10(theirs), atol=0.02)


def test_means_and_maxima_pool_the_windows_of_a_column() -> None:
    quiet, loud = tone(42 * RATE / 2048, -60, 1.0), tone(42 * RATE / 2048, -20, 1.0)
    sound = np.concatenate([quiet, loud])
    mean = levels(sound, columns=1, nfft=2048).power[0, 42]
    largest = levels(sound, columns=1, nfft=2048, largest=True).power[0, 42]
    assert mean == pytest.approx(-23.0, abs=0.3)
    assert largest == pytest.approx(-20.0, abs=0.05)


def test_blocks_do_not_show() -> None:
    sound = quantised(0.1 * np.random.default_rng(7).standard_normal(30000))
    whole = levels(sound, block=30000)
    for block in (1, 777, 2048, 9999):
        if block > 1:
            pieces = levels(sound, block=block)
            np.testing.assert_allclose(pieces.power, whole.power, atol=1e-3)
            np.testing.assert_array_equal(pieces.low, whole.low)
            assert pieces.rms == pytest.approx(whole.rms, rel=1e-6)


def test_windows_that_touch_a_gap_do_not_count_where_others_do() -> None:
    sound = tone(3000, -20)
    gap = (40000, 50000)
    sound[gap[0] : gap[1]] = 0
    torn = levels(sound, gaps=(gap,))
    lost = np.isnan(torn.power[:, 0])
    assert 0 < lost.sum() < 15
    centres = np.arange(100) * len(sound) // 100
    assert lost[(centres > gap[0] + 1024) & (centres < gap[1] - 1024)].all()
    assert not lost[(centres < gap[0] - 1024) | (centres > gap[1] + 1024)].any()
    whole = levels(tone(3000, -20))
    assert torn.rms == pytest.approx(whole.rms, rel=1e-3)


def test_lost_samples_are_counted_in_any_stretch() -> None:
    gaps = [(3, 7), (10, 11), (20, 30)]
    lost = np.zeros(40, bool)
    for start, stop in gaps:
        lost[start:stop] = True
    starts = np.repeat(np.arange(40), 40)
    stops = np.maximum(np.tile(np.arange(40), 40), starts)
    expected = [lost[a:b].sum() for a, b in zip(starts, stops, strict=True)]
    np.testing.assert_array_equal(Losses(gaps).count(starts, stops), expected)
    assert not Losses([]).count(starts, stops).any()


def test_the_envelope_is_the_range_of_each_column() -> None:
    sound = quantised(0.5 * np.random.default_rng(8).uniform(-1, 1, 10007))
    found = levels(sound, columns=13, block=1000)
    column = np.arange(10007) * 13 // 10007
    unit = sound[:, 0] / np.float32(2**31)
    for c in range(13):
        assert found.low[c] == pytest.approx(unit[column == c].min())
        assert found.high[c] == pytest.approx(unit[column == c].max())
    assert found.peak == pytest.approx(np.abs(unit).max())


@pytest.mark.parametrize("length", [1, 2, 63, 2047, 2049])
def test_short_recordings_are_drawn(length: int) -> None:
    picture = draw(tone(1000, -6)[:length])
    assert picture.samples.shape[1] == picture.meta["width"]


def test_silence_is_silence_and_stereo_is_averaged() -> None:
    assert np.nanmax(levels(np.zeros((9000, 1), np.int32)).power) <= -199
    left = tone(42 * RATE / 2048, -6)
    both = np.concatenate([left, np.zeros_like(left)], axis=1)
    assert levels(both).power[20:80, 42] == pytest.approx(-9.01, abs=0.05)
    silent = draw(np.zeros((9000, 1), np.int32))
    assert (silent.meta["peak"], silent.meta["rms"]) == (None, None)


def test_the_tone_is_drawn_where_the_axes_say() -> None:
    picture = draw(tone(6000, -6))
    meta = picture.meta
    x = round((meta["left"] + meta["right"]) / 2 * meta["width"])
    top = round(meta["top"] * meta["height"]) + WAVE + 8
    bottom = round(meta["bottom"] * meta["height"])
    assert bottom - top == HEIGHT
    column = picture.samples[top:bottom, x].astype(int).sum(axis=1)
    hertz = (1 - (column.argmax() + 0.5) / HEIGHT) * meta["hertz"]
    assert hertz == pytest.approx(6000, abs=2 * meta["hertz"] / HEIGHT)
    assert meta["seconds"] == 2.0
    assert meta["peak"] == -6.0
    assert meta["rms"] == -9.0


def test_gaps_are_hatched_even_if_they_last_a_sample() -> None:
    sound = tone(6000, -6)
    picture = draw(sound, gaps=((48000, 48001),))
    meta = picture.meta
    x = round(meta["left"] * meta["width"]) + 200
    top = round(meta["top"] * meta["height"])
    np.testing.assert_array_equal(picture.samples[top : top + WAVE, x : x + 1], palette.hatch(WAVE, 1, x=x, y=top))
    assert picture.completeness().partial


def test_titles_say_what_is_in_it() -> None:
    one = recording(tone(1000, -6), gaps=((0, 4800),), clock=1060.0, utc="2021-02-18T20:43:48.145000Z")
    words = titles(one, MICROPHONE, Timeline(zero=1000.0), levels(tone(1000, -6)))
    assert words[0] == "EDL microphone"
    assert words[1] == (
        "EDL  ·  2.00 s  ·  48 kHz  ·  24 bit mono  ·  peak -6.0 dBFS  ·  1 gap, 0.10 s lost"
        "  ·  from 2021-02-18 20:43:48.145 UTC  ·  from T+60.00 s"
    )


def test_equal_sound_gives_equal_pictures_that_come_back_from_disk(tmp_path: Path) -> None:
    clock = Clock(correlation=((0.0, 0.0, 1.0),), tdt_minus_utc=0.0)
    one = recording(tone(1000, -6), clock=60.0, utc=clock.utc_text(60.0))
    first, second = (room.spectrogram(one, MICROPHONE, Timeline(), clock, width=300) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)
    again = reloaded(first, tmp_path)
    np.testing.assert_array_equal(again.samples, first.samples)
    assert again.facts() == first.facts()


@pytest.mark.parametrize("settings", [{"nfft": 1000}, {"nfft": 32}, {"nfft": 1 << 17}, {"width": 10}])
def test_settings_have_bounds(settings: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match=re.escape("audio.spectrogram.")):
        room.spectrogram(recording(tone(1000, -6)), MICROPHONE, Timeline(), Clock(), **settings)


def test_levels_span_noise_and_loudest() -> None:
    assert level_bounds(np.linspace(-83, -12, 9999, dtype=np.float32)) == (-80.0, -10.0)
    assert level_bounds(np.linspace(-190, -12, 9999, dtype=np.float32)) == (-110.0, -10.0)
    assert level_bounds(np.linspace(-15, -12, 9999, dtype=np.float32)) == (-50.0, -10.0)
    assert level_bounds(np.full((2, 2), np.nan, np.float32)) == (-100.0, 0.0)


def test_colours_rise_in_lightness() -> None:
    colours = palette.colour_map().astype(int)
    luminance = colours @ [2126, 7152, 722]
    # Rounding to 8 bits ripples between neighbours in the dark.
    assert (luminance[4:] > luminance[:-4]).all()
    assert len(np.unique(colours, axis=0)) == 256


@pytest.mark.parametrize("seconds", [1e-4, 0.3, 1.0, 59.0, 3600.0, 86400.0, 1e7])
def test_ticks_are_round_and_few(seconds: float) -> None:
    ticks, step = time_ticks(seconds)
    assert 1 <= len(ticks) <= 13
    assert ticks[-1] <= seconds * (1 + 1e-9)
    assert len({clock_face(tick, step) for tick in ticks}) == len(ticks)


def test_times_and_frequencies_are_written_as_people_do() -> None:
    assert [clock_face(*pair) for pair in ((5, 1), (65, 5), (3723, 60), (0.25, 0.05), (0.005, 0.001))] == [
        "0:05",
        "1:05",
        "1:02:03",
        "0:00.25",
        "0:00.005",
    ]
    assert frequency_ticks(24000)[0] == [0, 5000, 10000, 15000, 20000]
    assert frequency_ticks(50)[0] == [0, 10, 20, 30, 40, 50]
