"""Pieces of the sample downlinks land in any order, some of them twice, while `watch` is killed and started again: the tree ends the same.

The measure is one `process` of the whole recordings. Frames and packets are files a chunk, and the chunks are others; so the packets of
each pass are held against each other one after the other, and everything else file by file, but for the page's list of the recordings
that came. `SKYCRANE_WHOLE=1` takes all passes (ten
minutes), else the second relay pass does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.replay import Piece, cut
from pipeline.testing.cluster import Cluster
from pipeline.testing.comparators import tree_digests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

DOWNLINKS = Path(__file__).parents[2] / "sample_data" / "downlinks"
WHOLE = os.environ.get("SKYCRANE_WHOLE") == "1"
PASSES = "*" if WHOLE else "edl-2021-050b*"
PIECE_BYTES = 131_072
LANDING_SECONDS = 60.0 if WHOLE else 20.0
"""Over which the pieces land."""
LEAST_KILLS, LEAST_HITS, MOST_KILLS = 5, 2, 25
RECORDINGS_LIST = re.compile(rb"<details><summary>Made from [^<]*recording.*?</details>", re.DOTALL)
WORKER_LIFE = 4.0
"""Seconds after which one of two workers is killed, each in turn."""


@dataclass
class Rehearsal:
    """A landing folder that fills, and a watch that does not live long."""

    folder: Path
    options: tuple[str, ...]
    seed: int
    kills: int = 0
    hits: int = 0
    """Of those that interrupted a task."""
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.landing, self.out = self.folder / "landing", self.folder / "out"
        (self.landing / "again").mkdir(parents=True)
        self.dice = random.Random(self.seed)

    def play(self, recordings: list[Path]) -> None:
        """Let everything land while watch is killed and started again; then let it finish."""
        landed, over = threading.Event(), threading.Event()
        feeder = threading.Thread(target=self._feed, args=(recordings, landed, over))
        feeder.start()
        try:
            while not landed.is_set() or self.kills < LEAST_KILLS or (self.hits < LEAST_HITS and self.kills < MOST_KILLS):
                self._live(self.dice.uniform(0.1, 5.0))
        finally:
            over.set()
            feeder.join()
        last = self._start("--once")
        _, errors = last.communicate(timeout=600)
        assert last.returncode == 0, errors

    def _feed(self, recordings: list[Path], landed: threading.Event, over: threading.Event) -> None:
        """Let pieces land in any order, every fourth twice: under its own name elsewhere, or under one that says nothing.

        They land at a pace, as from a station: watch has to die in the middle of it. When the rehearsal is over they need not.
        """
        dice = random.Random(self.seed)
        pieces = [(piece, self.landing / piece.name) for piece in cut(recordings, PIECE_BYTES)]
        again = [(piece, _other_name(piece, self.landing, dice)) for piece, _ in pieces[::4]]
        pieces += again
        dice.shuffle(pieces)
        for piece, path in pieces:
            land(piece, path)
            if over.wait(LANDING_SECONDS / len(pieces)):
                return
        landed.set()

    def _live(self, seconds: float) -> None:
        process = self._start()
        # A busy machine takes its time to get there.
        while not _ended(process, within=0.05) and f"process {process.pid} " not in self._holder():
            pass
        assert not _ended(process, within=seconds), f"watch ended by itself: {process.communicate()[1]}"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.kills += 1
        staging = self.out / ".skycrane" / "staging"
        begun = sorted({path.name.rpartition("-")[0] for path in staging.iterdir()}) if staging.is_dir() else []
        self.hits += bool(begun)
        self.story.append(f"killed after {seconds:.1f} s: interrupted {', '.join(begun) or 'no task'}")

    def _holder(self) -> str:
        with contextlib.suppress(OSError):
            return (self.out / ".skycrane" / "lock").read_text()
        return ""

    def _start(self, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipeline.cli", "watch", str(self.landing), "--out", str(self.out), "--mission", "mars2020"]
        options = ("--settle", "0.1", *self.options, *more)
        return subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _ended(process: subprocess.Popen[str], *, within: float) -> bool:
    """Say whether a process ends within so many seconds."""
    try:
        process.wait(timeout=within)
    except subprocess.TimeoutExpired:
        return False
    return True


def _other_name(piece: Piece, landing: Path, dice: random.Random) -> Path:
    return landing / "again" / (piece.name if dice.random() < 0.5 else f"{dice.getrandbits(32):08x}{piece.source.suffix}")


def land(piece: Piece, path: Path) -> None:
    part = path.with_name(f".{path.name}")
    with piece.source.open("rb") as stream, part.open("wb") as target:
        stream.seek(piece.offset)
        target.write(stream.read(piece.length))
    part.replace(path)


def tree(out: Path) -> dict[str, str]:
    """What must be equal: the files by digest, and the packets of each pass, concatenated."""
    files = {
        path: digest
        for path, digest in tree_digests(out).items()
        if not path.startswith(("frames/", "packets/")) and path != "MANIFEST.sha256"
    }
    page, lists = RECORDINGS_LIST.subn(b"", (out / "index.html").read_bytes())
    assert lists == 1
    files["index.html"] = hashlib.sha256(page).hexdigest()
    for folder in sorted((out / "packets").iterdir()):
        octets = b"".join(path.read_bytes() for path in sorted(folder.glob("*.bin")))
        files[f"packets of {folder.name}"] = hashlib.sha256(octets).hexdigest()
    return files


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> list[Path]:
    """The whole recording of each pass, put together from its parts."""
    folder = tmp_path_factory.mktemp("recordings")
    for part in sorted(DOWNLINKS.glob(PASSES)):
        with (folder / f"{part.name.partition('.')[0]}{part.suffix}").open("ab") as whole, part.open("rb") as stream:
            shutil.copyfileobj(stream, whole)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def wanted(recordings, tmp_path_factory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("calm") / "out"
    command = [sys.executable, "-m", "pipeline.cli", "process", *map(str, recordings), "--out", str(out), "--mission", "mars2020"]
    subprocess.run(command, check=True, capture_output=True)
    files = tree(out)
    assert len(files) > (300 if WHOLE else 50)
    return files


@contextlib.contextmanager
def perilous_cluster(folder: Path, receipts: Path) -> Iterator[Cluster]:
    """Two workers of one thread, of which one is killed every few seconds, each in turn.

    A machine that is so busy that nothing is made in these seconds gets more of them: work that nobody has time for ends nowhere.
    """
    folder.mkdir()
    stop = threading.Event()

    def harm(one: Cluster) -> None:
        turn, made = 0, 0
        while not stop.wait(WORKER_LIFE):
            now = sum(path.stat().st_size for path in receipts.glob("*.jsonl"))
            if now != made:
                one.kill(turn % 2)
                turn, made = turn + 1, now

    with Cluster(folder, workers=2) as one:
        killer = threading.Thread(target=harm, args=(one,))
        killer.start()
        try:
            yield one
        finally:
            stop.set()
            killer.join()


def check(rehearsal: Rehearsal, recordings: list[Path], wanted: dict[str, str], capsys) -> None:
    rehearsal.play(recordings)
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(rehearsal.story) + "\n")
    got = tree(rehearsal.out)
    assert sorted(path for path in got.keys() | wanted.keys() if got.get(path) != wanted.get(path)) == []
    manifest = subprocess.run(["sha256sum", "-c", "--quiet", "MANIFEST.sha256"], cwd=rehearsal.out, capture_output=True, check=False)
    assert manifest.returncode == 0, manifest.stdout
    assert rehearsal.hits >= LEAST_HITS, "kills must hit something"


def test_sync(tmp_path, recordings, wanted, capsys):
    check(Rehearsal(tmp_path, ("--executor", "sync"), seed=1), recordings, wanted, capsys)


def test_dask_in_process(tmp_path, recordings, wanted, capsys):
    check(Rehearsal(tmp_path, ("--jobs", "2"), seed=2), recordings, wanted, capsys)


def test_two_workers_of_which_one_is_killed_every_few_seconds(tmp_path, recordings, wanted, capsys):
    with perilous_cluster(tmp_path / "cluster", tmp_path / "out" / ".skycrane" / "receipts") as cluster:
        check(Rehearsal(tmp_path, ("--scheduler", cluster.address), seed=3), recordings, wanted, capsys)
        assert cluster.killed >= 3
