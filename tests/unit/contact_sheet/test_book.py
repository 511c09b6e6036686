"""The book of sheets: a PDF that readers accept, the same bytes each time."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from pipeline.stage import Group
from pipeline.testing.saving import reloaded
from stages import contact_sheet as room
from stages.contact_sheet.binding import jpeg
from stages.formats.pdf import Link, Page, Word, pdf
from stages.products import ContactSheet, Image, SheetPrint
from stages.products.sheets import Place
from stages.profile import Camera, Clock, Timeline

CAMERA = Camera(name="DDC", title="Descent stage camera (\N{GREEK SMALL LETTER DELTA})")


def sheets(count: int = 2) -> list[ContactSheet]:
    images = [
        Image(camera="DDC", frame=f"{48 * n:04d}", samples=np.full((32, 48, 3), 40 * n, np.uint8), mask=np.zeros((32, 48), bool))
        for n in range(count)
    ]
    cells = [cell for image in images for cell in room.cells(image, CAMERA)]
    return [room.contact_sheet(Group.of([cell]), CAMERA, Timeline(), Clock()) for cell in cells]


def prints(count: int = 2) -> Group[SheetPrint]:
    return Group.of([room.prints(sheet) for sheet in sheets(count)])


def sheet_of_leaves(heights: tuple[int, ...]) -> ContactSheet:
    leaves = [np.full((height, 48, 3), 50 * number, np.uint8) for number, height in enumerate(heights, 1)]
    return ContactSheet(
        camera="DDC",
        page="0001",
        leaves=lambda: iter(leaves),
        sizes=tuple((48, height) for height in heights),
        places=tuple(Place(f"000{number}", number, 4, 5, 24, 18) for number in range(len(heights))),
    )


def objects(data: bytes) -> dict[int, bytes]:
    """Find every object by the table of cross references, as a reader does."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])
    table = data[start:]
    count = int(re.match(rb"xref\n0 (\d+)\n", table)[1])
    rows = table[table.index(b"0000000000") :]
    offsets = [int(rows[20 * i : 20 * i + 10]) for i in range(count)]
    return {i: data[offsets[i] :].split(b"\nendobj", 1)[0] for i in range(1, count)}


def test_every_object_is_where_the_table_says() -> None:
    data = b"".join(room.book(prints(), CAMERA).pieces())
    found = objects(data)
    assert all(body.startswith(b"%d 0 obj\n" % number) for number, body in found.items())
    assert b"/Count 2" in found[2]
    assert len(found) == 5 + 4 * 2


def test_pages_hold_the_sheets() -> None:
    book = room.book(prints(), CAMERA)
    data = b"".join(book.pieces())
    pictures = [body.split(b"stream\n", 1)[1] for body in objects(data).values() if b"/DCTDecode" in body]
    for body, sheet in zip(pictures, sheets(), strict=True):
        decoded = np.asarray(Picture.open(io.BytesIO(body))).astype(int)
        assert np.abs(decoded - next(sheet.leaves())).mean() < 2
    assert book.pages == 2
    assert book.completeness().received == 2


def test_words_and_links_lie_on_the_cells() -> None:
    found = objects(b"".join(room.book(prints(1), CAMERA).pieces()))
    page = next(body for body in found.values() if b"/Type /Page " in body)
    assert b"/URI (../images/DDC/0000.png)" in page
    content = next(body for body in found.values() if b"3 Tr" in body)
    assert b"(0000) Tj" in content


def test_a_book_has_no_date_and_is_the_same_each_time() -> None:
    first, second = (b"".join(room.book(prints(), CAMERA).pieces()) for _ in range(2))
    assert first == second
    assert b"Date" not in first
    assert b"/ID" not in first


def test_titles_and_names_are_escaped() -> None:
    page = Page(
        jpeg=b"\xff\xd8\xff\xd9",
        width=10,
        height=10,
        title="a(b)c\\",
        words=(Word(text=")\N{CJK UNIFIED IDEOGRAPH-4E2D}(", x=1, y=1, size=5),),
        links=(Link(target="x)y", x=0, y=0, width=1, height=1),),
    )
    data = b"".join(pdf([page], title="Kamera \N{GREEK SMALL LETTER DELTA}"))
    assert b"(a\\(b\\)c\\\\)" in data
    assert b"(\\)?\\() Tj" in data
    assert b"/URI (x\\)y)" in data
    assert b"\xfe\xff\x00K" in data
    objects(data)


def test_a_book_comes_back_from_disk(tmp_path: Path) -> None:
    book = room.book(prints(), CAMERA)
    again = reloaded(book, tmp_path)
    assert b"".join(again.pieces()) == b"".join(book.pieces()) == (tmp_path / "product.pdf").read_bytes()


def test_a_sheet_of_one_leaf_is_handed_on_as_it_would_be_read(tmp_path: Path) -> None:
    (sheet,) = sheets(1)
    handed, read = sheet.as_saved(), reloaded(sheet, tmp_path)
    assert handed is not None
    assert [leaf.tolist() for leaf in handed.leaves()] == [leaf.tolist() for leaf in read.leaves()]
    assert (handed.facts(), handed.completeness()) == (read.facts(), read.completeness())
    assert list(room.prints(handed).leaves()) == list(room.prints(read).leaves())
    # What loads it keeps it in memory by its size.
    assert handed.leaves.nbytes == next(read.leaves()).nbytes
    assert read.as_saved() is None


def test_a_sheet_of_several_leaves_is_not_kept() -> None:
    assert sheet_of_leaves((40, 56)).as_saved() is None


def test_pages_are_what_pillow_makes_of_the_leaves() -> None:
    leaf = np.random.default_rng(7).integers(0, 256, (37, 53, 3), np.uint8)
    ours, theirs = Picture.open(io.BytesIO(jpeg(leaf))), io.BytesIO()
    Picture.fromarray(leaf).save(theirs, "JPEG", quality=90, subsampling=0)
    assert (np.abs(np.asarray(ours).astype(int) - np.asarray(Picture.open(theirs))) <= 1).all()
    assert [layer[1:3] for layer in ours.layer] == [(1, 1)] * 3


def test_each_leaf_is_a_page_with_its_own_words(tmp_path: Path) -> None:
    printed = reloaded(room.prints(sheet_of_leaves((40, 56))), tmp_path)
    leaves = list(printed.leaves())
    assert [(leaf.width, leaf.height, [place.frame for place in leaf.places]) for leaf in leaves] == [
        (48, 40, ["0000"]),
        (48, 56, ["0001"]),
    ]
    assert leaves == list(room.prints(sheet_of_leaves((40, 56))).leaves())
    book = room.book(Group.of([printed]), CAMERA)
    data = b"".join(book.pieces())
    assert book.pages == 2
    assert data.index(b"(0000) Tj") < data.index(b"(0001) Tj")
    assert b"/Title (page 0001.1)" in data
    assert b"/Title (page 0001.2)" in data
