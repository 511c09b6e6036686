"""How soon a picture that `watch` has made is seen by a reader of `serve`: from the file's own time to the browser having drawn it.

python tests/benchmarks/bench_live.py

A landing folder gets the sample downlinks part by part; `skycrane watch` and `skycrane serve` run as processes of their own; and Chromium
has the page open. The bar: two seconds.
"""

from __future__ import annotations

import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

DOWNLINKS = Path(__file__).parents[2] / "sample_data" / "downlinks"
SKYCRANE = [sys.executable, "-m", "pipeline.cli"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WATCH = """
document.addEventListener("load", (event) => {
  const source = event.target.closest?.("#fresh") && event.target.src;
  if (source) requestAnimationFrame(() => seen(source, performance.timeOrigin + performance.now()));
}, true);
"""


def main() -> None:
    """Print the delays."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        landing, out = folder / "landing", folder / "out"
        landing.mkdir()
        parts = sorted(DOWNLINKS.iterdir())
        begun = [*SKYCRANE, "process", str(parts[0]), "--mission", "mars2020", "--out", str(out)]
        subprocess.run(begun, check=True, capture_output=True)
        watch = subprocess.Popen(
            [*SKYCRANE, "watch", str(landing), "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        serve = subprocess.Popen(
            [*SKYCRANE, "serve", str(out), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert serve.stdout is not None
            url = serve.stdout.readline().strip()
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
            page = browser.new_page()
            delays: dict[tuple[str, int], float] = {}

            def seen(source: str, milliseconds: float) -> None:
                path = out / unquote(urlsplit(source).path).lstrip("/")
                made = path.stat().st_mtime
                # The same file made again is another picture.
                delays.setdefault((path.name, path.stat().st_mtime_ns), milliseconds / 1000 - made)

            page.expose_function("seen", seen)
            page.add_init_script(WATCH)
            page.goto(url)
            for part in parts[1:]:
                arriving = landing / f".{part.name}"
                shutil.copy(part, arriving)
                arriving.rename(landing / part.name)
                page.wait_for_timeout(4000)
            page.wait_for_timeout(15_000)
            browser.close()
        finally:
            for process in (watch, serve):
                process.send_signal(signal.SIGINT)
            for process in (watch, serve):
                process.wait(60)
        told(list(delays.values()), len(list(out.glob("images/*/*.png"))))


def told(delays: list[float], made: int) -> None:
    """Print how long it took."""
    if not delays:
        raise SystemExit("no picture was seen")
    delays.sort()
    print(f"{made} pictures made, {len(delays)} times one was seen as it was made (the rest came with a page made anew)")
    print(
        f"from the file's time to the browser having drawn it: median {statistics.median(delays):.2f} s, "
        f"95 % within {delays[int(0.95 * (len(delays) - 1))]:.2f} s, longest {delays[-1]:.2f} s; "
        f"{sum(delay <= 2 for delay in delays)} of {len(delays)} within two seconds"
    )


if __name__ == "__main__":
    begin = time.perf_counter()
    main()
    print(f"in {time.perf_counter() - begin:.0f} s")
