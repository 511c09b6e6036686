"""`serve`: what may be read, what may not, in which pieces, by whom; and what it tells while it happens."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import threading
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.news import News
from pipeline.public import PublicTree, RangeError, byte_range
from pipeline.receipt import Journal
from pipeline.serve import MOST_LISTENERS, SAFETY, Server, serving

SOUND = bytes(range(256)) * 40


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    for name, data in {
        "index.html": b"<!doctype html><title>x</title>",
        "page/report.js": b"1;",
        "page/evil.html": b"<script>1</script>",
        "audio/EDL.flac": SOUND,
        "images/Nav Cam/0001.png": b"png",
        "files/0247-1": b"<script>alert(1)</script>",
        "files/a.html": b"<script>alert(1)</script>",
        "images/x.svg": b"<svg/>",
        ".skycrane/settings.toml": b"secret",
        "images/.hidden": b"secret",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / ".skycrane" / "receipts").mkdir()
    (tmp_path / "outside.png").write_bytes(b"secret")
    (folder / "images" / "away.png").symlink_to(tmp_path / "outside.png")
    (folder / "images" / "up").symlink_to(tmp_path)
    (folder / "images" / "in.toml").symlink_to(folder / ".skycrane" / "settings.toml")
    (folder / "images" / "alias.png").symlink_to(folder / "images" / "Nav Cam" / "0001.png")
    (folder / "images" / "round").symlink_to(folder / "images" / "round")
    os.mkfifo(folder / "images" / "pipe.png")
    return folder


@pytest.fixture
def counts():
    return {"due": 0, "quarantined": 0}


@pytest.fixture
def server(out, counts):
    tree = PublicTree(out)
    news = News(out / ".skycrane" / "receipts", report=lambda: tree.tag("index.html"), tally=lambda: counts)
    server = Server(tree, news, beat=0.05)
    with serving(server, seconds=0.02):
        yield server


@pytest.fixture
def ask(server):
    def ask(path, method="GET", **headers):
        port = server.server_address[1]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in ({"Host": f"127.0.0.1:{port}"} | {name.replace("_", "-"): value for name, value in headers.items()}).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    return ask


@pytest.mark.parametrize(
    "path,kind",
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?x=1", "text/html; charset=utf-8"),
        ("/page/report.js", "text/javascript; charset=utf-8"),
        ("/audio/EDL.flac", "audio/flac"),
        ("/images/Nav%20Cam/0001.png", "image/png"),
        ("/images/alias.png", "image/png"),
    ],
)
def test_public_files_are_sent_with_their_type(ask, path, kind):
    status, headers, body = ask(path)
    assert (status, headers["Content-Type"], int(headers["Content-Length"])) == (200, kind, len(body))
    assert body
    assert headers["Cache-Control"] == "no-cache"
    assert all(headers[name] == value for name, value in SAFETY.items())
    assert "Content-Disposition" not in headers


@pytest.mark.parametrize("path", ["/files/0247-1", "/files/a.html", "/page/evil.html", "/images/x.svg"])
def test_what_the_spacecraft_sent_is_never_a_page(ask, path):
    status, headers, _ = ask(path)
    assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
    assert headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    "path",
    [
        "/.skycrane/settings.toml",
        "/%2eskycrane/settings.toml",
        "/images/../.skycrane/settings.toml",
        "/images/%2e%2e/.skycrane/settings.toml",
        "/images/..%2f.skycrane/settings.toml",
        "/images/in.toml",
        "/images/away.png",
        "/images/up/outside.png",
        "/images/up/out/index.html/",
        "/images/round",
        "/images/.hidden",
        "/images/pipe.png",
        "/images",
        "/images/",
        "//etc/passwd",
        "/etc/passwd",
        "/..%5c.skycrane",
        "/images%00.png",
        "/%ff%fe",
        "/" + "a" * 5000,
        "/no.png",
        "http://example.org/no.png",
    ],
)
def test_nothing_else_is(ask, path):
    status, headers, body = ask(path)
    assert status == 404
    assert body == b"404 Not Found\n"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_link_put_in_a_files_place_while_it_is_opened_leads_nowhere(out, monkeypatch):
    tree = PublicTree(out)
    monkeypatch.setattr(tree, "find", lambda _: out / "images" / "away.png")
    with tree.open("/images/away.png") as file:
        assert file is None


@pytest.mark.parametrize(
    "host,status", [("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("LOCALHOST", 200), ("10.0.0.7:80", 200)]
)
def test_own_names_are_answered(ask, host, status):
    assert ask("/", Host=host)[0] == status


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "", "a b", "127.0.0.1@evil.example"]
)
def test_a_strangers_name_is_not(ask, host):
    status, _, body = ask("/", Host=host)
    assert status == 421
    assert b"doctype" not in body
    assert ask("/events", Host=host)[0] == 421


def raw(server, data):
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "request_,status",
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 501),
        (b"PUT /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\nGET /x HTTP/1.1\r\nHost: localhost", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET <script>1</script> HTTP/9\r\n\r\n", 400),
        (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_what_is_not_a_reading_request_is_refused_once(server, request_, status):
    answer = raw(server, request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"script" not in answer
    assert b"nosniff" in answer


@pytest.mark.parametrize(
    "header,status,start,stop",
    [
        ("bytes=0-", 206, 0, 10240),
        ("bytes=0-99", 206, 0, 100),
        ("bytes=10000-99999", 206, 10000, 10240),
        ("bytes=10239-", 206, 10239, 10240),
        ("bytes=-40", 206, 10200, 10240),
        ("bytes=-99999", 206, 0, 10240),
        ("bytes=0-1,5-6", 200, 0, 10240),
        ("bytes=9-3", 200, 0, 10240),
        ("items=0-1", 200, 0, 10240),
        ("bytes=x", 200, 0, 10240),
    ],
)
def test_parts_of_sound(ask, header, status, start, stop):
    found, headers, body = ask("/audio/EDL.flac", Range=header)
    assert (found, body) == (status, SOUND[start:stop])
    assert headers["Accept-Ranges"] == "bytes"
    assert headers.get("Content-Range") == (f"bytes {start}-{stop - 1}/10240" if status == 206 else None)


@pytest.mark.parametrize("header", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_parts_that_are_not_there(ask, header):
    status, headers, _ = ask("/audio/EDL.flac", Range=header)
    assert (status, headers["Content-Range"]) == (416, "bytes */10240")


def test_of_an_empty_file_no_part_is_there():
    assert byte_range("bytes=0-0,1-1", 0) is None
    with pytest.raises(RangeError):
        byte_range("bytes=0-", 0)


def test_what_has_not_changed_is_not_sent_again(ask, out):
    _, headers, _ = ask("/index.html")
    tag = headers["ETag"]
    assert headers["Server-Timing"] == f"report;desc={tag}"
    for known in (tag, f"W/{tag}", f'"a", {tag}', "*"):
        status, headers, body = ask("/index.html", If_None_Match=known)
        assert (status, body, headers["ETag"]) == (304, b"", tag)
    assert ask("/index.html", If_None_Match='"other"')[0] == 200
    (out / "index.html").write_bytes(b"<!doctype html>new and longer than before")
    status, headers, _ = ask("/index.html", If_None_Match=tag)
    assert status == 200
    assert headers["ETag"] != tag


def test_a_part_of_another_edition_is_not_mixed_in(ask):
    tag = ask("/audio/EDL.flac")[1]["ETag"]
    assert ask("/audio/EDL.flac", Range="bytes=0-9", If_Range=tag)[0] == 206
    assert ask("/audio/EDL.flac", Range="bytes=0-9", If_Range='"old"')[2] == SOUND


def test_head_has_the_headers_and_no_body(ask):
    status, headers, body = ask("/audio/EDL.flac", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "10240", b"")
    assert ask("/no.png", method="HEAD")[2] == b""


def test_a_connection_is_kept_for_the_next_file(server):
    request = b"GET /page/report.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert raw(server, request * 3).count(b"HTTP/1.1 200 OK") == 3


def test_a_taken_port_is_told_with_a_remedy(server):
    with pytest.raises(UsageError, match="--port 0"):
        Server(server.tree, server.news, port=server.server_address[1])


# --- news


def receipt(kind, key, path, **facts):
    file = {"path": path, "whole": True, "size": 1, "sha256": "", "suffix": "", "offset": 0, "mtime_ns": 0, "inode": 0}
    done = {"received": 9, "expected": 10, "unit": "pixels", "gaps": [], "caveats": []}
    output = {"kind": kind, "key": key, "digest": "", "files": [file], "completeness": done, "facts": facts}
    return {"type": "receipt", "what": {"stage": "s", "key": key, "outputs": [output]}}


@contextlib.contextmanager
def listening(server, query="?kind=Image", **headers):
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", f"/events{query}", headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "text/event-stream")

        def events():
            fields = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    yield fields["event"], json.loads(fields["data"]), fields.get("id")
                    fields = {}

        yield events()


def test_a_picture_is_told_as_soon_as_it_is_in_the_journal(server, out, counts):
    journal = Journal(out / ".skycrane" / "receipts")
    with listening(server) as events:
        state = next(events)
        assert state[0] == "state"
        assert state[1]["report"] == server.tree.tag("index.html")
        counts["due"] = 3
        journal.append([receipt("Image", "DDC/1", "images/DDC/1.png", edition="jpeg"), receipt("Mosaic", "m", "mosaics/m.tif")])
        event, value, number = next(events)
        assert event == "made"
        assert value == {
            "kind": "Image", "key": "DDC/1", "paths": ["images/DDC/1.png"], "facts": {"edition": "jpeg"}, "received": 9, "expected": 10,
        }  # fmt: skip
        assert next(events)[1]["counts"] == {"due": 3, "quarantined": 0}
        with listening(server) as later:
            assert next(later)[1]["key"] == "DDC/1"
        journal.append([receipt("Image", "DDC/2", "images/DDC/2.png")])
        with listening(server, Last_Event_ID=number) as again:
            found = [event for _, event in zip(range(2), again, strict=False) if event[0] == "made"]
            assert [value["key"] for _, value, _ in found] == ["DDC/2"]
        (out / "index.html").write_bytes(b"anew")
        journal.append([receipt("Report", "-", "index.html")])
        told = [next(events) for _ in range(2)]
        while told[-1][0] != "state" or told[-1][1]["report"] != server.tree.tag("index.html"):
            told.append(next(events))
    with listening(server) as fresh:
        assert next(fresh)[0] == "state"
    journal.close()


def test_who_comes_before_the_first_look_is_told_no_state_that_nobody_knows(out):
    tree = PublicTree(out)
    server = Server(tree, News(out / ".skycrane" / "receipts", report=lambda: tree.tag("index.html"), tally=dict), beat=0.01)
    answering = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    answering.start()
    try:
        connection = socket.create_connection(server.server_address, timeout=10)
        with contextlib.closing(connection), connection.makefile("rb") as stream:
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            lines = iter(stream)
            assert any(line == b": alive\n" for line in lines)
            server.news.look()
            event = next(line for line in lines if line.startswith(b"event"))
            assert event == b"event: state\n"
            assert json.loads(next(lines).removeprefix(b"data: "))["report"] == tree.tag("index.html")
    finally:
        server.shutdown()
        server.server_close()
        answering.join()


def test_what_is_hidden_is_no_news_and_a_damaged_journal_no_end(out):
    folder = out / ".skycrane" / "receipts"
    news = News(folder, report=lambda: "", tally=dict)
    journal = Journal(folder)
    journal.append([receipt("Cell", "c", ".skycrane/packs/1"), receipt("Chunk", "c", "/landing/recording"), {"type": "input", "x": 1}])
    news.look()
    assert news.wait(-1, 0, 0)[2] == []
    with (folder / "000001.jsonl").open("ab") as stream:
        stream.write(b"{broken\n")
    news.look()
    journal.append([receipt("Image", "a", "images/a.png")])
    news.look()
    assert [item.value["key"] for item in news.wait(-1, 0, 0)[2]] == ["a"]
    journal.close()


def test_listeners_have_a_limit_and_leave_in_peace(server, ask):
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            next(stack.enter_context(listening(server)))
        status, headers, _ = ask("/events?kind=Image")
        assert (status, headers["Retry-After"]) == (503, "10")
    released = threading.Event()
    for _ in range(MOST_LISTENERS):
        # The server notices at its next heartbeat that a reader has gone.
        assert server.listeners.acquire(timeout=10)
    released.set()
    assert released.is_set()


def test_the_catalog_of_another_version_stops_no_news(out):
    def tally():
        raise UsageError("was written by another version")

    news = News(out / ".skycrane" / "receipts", report=lambda: "t", tally=tally)
    news.look()
    assert news.wait(-1, 0, 0)[1] == {"report": "t", "counts": {}}


def test_a_reader_of_a_cut_file_is_not_told_that_it_is_whole(server, out):
    path = Path(out / "audio" / "EDL.flac")
    with server.tree.open("/audio/EDL.flac") as file:
        assert file.size == 10240
        path.write_bytes(b"")
        assert file.stream.read() == b""
