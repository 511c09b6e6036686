"""Inputs become chunks and files: places, margins, contention, and that the order of arrival does not show."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import arrivals, recognition
from pipeline.arrivals import Admitter
from pipeline.errors import DataError, ProfileError, StorageError, UsageError
from pipeline.ledger import Ledger
from pipeline.mission import Profile
from pipeline.places import layout, plain_name
from pipeline.product import Arrival, Completeness, Product, Recognition, Sink, Source
from pipeline.registry import build
from pipeline.stage import Section, read_stage, stage
from pipeline.store import Store
from pipeline.testing.toys import Tape

MARGIN = 5
CHUNK = 4


class Track(Section):
    NAME = "track"
    KEY = ("pass",)

    @classmethod
    def from_mapping(cls, mapping, *, name=""):
        del mapping, name
        return cls()


class _Kind(Product):
    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")

    def save(self, sink: Sink) -> None:
        raise AssertionError(sink)

    @classmethod
    def load(cls, source: Source) -> Any:
        raise AssertionError(source)

    def completeness(self) -> Completeness:
        raise AssertionError("only what it recognises counts")


class Reel(_Kind):
    """A stretch of a pass; its first letter says which track it came by, unless it is lower case."""

    LEVELS = ("reel",)

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        del sections
        head = arrival.head
        if arrival.level is None and (not head.isalpha() or head.startswith(b"Photo")):
            return None
        if head.startswith(b"Boom"):
            raise ZeroDivisionError
        track = {"track": arrival.section or head[:1].decode()} if arrival.section or head[:1].isupper() else {}
        return Recognition(confidence=0.5, level="reel", key={}, chunked=True, margin=MARGIN, sections=track)


class Script(_Kind):
    """Made of a reel, or from outside."""

    LEVELS = ("script",)

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        del sections
        if not arrival.head.startswith(b"#"):
            return None
        return Recognition(confidence=0.9, level="script", key={"pass": arrival.path.stem, "chunk": f"{0:015d}"})


class Photo(_Kind):
    KEY = ("file",)
    LEVELS = ("photo",)

    @classmethod
    def recognise(cls, arrival: Arrival, sections: Callable[[type[Any]], Mapping[str, Any]]) -> Recognition | None:
        del sections
        if not arrival.head.startswith(b"Photo"):
            return None
        return Recognition(confidence=0.9, level="photo", key={"file": arrival.path.name})


class Print(_Kind):
    KEY = ("file",)


class End(_Kind):
    pass


@stage(version=1)
def write(reel: Reel, track: Track) -> Script: ...  # only its signature is read


@stage(version=1)
def read(script: Script) -> End: ...  # only its signature is read


@stage(version=1)
def develop(photo: Photo) -> Print: ...  # only its signature is read


REGISTRY = build(read_stage(function, function.__name__) for function in (write, read, develop))


class World:
    """A landing folder, and a catalog that hears of it."""

    def __init__(self, folder: Path, tables: Mapping[str, Any] | None = None) -> None:
        self.landing = folder / "landing"
        self.landing.mkdir(parents=True)
        self.ledger = Ledger(Store(folder / "out").create(), REGISTRY)
        self.profile = Profile(name="toy", tables=tables or {})

    def put(self, name: str, text: str | bytes) -> Path:
        path = self.landing / name
        path.parent.mkdir(exist_ok=True, parents=True)
        part = path.with_name("new.part")
        part.write_bytes(text.encode() if isinstance(text, str) else text)
        part.replace(path)  # another inode, as a transfer leaves it
        return path

    def admit(self, path: Path, *, named: bool = False, **said: str) -> arrivals.Admission:
        admission = Admitter(self.ledger.catalog, self.profile, **said).admit(path, named=named)
        self.ledger.record(admission.records)
        self.ledger.commit()
        return admission

    def take(self, name: str, text: str | bytes, **said: str) -> arrivals.Admission:
        return self.admit(self.put(name, text), **said)

    def chunks(self, kind: str = "Reel") -> dict[str, str]:
        """Key to the bytes that the margin and the chunk refer to: ``marg|own``."""
        found = {}
        for output in self.ledger.catalog.outputs(kind):
            data = [_bytes(record) for record in output.files]
            found[output.key] = b"|".join([b"".join(data[1:]), data[0]]).decode()
        return found

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that planning sees."""
        queries = {
            "products": "SELECT kind, key, digest, task FROM products",
            "spans": "SELECT pass, chunk, start, stop, kind, margin FROM spans",
            "assignments": "SELECT section, value, name FROM assignments WHERE value IN (SELECT pass FROM spans) AND name <> value",
            "members": "SELECT * FROM members",
        }
        return {name: sorted(tuple(row) for row in self.ledger.catalog.db.execute(query)) for name, query in queries.items()}

    def close(self) -> None:
        self.ledger.close()


