"""Draws a recording: its waveform over its spectrogram, with axes, a scale of levels, and gaps hatched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw

from pipeline.errors import ProfileError
from stages.audio.spectrum import SILENCE, Levels, measure
from stages.formats import palette
from stages.formats.lettering import shorten, write
from stages.formats.ticks import clock_face, frequency_ticks, time_ticks
from stages.products import Recording, Spectrogram
from stages.profile import Clock, Microphone, Timeline

__all__ = ["make_spectrogram"]

LEFT, RIGHT, TOP, WAVE, GAP, HEIGHT, BOTTOM = 84, 118, 100, 72, 8, 512, 66
"""Pixels around and inside the plot."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the plot lies in the picture, pixels."""

    left: int
    right: int
    top: int
    """Of the waveform."""
    spectrum: int
    """Upper edge of the spectrogram."""
    bottom: int
    width: int
    """Of the picture."""
    height: int


def make_spectrogram(
    recording: Recording, microphone: Microphone, timeline: Timeline, clock: Clock, *, nfft: int, width: int, pool: str
) -> Spectrogram:
    """Measure a recording block by block, and draw what was measured."""
    if not 64 <= nfft <= 16384 or nfft & (nfft - 1):
        raise ProfileError(f"{nfft} is not a power of two from 64 to 16384", where="audio.spectrogram.nfft")
    if not 200 <= width <= 4000:
        raise ProfileError(f"{width} is not from 200 to 4000", where="audio.spectrogram.width")
    levels = measure(recording.blocks(), recording.length, recording.gaps, nfft=nfft, columns=width, largest=pool == "max")
    right = LEFT + width
    spectrum = TOP + WAVE + GAP
    frame = Frame(LEFT, right, TOP, spectrum, spectrum + HEIGHT, right + RIGHT, spectrum + HEIGHT + BOTTOM)
    bounds = level_bounds(levels.power)
    missing = sum(stop - start for start, stop in recording.gaps)
    return Spectrogram(
        microphone=recording.microphone,
        samples=draw(recording, levels, frame, bounds, titles(recording, microphone, timeline, levels), clock),
        received=recording.length - missing,
        expected=recording.length,
        meta={
            "left": frame.left / frame.width,
            "right": frame.right / frame.width,
            "top": frame.top / frame.height,
            "bottom": frame.bottom / frame.height,
            "width": frame.width,
            "height": frame.height,
            "seconds": recording.length / recording.rate,
            "hertz": recording.rate / 2,
            "peak": decibels(levels.peak),
            "rms": decibels(levels.rms),
        },
    )


def decibels(amplitude: float) -> float | None:
    """Give a level in dB of full scale, to a tenth; None for silence."""
    return round(20 * math.log10(amplitude), 1) if amplitude > 0 else None


def level_bounds(power: NDArray[np.float32]) -> tuple[float, float]:
    """Choose the levels that the colours span: from under the noise to over the loudest, 40 to 100 dB apart, multiples of 10."""
    heard = power[np.isfinite(power) & (power > SILENCE + 1)]
    if not heard.size:
        return -100.0, 0.0
    high = min(0.0, math.ceil(float(heard.max()) / 10) * 10.0)
    low = math.floor(float(np.percentile(heard, 5)) / 10) * 10.0
    return min(max(low, high - 100), high - 40), high


def titles(recording: Recording, microphone: Microphone, timeline: Timeline, levels: Levels) -> tuple[str, str]:
    """Say whose recording it is, and what it holds."""
    seconds = recording.length / recording.rate
    channels = {1: "mono", 2: "stereo"}.get(recording.channels, f"{recording.channels} channels")
    parts = [recording.microphone, f"{seconds:,.2f} s", f"{recording.rate / 1000:g} kHz", f"{recording.bits} bit {channels}"]
    parts += [f"peak {decibels(levels.peak):.1f} dBFS"] if levels.peak > 0 else ["silent"]
    missing = sum(stop - start for start, stop in recording.gaps) / recording.rate
    if recording.gaps:
        parts.append(f"{len(recording.gaps)} gap{'s' * (len(recording.gaps) > 1)}, {missing:,.2f} s lost")
    if recording.utc:
        parts.append(f"from {recording.utc[:23].replace('T', ' ').removesuffix('Z')} UTC")
    since = timeline.since_zero(recording.clock)
    parts += [f"from {since}"] if since else []
    return microphone.title or recording.microphone, "  ·  ".join(parts)


def draw(
    recording: Recording, levels: Levels, frame: Frame, bounds: tuple[float, float], words: tuple[str, str], clock: Clock
) -> NDArray[np.uint8]:
    """Put the picture together, (height, width, 3)."""
    pixels = np.empty((frame.height, frame.width, 3), np.uint8)
    pixels[:] = palette.BACKGROUND
    columns = np.arange(frame.right - frame.left) * len(levels.low) // (frame.right - frame.left)
    pixels[frame.spectrum : frame.bottom, frame.left : frame.right] = spectrum_pixels(levels.power, columns, bounds)
    pixels[frame.top : frame.top + WAVE, frame.left : frame.right] = wave_pixels(levels, columns)
    hatch_gaps(pixels, recording, frame)
    canvas = Picture.fromarray(pixels)
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((frame.left - LEFT + 24, 28, frame.left - LEFT + 28, 75), fill=palette.RUST)
    write(pen, (42, 48), shorten(words[0], 26, frame.width - 84), 26, palette.INK)
    write(pen, (42, 74), shorten(words[1], 14, frame.width - 84), 14, palette.MUTED)
    draw_time(pen, recording, frame, clock)
    draw_frequency(pen, recording, frame)
    draw_scale(canvas, pen, frame, bounds)
    return np.asarray(canvas)


