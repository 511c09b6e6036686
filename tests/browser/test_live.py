"""The same page, served: nothing that its policy forbids, and pictures as they are made."""

from __future__ import annotations

import shutil
import time

import pytest

from pipeline.news import News
from pipeline.public import PublicTree
from pipeline.receipt import Journal
from pipeline.serve import Server, serving

FAILURE = {"stage": "decode", "key": "80-0666", "message": "<b>is no picture</b> (byte 0)"}


@pytest.fixture
def out(tree, tmp_path):
    return shutil.copytree(tree, tmp_path / "out")


@pytest.fixture
def server(out):
    public = PublicTree(out)
    news = News(
        out / ".skycrane" / "receipts",
        report=lambda: public.tag("index.html"),
        tally=lambda: {"due": 2, "quarantined": 1, "failures": [FAILURE]},
    )
    server = Server(public, news)
    with serving(server):
        yield server


def made(out, kind, key, path, received=1000):
    """What a run writes when it has made something."""
    file = {"path": path, "whole": True, "size": 1, "sha256": "", "suffix": "", "offset": 0, "mtime_ns": 0, "inode": 0}
    done = {"received": received, "expected": 1000, "unit": "pixels", "gaps": [], "caveats": []}
    output = {"kind": kind, "key": key, "digest": "", "files": [file], "completeness": done, "facts": {"edition": "jpeg"}}
    journal = Journal(out / ".skycrane" / "receipts")
    journal.append([{"type": "receipt", "what": {"stage": "s", "key": key, "outputs": [output]}}])
    journal.close()


def test_a_new_picture_appears_within_two_seconds(look, until, out, server):
    page = look(server.url)
    until(page, "document.querySelector('.live').textContent.startsWith('Live')")
    shutil.copy(out / "images" / "DDC" / "0001.png", out / "images" / "DDC" / "0100.png")
    begin = time.monotonic()
    made(out, "Image", "DDC/0100", "images/DDC/0100.png", received=870)
    until(page, "document.querySelector('#fresh img')?.naturalWidth === 640")
    took = time.monotonic() - begin
    assert took < 2, f"{took:.2f} s"
    assert page.locator("#fresh .shot").inner_text().split() == ["DDC", "0100", "87.0", "%", "jpeg"]
    until(page, "document.querySelector('.live').textContent === 'Live · 1 new · 2 to do · 1 in quarantine'")


def test_a_new_page_takes_the_old_ones_place_when_the_reader_is_not_busy(look, until, out, server):
    page = look(server.url)
    until(page, "document.querySelector('.live').textContent.startsWith('Live')")
    page.locator(".filters input[value=partial]").check()
    page.locator("#camera-DDC .shot").click()
    index = out / "index.html"
    index.write_text(index.read_text(encoding="utf-8").replace("<title>A landing", "<title>A landing, anew"), encoding="utf-8")
    made(out, "Report", "-", "index.html")
    with server.news._changed:
        server.news._changed.wait_for(lambda: server.news._state["report"] == server.tree.tag("index.html"), 10)
    assert page.title() == "A landing"
    with page.expect_navigation():
        page.keyboard.press("Escape")
    assert page.title() == "A landing, anew"
    until(page, "document.querySelectorAll('#camera-DDC .shot').length === 1")
    assert page.locator("#fresh").is_hidden()


def test_what_is_in_quarantine_is_listed_with_the_reason(look, until, server, out):
    page = look(server.url)
    made(out, "Image", "DDC/0100", "images/DDC/0001.png")
    until(page, "!document.querySelector('#quarantine').hidden")
    assert page.locator("#quarantine tbody tr").inner_text().split("\t") == list(FAILURE.values())


def test_its_policy_lets_everything_work_and_nothing_else(look, until, server):
    page = look(server.url)
    page.locator("#camera-DDC .shot").nth(2).click()
    page.keyboard.press("+")
    page.keyboard.press("Escape")
    page.evaluate("document.querySelector('audio').play()")
    until(page, "document.querySelector('audio').currentTime > 0")
    page.evaluate("document.querySelector('audio').currentTime = 50")
    until(page, "document.querySelector('audio').currentTime > 50")
