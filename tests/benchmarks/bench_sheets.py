"""Contact sheets: our reduction and a whole sheet from frames on disk, beside what others offer, in one run.

python tests/benchmarks/bench_sheets.py
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from pipeline.stage import Group
from stages import contact_sheet as room
from stages.contact_sheet.area import reduce_area
from stages.formats.images import read_image
from stages.formats.png import write_png
from stages.products import Image
from stages.profile import Camera, Clock, Timeline

FRAMES, HEIGHT, WIDTH, CELL = 48, 1024, 1280, 256
CAMERA = Camera(name="RDC", title="Rover camera")


def side_by_side(works: dict[str, Callable[[], object]], repeats: int = 5) -> None:
    """Print a table: each work's fastest run, and how many times the first one's; they take turns, so that all meet the same machine."""
    times = {name: [0.0] * 0 for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            if turn:  # the first turn warms caches and compilers
                times[name].append(time.perf_counter() - begin)
    first = min(next(iter(times.values())))
    for name, runs in times.items():
        print(f"  {name:<58}{min(runs) * 1e3:>9.2f} ms {min(runs) / first:>7.2f} x")


def scene(seed: int) -> np.ndarray:
    """A picture with soft shapes and sensor noise, as PNG finds it hard."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.integers(40, 200, (16, 20, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 2, soft.shape), 0, 255).astype(np.uint8)


def our_sheet(images: Iterable[Image]) -> np.ndarray:
    """Cells cut while the images are in memory, then the sheet."""
    cells = [cell for image in images for cell in room.cells(image, CAMERA)]
    return next(room.contact_sheet(Group.of(cells), CAMERA, Timeline(), Clock()).leaves())


def sheet_by_hand(pictures: Iterable[np.ndarray], shrink: Callable[[np.ndarray], Picture.Image]) -> np.ndarray:
    """The sheet that one would write with Pillow: thumbnails and a name under each."""
    sheet = Picture.new("RGB", (6 * (CELL + 10), 8 * (205 + 60)))
    draw = ImageDraw.Draw(sheet)
    for number, picture in enumerate(pictures):
        x, y = number % 6 * (CELL + 10), number // 6 * (205 + 60)
        sheet.paste(shrink(picture), (x, y))
        draw.text((x, y + 210), f"frame {number:04d}", fill=(255, 255, 255))
    return np.asarray(sheet)


def reductions(height: int, width: int, shape: tuple[int, int]) -> None:
    """Compare the reductions of one picture."""
    cv2.setNumThreads(1)
    samples = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    none, some = np.zeros((height, width), bool), np.zeros((height, width), bool)
    some[height // 3 : height // 2] = True
    picture = Picture.fromarray(samples)
    print(f"{width} x {height} RGB to {shape[1]} x {shape[0]}, area mean, one thread")
    side_by_side(
        {
            "ours": lambda: reduce_area(samples, none, shape, white=255),
            "ours, a sixth of the rows lost": lambda: reduce_area(samples, some, shape, white=255),
            "OpenCV INTER_AREA": lambda: cv2.resize(samples, shape[::-1], interpolation=cv2.INTER_AREA),
            "Pillow BOX": lambda: picture.resize(shape[::-1], Picture.Resampling.BOX),
        },
        25,
    )


def sheets(folder: Path) -> None:
    """Compare whole sheets."""
    paths = [folder / f"{number:04d}.png" for number in range(FRAMES)]
    scenes = [scene(number) for number in range(FRAMES)]
    for path, samples in zip(paths, scenes, strict=True):
        write_png(path, samples)
    lost = np.zeros((HEIGHT, WIDTH), bool)

    def image(number: int, samples: np.ndarray) -> Image:
        return Image(camera="RDC", frame=f"{number:04d}", samples=samples, mask=lost, clock=1.0 * number)

    def area(picture: np.ndarray) -> Picture.Image:
        return Picture.fromarray(cv2.resize(picture, (CELL, 205), interpolation=cv2.INTER_AREA))

    print(f"A sheet of {FRAMES} frames of {WIDTH} x {HEIGHT}, one thread")
    side_by_side(
        {
            "ours: cells cut while the image is in memory": lambda: our_sheet(image(n, s) for n, s in enumerate(scenes)),
            "OpenCV and Pillow, from memory, names only": lambda: sheet_by_hand(scenes, area),
            "ours, frames read from PNG": lambda: our_sheet(image(n, read_image(path).samples) for n, path in enumerate(paths)),
            "OpenCV, frames read from PNG": lambda: sheet_by_hand((cv2.imread(str(path)) for path in paths), area),
            "Pillow reduce, frames read from PNG": lambda: sheet_by_hand(
                (np.asarray(Picture.open(path)) for path in paths), lambda picture: Picture.fromarray(picture).reduce(5)
            ),
        },
        3,
    )


def main() -> None:
    """Print the tables."""
    reductions(1536, 2048, (192, 256))
    reductions(1024, 1280, (205, 256))
    with tempfile.TemporaryDirectory() as folder:
        sheets(Path(folder))


if __name__ == "__main__":
    main()
