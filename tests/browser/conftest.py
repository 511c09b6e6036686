"""A page with a bit of everything, and a browser to look at it with."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from pipeline.testing.saving import FolderSink

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COLUMNS, CELL = 8, (100, 75)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


def unit():
    """Entries as the report's unit tests make them."""
    path = Path(__file__).parents[1] / "unit" / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("report_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Run()


def draw(path, picture):
    """Write a picture, whoever's the file is: ours would have its kernels compiled."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, compress_level=1)


def scene(frame, *, lost=False):
    """A picture of 640 x 480: a gradient that tells frames apart, its lower part lost."""
    rows, columns = np.mgrid[0:480, 0:640]
    picture = np.stack([rows * 255 // 480, columns * 255 // 640, np.full(rows.shape, frame * 37 % 256), np.full(rows.shape, 255)], axis=2)
    if lost:
        picture[432:] = 0
    return picture.astype(np.uint8) if lost else picture[:, :, :3].astype(np.uint8)


def sheet_of(run, out, camera, frames):
    """A sheet whose cells lie on a grid, with its picture."""
    rows = -(-len(frames) // COLUMNS)
    size = (COLUMNS * 110, rows * 100)
    places = [[frame, 0, 5 + 110 * (i % COLUMNS), 5 + 100 * (i // COLUMNS), *CELL] for i, frame in enumerate(frames)]
    canvas = np.full((size[1], size[0], 3), 20, np.uint8)
    for frame, _, x, y, width, height in places:
        canvas[y : y + height, x : x + width] = scene(int(frame))[:450:6, :600:6]
    draw(out / "contact_sheets" / f"{camera}-0001.png", canvas)
    marks = ["0" * 20 + "5z5" + "0" * 41] * len(frames)
    return run.sheet("0001", frames, camera=camera, sizes=[list(size)], places=places, histograms=[mark * 3 for mark in marks])


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """Two cameras (0003, 0004 and 0009 missing, 0007 in part for a loss of the link), sound with a gap, telemetry, a link, files."""
    run, out = unit(), tmp_path_factory.mktemp("page") / "out"
    (out / ".skycrane" / "receipts").mkdir(parents=True)
    images, sheets = [], []
    for camera, count in (("DDC", 62), ("RDC", 6)):
        frames = [f"{n:04d}" for n in range(count) if n not in {3, 4, 9}]
        for frame in frames:
            lost = frame == "0007"
            draw(out / "images" / camera / f"{frame}.png", scene(int(frame), lost=lost))
            edition = "jpeg" if int(frame) % 5 == 0 else "lossless"
            facts = {"clock": 1390.0 + int(frame) / 4, "edition": edition, "editions": [edition, "thumbnail"], "file": f"80-{frame}"}
            images.append(run.image(frame, camera=camera, lost=100 * lost, **facts))
        sheets.append(sheet_of(run, out, camera, frames))
    torn = run.file("torn", gaps=((400, 600),))
    facts = torn.facts | {"passes": [["one", ["", 0], ["", 900_000]]], "holes": [[400, 600, "one", ["", 300_000], ["", 500_000]]]}
    torn = type(torn)(key=type(torn.key)([("file", "80-0007")]), digest="", completeness=torn.completeness, facts=facts, paths=torn.paths)
    packets = run.packets("0")
    packets = type(packets)(
        key=packets.key, digest="", completeness=packets.completeness, facts=packets.facts | {"gaps": [[0, 10, 400_000], [0, 2, 800_000]]}
    )
    time = np.arange(60 * 8000) / 8000
    draw(out / "audio" / "EDL-spectrogram.png", np.zeros((700, 1800, 3), np.uint8))
    soundfile.write(out / "audio" / "EDL.flac", 0.3 * np.sin(2 * np.pi * 100 * time), 8000, subtype="PCM_24")
    report = run.report(
        images=images,
        sheets=sheets,
        books=[run.book()],
        recordings=[run.recording(gaps=((1000, 2000), (5000, 5250)))],
        spectrograms=[run.spectrogram()],
        files=[torn, run.file("b.dat")],
        frames=[run.frames("0")],
        packets=[packets],
        channels=run.channels([(1000.0 + n, 1, "altitude", 9000.0 - 20 * n, "m") for n in range(420)]),
        events=run.events([(1000.0, "info", "ENTRY", "Entry"), (1240.0, "warning", "CHUTE", "Chute")]),
    )
    report.save(FolderSink(out, stem=""))
    return out


@pytest.fixture
def look(browser, tree):
    """Open the page; at the end nothing may have been asked for elsewhere, and nothing have gone wrong."""
    contexts, asked, wrong = [], [], []

    def look(url=None, *, width=1366, height=768, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("request", lambda request: asked.append(request.url))
        # A browser that aborts a request has changed its mind: a player that knows enough, a picture that is no longer looked at.
        page.on("requestfailed", lambda request: wrong.append(request.url) if request.failure != "net::ERR_ABORTED" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
        page.goto(url or (tree / "index.html").as_uri())
        return page

    yield look
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith((tree.as_uri(), "data:", "http://127.0.0.1:"))]
    assert wrong == []


@pytest.fixture(scope="session")
def until():
    """Wait in the page until an expression holds. Playwright's own way evaluates text, which the page's policy forbids."""

    script = """([expression]) => new Promise((done, fail) => {
        const end = performance.now() + 30000;
        const holds = HOLDS;
        const look = () => { if (holds()) done(); else if (performance.now() > end) fail(expression); else setTimeout(look, 20); };
        look();
    })"""

    def until(page, expression):
        page.evaluate(script.replace("HOLDS", f"() => ({expression})"), [expression])

    return until
