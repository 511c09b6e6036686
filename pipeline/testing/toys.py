"""A toy pipeline with a stage of each form, to test the engine without any science.

Tapes of text arrive in chunks. `words` cuts them into words, carrying the unfinished one on; `letters` fans out by first letter; `page`
gathers each letter's words; `book` is made from all pages once nothing else is due. A word with a `!` in it makes its stage fail, one with
a `#` the book, one with a `%` takes its worker with it, and one with a `_` takes a while.
"""

from __future__ import annotations

import ctypes
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipeline.errors import DataError
from pipeline.product import Arrival, Completeness, Facts, Key, Product, Recognition, Sink, Source
from pipeline.registry import Registry, build
from pipeline.stage import Group, Previous, Section, read_stage, stage

__all__ = ["Book", "Ink", "Letter", "Page", "Tail", "Tape", "Words", "book", "letters", "page", "toy_registry", "words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink(Section):
    """`[ink.LETTER]`: how a page is written."""

    NAME: ClassVar[str] = "ink"
    KEY: ClassVar[tuple[str, ...]] = ("letter",)

    colour: str = "black"

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        """Read one table."""
        del name
        return cls(**mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape(Product):
    """Text from outside."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    LEVELS: ClassVar[tuple[str, ...]] = ("tape",)
    MARGIN: ClassVar[int] = 2

    pass_: str
    chunk: str
    text: str
    margin: str = ""

    def save(self, sink: Sink) -> None:
        """Write the text."""
        sink.write(self.text.encode())

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read the text, and the two letters before it."""
        margin = "".join(source.read(suffix).decode() for suffix in sorted(source.files) if suffix)
        return cls(pass_=source.key["pass"], chunk=source.key["chunk"], text=source.read().decode(), margin=margin)

    def completeness(self) -> Completeness:
        """Complete."""
        return Completeness(received=len(self.text), expected=len(self.text))

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        """Any text will do."""
        del sections
        if not arrival.head.isascii():
            return None
        return Recognition(confidence=1.0, level="tape", key={}, chunked=True, margin=cls.MARGIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text(Product):
    """A product that is a list of words."""

    ROOM: ClassVar[str]

    items: tuple[str, ...]

    @classmethod
    def stem(cls, key: Key) -> str:
        """ROOM/KEY."""
        return f"{cls.ROOM}/{key.text}"

    def save(self, sink: Sink) -> None:
        """Write JSON."""
        data = json.dumps(self.items).encode()
        if self.PACKED:
            sink.write(data)
        else:
            sink.path(f".{type(self).__name__.lower()}").write_bytes(data)

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        (suffix,) = source.files
        names = {("pass_" if name == "pass" else name): value for name, value in source.key.items()}
        return cls(items=tuple(json.loads(source.read(suffix))), **names)

    def completeness(self) -> Completeness:
        """Words with a question mark are partial."""
        return Completeness(received=sum("?" not in word for word in self.items), expected=len(self.items), unit="words")

    def facts(self) -> Facts:
        """Count."""
        return {"count": len(self.items)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(_Text):
    """The words that a chunk completed."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    INTERMEDIATE: ClassVar[bool] = True
    ROOM: ClassVar[str] = "words"
    pass_: str
    chunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail(_Text):
    """The word that a chunk left open."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    ROOM: ClassVar[str] = "words"
    pass_: str
    chunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(_Text):
    """The words of a chunk that begin with a letter."""

    KEY: ClassVar[tuple[str, ...]] = ("letter", "pass", "chunk")
    INTERMEDIATE: ClassVar[bool] = True
    PACKED: ClassVar[bool] = True
    letter: str
    pass_: str
    chunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(_Text):
    """All words that begin with a letter."""

    KEY: ClassVar[tuple[str, ...]] = ("letter",)
    ROOM: ClassVar[str] = "pages"
    letter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book(_Text):
    """All pages."""

    KEY: ClassVar[tuple[str, ...]] = ()
    ROOM: ClassVar[str] = "book"


@stage(version=1)
def words(tape: Tape, previous: Previous[Tail]) -> tuple[Words, Tail]:
    """Cut a tape into words; the last one may go on in the next chunk."""
    text = (previous.items[0] if previous else "") + tape.text
    *whole, rest = text.split(" ")
    where = {"pass_": tape.pass_, "chunk": tape.chunk}
    return Words(items=tuple(word for word in whole if word), **where), Tail(items=(rest,), **where)


@stage(version=1)
def letters(words: Words, *, least: int = 1) -> Iterator[Letter]:
    """Sort words by first letter.

    least  shortest word that counts
    """
    if any("!" in word for word in words.items):
        raise ValueError("a word shouts")
    if any("%" in word for word in words.items):
        os._exit(3)
    time.sleep(0.05 * sum(word.count("_") for word in words.items))
    while any("&" in word for word in words.items):
        pass
    if any("^" in word for word in words.items):
        # Holds the interpreter: no other thread of this process gets a turn.
        ctypes.PyDLL(None).sleep(600)
    counted = [word for word in words.items if len(word) >= least]
    for letter in sorted({word[0] for word in counted}):
        items = tuple(word for word in counted if word[0] == letter)
        yield Letter(letter=letter, pass_=words.pass_, chunk=words.chunk, items=items)


@stage(version=1)
def page(parts: Group[Letter], ink: Ink, *, loud: bool = False) -> Page:
    """Gather a letter's words, each once.

    loud  write in capitals
    """
    items = sorted({word for part in parts for word in part.items})
    return Page(letter=parts.entries[0].key["letter"], items=(*((w.upper() if loud else w) for w in items), f"({ink.colour})"))


@stage(version=1, settled=True)
def book(pages: Group[Page]) -> Book:
    """Bind the pages; one with a `#` is a misprint."""
    if misprints := [word for one in pages for word in one.items if "#" in word]:
        raise DataError(f"misprints: {', '.join(misprints)}")
    return Book(items=tuple(word for one in pages for word in one.items))


def toy_registry() -> Registry:
    """Order the toy stages."""
    return build(read_stage(function, function.__name__) for function in (words, letters, page, book))