def spectrum_pixels(power: NDArray[np.float32], columns: NDArray[np.intp], bounds: tuple[float, float]) -> NDArray[np.uint8]:
    """Colour the levels, high frequencies on top: a row shows the loudest of its bins, so that no tone falls between rows."""
    bins = power.shape[1]
    first = np.arange(HEIGHT) * bins // HEIGHT
    rows = np.maximum.reduceat(power, first, axis=1) if bins >= HEIGHT else power[:, first]
    low, high = bounds
    index = np.rint(np.clip((np.nan_to_num(rows, nan=low) - low) / (high - low), 0, 1) * 255).astype(np.intp)
    colours = palette.colour_map()[index]
    colours[np.isnan(rows[:, 0])] = palette.BACKGROUND
    pixels: NDArray[np.uint8] = colours[columns].swapaxes(0, 1)[::-1]
    return pixels


def wave_pixels(levels: Levels, columns: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Draw the waveform as the range of each column, scaled to the loudest."""
    scale = (WAVE / 2 - 2) / max(levels.peak, 1e-9)
    middle = WAVE / 2
    rows = np.arange(WAVE)[:, None] + 0.5
    top, bottom = middle - levels.high[columns] * scale - 0.5, middle - levels.low[columns] * scale + 0.5
    inside = (rows >= top) & (rows <= bottom)
    pixels = np.empty((WAVE, len(columns), 3), np.uint8)
    pixels[:] = palette.PANEL
    pixels[inside] = palette.RUST
    return pixels


def hatch_gaps(pixels: NDArray[np.uint8], recording: Recording, frame: Frame) -> None:
    """Hatch every column that a gap touches, at least one for a gap however short: loss must not look like silence."""
    width = frame.right - frame.left
    for start, stop in recording.gaps:
        x0 = frame.left + start * width // recording.length
        x1 = max(x0 + 1, frame.left - (-stop * width // recording.length))
        for y0, y1 in ((frame.top, frame.top + WAVE), (frame.spectrum, frame.bottom)):
            pixels[y0:y1, x0:x1] = palette.hatch(y1 - y0, x1 - x0, x=x0, y=y0)


def draw_time(pen: ImageDraw.ImageDraw, recording: Recording, frame: Frame, clock: Clock) -> None:
    """Draw the time axis: from the start, and in UTC where it is known."""
    seconds = recording.length / recording.rate
    ticks, step = time_ticks(seconds)
    y = frame.bottom
    for tick in ticks:
        x = frame.left + tick / seconds * (frame.right - frame.left)
        pen.line((x, y, x, y + 6), fill=palette.FAINT)
        write(pen, (x, y + 24), clock_face(tick, step), 13, palette.MUTED, "ms")
        utc = clock.utc_text(None if recording.clock is None else recording.clock + tick)
        if utc:
            write(pen, (x, y + 44), utc[11 : 19 if step >= 1 else 23].removesuffix("Z"), 12, palette.FAINT, "ms")
    if recording.utc:
        write(pen, (frame.left - 34, y + 44), "UTC", 12, palette.FAINT, "rs")


def draw_frequency(pen: ImageDraw.ImageDraw, recording: Recording, frame: Frame) -> None:
    """Draw the frequency axis."""
    nyquist = recording.rate / 2
    ticks, step = frequency_ticks(nyquist)
    for tick in ticks:
        y = frame.bottom - tick / nyquist * (frame.bottom - frame.spectrum)
        pen.line((frame.left - 6, y, frame.left - 1, y), fill=palette.FAINT)
        text = f"{tick / 1000:g} kHz" if step >= 100 else f"{tick:g} Hz"
        write(pen, (frame.left - 11, y + 4), text, 13, palette.MUTED, "rs")


def draw_scale(canvas: Picture.Image, pen: ImageDraw.ImageDraw, frame: Frame, bounds: tuple[float, float]) -> None:
    """Draw the scale of levels."""
    low, high = bounds
    x, height = frame.right + 22, frame.bottom - frame.spectrum
    index = 255 - np.arange(height) * 256 // height
    bar: NDArray[np.uint8] = np.repeat(palette.colour_map()[index][:, None], 14, axis=1)
    canvas.paste(Picture.fromarray(bar), (x, frame.spectrum))
    for level in scale_ticks(low, high):
        y = frame.spectrum + (high - level) / (high - low) * height
        write(pen, (x + 22, y + 4), f"{level:g}", 13, palette.MUTED)
    write(pen, (x, frame.spectrum - 12), "dBFS", 13, palette.MUTED)


def scale_ticks(low: float, high: float) -> Sequence[float]:
    """Give every tenth decibel, every twentieth on long scales."""
    step = 10 if high - low <= 60 else 20
    return [high - step * i for i in range(int((high - low) / step) + 1)]
