"""What a file's name says, by a profile's rules."""

from __future__ import annotations

import math

import pytest

from pipeline.product import Key
from stages.decode.names import identify, product_name
from stages.profile import Names

NAMES = Names.from_mapping(
    {
        "rules": [
            {
                "pattern": r"(?P<instrument>[A-Z]{2})(?P<sol>\d{2})_(?P<seconds>\d+)_(?P<ms>\d{3})"
                r"(?P<type>[A-Z]{3})(?P<size>[NT])(?P<number>\d+)",
                "when": {"seconds": "1000..2000", "sol": ["01", "A2"]},
                "frame": "number",
                "clock": ["seconds", "ms"],
            },
            {"pattern": r"(?P<instrument>[A-Z]{2})(?P<sol>\d{2})_(?P<rest>.*)"},
        ],
        "cameras": {"ES": "DDC"},
        "microphones": {"EM": "EDL"},
        "editions": [{"size": "T", "edition": "thumbnail"}, {"type": "EC[MV]", "size": "N", "edition": "lossless"}],
        "colours": {"FDR": "colour", "ECM": "mosaic"},
    }
)


def test_a_rule_gives_camera_frame_edition_kind_and_clock() -> None:
    found = identify("ES01_1500_250ECMN12.png", NAMES)
    assert (found.camera, found.frame, found.edition, found.kind, found.clock) == ("DDC", "0000012", "lossless", "mosaic", 1500.25)
    assert found.name == "ES01_1500_250ECMN12"
    assert found.known


def test_case_does_not_matter() -> None:
    upper, lower = identify("ES01_1500_250ECMT0012.PNG", NAMES), identify("es01_1500_250ecmt12.png", NAMES)
    assert (upper.camera, upper.frame, upper.edition) == (lower.camera, lower.frame, lower.edition) == ("DDC", "0000012", "thumbnail")


@pytest.mark.parametrize("name", ["ES01_2001_250ECMN12", "ES03_1500_250ECMN12", "ES01_0999_250ECMN12"])
def test_conditions_decide_which_rule_holds(name: str) -> None:
    found = identify(name, NAMES)
    assert found.known
    assert found.frame == name
    assert found.clock is None


def test_the_spacecrafts_own_record_holds_over_the_name() -> None:
    found = identify("ES01_1500_250ECMN12", NAMES, {"clock": 1501.5, "frame": 7})
    assert (found.clock, found.frame) == (1501.5, "0000007")


@pytest.mark.parametrize("meta", [{"clock": math.nan}, {"clock": "late"}, {"clock": True}, {"clock": -1}, {"frame": -3}, {"frame": 1.5}])
def test_but_not_if_it_is_unsound(meta: dict[str, object]) -> None:
    found = identify("ES01_1500_250ECMN12", NAMES, meta)
    assert (found.clock, found.frame) == (1500.25, "0000012")


@pytest.mark.parametrize("name", ["holiday.png", "../../etc/passwd", "a\nb", "x" * 4000, "", "Ünïcode → name.tif", ". .", "-rf.png"])
def test_any_name_makes_a_key(name: str) -> None:
    found = identify(name, NAMES)
    assert not found.known
    assert (found.camera, found.microphone) == ("IMAGES", "SOUNDS")
    Key([("camera", found.camera), ("microphone", found.microphone), ("frame", found.frame)])


def test_different_names_stay_different() -> None:
    names = [f"{stem}{number}" for stem in ("a/", "ä", "ö", "x" * 200) for number in range(4)]
    assert len({identify(name, NAMES).frame for name in names}) == len(names)


def test_long_names_leave_room_for_edition_and_file_in_a_file_name() -> None:
    frames = {identify(f"{'long ' * 28}{number}.png", NAMES).frame for number in range(3)}
    assert len(frames) == 3
    assert {len(frame) for frame in frames} == {80}
    assert identify("x" * 80, NAMES).frame == "x" * 80


def test_extensions_go_and_numbers_stay() -> None:
    assert [product_name(name) for name in ("a.b.png", "C:\\x\\frame.0001", "img.JPEG", ".png", "a.", "noext")] == [
        "a.b", "frame.0001", "img", ".png", "a.", "noext",
    ]  # fmt: skip


def test_an_instrument_that_the_profile_does_not_list_is_its_own_camera() -> None:
    assert identify("XY01_whatever.png", NAMES).camera == "XY"


def test_without_rules_every_name_is_a_frame() -> None:
    found = identify("ES01_1500_250ECMN12.png", Names())
    assert (found.camera, found.frame, found.edition, found.kind, found.clock) == ("IMAGES", "ES01_1500_250ECMN12", "", "", None)
