"""Settings: who wins, what is refused, and that what is written is read back."""

from __future__ import annotations

from typing import ClassVar

import pytest

from pipeline.errors import ExitCode, ProfileError, UsageError
from pipeline.product import Key
from pipeline.registry import build
from pipeline.settings import Settings, parse_assignment
from pipeline.stage import read_stage, stage
from pipeline.testing.toys import Page, Words, toy_registry

REGISTRY = toy_registry()
PAGE = REGISTRY.stages["page"]


class Weight(Page):
    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")


@stage(version=1)
def weigh(words: Words, *, scale: float = 1.0, title: str = "", count: int = 3) -> Weight: ...  # only its signature is read


def letter(name: str) -> Key:
    return Key([("letter", name)])


def load(tmp_path, text, registry=REGISTRY):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return Settings.load(path, registry)


def test_the_signature_then_the_stage_then_the_item():
    settings = Settings()
    assert settings.effective(PAGE, letter("a")) == {"loud": False}
    settings.assign(REGISTRY, ["page.loud=true"])
    assert settings.effective(PAGE, letter("a")) == {"loud": True}
    settings.assign(REGISTRY, ["page.loud=no"], only="a*")
    assert settings.effective(PAGE, letter("a")) == {"loud": False}
    assert settings.effective(PAGE, letter("b")) == {"loud": True}


def test_of_several_choices_for_an_item_the_last_wins():
    settings = Settings()
    settings.assign(REGISTRY, ["page.loud=true"], only="*")
    settings.assign(REGISTRY, ["page.loud=false"], only="a")
    settings.assign(REGISTRY, ["page.loud=true"], only="[ab]")
    assert settings.effective(PAGE, letter("a")) == {"loud": True}


def test_a_choice_for_all_overrules_an_older_one_for_some():
    settings = Settings(only=[{"stage": "page", "items": "a", "loud": True}, {"stage": "letters", "items": "x/*", "least": 4}])
    settings.assign(REGISTRY, ["page.loud=false"])
    assert settings.effective(PAGE, letter("a")) == {"loud": False}
    assert settings.only == [{"stage": "letters", "items": "x/*", "least": 4}]


def test_globs_tell_capitals_apart_and_match_the_whole_key():
    settings = Settings(only=[{"stage": "letters", "items": "pass/0*", "least": 4}])
    spec = REGISTRY.stages["letters"]
    assert settings.effective(spec, Key([("pass", "pass"), ("chunk", "01")]))["least"] == 4
    assert settings.effective(spec, Key([("pass", "Pass"), ("chunk", "01")]))["least"] == 1
    assert settings.effective(spec, Key([("pass", "pass"), ("chunk", "10")]))["least"] == 1


def test_only_what_bears_on_a_stage_is_its_basis():
    settings = Settings(stages={"letters": {"least": 2}})
    before = settings.basis("page")
    settings.assign(REGISTRY, ["letters.least=3"])
    assert settings.basis("page") == before
    settings.assign(REGISTRY, ["page.loud=true"], only="a")
    assert settings.basis("page") != before


@pytest.mark.parametrize(
    "text, problem",
    [
        ("page.lowd=true", "Did you mean loud"),
        ("pages.loud=true", "Did you mean page"),
        ("zzz.loud=true", "Stages are words, letters, page, book"),
        ("book.loud=true", "It has none"),
        ("page.loud=maybe", "It takes a bool"),
        ("letters.least=two", "It takes a int"),
        ("letters.least=", "It takes a int"),
    ],
)
def test_an_assignment_that_names_nothing_is_an_invalid_setting(text, problem):
    with pytest.raises(ProfileError, match=problem) as caught:
        parse_assignment(REGISTRY, text)
    assert caught.value.exit_code is ExitCode.INVALID


@pytest.mark.parametrize("text", ["loud=true", "page.loud", "", "=", "page", ".loud=1"])
def test_an_assignment_of_another_form_is_a_usage_error(text):
    with pytest.raises(UsageError, match=r"STAGE\.SETTING=VALUE"):
        parse_assignment(REGISTRY, text)