def _bytes(record) -> bytes:
    data = Path(record.path).read_bytes()
    assert not record.whole or len(data) == record.size
    return data[record.offset : record.offset + record.size]


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(recognition, "CHUNK_BYTES", CHUNK)
    one = World(tmp_path / "world")
    yield one
    one.close()


def at(offset: int) -> str:
    return f"{offset:015d}"


# --- names and cuts -----------------------------------------------------------------------------------------------------------------


def test_a_file_without_place_in_its_name_is_the_start_of_its_pass(world):
    assert world.take("sol3.bin", "abcdefghij").taken == 1
    assert world.chunks() == {f"sol3/{at(0)}": "|abcd", f"sol3/{at(4)}": "abcd|efgh", f"sol3/{at(8)}": "defgh|ij"}


def test_a_part_number_is_a_place_and_so_is_an_offset(world):
    world.take("sol3.part002.bin", "abcdef")
    world.take("sol4.at1000.bin", "ABCDEF")
    assert world.chunks() == {
        "sol3/p000002": "|abcd",
        f"sol3/p000002+{4:012d}": "abcd|ef",
        f"sol4/{at(1000)}": "|ABCD",
        f"sol4/{at(1004)}": "ABCD|EF",
    }


@pytest.mark.parametrize("size, sizes", [(1, [1]), (3, [3]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1])])
def test_chunks_are_no_larger_than_allowed(world, size, sizes):
    world.take("x.bin", "a" * size)
    outputs = list(world.ledger.catalog.outputs("Reel"))
    assert [output.files[0].size for output in outputs] == sizes
    assert [output.completeness.expected for output in outputs] == sizes
    assert [output.facts["position"] for output in outputs] == list(range(0, size, CHUNK))


def test_the_real_chunk_is_64_mib():
    assert recognition.CHUNK_BYTES == 64 << 20


def test_names_that_cannot_stand_in_a_path_are_changed_and_stay_apart(world):
    world.take("a b:c.bin", "abc")
    world.take("a b;c.bin", "abd")
    names = [key.partition("/")[0] for key in world.chunks()]
    assert len(set(names)) == 2
    assert all(name.startswith("a_b_c~") for name in names)


def test_octets_that_are_not_text_may_stand_in_a_name(world):
    path = Path(os.fsdecode(os.fsencode(world.landing) + b"/caf\xe9.bin"))
    path.write_bytes(b"abcd")
    assert world.admit(path).taken == 1
    assert world.admit(path).known == 1
    assert list(world.chunks().values()) == ["|abcd"]
    copy = world.take("copy.bin", "abcd")
    assert [first.encode() for _, first in copy.duplicates], "it can be printed"


@pytest.mark.parametrize("name", ["x@0123abcd", "x@0123abcd4567", "x"])
def test_a_name_of_ones_own_is_no_name_of_a_contender(name):
    assert plain_name(name) == name if name == "x" else "@" not in plain_name(name)
    assert plain_name("y@station") == "y@station"


# --- margins ------------------------------------------------------------------------------------------------------------------------


