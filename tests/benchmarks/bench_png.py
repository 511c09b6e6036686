"""Image files: ours beside Pillow, imageio, OpenCV and imagecodecs, and a frame's way from file to file, in one run.

python tests/benchmarks/bench_png.py
"""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import imagecodecs
import imageio.v3 as imageio
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image
from timing import typical

from stages.debayer import demosaic
from stages.formats.deflate import compress, compress_literals
from stages.formats.images import read_image, read_image_bytes
from stages.formats.png import encode_png, write_png
from stages.formats.tiff import write_tiff

HEIGHT, WIDTH = 1024, 1280
FRAME = next(iter((Path(__file__).parents[3] / "shared" / "real" / "m2020").glob("ESF_0004*.png")), None)


def mosaic() -> NDArray[np.uint8]:
    """A part of a real frame, or a soft scene with noise."""
    if FRAME:
        return np.ascontiguousarray(read_image(FRAME).samples[:HEIGHT, :WIDTH, 0])
    rng = np.random.default_rng(1)
    soft = cv2.resize(rng.integers(30, 200, (32, 40), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 2, soft.shape), 0, 255).astype(np.uint8)


def pillow(image: NDArray[np.uint8], **options: int) -> bytes:
    """Encode with Pillow."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", **options)
    return stream.getvalue()


def table(title: str, rows: dict[str, tuple[Callable[[], object], int]], sizes: dict[str, int] | None = None, raw: int = 0) -> None:
    """Print times, their multiples of the first row's, and compression."""
    times = {name: typical(work, repeats) for name, (work, repeats) in rows.items()}
    first = next(iter(times.values()))
    print(f"\n{title}")
    for name, seconds in times.items():
        ratio = f"   size 1 : {raw / sizes[name]:.2f}" if sizes else ""
        print(f"  {name:36s}{seconds * 1e3:9.2f} ms{seconds / first:8.2f} x{ratio}")


def files(image: NDArray[np.uint8]) -> None:
    """Print what writing and reading a picture costs."""
    encoders: dict[str, tuple[Callable[[], bytes], int]] = {
        "ours": (lambda: encode_png(image), 9),
        "OpenCV": (lambda: bytes(cv2.imencode(".png", image)[1]), 5),
        "imagecodecs, level 1": (lambda: bytes(imagecodecs.png_encode(image, level=1)), 3),
        "Pillow, level 1": (lambda: pillow(image, compress_level=1), 3),
        "Pillow": (lambda: pillow(image), 2),
        "imageio": (lambda: imageio.imwrite("<bytes>", image, extension=".png"), 2),
    }
    sizes = {name: len(encode()) for name, (encode, _) in encoders.items()}
    table(f"PNG out, {WIDTH} x {HEIGHT} RGB", dict(encoders), sizes, image.nbytes)
    data = encode_png(image)
    table(
        "PNG in, the same",
        {
            "ours": (lambda: read_image_bytes(data, "a"), 9),
            "imagecodecs": (lambda: imagecodecs.png_decode(data), 9),
            "OpenCV": (lambda: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), 9),
            "imageio": (lambda: imageio.imread(data), 5),
        },
    )


def way(samples: NDArray[np.uint8]) -> None:
    """Print what a frame costs from a file with its mosaic to one with its colours."""
    with tempfile.TemporaryDirectory() as folder:
        raw, colour, tiff = (Path(folder) / name for name in ("raw.png", "colour.png", "mosaic.tif"))
        write_png(raw, samples)
        write_tiff(tiff, samples)
        out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        table(
            "A frame: mosaic on disk to colour PNG on disk",
            {
                "ours, from PNG": (lambda: write_png(colour, demosaic(read_image(raw).samples, out=out)), 9),
                "ours, from TIFF": (lambda: write_png(colour, demosaic(read_image(tiff).samples, out=out)), 9),
                "OpenCV, bilinear": (
                    lambda: cv2.imwrite(str(colour), cv2.cvtColor(cv2.imread(str(raw), 0), cv2.COLOR_BayerRGGB2BGR)),
                    5,
                ),
                "imageio, OpenCV bilinear": (
                    lambda: imageio.imwrite(colour, cv2.cvtColor(imageio.imread(raw), cv2.COLOR_BayerRGGB2RGB)),
                    2,
                ),
            },
        )
        table("TIFF with the mosaic", {"out": (lambda: write_tiff(tiff, samples), 9), "in": (lambda: read_image(tiff), 9)})


def streams(title: str, data: NDArray[np.uint8]) -> None:
    """Print what Deflate costs."""
    encoders: dict[str, tuple[Callable[[], object], int]] = {
        "ours": (lambda: compress(data), 9),
        "ours, literals alone": (lambda: compress_literals(data), 9),
        "ISA-L, level 1": (lambda: isal_zlib.compress(data, 1), 9),
        "libdeflate, level 1": (lambda: imagecodecs.deflate_encode(data, level=1), 3),
        "zlib, level 1": (lambda: zlib.compress(data, 1), 3),
    }
    sizes = {name: len(encode()) for name, (encode, _) in encoders.items()}  # type: ignore[arg-type]  # all of them are buffers
    table(f"Deflate, {title}", encoders, sizes, data.size)


def sheet(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Set the rows of what a contact sheet shows: small pictures on one colour, each row less the one above."""
    page = np.full((1600, 2400, 3), 24, np.uint8)
    for place in range(20):
        small = cv2.resize(np.roll(picture, 90 * place, axis=1), (320, 256), interpolation=cv2.INTER_AREA)
        y, x = 40 + place // 5 * 380, 60 + place % 5 * 460
        page[y : y + 256, x : x + 320] = small
        cv2.putText(page, f"frame {place:04d}", (x, y + 290), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (200, 200, 200), 1)
    return np.diff(page.reshape(len(page), -1), axis=0, prepend=np.uint8(0)).ravel()


def main() -> None:
    """Print the tables."""
    cv2.setNumThreads(1)
    samples = mosaic()
    picture = demosaic(samples)
    files(picture)
    way(samples)
    streams("a contact sheet", sheet(picture))
    streams(
        "a picture that has been through JPEG",
        np.ascontiguousarray(cv2.imdecode(cv2.imencode(".jpg", picture)[1], cv2.IMREAD_COLOR)).ravel(),
    )
    streams("noise", np.random.default_rng(1).integers(0, 256, 1 << 22, np.uint8))


if __name__ == "__main__":
    main()
