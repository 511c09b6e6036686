"""One sheet of frames in three renditions each: as taken, balanced, approximately true.

    python docs/pictures/renditions.py SHEET.png [OUT] [FRAME...]

OUT is an output folder of `skycrane process sample_data/downlinks --mission mars2020 --set debayer.renditions=all`; of each camera the full
frame with the most to see is shown. FRAMEs are raw frames of the archive, by default those of ../shared/real/m2020 where they are at hand:
such a sheet stays out of the repository.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.mission import load_profile
from pipeline.stage import Group
from stages.debayer import debayer
from stages.debayer.mend import unstretched
from stages.decode import decode
from stages.formats.companding import parse_table
from stages.formats.images import read_image
from stages.formats.tone import shown
from stages.products import Mosaic, ReceivedFile
from stages.profile import Camera, CompandingTable, Names
from stages.sequence.comb import find_comb

WIDTH, GAP, CAPTION = 620, 18, 30
PAPER, INK = (250, 249, 246), (40, 40, 40)
TITLES = {"taken": "as taken", "balanced": "balanced", "true": "approximately true"}
WHITENING, LIGHT = (0.631, 0.818, 1.4), (1.0, 0.71, 0.44)
"""Mastcam-Z: the ground team's weights that whiten, and by how much those for the eye differ from them."""
REAL = Path(__file__).parents[3] / "shared" / "real" / "m2020"
TABLE = REAL.parent / "calibration" / "M20_MCZ_LUT0.txt"


def of_archive(path: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    """Develop a raw frame."""
    profile = load_profile("mars2020")
    file = ReceivedFile(file=path.name, data=path.read_bytes(), size=path.stat().st_size, meta={"name": path.name})
    (mosaic,) = decode(file, profile.section(Names))
    camera = profile.section(Camera, mosaic.camera)
    caption = f"{camera.title or mosaic.camera}, {path.name[:36]}"
    if mosaic.camera in {"ZL", "ZR"} and TABLE.is_file():
        mosaic, camera = linear(mosaic, camera)
        image = debayer(Group.of([mosaic]), camera, renditions="all", tone="srgb")
        picture = shown(image.samples, image.white, "srgb")
        caption += ": stretch and companding undone, gains as published, sRGB"
    else:
        image = debayer(Group.of([mosaic]), camera, renditions="all")
        picture = image.samples.astype(np.uint8)
    return caption, {"taken": image.renditions["taken"].samples, "balanced": picture, "true": image.renditions["true"].samples}


def linear(mosaic: Mosaic, camera: Camera) -> tuple[Mosaic, Camera]:
    """Undo what was done to a Mastcam-Z frame on its way to the web, as far as one frame tells; add the weights published for it."""
    comb = find_comb(np.bincount(mosaic.samples.ravel(), minlength=256))
    if comb is not None:
        mosaic = dataclasses.replace(mosaic, samples=unstretched(mosaic.samples, comb.levels), white=len(comb.levels) - 1)
    table = CompandingTable(values=parse_table(TABLE.read_text(encoding="latin-1"), TABLE.name))
    return mosaic, dataclasses.replace(camera, bits=11, companding=(table,), gains=WHITENING, illuminant=LIGHT)


def of_folder(out: Path) -> list[tuple[str, dict[str, NDArray[Any]]]]:
    """Take the whole frame of each camera that has the most to see."""
    rows = []
    for folder in sorted((out / "images").iterdir()):
        frames = [path for path in sorted(folder.glob("*.taken.png")) if read_image(path).samples.shape[0] >= 1000]
        if frames:
            name = max(frames, key=lambda path: float(read_image(path).samples[::8, ::8].std())).name.removesuffix(".taken.png")
            paths = {"taken": f"{name}.taken.png", "balanced": f"{name}.png", "true": f"{name}.true.png"}
            rows.append((f"simulated {folder.name}, frame {name}", {key: read_image(folder / path).samples for key, path in paths.items()}))
    return rows


def draw(rows: list[tuple[str, dict[str, NDArray[Any]]]]) -> Picture.Image:
    """Lay the frames out, a row each."""
    heights = [round(WIDTH * pictures["balanced"].shape[0] / pictures["balanced"].shape[1]) for _, pictures in rows]
    size = (3 * WIDTH + 4 * GAP, sum(heights) + len(rows) * (CAPTION + GAP) + GAP + CAPTION)
    sheet = Picture.new("RGB", size, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for column, title in enumerate(TITLES.values()):
        pen.text((GAP + column * (WIDTH + GAP), GAP // 2), title, INK, font)
    top = CAPTION + GAP // 2
    for (caption, pictures), height in zip(rows, heights, strict=True):
        for column, name in enumerate(TITLES):
            samples = pictures[name] if pictures[name].ndim == 3 else np.repeat(pictures[name][:, :, np.newaxis], 3, axis=2)
            small = Picture.fromarray(samples.astype(np.uint8)).resize((WIDTH, height), Picture.Resampling.LANCZOS)
            sheet.paste(small, (GAP + column * (WIDTH + GAP), top))
        pen.text((GAP, top + height + 4), caption, INK, font)
        top += height + CAPTION + GAP
    return sheet


def main() -> None:
    """Make the sheet."""
    target, *rest = (Path(argument) for argument in sys.argv[1:])
    folders = [path for path in rest if path.is_dir()]
    files = [path for path in rest if path.is_file()] or [path for path in sorted(REAL.glob("*.png")) if "FDR" not in path.name]
    rows = [of_archive(path) for path in files] + [row for folder in folders for row in of_folder(folder)]
    draw(rows).save(target)
    print(target)


if __name__ == "__main__":
    main()