def test_a_margin_reaches_back_over_files_and_tiny_chunks(world):
    for offset, letter in enumerate("abcdefgh"):
        world.take(f"x.at{offset}.bin", letter)
    assert world.chunks()[f"x/{at(7)}"] == "cdefg|h"
    world.take("x.at8.bin", "ijklmn")
    assert world.chunks()[f"x/{at(8)}"] == "defgh|ijkl"
    assert world.chunks()[f"x/{at(12)}"] == "hijkl|mn", "four of its own file, one of the file before"


def test_parts_follow_each_other_by_number(world):
    world.take("x.part010.bin", "klm")
    world.take("x.part009.bin", "fghij")
    world.take("x.part011.bin", "n")
    assert world.chunks()["x/p000010"] == "fghij|klm"
    assert world.chunks()["x/p000011"] == "ijklm|n"


def test_a_margin_ends_at_a_gap(world):
    world.take("x.at0.bin", "abc")
    world.take("x.at4.bin", "efg")
    assert world.chunks()[f"x/{at(4)}"] == "|efg"


def test_a_late_chunk_changes_those_that_reach_back_into_it_and_no_others(world):
    for offset, text in ((0, "abc"), (4, "ef"), (6, "gh"), (8, "ijkl"), (12, "m")):
        world.take(f"x.at{offset}.bin", text)
    before = {output.key: output.digest for output in world.ledger.catalog.outputs("Reel")}
    world.take("x.at3.bin", "d")
    after = {output.key: output.digest for output in world.ledger.catalog.outputs("Reel")}
    assert {key for key, digest in before.items() if after[key] != digest} == {f"x/{at(offset)}" for offset in (4, 6, 8)}
    assert world.chunks()[f"x/{at(8)}"] == "defgh|ijkl"
    assert world.chunks()[f"x/{at(12)}"] == "hijkl|m"


def test_a_margin_is_known_by_its_digest(world):
    world.take("x.at0.bin", "abc")
    world.take("x.at3.bin", "de")
    (margin,) = world.ledger.catalog.output("Reel", f"x/{at(3)}").files[1:]
    assert (margin.suffix, margin.offset, margin.size, margin.whole) == ("margin.000000", 0, 3, False)
    assert margin.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# --- contention ---------------------------------------------------------------------------------------------------------------------


def every_order(tmp_path, monkeypatch, files: list[tuple[str, str]]) -> World:
    """Admit in every order; the states must be equal. Return the last world."""
    monkeypatch.setattr(recognition, "CHUNK_BYTES", CHUNK)
    states, world = [], None
    for number, order in enumerate(itertools.permutations(files)):
        if world is not None:
            world.close()
        world = World(tmp_path / str(number))
        for name, text in order:
            world.take(name, text)
        states.append(world.state())
        if states[-1] != states[0]:
            world.close()
        assert states[-1] == states[0], order
    return world


def test_other_bytes_for_a_place_have_a_name_of_their_own(tmp_path, monkeypatch):
    world = every_order(tmp_path, monkeypatch, [("1/x.bin", "abcd"), ("2/x.bin", "efgh"), ("3/x.bin", "ijkl")])
    names = sorted(key.partition("/")[0] for key in world.chunks())
    assert names[0] == "x"
    assert all(len(name) == len("x@") + 8 for name in names[1:])
    assert sorted(world.chunks().values()) == ["|abcd", "|efgh", "|ijkl"]
    world.close()


@pytest.mark.parametrize("texts", [("abcdefghij", "xyz"), ("xyz", "abcdefghij"), ("abcdefgh", "abcdefghi")])
def test_a_longer_and_a_shorter_holder_both_stay_whole(tmp_path, monkeypatch, texts):
    world = every_order(tmp_path, monkeypatch, [("1/x.bin", texts[0]), ("2/x.bin", texts[1]), ("x.at10.bin", "klm")])
    assert sum(len(chunk.partition("|")[2]) for chunk in world.chunks().values()) == sum(map(len, texts)) + 3
    world.close()


