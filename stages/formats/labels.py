"""Labels in the Object Description Language, as PDS3 archives have them (PDS Standards Reference 3.8, chapter 12).

Strict: what the language does not allow is refused with its place, so that a damaged label is never half understood. VICAR labels are
another language (`stages.formats.vicar`) and come down to the same blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, Union

from pipeline.errors import DataError

__all__ = ["BitPattern", "Block", "Quantity", "Value", "parse_label", "scalar"]

LONGEST_LABEL = 1 << 20
"""Characters; those of the archives' richest labels stay under a tenth of it."""
DEEPEST = 16
"""Objects in objects, lists in lists; the standard allows two levels of lists."""
REMEDY = "Fetch the file again, or mend its label"

TOKEN = re.compile(
    r"""(?P<space>[\s\0]+|/\*.*?\*/)
      | (?P<text>"[^"]*")
      | (?P<symbol>'[^'\r\n]*')
      | (?P<unit><[^<>]*>)
      | (?P<mark>[=(),{}])
      | (?P<word>(?:(?!/\*)[^\s\0=(),{}<>"'])+)""",
    re.VERBOSE | re.DOTALL,
)
INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
BASED = re.compile(r"([+-]?)([0-9]{1,2})\#([0-9A-Za-z]{1,64})\#")
REAL = re.compile(r"[+-]?(?:[0-9]{1,400}\.[0-9]{0,400}|\.[0-9]{1,400}|[0-9]{1,400}(?=[eE]))(?:[eE][+-]?[0-9]{1,6})?")
OPENING = {"OBJECT": "OBJECT", "BEGIN_OBJECT": "OBJECT", "GROUP": "GROUP", "BEGIN_GROUP": "GROUP"}
CLOSING = {"END_OBJECT": "OBJECT", "END_GROUP": "GROUP"}
LISTS = {"(": ")", "{": "}"}


class BitPattern(int):
    """A whole number written in another base than ten: of a floating-point constant, the bits."""

    __slots__ = ()


class Quantity(NamedTuple):
    """A value with its unit."""

    value: Value
    unit: str


Value: TypeAlias = Union[int, float, str, BitPattern, Quantity, tuple["Value", ...]]  # noqa: UP007  # a recursive name cannot stand in X | Y


@dataclass(slots=True)
class Block:
    """A label, or an object or group in it."""

    kind: str = ""
    """OBJECT or GROUP; empty for the label itself."""
    name: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    """By keyword, in upper case, pointers with their `^`; of a keyword that is there twice, the first."""
    blocks: list[Block] = field(default_factory=list)

    def walk(self) -> Iterator[Block]:
        """Give this block and all in it, in the order of the label."""
        yield self
        for block in self.blocks:
            yield from block.walk()

    def lookup(self, keyword: str) -> Value | None:
        """Find a keyword here, else in the blocks in it, those apart that say only what was asked of the spacecraft."""
        for block in self.walk():
            if keyword in block.values and "REQUEST" not in block.name:
                return block.values[keyword]
        return None


def parse_label(text: str, name: str) -> tuple[Block, int]:
    """Read a label up to its END statement.

    text  a file's first characters, one for each byte (ISO 8859-1)
    name  for messages

    Returns the label, and how many characters it takes. Raises DataError, naming the byte, for anything else than a label, and for one
    that does not end.
    """
    return _Parser(text[:LONGEST_LABEL], name).label()


def scalar(word: str) -> Value:
    """Give a number its value; any other word stands for itself."""
    if INTEGER.fullmatch(word):
        return int(word)
    if (based := BASED.fullmatch(word)) and 2 <= int(based[2]) <= 36:
        try:
            return BitPattern(based[1] + str(int(based[3], int(based[2]))))
        except ValueError:
            return word
    return float(word) if REAL.fullmatch(word) else word


class _Parser:
    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.at = 0
        self.kind = ""
        self.lexeme = ""
        self.stop = 0
        self.advance()

    def fail(self, problem: str) -> DataError:
        return DataError(problem, where=f"{self.name} at byte {self.at}", remedy=REMEDY)

    def advance(self) -> None:
        """Go on to the next token; at the end of the text its kind is empty."""
        self.at = self.stop
        while match := TOKEN.match(self.text, self.stop):
            self.at, self.stop = match.span()
            self.kind, self.lexeme = match.lastgroup or "", match[0]
            if self.kind != "space":
                return
        self.at = self.stop
        if self.stop < len(self.text):
            raise self.fail("has a label in which a quotation, a comment or a unit does not end")
        self.kind, self.lexeme = "", ""

    def take(self, mark: str) -> None:
        if self.kind != "mark" or self.lexeme != mark:
            raise self.fail(f"has a label with {self.lexeme[:20]!r} where {mark!r} belongs")
        self.advance()

    def label(self) -> tuple[Block, int]:
        root = Block()
        open_blocks = [root]
        while True:
            if self.kind != "word":
                raise self.fail(
                    f"has a label with {self.lexeme[:20]!r} where a keyword belongs" if self.kind else "has a label without END"
                )
            keyword = self.lexeme.upper()
            if keyword == "END":
                if len(open_blocks) > 1:
                    raise self.fail(f"has a label that ends within {open_blocks[-1].name[:40]}")
                return root, self.stop
            self.advance()
            if keyword in CLOSING:
                self.close(open_blocks, CLOSING[keyword])
                continue
            self.take("=")
            value = self.value()
            if keyword in OPENING:
                self.open(open_blocks, OPENING[keyword], value)
            else:
                open_blocks[-1].values.setdefault(keyword, value)

    def open(self, open_blocks: list[Block], kind: str, value: Value) -> None:
        if len(open_blocks) > DEEPEST:
            raise self.fail(f"has a label of more than {DEEPEST} objects in one another")
        block = Block(kind, str(value).upper())
        open_blocks[-1].blocks.append(block)
        open_blocks.append(block)

    def close(self, open_blocks: list[Block], kind: str) -> None:
        named = ""
        if self.kind == "mark" and self.lexeme == "=":
            self.advance()
            named = str(self.value()).upper()
        block = open_blocks[-1]
        if block.kind != kind or named not in {"", block.name}:
            raise self.fail(f"has a label that ends {kind.lower()} {named[:40]} where none is open")
        open_blocks.pop()

    def value(self, depth: int = 0) -> Value:
        value = self.bare_value(depth)
        if self.kind == "unit":
            value = Quantity(value, self.lexeme[1:-1].strip())
            self.advance()
        return value

    def bare_value(self, depth: int) -> Value:
        kind, lexeme = self.kind, self.lexeme
        if kind == "mark" and lexeme in LISTS:
            return self.values(LISTS[lexeme], depth + 1)
        if kind not in {"text", "symbol", "word"}:
            raise self.fail(f"has a label with {lexeme[:20]!r} where a value belongs")
        self.advance()
        if kind == "word":
            return scalar(lexeme)
        return re.sub(r"\s*[\r\n]\s*", " ", lexeme[1:-1]).strip()

    def values(self, closing: str, depth: int) -> Value:
        if depth > DEEPEST:
            raise self.fail(f"has a label of more than {DEEPEST} lists in one another")
        self.advance()
        found: list[Value] = []
        while not (self.kind == "mark" and self.lexeme == closing):
            if found:
                self.take(",")
            found.append(self.value(depth))
        self.advance()
        return tuple(found)
