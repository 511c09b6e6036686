"""Mission profiles: sections, the files that they name, file names of arrivals, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pytest

from pipeline.errors import ExitCode, ProfileError, UsageError
from pipeline.mission import Profile, load_profile
from pipeline.registry import build
from pipeline.stage import Section, read_stage, stage
from pipeline.testing.toys import Ink, Letter, Page, toy_registry

REGISTRY = toy_registry()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script(Section):
    """`[script]`: one table, with a file."""

    NAME: ClassVar[str] = "script"

    alphabet: bytes = b""
    ratio: float = 1.0

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], *, name: str = "") -> Self:
        del name
        if "boom" in mapping:
            raise mapping["boom"]
        return cls(alphabet=mapping.get("alphabet", b""), ratio=1 / mapping.get("per", 1))


class Written(Page):
    KEY: ClassVar[tuple[str, ...]] = ("letter", "pass", "chunk")


@stage(version=1)
def write(letter: Letter, script: Script, ink: Ink) -> Written: ...  # only its signature is read


SCRIPTED = build([read_stage(write, "write")])


def profile(text: str, tmp_path) -> Profile:
    path = tmp_path / "toy.toml"
    path.write_text(text, encoding="utf-8")
    return load_profile(str(path))


def test_a_keyed_section_is_chosen_by_name_and_has_defaults_else(tmp_path):
    toy = profile('[ink.a]\ncolour = "red"\n', tmp_path)
    toy.check(REGISTRY)
    assert toy.section(Ink, "a").colour == "red"
    assert toy.section(Ink, "b").colour == "black"
    assert list(toy.sections(Ink)) == ["a"]


def test_a_section_without_key_is_one(tmp_path):
    toy = profile("[script]\nper = 4\n", tmp_path)
    assert toy.sections(Script)[""].ratio == 0.25


def test_the_digest_changes_with_what_a_table_says_and_not_with_how(tmp_path):
    digest = profile('[ink.a]\ncolour = "red"\nshade = 1\n', tmp_path).digest(Ink, "b")
    assert profile('# new\n[ink.a]\ncolour = "blue"\n', tmp_path).digest(Ink, "b") == digest
    one = profile('[script]\nalphabet = "x"\nper = 2\n', tmp_path).digest(Script)
    other = profile('# first\n[script]\nper = 2\nalphabet = "x"  # comment\n', tmp_path).digest(Script)
    assert one == other
    assert profile('[script]\nper = 3\nalphabet = "x"\n', tmp_path).digest(Script) != one


def test_a_file_that_a_profile_names_comes_loaded_and_counts(tmp_path):
    (tmp_path / "abc.txt").write_bytes(b"abc")
    text = '[script]\nalphabet = { file = "abc.txt" }\n'
    first = profile(text, tmp_path)
    assert first.section(Script).alphabet == b"abc"
    before = first.digest(Script)
    (tmp_path / "abc.txt").write_bytes(b"abd")
    assert profile(text, tmp_path).digest(Script) != before
    (tmp_path / "abc.txt").write_bytes(b"abc")
    assert profile(text, tmp_path).digest(Script) == before
    assert hashlib.sha256(b"abc").hexdigest() != before, "the digest is of the whole section"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"script\.alphabet: names .*abc\.txt, which cannot be read"):
        profile('[script]\nalphabet = { file = "abc.txt" }\n', tmp_path).check(SCRIPTED)


@pytest.mark.parametrize(
    "text, problem",
    [
        ('[inks.a]\ncolour = "red"', r"Did you mean \[ink\]"),
        ("[zzz]\n", "Known tables are arrivals, ink, mission, priority, settings"),
        ("ink = 5", "ink: must be a table"),
        ('ink = ["a"]', "ink: must be a table"),
        ("[ink]\na = 5", r"ink\.a: must be a table"),
        ("[ink.a]\nshade = 1", r"ink\.a: cannot be read: TypeError"),
        ("arrivals = 1", "arrivals: must be a table"),
        ("[arrivals]\npattern = []", r"arrivals\.pattern: is not a key"),
        ('[arrivals]\npatterns = "abc"', "must be a list of texts"),
        ("[arrivals]\npatterns = [1]", "must be a list of texts"),
        ("[arrivals]\npatterns = ['(']", "no regular expression"),
        ("settings = 1", "must hold a table for each stage"),
        ("[settings]\npage = 1", "must hold a table for each stage"),
    ],
)
def test_what_will_not_do_is_named_with_file_and_key(tmp_path, text, problem):
    with pytest.raises(ProfileError, match=problem) as caught:
        profile(text, tmp_path).check(REGISTRY)
    assert caught.value.exit_code is ExitCode.INVALID
    assert "toy.toml" in str(caught.value)


@pytest.mark.parametrize(
    "error", [KeyError("x"), IndexError("x"), ValueError("x"), TypeError("x"), AttributeError("x"), OverflowError("x")]
)
def test_whatever_a_section_stumbles_over_is_a_profile_error(error):
    with pytest.raises(ProfileError, match="script"):
        Profile(name="toy", tables={"script": {"boom": error}}).check(SCRIPTED)


def test_division_by_what_the_profile_says_is_a_profile_error(tmp_path):
    with pytest.raises(ProfileError, match="ZeroDivisionError"):
        profile("[script]\nper = 0\n", tmp_path).check(SCRIPTED)


def test_an_error_of_the_section_keeps_its_key_and_remedy():
    error = ProfileError("is too loud", where="script.alphabet", remedy="Whisper")
    with pytest.raises(ProfileError, match=r"toy: script\.alphabet: is too loud\. Whisper"):
        Profile(name="toy", tables={"script": {"boom": error}}).check(SCRIPTED)


@pytest.mark.parametrize(
    "stem, place",
    [
        ("EDL_bits.part003", ("EDL_bits", 3, None)),
        ("EDL-part000000", ("EDL", 0, None)),
        ("EDL.at1048576", ("EDL", None, 1048576)),
        ("EDL_at000000001048576", ("EDL", None, 1048576)),
        ("EDL", ("EDL", None, None)),
        ("party", ("party", None, None)),
        ("x.part", ("x.part", None, None)),
        ("sol12_3", ("sol12", 3, None)),
    ],
)
def test_file_names_tell_pass_and_place(tmp_path, stem, place):
    names = profile("[arrivals]\npatterns = ['(?P<pass>sol\\d+)_(?P<part>\\d+)']\n", tmp_path).arrivals
    assert names.read(stem) == place


def test_the_missions_own_pattern_goes_first(tmp_path):
    names = profile("[arrivals]\npatterns = ['(?P<pass>.*)\\.part(?P<offset>\\d+)']\n", tmp_path).arrivals
    assert names.read("x.part003") == ("x", None, 3)


def test_a_pattern_that_takes_text_for_a_number_is_a_profile_error(tmp_path):
    names = profile("[arrivals]\npatterns = ['(?P<pass>.*)-(?P<part>\\w+)']\n", tmp_path).arrivals
    with pytest.raises(ProfileError, match="takes 'x²' for a number"):
        names.read("sol-x²")


def test_a_mission_that_is_not_known_is_a_usage_error_with_the_nearest(tmp_path):
    known = {"mars2020": tmp_path / "mars2020.toml", "hirise": tmp_path / "hirise.toml"}
    with pytest.raises(UsageError, match="Did you mean mars2020"):
        load_profile("mars202", known=lambda: known)
    with pytest.raises(UsageError, match="Known ones are mars2020, hirise; or name a TOML file"):
        load_profile("nowhere/zzz.toml", known=lambda: known)


@pytest.mark.parametrize("data", [b"[ink\n", b"a = \xff\n", b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_said_with_the_place(tmp_path, data):
    path = tmp_path / "bad.toml"
    path.write_bytes(data)
    with pytest.raises(ProfileError, match=r"bad\.toml: is not TOML"):
        load_profile(str(path))


def test_a_profile_by_path_keeps_its_path_as_name(tmp_path, monkeypatch):
    (tmp_path / "toy.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert load_profile("toy.toml").name == str(tmp_path / "toy.toml")
