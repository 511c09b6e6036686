"""A contact sheet of 500 frames of 1280 x 1024, 10 columns of 256, captions on: ours beside the usual ways, in one run, two threads each.

python tests/benchmarks/bench_sheets.py [FRAMES]

Every row is a process of its own. What is written in Python tells its own wall and processor time, from the first file to the finished
sheet, after imports and a sheet of four frames; ImageMagick and libvips are timed from outside, and count if they are installed (apt-get
install imagemagick libvips-tools). All write a JPEG file of quality 90, ours too; what ours takes for a PNG file is a row of its own.
The ways in Python are run three times in turn, and the best of each counts, so that what else the machine does falls on all alike.
The frames are 20 pictures under 500 names. How far the cells are from the exact area means of what a full decoder gives is measured on one
frame of each kind; the full decoder of JPEG rounds colour twice itself, so a row more says how far ours are from the ideal one's.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture

from stages.contact_sheet.draft import draft_cell
from stages.formats.png import write_png
from stages.formats.tiff import write_tiff

HEIGHT, WIDTH, CELL, COLUMNS, DIFFERENT = 1024, 1280, 256, 10, 20
SHAPE = (205, 256)
OURS = """
import io, sys, time
from contextlib import redirect_stdout
from stages.contact_sheet.__main__ import main
out, cfa, *names = sys.argv[1:]
options = ["--out", out, "--columns", "10", "--width", "256", "--threads", "2", "--cfa", cfa]
with redirect_stdout(io.StringIO()):
    main([*names[:4], *options])
    wall, cpu = time.perf_counter(), time.process_time()
    assert main([*names, *options]) == 0
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
BY_HAND = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from PIL import Image, ImageDraw
tool, out, *names = sys.argv[1:]

def pillow_reduce(name):
    return Image.open(name).reduce(5)

def pillow_draft(name):
    image = Image.open(name)
    image.draft("RGB", (256, 205))
    return image.resize((256, 205), Image.Resampling.BOX)

def opencv(name, flag="IMREAD_COLOR"):
    return Image.fromarray(cv2.resize(cv2.imread(name, getattr(cv2, flag)), (256, 205), interpolation=cv2.INTER_AREA)[..., ::-1])

def opencv_reduced(name):
    return opencv(name, "IMREAD_REDUCED_COLOR_4")

def opencv_bayer(name):
    picture = cv2.cvtColor(cv2.imread(name, cv2.IMREAD_UNCHANGED), cv2.COLOR_BayerRGGB2RGB)
    return Image.fromarray(cv2.resize(picture, (256, 205), interpolation=cv2.INTER_AREA))

if tool.startswith("opencv"):
    import cv2
    cv2.setNumThreads(1)

