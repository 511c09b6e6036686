"""Signatures and the key law: each form that is read, each violation that is refused; the order of the stages."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import ClassVar, Literal

import pytest

from pipeline.errors import ContractError, UsageError
from pipeline.product import Completeness, Key, Product, Sink, Source
from pipeline.registry import build, discover, stages_of
from pipeline.stage import Group, Previous, Role, Section, Setting, read_stage, stage
from pipeline.testing.toys import Ink, Tape, toy_registry


class Kind(Product):
    """A kind of which only the key counts."""

    KEY: ClassVar[tuple[str, ...]] = ()

    def save(self, sink: Sink) -> None:
        raise AssertionError(sink)

    @classmethod
    def load(cls, source: Source) -> Kind:
        raise AssertionError(source)

    def completeness(self) -> Completeness:
        raise AssertionError("only the key counts")


class Bits(Kind):
    KEY = ("pass", "chunk")


class Frame(Kind):
    KEY = ("pass", "chunk")


class Rest(Kind):
    KEY = ("pass", "chunk")


class Turned(Kind):
    KEY = ("chunk", "pass")


class Night(Kind):
    KEY = ("pass",)


class Piece(Kind):
    KEY = ("file", "pass", "chunk")


class File(Kind):
    KEY = ("file",)


class Copy(Kind):
    KEY = ("file",)


class Shot(Kind):
    KEY = ("file", "camera")


class Picture(Kind):
    KEY = ("camera",)


class Whole(Kind):
    KEY = ()


class Sky(Section):
    NAME = "sky"

    @classmethod
    def from_mapping(cls, mapping, *, name=""):
        raise AssertionError(mapping, name)


class Camera(Section):
    NAME = "camera"
    KEY = ("camera",)

    @classmethod
    def from_mapping(cls, mapping, *, name=""):
        raise AssertionError(mapping, name)


class Camera2(Camera):
    pass


def read(function, room="room", **marks):
    return read_stage(stage(**({"version": 1} | marks))(function), room)


# --- what a signature may say -------------------------------------------------------------------------------------------------------


def test_one_in_one_out():
    def frames(bits: Bits) -> Frame: ...

    spec = read(frames, "frames", version=7)
    assert (spec.name, spec.room, spec.version, spec.settled) == ("frames", "frames", 7, False)
    assert [(item.name, item.role, item.kind) for item in spec.inputs] == [("bits", Role.ONE, Bits)]
    assert (spec.outputs, spec.fan_out, spec.dimensions, spec.has_group) == ((Frame,), False, ("pass", "chunk"), False)
    assert spec.key_of({"chunk": "1", "pass": "a", "file": "f"}).text == "a/1"


def test_a_function_of_another_name_than_its_room():
    def cells(bits: Bits) -> Frame: ...

    assert read(cells, "sheet").name == "sheet.cells"
    assert read(cells, "sheet").room == "sheet"


def test_several_kinds_the_previous_one_and_a_shared_one():
    def packets(night: Night, bits: Bits, previous: Previous[Rest], sky: Sky) -> tuple[Frame, Rest]: ...

    spec = read(packets)
    assert [item.role for item in spec.inputs] == [Role.ONE, Role.ONE, Role.PREVIOUS]
    assert (spec.outputs, spec.dimensions, spec.sections) == ((Frame, Rest), ("pass", "chunk"), (("sky", Sky),))


def test_a_fan_out():
    def files(bits: Bits) -> Iterator[Piece]: ...

    spec = read(files)
    assert (spec.outputs, spec.fan_out, spec.dimensions) == ((Piece,), True, ("pass", "chunk"))


def test_a_fan_out_of_several_kinds():
    def decode(file: File) -> Iterator[Shot | Piece]: ...

    spec = read(decode)
    assert (spec.outputs, spec.fan_out, spec.dimensions) == ((Shot, Piece), True, ("file",))


def test_a_group_runs_at_the_key_of_what_it_makes():
    def assemble(pieces: Group[Piece], extra: File | None) -> Copy: ...

    spec = read(assemble)
    assert [item.role for item in spec.inputs] == [Role.GROUP, Role.OPTIONAL]
    assert (spec.dimensions, spec.has_group) == (("file",), True)


def test_a_group_of_everything_that_is_settled():
    def report(files: Group[File], nights: Group[Night]) -> Whole: ...

    spec = read(report, settled=True)
    assert (spec.dimensions, spec.settled) == ((), True)
    assert spec.key_of({}).text == "-"


def test_optional_in_both_spellings():
    def one(bits: Bits, night: Night | None) -> Frame: ...

    def two(bits: Bits, night: None | Night) -> Frame: ...  # noqa: RUF036  people write it

    assert [item.role for item in read(one).inputs] == [Role.ONE, Role.OPTIONAL]
    assert read(two).inputs == read(one).inputs


def test_a_section_for_a_dimension_of_the_key():
    def develop(shots: Group[Shot], camera: Camera, sky: Sky) -> Picture: ...

    assert read(develop).sections == (("camera", Camera), ("sky", Sky))


def test_settings_of_each_type():
    def one(bits: Bits, *, a: int = 1, b: float = 0.5, c: str = "x", d: bool = False, e: Literal["u", "v"] = "u") -> Frame:
        """Do it.

        a  how often
        e  which way,
           as they say
        """

    spec = read(one)
    assert spec.settings[0] == Setting(name="a", default=1, type=int, help="how often")
    assert [setting.type for setting in spec.settings] == [int, float, str, bool, str]
    assert spec.settings[4].choices == ("u", "v")
    assert spec.settings[4].help == "which way,"
    assert spec.doc.startswith("Do it.")


# --- what it may not say ------------------------------------------------------------------------------------------------------------


def no_annotation(bits) -> Frame: ...
def unknown_name(bits: Bytes) -> Frame: ...  # noqa: F821  that is the point
def not_a_kind(bits: int) -> Frame: ...
def bare_group(bits: Group) -> Whole: ...
def group_of_text(bits: Group[str]) -> Whole: ...
def list_of_kind(bits: list[Bits]) -> Whole: ...
def union(bits: Bits | Frame) -> Rest: ...
def positional_setting(bits: Bits, method: str = "x") -> Frame: ...
def star(*bits: Bits) -> Frame: ...
def double_star(bits: Bits, **settings: int) -> Frame: ...
def positional_only(bits: Bits, /) -> Frame: ...
def nothing(*, a: int = 1) -> Whole: ...
def only_optional(bits: Bits | None) -> Frame: ...
def only_previous(rest: Previous[Rest]) -> Rest: ...
def no_default(bits: Bits, *, a: int) -> Frame: ...
def odd_setting(bits: Bits, *, a: list[int] = []) -> Frame: ...  # noqa: B006  never called
def optional_setting(bits: Bits, *, a: int | None = None) -> Frame: ...
def mixed_literal(bits: Bits, *, a: Literal["x", 1] = "x") -> Frame: ...
def wrong_default(bits: Bits, *, a: int = "x") -> Frame: ...
def default_out_of_choice(bits: Bits, *, a: Literal["x", "y"] = "z") -> Frame: ...
def no_return(bits: Bits): ...
def returns_none(bits: Bits) -> None: ...
def returns_list(bits: Bits) -> list[Piece]: ...
def returns_any_many(bits: Bits) -> tuple[Frame, ...]: ...
def returns_twice(bits: Bits) -> tuple[Frame, Frame]: ...
def iterator_of_text(bits: Bits) -> Iterator[str]: ...
def iterator_of_any(bits: Bits) -> Iterator[Piece | str]: ...
def bare_iterator(bits: Bits) -> Iterator: ...
def group_and_iterator(pieces: Group[Piece]) -> Iterator[File]: ...
def grows(bits: Bits) -> Piece: ...
def grows_in_a_tuple(bits: Bits) -> tuple[Frame, Piece]: ...
def shrinks(bits: Bits) -> Night: ...
def shrinks_while_fanning(bits: Bits) -> Iterator[File]: ...
def fans_without_growing(bits: Bits) -> Iterator[Frame]: ...
def one_fans_without_growing(bits: Bits) -> Iterator[Piece | Frame]: ...
def gathers_what_is_not_there(bits: Group[Bits]) -> File: ...
def group_makes_two_keys(pieces: Group[Piece]) -> tuple[File, Night]: ...
def one_that_is_larger(bits: Bits, pieces: File) -> Frame: ...
def one_beside_a_group(pieces: Group[Piece], bits: Bits) -> File: ...
def optional_that_is_larger(night: Night, bits: Bits | None) -> Night2: ...
def previous_of_another(bits: Bits, rest: Previous[Rest]) -> Frame: ...
def previous_without_chunk(night: Night, rest: Previous[Night2]) -> Night2: ...
def previous_turned(bits: Bits, rest: Previous[Turned]) -> Turned: ...
def section_for_nothing(bits: Bits, camera: Camera) -> Frame: ...
def own_product(bits: Bits) -> Bits: ...
def own_group(files: Group[File]) -> File: ...
def own_optional(bits: Bits, frame: Frame | None) -> Frame: ...


class Night2(Kind):
    KEY = ("pass",)


@pytest.mark.parametrize(
    "function, problem",
    [
        (no_annotation, "parameter bits has no annotation. The signature is the contract"),
        (unknown_name, "'Bytes' is not defined. Import the kinds"),
        (not_a_kind, "Settings are keyword-only: put them after a"),
        (bare_group, "parameter bits"),
        (group_of_text, "parameter bits"),
        (list_of_kind, "neither Kind, Group"),
        (union, "neither Kind, Group"),
        (positional_setting, "Settings are keyword-only"),
        (star, "variadic positional"),
        (double_star, "variadic keyword"),
        (positional_only, "positional-only. The engine calls stages by name"),
        (nothing, "has no required input. Something must say when it runs"),
        (only_optional, "has no required input"),
        (only_previous, "has no required input"),
        (no_default, "setting a has no default. Every setting has one"),
        (odd_setting, "Use str, int, float, bool or a Literal"),
        (optional_setting, "is not a setting's type"),
        (mixed_literal, "is not a setting's type"),
        (wrong_default, "its default 'x' is not a int"),
        (default_out_of_choice, "its default 'z' is not one of 'x', 'y'"),
        (no_return, "returns None. Return Kind, tuple"),
        (returns_none, "Return Kind, tuple"),
        (returns_list, "Return Kind, tuple"),
        (returns_any_many, "Return Kind, tuple"),
        (returns_twice, "a kind twice. Many products of a kind come as Iterator"),
        (iterator_of_text, "Return Kind, tuple"),
        (iterator_of_any, "Return Kind, tuple"),
        (bare_iterator, "Return Kind, tuple"),
        (group_and_iterator, "gathers and fans out. Make two stages of it"),
        (grows, "Keys grow only by fan-out and shrink only by Group"),
        (grows_in_a_tuple, "returns Piece with key .*Keys grow only by fan-out"),
        (shrinks, "Keys grow only by fan-out and shrink only by Group"),
        (shrinks_while_fanning, "shrink only by Group"),
        (fans_without_growing, "no larger than the task's. Without a further dimension"),
        (one_fans_without_growing, "fans out into Frame, whose key is no larger"),
        (gathers_what_is_not_there, r"gathers Bits by \['file'\], which its key has not"),
        (group_makes_two_keys, "returns Night with key"),
        (one_that_is_larger, r"takes one File .* its key also has \['file'\]. Take Group"),
        (one_beside_a_group, "takes one Bits .* Take Group"),
        (optional_that_is_larger, "takes one Bits .* Take Group"),
        (previous_of_another, "takes the previous Rest, which it does not make for each chunk"),
        (previous_without_chunk, "which it does not make for each chunk"),
        (previous_turned, "which it does not make for each chunk"),
        (section_for_nothing, r"reads Camera for a camera, .* cannot know which \[camera\.\*\] holds"),
        (own_product, "reads Bits, which it makes itself"),
        (own_group, "reads File, which it makes itself"),
        (own_optional, "reads Frame, which it makes itself"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_breaks_the_law_is_refused_with_the_functions_name(function, problem):
    with pytest.raises(ContractError, match=problem) as caught:
        read(function)
    assert caught.value.exit_code == 35
    assert caught.value.where.endswith(f".{function.__name__}")


# --- the order of the stages --------------------------------------------------------------------------------------------------------


def frames(bits: Bits) -> Frame: ...
def carry(frame: Frame, previous: Previous[Rest]) -> Rest: ...
def pieces(rest: Rest, frame: Frame) -> Iterator[Piece]: ...
def files(parts: Group[Piece]) -> File: ...
def everything(files: Group[File], rests: Group[Rest]) -> Whole: ...


def ordered(*functions):
    return build([read(function, function.__name__, settled=function is everything) for function in functions])


def test_each_stage_comes_after_those_that_make_what_it_reads():
    registry = ordered(everything, files, carry, pieces, frames)
    assert list(registry.stages) == ["frames", "carry", "pieces", "files", "everything"]
    assert registry.rank["files"] == 3
    assert registry.upstream["files"] == {"frames", "carry", "pieces"}
    assert registry.downstream("pieces") == {"files", "everything"}
    assert registry.producers["Rest"].name == "carry"
    assert [(spec.name, item.name) for spec, item in registry.consumers["Frame"]] == [("carry", "frame"), ("pieces", "frame")]
    assert registry.projections["Piece"] == {("file",)}
    assert registry.projections["File"] == {()}


def test_equals_are_ordered_by_name_whatever_the_order_given():
    one, two = ordered(frames, carry, pieces, files, everything), ordered(everything, files, pieces, carry, frames)
    assert list(one.stages) == list(two.stages)


def test_a_stage_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UsageError, match=r"there is no stage 'page'\. Stages are frames, carry"):
        ordered(frames, carry).find("page")


def test_a_kind_has_one_maker():
    def again(bits: Bits) -> Frame: ...

    with pytest.raises(ContractError, match=r"again and frames both make Frame\. A kind has one maker"):
        ordered(frames, again)


def test_a_stage_has_a_name_of_its_own():
    with pytest.raises(ContractError, match="two stages are called frames"):
        build([read(frames, "frames"), read(frames, "frames")])


def test_two_kinds_of_one_name_are_refused():
    other = type("Frame", (Kind,), {"KEY": ("pass", "chunk")})

    def reader(frame: Frame) -> Turned: ...

    reader.__annotations__ = {"frame": other, "return": Turned}
    with pytest.raises(ContractError, match=r"uses another Frame than the other stages\. Rename one"):
        ordered(frames, reader)


def test_two_sections_of_one_name_are_refused():
    def first(shots: Group[Shot], camera: Camera) -> Picture: ...
    def second(picture: Picture, camera: Camera2) -> Copy: ...

    second.__annotations__ |= {"return": type("Picture2", (Kind,), {"KEY": ("camera",)})}
    with pytest.raises(ContractError, match=r"reads \[camera\] as another section than the other stages"):
        ordered(first, second)


def test_a_circle_is_refused():
    def there(bits: Bits, rest: Rest) -> Frame: ...
    def back(frame: Frame) -> Rest: ...

    with pytest.raises(ContractError, match="back, there wait for each other in a circle"):
        ordered(there, back)


def test_a_room_gives_the_functions_that_it_marks_itself():
    room = types.ModuleType("room")
    mark = stage(version=1)(lambda: None)
    mark.__module__ = "elsewhere"
    room.frames, room.helper, room.borrowed = stage(version=1)(frames), carry, mark
    frames.__module__ = "room"
    try:
        room.frames.__globals__  # noqa: B018  the annotations are read from there
        assert [spec.name for spec in stages_of(room, "frames")] == ["frames"]
    finally:
        frames.__module__ = __name__


def test_the_toys_are_in_order_and_the_installed_stages_are_read():
    assert list(toy_registry().stages) == ["words", "letters", "page", "book"]
    assert [kind.__name__ for kind in toy_registry().external] == ["Tape"]
    assert toy_registry().sections == {"ink": Ink}
    assert toy_registry().kinds["Tape"] is Tape
    assert all(spec.function.__module__.startswith("stages.") for spec in discover().stages.values())


# --- keys ---------------------------------------------------------------------------------------------------------------------------


def test_a_group_in_memory_is_in_key_order_and_can_be_cut():
    class Word(Kind):
        KEY = ("letter",)

        def __init__(self, letter):
            self.letter = letter

        def completeness(self):
            return Completeness(received=1)

    group = Group.of([Word("c"), Word("a"), Word("b")])
    assert [word.letter for word in group] == ["a", "b", "c"]
    assert [word.letter for word in group[1:]] == ["b", "c"]
    assert group[-1].letter == "c"
    assert [entry.key for entry in group.entries] == [Key([("letter", letter)]) for letter in "abc"]
    for index in (3, -4):
        with pytest.raises(IndexError):
            group[index]
