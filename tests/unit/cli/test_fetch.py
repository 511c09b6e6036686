"""Inputs from a remote store: fetched once, whole, and processed like files."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from pipeline.errors import DataError, InterruptedRunError
from pipeline.fetch import NOTE, fetch
from pipeline.testing.comparators import tree_digests

SYNC = ("--executor", "sync")
TAPES = {"a.part000.txt": b"alpha be", "deep/a.part001.txt": b"ta gamma "}


@pytest.fixture
def store(monkeypatch):
    """An empty store in memory that counts what is fetched."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for name, data in TAPES.items():
        memory.pipe(f"/bucket/{name}", data)
    memory.fetched = []
    real = memory.get_file

    def get_file(remote, local):
        memory.fetched.append(remote)
        real(remote, local)

    monkeypatch.setattr(memory, "get_file", get_file)
    yield memory
    memory.store.clear()


def test_the_tree_is_that_of_the_same_files_here(cli, tapes, out, tmp_path, store):
    here = [tapes(name.rpartition("/")[2], data.decode()) for name, data in TAPES.items()]
    cli("process", *here, "--out", tmp_path / "local", *SYNC)
    said = cli("process", "memory://bucket", "--out", out, *SYNC)
    assert said.code == 0, said.err
    assert tree_digests(out) == tree_digests(tmp_path / "local")
    assert (tmp_path / "out-inputs" / "memory" / "bucket" / "deep" / "a.part001.txt").read_bytes() == b"ta gamma "
    assert "nothing due" in cli("process", "memory://bucket", "--out", out, *SYNC).out
    assert sorted(store.fetched) == ["/bucket/a.part000.txt", "/bucket/deep/a.part001.txt"]


def test_one_file_and_what_has_changed(tmp_path, store):
    assert fetch("memory://bucket/a.part000.txt", tmp_path).read_bytes() == b"alpha be"
    store.pipe("/bucket/a.part000.txt", b"other by")
    assert fetch("memory://bucket/a.part000.txt", tmp_path).read_bytes() == b"other by"
    assert store.fetched == ["/bucket/a.part000.txt"] * 2


def test_each_copy_is_noted_once_whatever_was_noted_before(tmp_path, store):
    """Twenty thousand objects: a note that is written anew for each would be tens of gigabytes."""
    for number in range(50):
        store.pipe(f"/bucket/{number:02d}.txt", b"alpha")
    fetch("memory://bucket", tmp_path)
    lines = [line for line in (tmp_path / NOTE).read_text().splitlines() if line]
    assert len(lines) == 52
    before = (tmp_path / NOTE).read_bytes()
    fetch("memory://bucket", tmp_path)
    assert (tmp_path / NOTE).read_bytes() == before
    assert len(store.fetched) == 52


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text + b'["memory/bucket/x", [', lambda text: text + b"\xff\n5\n"])
def test_a_note_that_a_crash_cut_off_costs_that_copy(tmp_path, store, damage):
    fetch("memory://bucket", tmp_path)
    path = tmp_path / NOTE
    path.write_bytes(damage(path.read_bytes()))
    fetch("memory://bucket", tmp_path)
    assert len(store.fetched) <= 3
    fetched = len(store.fetched)
    fetch("memory://bucket", tmp_path)
    assert len(store.fetched) == fetched


def test_a_copy_that_was_cut_short_is_no_file(cli, out, tmp_path, store, monkeypatch):
    monkeypatch.setattr(store, "get_file", lambda _, local: Path(local).touch())
    said = cli("process", "memory://bucket", "--out", out, *SYNC)
    assert (said.code, "came with 0 bytes of 8" in said.err) == (74, True)
    left = [path.name for path in (tmp_path / "out-inputs").rglob("*") if path.is_file() and path.name != NOTE]
    assert left == ["a.part000.txt.part"]


@pytest.mark.parametrize("url", ["memory://bucket/nothing", "nosuchstore://x/y"])
def test_a_url_that_leads_nowhere_is_a_usage_error(cli, out, store, url):
    assert store.exists("/bucket")
    assert cli("process", url, "--out", out, *SYNC).code == 2


def test_a_name_that_leads_out_is_refused_and_a_stop_is_heard(tmp_path, store, monkeypatch):
    with pytest.raises(InterruptedRunError):
        fetch("memory://bucket", tmp_path, stopped=lambda: True)
    monkeypatch.setattr(store, "find", lambda *_, **__: {"/bucket/../../evil": {"size": 1}})
    with pytest.raises(DataError, match="lead out"):
        fetch("memory://bucket", tmp_path)
    assert store.fetched == []


def test_a_bucket_of_s3(cli, out, tmp_path, monkeypatch):
    server = pytest.importorskip("moto.server", reason="moto with flask is not installed")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    moto = server.ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        bucket = s3fs.S3FileSystem()
        bucket.mkdir("downlink")
        for name, data in TAPES.items():
            bucket.pipe(f"downlink/passes/{name}", data)
        said = cli("process", "s3://downlink/passes", "--out", out, *SYNC)
        assert said.code == 0, said.err
        assert (out / "pages" / "b.page").read_text() == '["beta", "(black)"]'
        assert (tmp_path / "out-inputs" / "s3" / "downlink" / "passes" / "a.part000.txt").exists()
        assert cli("process", "s3://downlink/nothing", "--out", out, *SYNC).code == 2
    finally:
        moto.stop()
