"""Picture books as PDF (ISO 32000-1): a JPEG a page, words that can be searched, places that lead to files.

Written page by page, with neither date nor identifier, so that equal pages give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["Link", "Page", "Word", "pdf"]

POINTS = 72 / 150
"""Of a pixel: a page looks as large as at 150 pixels an inch."""
CATALOG, TREE, OUTLINE, FONT, INFO = range(1, 6)
"""Numbers of the objects that all pages share; each page takes four from FIRST on."""
FIRST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Text under the picture, for search and for reading aloud; pixels from the upper left, of the base line."""

    text: str
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place that leads to a file, in pixels from the upper left."""

    target: str
    """URI, relative to the book."""
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that is one picture."""

    jpeg: bytes
    """Baseline, RGB."""
    width: int
    """Pixels."""
    height: int
    title: str
    """In the outline."""
    words: tuple[Word, ...] = field(default=())
    links: tuple[Link, ...] = ()


def pdf(pages: Iterable[Page], *, title: str) -> Iterator[bytes]:
    """Give the bytes of a book in order; each page is dropped once it is given."""
    offsets: dict[int, int] = {}
    position = 0

    def place(number: int, body: bytes) -> bytes:
        nonlocal position
        offsets[number] = position
        data = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        position += len(data)
        return data

    header = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"
    position = len(header)
    yield header
    titles: list[str] = []
    for index, page in enumerate(pages):
        for number, body in _page_objects(page, FIRST + 4 * index):
            yield place(number, body)
        titles.append(page.title)
    for number, body in _closing_objects(titles, title):
        yield place(number, body)
    yield _cross_references(offsets, position)


def _page_objects(page: Page, first: int) -> Iterator[tuple[int, bytes]]:
    """Give page, picture and content; the fourth number is its entry in the outline, written when its neighbours are known."""
    width, height = page.width * POINTS, page.height * POINTS
    links = b"".join(_annotation(link, page.height) for link in page.links)
    yield (
        first,
        (
            b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %.2f %.2f] /Contents %d 0 R /Annots [%s]"
            b" /Resources << /XObject << /I %d 0 R >> /Font << /F %d 0 R >> >> >>"
        )
        % (TREE, width, height, first + 2, links, first + 1, FONT),
    )
    head = (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode"
        b" /Length %d >>\nstream\n"
    )
    yield first + 1, head % (page.width, page.height, len(page.jpeg)) + page.jpeg + b"\nendstream"
    content = b"q %.2f 0 0 %.2f 0 0 cm /I Do Q\n" % (width, height) + b"".join(_word(word, page.height) for word in page.words)
    yield first + 2, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _closing_objects(titles: list[str], title: str) -> Iterator[tuple[int, bytes]]:
    """Give the outline, the tree of pages and the catalog."""
    count = len(titles)
    for index, text in enumerate(titles):
        links = b"".join(
            b" /%s %d 0 R" % (name, FIRST + 4 * other + 3)
            for name, other in ((b"Prev", index - 1), (b"Next", index + 1))
            if 0 <= other < count
        )
        body = b"<< /Title %s /Parent %d 0 R /Dest [%d 0 R /Fit]%s >>" % (_text(text), OUTLINE, FIRST + 4 * index, links)
        yield FIRST + 4 * index + 3, body
    kids = b" ".join(b"%d 0 R" % (FIRST + 4 * index) for index in range(count))
    yield TREE, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids)
    ends = b" /First %d 0 R /Last %d 0 R" % (FIRST + 3, FIRST + 4 * count - 1) if count else b""
    yield OUTLINE, b"<< /Type /Outlines /Count %d%s >>" % (count, ends)
    yield FONT, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    yield INFO, b"<< /Title %s /Creator (skycrane) >>" % _text(title)
    look = b" /ViewerPreferences << /DisplayDocTitle true >> /PageMode /UseOutlines"
    yield CATALOG, b"<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R%s >>" % (TREE, OUTLINE, look)


def _cross_references(offsets: dict[int, int], position: int) -> bytes:
    """Give the table of offsets and the trailer (7.5.4, 7.5.5): entries of exactly 20 bytes."""
    rows = b"".join(b"%010d 00000 n \n" % offsets[number] for number in range(1, len(offsets) + 1))
    size = len(offsets) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, rows)
    return table + b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        CATALOG,
        INFO,
        position,
    )


def _annotation(link: Link, height: int) -> bytes:
    left, right = link.x * POINTS, (link.x + link.width) * POINTS
    bottom, top = (height - link.y - link.height) * POINTS, (height - link.y) * POINTS
    box = b"[%.2f %.2f %.2f %.2f]" % (left, bottom, right, top)
    return b"<< /Type /Annot /Subtype /Link /Border [0 0 0] /Rect %s /A << /S /URI /URI %s >> >> " % (box, _text(link.target))


def _word(word: Word, height: int) -> bytes:
    """Give text in mode 3, which shows nothing (9.3.6)."""
    literal = _escape(word.text.encode("cp1252", "replace"))
    return b"BT /F %.2f Tf 3 Tr 1 0 0 1 %.2f %.2f Tm %s Tj ET\n" % (
        word.size * POINTS,
        word.x * POINTS,
        (height - word.y) * POINTS,
        literal,
    )


def _text(text: str) -> bytes:
    """Give a text string (7.9.2): ASCII as it is, else UTF-16 with its mark."""
    return _escape(text.encode() if text.isascii() else b"\xfe\xff" + text.encode("utf-16-be", "replace"))


def _escape(data: bytes) -> bytes:
    """Give a literal string (7.3.4.2)."""
    for plain, escaped in ((b"\\", b"\\\\"), (b"(", b"\\("), (b")", b"\\)"), (b"\r", b"\\r"), (b"\n", b"\\n")):
        data = data.replace(plain, escaped)
    return b"(" + data + b")"
