"""What a sender tells of a file's bytes is held against them."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from pipeline import checksums
from pipeline.errors import ExitCode
from pipeline.landing import Landing
from pipeline.watch import watch

GOOD = "alpha beta "
DIGEST = hashlib.sha256(GOOD.encode()).hexdigest()
OTHER = "0" * 64


class Never:
    def wait(self, seconds: float) -> None:
        pytest.fail(f"there is nothing to wait for, not for {seconds} s")


def told(bench, text):
    path = bench.tape("a.txt", GOOD)
    bench.tape("a.txt.sha256", text)
    return checksums.told_of(path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{DIGEST}  a.txt\n", id="sha256sum"),
        pytest.param(f"{DIGEST} *a.txt\n", id="binary"),
        pytest.param(f"{DIGEST.upper()}  /data/pass/a.txt\r\n", id="capitals, with a path"),
        pytest.param(f"{DIGEST}\n", id="bare"),
        pytest.param(f"{DIGEST}  as-it-was-called-there.txt", id="another name"),
        pytest.param(f"{OTHER}  b.txt\n{DIGEST}  a.txt\n", id="one of several"),
    ],
)
def test_forms_that_are_read(bench, text):
    assert told(bench, text) == DIGEST


@pytest.mark.parametrize("text", ["", "1", "done\n", DIGEST[:63], f"{OTHER}  b.txt\n{OTHER}  c.txt\n", "\0\xff" * 99])
def test_what_tells_no_digest_of_the_file_is_a_mark_only(bench, text):
    assert told(bench, text) is None
    assert bench.run(bench.tapes / "a.txt").summary.taken == 1


def test_the_program_itself_writes_what_is_read(bench):
    path = bench.tape("a.txt", GOOD)
    written = subprocess.run(["sha256sum", "a.txt"], cwd=bench.tapes, capture_output=True, text=True, check=True)
    assert told(bench, written.stdout) == DIGEST
    assert path.exists()


def test_a_file_that_was_damaged_on_its_way_is_left_out_until_it_is_whole(bench):
    path = bench.tape("a.txt", "alpha bexa ")
    bench.tape("a.txt.sha256", f"{DIGEST}  a.txt\n")
    run = bench.run(path)
    ((refused, why, named),) = run.summary.refused
    got = hashlib.sha256(b"alpha bexa ").hexdigest()
    assert (refused, named) == (str(path), True)
    assert why.startswith(f"was damaged on its way: its SHA-256 is {got}, and a.txt.sha256 says {DIGEST}. Send it again")
    assert run.exit_code_seen is ExitCode.QUARANTINED
    assert not (bench.out / "pages").exists()
    path.write_text(GOOD)
    run = bench.run(path)
    assert run.summary.taken == 1
    assert run.exit_code_seen is ExitCode.GOOD


def test_in_a_landing_folder_it_is_told_of_and_taken_when_it_comes_whole(bench):
    path = bench.tape("a.txt", "alpha bexa ")
    bench.tape("a.txt.sha256", f"{DIGEST}  a.txt\n")

    with bench.open() as run:
        landing = Landing([bench.tapes], settle=60.0)
        watch(run, landing, Never(), once=True, tell=print)
        assert run.summary.taken == 0
        assert [note.partition(": ")[0] for note in bench.quiet.notes] == [f"left out {path}"]
        path.write_text(GOOD)
        watch(run, landing, Never(), once=True, tell=print)
        assert run.summary.taken == 1
        assert run.exit_code(strict=False) is ExitCode.GOOD