@pytest.mark.parametrize("text, value", [("true", True), ("Yes", True), ("1", True), ("FALSE", False), ("no", False), ("0", False)])
def test_words_for_yes_and_no(text, value):
    assert parse_assignment(REGISTRY, f"page.loud={text}")[2] is value


def test_the_stage_may_have_dots_and_the_value_equals_signs(weighing):
    spec, setting, value = parse_assignment(weighing, "toys.weigh.title=a=b.c")
    assert (spec.name, setting.name, value) == ("toys.weigh", "title", "a=b.c")


@pytest.fixture
def weighing():
    """A stage with a setting of each type, in a room whose name it does not have."""
    return build([read_stage(weigh, "toys")])


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999"])
def test_a_number_that_toml_could_not_keep_is_refused(weighing, value):
    with pytest.raises(ProfileError, match="will not do"):
        parse_assignment(weighing, f"toys.weigh.scale={value}")


def test_a_whole_number_will_do_for_a_float(weighing, tmp_path):
    text = '[toys.weigh]\nscale = 2\n[[only]]\nstage = "toys.weigh"\nitems = "x/*"\nscale = 3\n'
    settings = load(tmp_path, text, weighing)
    assert settings.stages == {"toys.weigh": {"scale": 2.0}}
    assert type(settings.stages["toys.weigh"]["scale"]) is float
    assert type(settings.only[0]["scale"]) is float


@pytest.mark.parametrize("title", ['"quoted" \\ back', "tab\tnew\nline\r", "\x7f\x01", "é 😀", "", "a = 1 # no"])
def test_what_is_written_is_read_back(weighing, tmp_path, title):
    settings = Settings(mission="mars2020")
    settings.assign(weighing, [f"toys.weigh.title={title}", "toys.weigh.scale=1e-7", "toys.weigh.count=-4"])
    settings.assign(weighing, [f"toys.weigh.title={title}!"], only="DDC/[0-9]*")
    again = load(tmp_path, settings.dump(), weighing)
    assert again.dump() == settings.dump()
    assert again.only[0]["title"] == f"{title}!".lstrip()


@pytest.mark.parametrize(
    "text, where",
    [
        ("[page]\nloud = 1", "page.loud"),
        ('[page]\nloud = "true"', "page.loud"),
        ("[page]\nlowd = true", "lowd"),
        ("[pge]\nloud = true", "Did you mean page"),
        ("page = 3", "page"),
        ("mission = 3", "mission"),
        ("only = 5", "only"),
        ('only = "x"', "only"),
        ("only = [1]", "stage and items"),
        ('[[only]]\nstage = "page"', "stage and items"),
        ('[[only]]\nstage = ["page"]\nitems = "*"', "stage and items"),
        ('[[only]]\nstage = "page"\nitems = "*"\nlowd = true', "Did you mean loud"),
        ("[page\n", "is not TOML"),
        ("a = 1\na = 2", "is not TOML"),
    ],
)
def test_a_file_that_will_not_do_is_named_with_the_key(tmp_path, text, where):
    with pytest.raises(ProfileError, match=where) as caught:
        load(tmp_path, text)
    assert "settings.toml" in str(caught.value) or where == "page"


def test_octets_that_are_not_text_are_no_toml(tmp_path):
    (tmp_path / "settings.toml").write_bytes(b"mission = \xff")
    with pytest.raises(ProfileError, match="is not TOML"):
        Settings.load(tmp_path / "settings.toml", REGISTRY)


def test_a_new_folder_takes_the_profile_then_the_environment(monkeypatch):
    monkeypatch.setenv("SKYCRANE_SET", " page.loud=true ; letters.least=5;")
    settings = Settings.fresh(REGISTRY, "toy", {"letters": {"least": 2}})
    assert settings.mission == "toy"
    assert settings.stages == {"letters": {"least": 5}, "page": {"loud": True}}


def test_a_setting_of_the_profile_that_is_none_is_refused():
    with pytest.raises(ProfileError, match="settings of the profile"):
        Settings.fresh(REGISTRY, "toy", {"letters": {"least": "two"}})


def test_an_existing_folder_does_not_hear_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYCRANE_SET", "page.loud=true")
    assert load(tmp_path, 'mission = "toy"\n').stages == {}
