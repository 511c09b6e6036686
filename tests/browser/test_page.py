"""The page in a browser, as people use it: from a folder, on a phone, by keyboard, without scripts, on paper."""

from __future__ import annotations

import importlib.resources
import json
import re

import pytest

PARTIAL = "#camera-DDC .shot:has(.share)"


def frames(page, camera="DDC"):
    return page.locator(f"#camera-{camera} .gallery .shot b").all_text_contents()


def test_it_opens_from_a_folder(look, until):
    page = look()
    assert page.title() == "A landing"
    assert page.locator("h1").inner_text() == "A landing"
    # 48 places stand in the page, and the rest comes as it is reached.
    page.locator("#camera-DDC .gallery").scroll_into_view_if_needed()
    until(page, "document.querySelectorAll('#camera-DDC .shot').length === 59")
    assert frames(page) == [f"{n:04d}" for n in range(62) if n not in {3, 4, 9}]
    assert page.locator("#camera-DDC .more button").is_hidden()
    assert page.locator("#camera-DDC .hole").all_inner_texts() == ["0003 \N{EN DASH} 0004\n2 frames missing", "0009\n1 frame missing"]
    image = page.locator("#camera-DDC .shot img").first
    image.scroll_into_view_if_needed()
    until(page, "document.querySelector('#camera-DDC .shot img').naturalWidth === 880")
    assert page.locator(".live").is_hidden()


def test_pictures_are_chosen_by_camera_completeness_edition_and_time(look, until):
    page = look()
    chip = lambda name, value: page.locator(f".filters input[name={name}][value={value}]")  # noqa: E731  a word for the next lines
    chip("camera", "RDC").check()
    page.wait_for_selector("#camera-DDC", state="hidden")
    until(page, "document.querySelector('[name=found]').value === '4 pictures of 63'")
    chip("camera", "RDC").uncheck()
    chip("state", "partial").check()
    until(page, "document.querySelector('[name=found]').value === '1 picture of 63'")
    assert frames(page) == ["0007"]
    assert frames(page, "RDC") == []
    chip("state", "partial").uncheck()
    chip("edition", "jpeg").check()
    until(page, "document.querySelectorAll('#camera-DDC .shot').length === 13")
    assert frames(page) == [f"{n:04d}" for n in range(0, 62, 5)]
    page.locator("[name=to]").fill("1395")
    until(page, "document.querySelectorAll('#camera-DDC .shot').length === 5")
    assert frames(page) == ["0000", "0005", "0010", "0015", "0020"]
    assert page.locator("[name=to] + output").inner_text() == "+6:35"
    # The choice outlives the page, and goes when it is told to.
    page.reload()
    until(page, "document.querySelectorAll('#camera-DDC .shot').length === 5")
    page.get_by_role("button", name="Show all").click()
    page.locator("#camera-DDC .more").scroll_into_view_if_needed()
    until(page, "document.querySelectorAll('#camera-DDC .shot').length === 59")
    assert page.locator("#camera-DDC .hole").count() == 2


def scale(page):
    return page.locator("#viewer img").evaluate("image => new DOMMatrix(getComputedStyle(image).transform).a")


def test_a_picture_is_looked_at_closely(look, until):
    page = look()
    page.locator(PARTIAL).click()
    viewer = page.locator("#viewer")
    # What is said of a picture comes with its piece of the gallery, which may still be on its way.
    until(page, "document.querySelector('#viewer .caption').innerText !== ''")
    assert viewer.locator(".caption").inner_text() == "DDC · 0007 · T+391.75 s · 90.0 %"
    until(page, "document.querySelector('#viewer img').naturalWidth === 640")
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert scale(page) == pytest.approx(2.25)
    before = page.locator("#viewer img").bounding_box()
    page.mouse.move(600, 300)
    page.mouse.down()
    page.mouse.move(650, 320, steps=3)
    page.mouse.up()
    after = page.locator("#viewer img").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((50, 20), abs=1)
    page.keyboard.press("0")
    assert scale(page) == 1
    page.mouse.wheel(0, -500)
    until(page, "new DOMMatrix(getComputedStyle(document.querySelector('#viewer img')).transform).a > 1.5")
    page.keyboard.press("i")
    told = viewer.locator("aside").inner_text()
    assert "90.0 %: 900 of 1,000 pixels" in told
    assert "10 transfer frames lost in pass one: 10 at byte 50,000 of the pass" in told
    assert "skycrane explain OUT images/DDC/0007.png" in told
    assert viewer.locator(".histogram path.green").get_attribute("d").count("L") == 64
    mosaic = viewer.get_by_role("link", name="Mosaic").get_attribute("href")
    assert mosaic == "mosaics/DDC/0007-lossless-80-0007.tif"
    page.keyboard.press("ArrowRight")
    assert "0008" in viewer.locator(".caption").inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "0006" in viewer.locator(".caption").inner_text()
    page.keyboard.press("Escape")
    assert not viewer.is_visible()


