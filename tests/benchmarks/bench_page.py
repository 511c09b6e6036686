"""A page of 10,000 frames in Chromium, from a folder: when the first picture stands, and how long it ever stutters while one scrolls.

python tests/benchmarks/bench_page.py [FRAMES]

Six cameras, sheets of the size that the pipeline draws, each under an address of its own. Needs chromium and the dev extra. The bars: first
picture under one second, no long task over 200 ms. A task is as long as it takes, on a machine with other work also by waiting for a
processor: what it works itself is measured by a trace while one scrolls on.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.testing.saving import FolderSink
from stages.formats.png import write_png

CAMERAS = ("PUC1", "PUC2", "PUC3", "DDC", "RUC", "RDC")
PER_PAGE, COLUMNS, CELL, PITCH = 48, 6, (256, 205), (266, 281)
SIZE = (1810, 112 + 8 * PITCH[1] + 34)
PATIENCE = 60
"""Seconds that the browser may take to hand over a trace."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WATCH = """
window.tasks = [];
window.first = null;
const noted = (list) => list.getEntries().forEach((entry) => tasks.push([entry.startTime, entry.duration]));
new PerformanceObserver(noted).observe({ type: "longtask", buffered: true });
document.addEventListener("load", (event) => {
  if (first !== null || event.target.tagName !== "IMG") return;
  requestAnimationFrame(() => requestAnimationFrame(() => { first ??= performance.now(); }));
}, true);
"""
SCROLL = """async ([seconds]) => {
  const begin = performance.now();
  let last = begin, longest = 0, drawn = 0;
  while (performance.now() - begin < seconds * 1000) {
    await new Promise((next) => requestAnimationFrame(next));
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    drawn += 1;
    scrollBy({ top: 160, behavior: "instant" });
  }
  const late = tasks.filter(([start]) => start >= begin).map(([, duration]) => duration);
  return { longest, drawn, tasks: late, shots: document.querySelectorAll(".gallery .shot").length };
}"""


def run_of_entries() -> Any:
    """Entries as the report's unit tests make them."""
    path = Path(__file__).parents[1] / "unit" / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("report_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Run()


def noise(width: int, height: int) -> np.ndarray:
    """A picture that is as hard to decode as a real one."""
    rng = np.random.default_rng(1)
    soft = np.linspace(60, 180, width)[None, :, None] + np.linspace(-40, 40, height)[:, None, None]
    return np.clip(soft + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)


def make(out: Path, frames: int) -> None:
    """Write a page with its sheets."""
    run, sink = run_of_entries(), FolderSink(out, stem="")
    write_png(sink.path("sheet.png"), noise(*SIZE))
    write_png(sink.path("images/x.png"), noise(2048, 1536))
    images, sheets = [], []
    for place, camera in enumerate(CAMERAS):
        names = [f"{n:07d}" for n in range(frames * place // len(CAMERAS), frames * (place + 1) // len(CAMERAS))]
        (out / "images" / camera).mkdir()
        for name in names:
            facts = {"width": 1280, "height": 1024, "clock": 1000.0 + int(name) / 30, "edition": "jpeg", "editions": ["jpeg", "thumbnail"]}
            images.append(run.image(name, camera=camera, lost=50 * (int(name) % 97 == 0), **facts))
            os.link(out / "images" / "x.png", out / "images" / camera / f"{name}.png")
        for page in range(-(-len(names) // PER_PAGE)):
            mine = names[PER_PAGE * page : PER_PAGE * (page + 1)]
            corner = [(24 + PITCH[0] * (i % COLUMNS), 112 + PITCH[1] * (i // COLUMNS)) for i in range(len(mine))]
            places = [[name, 0, x, y, *CELL] for name, (x, y) in zip(mine, corner, strict=True)]
            label = f"{page + 1:04d}"
            sheets.append(run.sheet(label, mine, camera=camera, sizes=[list(SIZE)], places=places, histograms=["0" * 192] * len(mine)))
            os.link(out / "sheet.png", sink.path(f"contact_sheets/{camera}-{label}.png"))
    begin = time.perf_counter()
    report = run.report(images=images, sheets=sheets)
    report.save(sink)
    size, took = len(report.files["index.html"]) / 1e6, time.perf_counter() - begin
    print(f"{frames} frames, {len(sheets)} sheets: report made in {took:.2f} s, index.html {size:.2f} MB")


def longest_work(page: Any, seconds: int) -> float:
    """Scroll on; give the most milliseconds of processor time that a task of the page's thread takes."""
    session, events, done = page.context.new_cdp_session(page), [], []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": ["toplevel"]}})
    page.evaluate(SCROLL, [seconds])
    session.send("Tracing.end")
    deadline = time.monotonic() + PATIENCE
    while not done:
        if time.monotonic() > deadline:
            raise SystemExit(f"the browser did not end its trace in {PATIENCE} s")
        page.wait_for_timeout(100)
    threads = {(event["pid"], event["tid"]) for event in events if event.get("args", {}).get("name") == "CrRendererMain"}
    times = [event["tdur"] for event in events if (event["pid"], event["tid"]) in threads and "tdur" in event]
    if not times:
        raise SystemExit("the browser's trace tells no processor time of the page's thread")
    return float(max(times)) / 1000


def main() -> None:
    """Print the table."""
    from playwright.sync_api import sync_playwright

    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        out = Path(name)
        make(out, frames)
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        screens: dict[str, dict[str, Any]] = {
            "laptop": {"viewport": {"width": 1366, "height": 768}},
            "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2},
        }
        for title, options in screens.items():
            firsts = []
            for turn in range(4):
                context = browser.new_context(**options)
                page = context.new_page()
                page.add_init_script(WATCH)
                page.goto((out / "index.html").as_uri(), wait_until="commit")
                page.wait_for_function("window.first !== null", timeout=60_000)
                firsts.append(page.evaluate("first"))
                if turn < 3:
                    context.close()
            page.wait_for_load_state("load")
            found = page.evaluate(SCROLL, [20])
            work = longest_work(page, 5)
            context.close()
            longest = max(found["tasks"], default=0)
            print(
                f"  {title:<8}first picture {statistics.median(firsts[1:]):>5.0f} ms; 20 s of scrolling to {found['shots']:,} pictures: "
                f"{found['drawn']} frames drawn, {len(found['tasks'])} tasks over 50 ms, the longest {longest:.0f} ms; "
                f"longest wait for a frame {found['longest']:.0f} ms; under a trace no task works longer than {work:.0f} ms"
            )
        browser.close()


if __name__ == "__main__":
    main()