def test_a_file_that_begins_in_the_middle_of_another_does_not_overwrite_it(tmp_path, monkeypatch):
    world = every_order(
        tmp_path, monkeypatch, [("x.bin", "abcdefghijkl"), ("x.at4.bin", "EFGH"), ("x.at8.bin", "IJ"), ("x.at12.bin", "mn")]
    )
    by_name: dict[str, str] = {}
    for key, chunk in world.chunks().items():
        name = key.partition("/")[0]
        by_name[name] = by_name.get(name, "") + chunk.partition("|")[2]
    assert any(text.startswith("abcdefghijkl") for text in by_name.values()), "whole, under one name"
    assert "".join(sorted("".join(by_name.values()))) == "".join(sorted("abcdefghijklEFGHIJmn"))
    world.close()


def test_kinds_with_keys_alike_contend_as_one_may_be_made_of_the_other(tmp_path, monkeypatch):
    world = every_order(tmp_path, monkeypatch, [("x.bin", "abcd"), ("x.txt", "#script")])
    keys = {key.partition("@")[0] for kind in ("Reel", "Script") for key in world.chunks(kind)}
    assert len(world.chunks()) == len(world.chunks("Script")) == 1
    assert keys == {"x", f"x/{at(0)}"}
    world.close()


def test_media_files_of_one_name_contend(tmp_path, monkeypatch):
    world = every_order(tmp_path, monkeypatch, [("1/a.png", "Photo1"), ("2/a.png", "Photo2"), ("3/a.png", "Photo3"), ("b.png", "Photo4")])
    assert sorted(key.partition("@")[0] for key in world.chunks("Photo")) == ["a.png", "a.png", "a.png", "b.png"]
    assert sum("@" in key for key in world.chunks("Photo")) == 2
    world.close()


def test_digests_that_begin_alike_are_told_apart():
    records = [{"sha256": digest + "0" * 40, "places": ["x"]} for digest in ("0" * 24, "a" * 8 + "1" * 16, "a" * 8 + "2" * 16)]
    assert list(layout(records).values()) == ["", "@aaaaaaaa", "@aaaaaaaa22222222"]


def test_the_longest_name_leaves_room_for_a_contender(world):
    name = "n" * 150
    world.take(f"1/{name}.bin", "abc")
    world.take(f"2/{name}.bin", "def")
    assert sorted(world.chunks().values()) == ["|abc", "|def"]
    assert max(len(key.partition("/")[0]) for key in world.chunks()) == 150


def test_the_section_of_a_pass_is_that_of_its_first_chunk(tmp_path, monkeypatch):
    world = every_order(
        tmp_path, monkeypatch, [("x.part000.bin", "Abc"), ("x.part001.bin", "Bcd"), ("1/x.part002.bin", "Cc"), ("2/x.part002.bin", "Dd")]
    )
    catalog = world.ledger.catalog
    assert catalog.assignment("track", "x") == "A"
    (other,) = {key.partition("/")[0] for key in world.chunks()} - {"x"}
    assert catalog.assignment("track", other) in {"C", "D"}
    world.close()


def test_another_section_for_a_pass_makes_its_tasks_be_looked_at_again(world):
    world.take("x.part001.bin", "Bcd")
    catalog = world.ledger.catalog
    for stage_name, key in catalog.tasks.dirty():
        catalog.tasks.settle(stage_name, key, "done")
    world.take("x.part000.bin", "Abc")
    assert ("write", "x/p000001") in catalog.tasks.dirty()