def test_what_a_loss_cost_is_told_on_both_ends(look):
    page = look()
    page.get_by_text("1 loss more, traced to no picture or sound").click()
    rows = page.locator(".costs tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [["50,000", "0", "10", "DDC 0007"], ["100,000", "0", "2"]]
    assert "0007 (90.0 % of the picture): 10 transfer frames lost in pass one" in page.locator("#missing").inner_text()


def test_the_first_picture_is_reached_by_keyboard_alone(look):
    page = look()
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.gallery .shot')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[open]")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.gallery .shot')")


def test_sound_plays_and_the_cursor_moves(look, until):
    page = look()
    page.locator(".sound summary").click()
    page.locator(".seek").last.click()
    until(page, "document.querySelector('audio').currentTime > 4.05")
    cursor = page.locator(".spectrogram .cursor")
    at = float(cursor.evaluate("cursor => parseFloat(cursor.style.left)"))
    assert 10 + 80 * 4 / 60 < at < 10 + 80 * 20 / 60
    page.evaluate("document.querySelector('audio').pause()")
    box = page.locator(".spectrogram").bounding_box()
    page.locator(".spectrogram").click(position={"x": box["width"] / 2, "y": 20})
    until(page, "Math.abs(document.querySelector('audio').currentTime - 30) < 0.5")


@pytest.mark.parametrize("width", [320, 390, 768, 1366, 2560])
def test_no_width_makes_the_page_scroll_sideways(look, width):
    page = look(width=width, height=844, has_touch=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # To the cell itself: what loads above it may move it away from under a pointer.
    page.locator(PARTIAL).dispatch_event("click")
    page.locator("#viewer .info").click()
    page.wait_for_selector("#viewer aside", state="visible")
    assert page.evaluate("document.querySelector('#viewer').scrollWidth <= innerWidth")
    boxes = [button.bounding_box() for button in page.locator("#viewer .tools > :visible").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 844 for box in boxes)


def test_it_follows_the_readers_light_and_dark(look):
    grey = {}
    for scheme in ("dark", "light"):
        page = look(color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grey[scheme] = sum(map(int, re.findall(r"\d+", colour)))
    assert grey["dark"] < 100
    assert grey["light"] > 650


def test_it_can_be_printed(look):
    page = look()
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_every_picture_of_the_page_is_there_without_scrolling_or_scripts(look):
    for options in ({}, {"java_script_enabled": False}):
        page = look(**options)
        page.wait_for_load_state("load")
        # Whoever prints, or has no scripts, scrolls nowhere.
        page.emulate_media(media="print")
        widths = page.locator(".gallery .thumb img").evaluate_all("images => images.slice(0, 40).map((image) => image.naturalWidth)")
        assert len(widths) >= 40
        assert min(widths) > 0


def test_what_is_lost_is_hatched_wherever_a_picture_stands(look):
    page = look()
    page.locator(PARTIAL).click()
    assert "repeating-linear-gradient" in page.locator("#viewer .stage img").evaluate("image => getComputedStyle(image).backgroundImage")


def test_it_reads_without_scripts(look):
    page = look(java_script_enabled=False)
    assert len(frames(page)) == 46
    assert page.locator("#camera-DDC noscript").count() == 1
    assert page.locator("#camera-DDC .more button").is_hidden()
    assert not page.locator(".filters").is_visible()
    assert page.locator("#viewer").is_hidden()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("opened", [False, True])
def test_axe_finds_nothing_serious(look, scheme, opened):
    pytest.importorskip("axe_playwright_python")
    page = look(color_scheme=scheme)
    if opened:
        page.locator(PARTIAL).click()
        page.locator("#viewer .info").click()
    else:
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.evaluate(importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, { preload: false, resultTypes: ['violations'] })")
    found = [(rule["id"], node["target"], node["failureSummary"]) for rule in result["violations"] for node in rule["nodes"]]
    assert found == [], json.dumps(found, indent=1)[:4000]
