"""Demosaicing: ours beside OpenCV and colour-demosaicing, one thread, in one run; and accuracy where photographs are at hand.

python tests/benchmarks/bench_debayer.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from timing import typical

from sample_data.sensor import mosaic_of
from stages.debayer import demosaic
from stages.formats.images import read_image

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from colour_demosaicing import demosaicing_CFA_Bayer_Malvar2004, demosaicing_CFA_Bayer_Menon2007

HEIGHT, WIDTH = 1024, 1280
KODAK = Path(__file__).parents[3] / "shared" / "real" / "kodak"


def speed(mosaic: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    """Print times and their multiples of copying the result."""
    out, other = np.empty((HEIGHT, WIDTH, 3), mosaic.dtype), np.empty((HEIGHT, WIDTH, 3), mosaic.dtype)
    half = np.empty((HEIGHT // 2, WIDTH // 2, 3), mosaic.dtype)
    real = mosaic.astype(float)
    rows: list[tuple[str, Callable[[], object], int]] = [
        ("copy of the result", lambda: np.copyto(other, out), 60),
        ("superpixel", lambda: demosaic(mosaic, method="superpixel", out=half), 60),
        ("Malvar", lambda: demosaic(mosaic, out=out), 60),
        ("Malvar, new memory each time", lambda: demosaic(mosaic), 60),
        ("OpenCV bilinear", lambda: cv2.cvtColor(mosaic, cv2.COLOR_BayerRGGB2RGB, dst=other), 60),
        ("OpenCV edge-aware", lambda: cv2.cvtColor(mosaic, cv2.COLOR_BayerRGGB2RGB_EA, dst=other), 60),
        ("MLRI", lambda: demosaic(mosaic, method="mlri", out=out), 5),
        ("colour-demosaicing Malvar", lambda: demosaicing_CFA_Bayer_Malvar2004(real), 3),
        ("colour-demosaicing Menon", lambda: demosaicing_CFA_Bayer_Menon2007(real), 2),
    ]
    times = {name: typical(work, repeats) for name, work, repeats in rows}
    print(f"\n{WIDTH} x {HEIGHT}, {mosaic.dtype!s:20s}{'ms':>9s}   x copy  x Malvar")
    for name, seconds in times.items():
        print(f"  {name:32s}{seconds * 1e3:9.3f}{seconds / times['copy of the result']:9.1f}{seconds / times['Malvar']:10.2f}")


def cpsnr(found: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Peak signal to noise over all colours, without ten pixels at the border, in dB."""
    error = (found.astype(float) - truth)[10:-10, 10:-10]
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def accuracy() -> None:
    """Print how near each comes to the photographs that it was given one colour a pixel of."""
    paths = sorted(KODAK.glob("*.png"))
    if not paths:
        print(f"\nno photographs in {KODAK}: accuracy not measured")
        return
    ways: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
        "Malvar": demosaic,
        "MLRI": lambda mosaic: demosaic(mosaic, method="mlri"),
        "OpenCV bilinear": lambda mosaic: cv2.cvtColor(mosaic, cv2.COLOR_BayerRGGB2RGB),
        "Menon": lambda mosaic: np.clip(np.round(demosaicing_CFA_Bayer_Menon2007(mosaic.astype(float))), 0, 255).astype(np.uint8),
    }
    scores: dict[str, list[float]] = {name: [] for name in ways}
    for path in paths:
        truth = read_image(path).samples
        for name, way in ways.items():
            scores[name].append(cpsnr(way(mosaic_of(truth)), truth))
    print(f"\nCPSNR, mean of {len(paths)} Kodak photographs, dB")
    for name, values in scores.items():
        print(f"  {name:32s}{np.mean(values):9.2f}")


def main() -> None:
    """Print the tables."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    soft = cv2.resize(rng.integers(30, 200, (32, 40), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    mosaic = np.clip(soft + rng.normal(0, 3, soft.shape), 0, 255).astype(np.uint8)
    speed(mosaic)
    speed(mosaic.astype(np.uint16) * 16)
    accuracy()


if __name__ == "__main__":
    main()