place_names = st.sampled_from(["x", "x.at2", "x.at4", "x.at6", "x.at8", "x.part000", "x.part001", "y", "y.at3"])
texts = st.text("abC", min_size=1, max_size=11)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.tuples(place_names, texts), min_size=2, max_size=6, unique_by=lambda file: file[1]), data=st.data())
def test_no_order_of_arrival_shows(files, data, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(recognition, "CHUNK_BYTES", CHUNK)
    numbered = [(f"{number}/{name}.bin", text) for number, (name, text) in enumerate(files)]
    states = []
    for order in (numbered, data.draw(st.permutations(numbered))):
        with contextlib.closing(World(tmp_path_factory.mktemp("order"))) as world:
            for name, text in order:
                world.take(name, text)
            states.append(world.state())
            lengths = [len(chunk.partition("|")[2]) for chunk in world.chunks().values()]
    assert states[0] == states[1]
    assert sum(lengths) == sum(len(text) for _, text in files), "nothing is overwritten"


# --- the same bytes, other bytes ----------------------------------------------------------------------------------------------------


def test_the_same_file_again_is_known(world):
    path = world.put("x.bin", "abcdef")
    world.admit(path)
    again = world.admit(path)
    assert (again.known, again.taken, again.records) == (1, 0, [])


def test_equal_bytes_under_another_name_are_one_input(world):
    world.take("x.bin", "abcdef")
    copy = world.take("y.part003.bin", "abcdef")
    assert (copy.known, copy.taken) == (1, 0)
    assert copy.duplicates == [(str(world.landing / "y.part003.bin"), str(world.landing / "x.bin"))]
    assert len(world.chunks()) == 2


@pytest.mark.parametrize("order", [("x.bin", "copy.part003.bin"), ("x.bin", "b.bin"), ("b.bin", "x.bin")])
def test_of_several_names_one_counts_whichever_came_first(tmp_path, monkeypatch, order):
    monkeypatch.setattr(recognition, "CHUNK_BYTES", CHUNK)
    states = []
    for number, names in enumerate((order, order[::-1])):
        with contextlib.closing(World(tmp_path / str(number))) as world:
            duplicates = [world.take(name, "abcdef").duplicates for name in names]
            assert [len(found) for found in duplicates] == [0, 1]
            states.append(world.state())
            assert len(list(world.ledger.catalog.inputs())) == 1
    assert states[0] == states[1]
    assert states[0]["spans"][0][0] == ("copy" if "copy.part003.bin" in order else "b"), "a name that tells a place goes first"


def test_a_file_that_moved_is_followed(world):
    path = world.put("x.bin", "abcdefgh")
    world.admit(path)
    world.take("x.at8.bin", "ij")
    before = world.state()
    moved = path.rename(world.landing / "z.bin")
    assert world.admit(moved).duplicates == []
    assert world.chunks()[f"x/{at(8)}"] == "defgh|ij", "the margin of what follows too"
    assert {record.path for output in world.ledger.catalog.outputs("Reel") for record in output.files} == {
        str(moved),
        str(world.landing / "x.at8.bin"),
    }
    assert world.state() == before


def test_a_file_that_was_touched_is_the_same(world):
    path = world.put("x.bin", "abcdef")
    world.admit(path)
    before = world.state()
    os.utime(path, (1, 1))
    admission = world.admit(path)
    assert (admission.known, admission.duplicates) == (1, [])
    assert world.state() == before
    assert {output.files[0].mtime_ns for output in world.ledger.catalog.outputs("Reel")} == {10**9}


def test_other_bytes_in_the_same_file_take_the_place_of_the_former(world):
    world.take("x.bin", "abcdefghijkl")
    world.take("x.at12.bin", "mn")
    assert world.take("x.bin", "ABCDE").taken == 1
    assert world.chunks() == {f"x/{at(0)}": "|ABCD", f"x/{at(4)}": "ABCD|E", f"x/{at(12)}": "|mn"}


def test_a_file_that_grows_is_taken_again_as_it_is_now(world):
    for length in range(1, 12):
        world.take("x.bin", "abcdefghijkl"[:length])
    assert world.chunks() == {f"x/{at(0)}": "|abcd", f"x/{at(4)}": "abcd|efgh", f"x/{at(8)}": "defgh|ijk"}
    assert len(list(world.ledger.catalog.inputs())) == 1


def test_bytes_that_are_elsewhere_too_outlive_the_change_of_their_file(world):
    world.take("x.bin", "abcdef")
    world.take("copy.bin", "abcdef")
    world.take("x.bin", "ABC")
    assert sorted(world.chunks().values()) == ["abcd|ef", "|ABC", "|abcd"]


def test_what_replaces_a_file_and_is_known_leaves_one_input(world):
    world.take("x.bin", "abcdef")
    world.take("y.bin", "ABC")
    world.take("x.bin", "ABC")
    assert world.chunks() == {f"x/{at(0)}": "|ABC"}
    assert len(list(world.ledger.catalog.inputs())) == 1


def test_what_replaces_a_file_and_is_nothing_takes_nothing_back(world):
    world.take("x.bin", "abcdef")
    assert world.take("x.bin", "123").refused
    assert len(world.state()["products"]) == 2


def test_an_input_that_is_withdrawn_leaves_its_place(world):
    world.take("1/x.bin", "abcd")
    world.take("2/x.bin", "efgh")
    world.take("x.at4.bin", "ij")
    holder = world.ledger.catalog.maker("Reel", f"x/{at(0)}")[1]
    first, second = world.chunks()[f"x/{at(0)}"], next(chunk for key, chunk in world.chunks().items() if "@" in key)
    world.ledger.record(Admitter(world.ledger.catalog, world.profile).withdraw(holder))
    assert first != second
    assert world.chunks() == {f"x/{at(0)}": second, f"x/{at(4)}": f"{second[1:]}|ij"}


def test_a_file_that_is_gone_is_found_under_its_other_name(world):
    path = world.put("x.bin", "abcdef")
    world.admit(path)
    world.take("z.bin", "abcdef")
    sha256 = world.ledger.catalog.known_path(str(path))["sha256"]
    admitter = Admitter(world.ledger.catalog, world.profile)
    path.unlink()
    world.ledger.record(admitter.relocate(sha256))
    assert world.chunks() == {f"x/{at(0)}": "|abcd", f"x/{at(4)}": "abcd|ef"}
    (world.landing / "z.bin").unlink()
    assert admitter.relocate(sha256) == []


# --- what is left out ---------------------------------------------------------------------------------------------------------------


def test_what_holds_nothing_is_left_out_with_the_reason(world):
    empty, unknown, boom = world.take("x.bin", ""), world.take("y.bin", "12345"), world.take("z.bin", "Boomabc")
    assert empty.refused == [(str(world.landing / "x.bin"), "is empty. Check the transfer that brought it", False)]
    assert "nothing that is known here" in unknown.refused[0][1]
    assert "ZeroDivisionError" in boom.refused[0][1], "whatever a file does to the reader of its first bytes"
    assert world.chunks() == {}


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_time(world, monkeypatch):
    path = world.put("x.bin", "abcdef")
    size_known = world.ledger.catalog.size_known

    def grow(size):
        with path.open("a") as stream:
            stream.write("g")
        return size_known(size)

    monkeypatch.setattr(world.ledger.catalog, "size_known", grow)
    assert world.admit(path).refused[0][1].startswith("changes while it is read. ")
    monkeypatch.undo()
    monkeypatch.setattr(recognition, "CHUNK_BYTES", CHUNK)
    assert world.admit(path).taken == 1
    assert "".join(chunk.partition("|")[2] for chunk in world.chunks().values()) == "abcdefg"


def test_a_file_that_is_nothing_is_not_read_as_a_whole(world, monkeypatch):
    def fail(*_):
        raise AssertionError("read")

    monkeypatch.setattr(arrivals, "digests", fail)
    assert world.take("x.bin", "12345").refused


def test_a_file_that_vanishes_is_left_out_and_one_that_was_named_is_an_error(world):
    assert "No such file" in world.admit(world.landing / "gone.bin").refused[0][1]
    with pytest.raises(StorageError, match=r"gone\.bin: cannot be read"):
        world.admit(world.landing / "gone.bin", named=True)


def test_a_pipe_is_no_file_and_is_not_waited_for(world):
    os.mkfifo(world.landing / "pipe")
    assert world.admit(world.landing / "pipe").refused[0][1] == "is no ordinary file"


def test_a_profile_that_is_wrong_is_the_profiles_error(tmp_path):
    world = World(tmp_path / "w", {"arrivals": {"patterns": ["(?P<pass>.*)-(?P<part>.*)"]}})
    with pytest.raises(ProfileError, match="for a number"):
        world.take("x-y.bin", "abc")
    world.close()


# --- what the operator says ---------------------------------------------------------------------------------------------------------


def test_a_level_makes_a_file_what_it_is_said_to_be(world):
    assert world.take("x.bin", "12345").refused
    assert world.admit(world.landing / "x.bin", level="reel").taken == 1
    assert world.chunks() == {f"x/{at(0)}": "|1234", f"x/{at(4)}": "1234|5"}


def test_what_is_said_later_of_a_known_file_holds_from_then_on(world):
    path = world.put("x.bin", "Abcd")
    world.admit(path)
    assert world.ledger.catalog.assignment("track", "x") == "A"
    assert world.admit(path, link="B").taken == 1
    assert world.ledger.catalog.assignment("track", "x") == "B"
    assert world.admit(path, link="B").known == 1
    assert world.admit(path).known == 1, "nothing said is nothing taken back"
    assert world.ledger.catalog.assignment("track", "x") == "B"


def test_a_level_that_is_none_is_a_usage_error(world):
    with pytest.raises(UsageError, match="Levels are photo, reel, script"):
        world.take("x.bin", "abc", level="cadu")


def test_the_toy_tape_is_recognised(tmp_path):
    arrival = Arrival(path=tmp_path / "x", size=1, head=b"a")
    assert Tape.recognise(arrival, lambda _: {}).margin == Tape.MARGIN


@pytest.mark.parametrize("size", [0, 5, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("known", [0, 3, CHUNK, 2 * CHUNK])
def test_the_first_bytes_are_not_read_twice(tmp_path, monkeypatch, size, known):
    monkeypatch.setattr(recognition, "CHUNK_BYTES", CHUNK)
    path, data = tmp_path / "a.txt", bytes(number % 251 for number in range(size))
    path.write_bytes(data)
    pieces = [hashlib.sha256(data[at : at + CHUNK]).hexdigest() for at in range(0, max(size, 1), CHUNK)]
    assert recognition.digests(path, path.stat(), head=data[:known]) == (hashlib.sha256(data).hexdigest(), pieces)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_whose_time_is_put_back_has_changed_nevertheless(tmp_path, replaced):
    """As rsync does: of the bytes that were read first, and of those that stand there now, no digest is to be made."""
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("AAAA")
    status = path.stat()
    target = other if replaced else path
    target.write_text("BBBB")
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    # Some systems' clocks for files stand still for milliseconds.
    while target.stat().st_ctime_ns == status.st_ctime_ns:
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    if replaced:
        other.replace(path)
    with pytest.raises(DataError, match="changes while it is read"):
        recognition.digests(path, status, head=b"AA")


def test_a_file_that_is_only_linked_meanwhile_is_read_again(tmp_path):
    """As senders do that link a file to its final name, and then remove the other one."""
    path, data = tmp_path / "a.txt", b"AAAABBBB"
    path.write_bytes(data)
    status = path.stat()
    while path.stat().st_ctime_ns == status.st_ctime_ns:
        (tmp_path / "b.txt").hardlink_to(path)
        (tmp_path / "b.txt").unlink()
    digest = hashlib.sha256(data).hexdigest()
    assert recognition.digests(path, status, head=data[:3]) == (digest, [digest])


def test_cuts_of_a_kind_that_knows_of_none_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("AAAA")
    with pytest.raises(DataError, match="changes while it is read"):
        recognition.digests(tmp_path / "a.txt", (tmp_path / "a.txt").stat(), [], head=b"AA")