def sheet_of(names):
    sheet = Image.new("RGB", (10 * 266, -(-len(names) // 10) * 245))
    draw = ImageDraw.Draw(sheet)
    with ThreadPoolExecutor(2) as pool:
        for number, cell in enumerate(pool.map(globals()[tool], names)):
            x, y = number % 10 * 266, number // 10 * 245
            sheet.paste(cell, (x, y))
            draw.text((x, y + 210), names[number][-8:], fill=(255, 255, 255))
    sheet.save(out, quality=90)

sheet_of(names[:4])
wall, cpu = time.perf_counter(), time.process_time()
sheet_of(names)
print(time.perf_counter() - wall, time.process_time() - cpu)
"""  # fmt: skip
LAUNCH = """
import resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
wall, used = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
sys.exit(done.stderr[-300:] or "failed") if done.returncode else None
told = done.stdout.split() or [wall, used.ru_utime + used.ru_stime]
print(*told, used.ru_maxrss / 1000)
"""
"""Started from a small process: a child's peak counts from the size of its parent."""
VIPS = 'vipsthumbnail --size 256 -o "$1/%s.v" "${@:3}" && vips arrayjoin "$(ls "$1"/*.v | tr "\\n" " ")" "$2" --across 10 --shim 10'


def scene(seed: int) -> np.ndarray:
    """A picture with soft shapes and sensor noise, as PNG finds it hard."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.integers(40, 200, (16, 20, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(soft + rng.normal(0, 2, soft.shape), 0, 255), np.uint8)


def make(folder: Path, frames: int) -> dict[str, list[str]]:
    """Write the frames of each kind."""
    for number in range(DIFFERENT):
        picture = scene(number)
        write_png(folder / f"{number}.png", picture)
        Picture.fromarray(picture).save(folder / f"{number}.jpg", quality=85)
        mosaic = picture[..., 1].copy()
        mosaic[::2, ::2], mosaic[1::2, 1::2] = picture[::2, ::2, 0], picture[1::2, 1::2, 2]
        write_tiff(folder / f"{number}.tif", mosaic)
    found: dict[str, list[str]] = {}
    for suffix in ("png", "jpg", "tif"):
        (folder / suffix).mkdir()
        for number in range(frames):
            path = folder / suffix / f"{number:04d}.{suffix}"
            path.symlink_to(folder / f"{number % DIFFERENT}.{suffix}")
            found.setdefault(suffix, []).append(str(path))
    return found


def ways(kind: str, names: list[str], folder: Path) -> dict[str, list[str]]:
    """Give the command of each way."""
    python = sys.executable
    hand = {
        "png": {"Pillow reduce": "pillow_reduce", "OpenCV INTER_AREA": "opencv"},
        "jpg": {"Pillow draft": "pillow_draft", "OpenCV reduced JPEG": "opencv_reduced", "OpenCV INTER_AREA": "opencv"},
        "tif": {"OpenCV Bayer, INTER_AREA": "opencv_bayer"},
    }[kind]
    cfa = "RGGB" if kind == "tif" else ""
    found = {"ours": [python, "-c", OURS, str(folder / "ours.jpg"), cfa, *names]}
    found |= {name: [python, "-c", BY_HAND, tool, str(folder / "hand.jpg"), *names] for name, tool in hand.items()}
    found["ours, writing PNG"] = [python, "-c", OURS, str(folder / "ours.png"), cfa, *names]
    if kind != "tif":
        if shutil.which("montage"):
            size = ["-define", "jpeg:size=512x410"] if kind == "jpg" else []
            style = ["-geometry", "256x205+5+5", "-tile", "10x", "-label", "%f"]
            # Made small as they are read: 500 whole ones are more than its policy lets it hold.
            small = [f"{name}[256x205]" for name in names]
            found["ImageMagick montage"] = ["montage", *size, *style, *small, str(folder / "montage.jpg")]
        if shutil.which("vips"):
            (folder / f"vips-{kind}").mkdir()
            found["libvips, no captions"] = ["bash", "-c", VIPS, "-", str(folder / f"vips-{kind}"), str(folder / "vips.jpg"), *names]
    return found


def run(command: list[str]) -> tuple[float, float, float]:
    """Run a command; give wall seconds, processor seconds and MB at its peak."""
    limits = {"MAGICK_THREAD_LIMIT": "2", "VIPS_CONCURRENCY": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, *command], capture_output=True, text=True, env=os.environ | limits, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    wall, cpu, memory = map(float, done.stdout.split())
    return wall, cpu, memory


def exactness(folder: Path) -> None:
    """Compare cells with the exact area means of a full decode."""
    print("\nFrom the exact area means, data numbers: mean, largest, share within one")
    full = np.asarray(Picture.open(folder / "0.png"), np.float64)
    draft = Picture.open(folder / "0.jpg")
    draft.draft("RGB", SHAPE[::-1])
    jpeg = np.asarray(Picture.open(folder / "0.jpg"), np.float64)
    ideal = runpy.run_path(str(Path(__file__).parents[1] / "unit/formats/ideal_jpeg.py"))["ideal"]
    rows = {
        "ours, PNG": (draft_cell(folder / "0.png", "c", CELL).samples, full),
        "ours, JPEG": (draft_cell(folder / "0.jpg", "c", CELL).samples, jpeg),
        "ours, JPEG, ideally decoded": (draft_cell(folder / "0.jpg", "c", CELL).samples, ideal((folder / "0.jpg").read_bytes())),
        "Pillow draft, JPEG": (np.asarray(draft.resize(SHAPE[::-1], Picture.Resampling.BOX)), jpeg),
        "OpenCV reduced JPEG": (
            cv2.resize(
                np.asarray(cv2.imread(str(folder / "0.jpg"), cv2.IMREAD_REDUCED_COLOR_4)), SHAPE[::-1], interpolation=cv2.INTER_AREA
            )[..., ::-1],
            jpeg,
        ),
    }
    for name, (cell, pixels) in rows.items():
        apart = np.abs(cell - area_means(pixels))
        print(f"  {name:<28}{apart.mean():>7.3f}{apart.max():>7.2f}{(apart <= 1).mean():>9.3%}")
    mosaic = draft_cell(folder / "0.tif", "c", CELL, "RGGB").samples
    planes = full[::2, ::2, 0], (full[::2, 1::2, 1] + full[1::2, ::2, 1]) / 2, full[1::2, 1::2, 2]
    apart = np.abs(mosaic - np.stack([area_means(plane) for plane in planes], axis=2))
    print(f"  {'ours, mosaic':<28}{apart.mean():>7.3f}{apart.max():>7.2f}{(apart <= 1).mean():>9.3%}")


def area_means(pixels: np.ndarray) -> np.ndarray:
    """Exact area means, by matrices."""

    def weights(size: int, cells: int) -> np.ndarray:
        edge = np.arange(cells + 1) * size / cells
        at = np.arange(size)
        return np.asarray(np.clip(np.minimum(edge[1:, None], at + 1) - np.maximum(edge[:-1, None], at), 0, 1) * cells / size)

    down, across = weights(pixels.shape[0], SHAPE[0]), weights(pixels.shape[1], SHAPE[1])
    return np.asarray(np.einsum("ya,ab...,xb->yx...", down, pixels, across, optimize=True))


def main() -> None:
    """Print the tables."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    missing = [name for name in ("montage", "vips") if not shutil.which(name)]
    if missing:
        print(f"not installed: {', '.join(missing)} (apt-get install imagemagick libvips-tools)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = make(folder, frames)
        for kind, names in kinds.items():
            print(f"\n{frames} frames from {kind}, two threads{'':<10}  wall s   cpu s      MB   wall, of ours")
            commands = ways(kind, names, folder)
            best: dict[str, tuple[float, float, float]] = {}
            for turn in range(3):
                for way, command in commands.items():
                    # The slow ones need no second chance.
                    if turn == 0 or command[0] not in {"montage", "bash"}:
                        best[way] = min(best.get(way, (np.inf, 0.0, 0.0)), run(command))
            for way, (wall, cpu, memory) in best.items():
                print(f"  {way:<34}{wall:>8.2f}{cpu:>8.2f}{memory:>8.0f}{wall / best['ours'][0]:>9.2f} x")
        exactness(folder)


if __name__ == "__main__":
    main()
