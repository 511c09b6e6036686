"""What a profile says of passes, and whom the page thanks."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ProfileError
from pipeline.mission import load_profile
from pipeline.product import Entry
from stages.profile import Mission, PassNote
from stages.report.origin import origin_of

NOTE = {"passes": r"sim-\d+", "text": "Never <flown>.", "credit": "A simulator"}


def file_of(run: Any, name: str, *passes: str) -> Entry:
    entry: Entry = run.file(name)
    return Entry(
        key=entry.key,
        digest="",
        completeness=entry.completeness,
        facts=entry.facts | {"passes": [[name, ["", 0], ["", 1]] for name in passes]},
        paths=entry.paths,
    )


def test_files_of_noted_passes_have_the_notes_credit(run: Any) -> None:
    mission = Mission.from_mapping({"credit": "An agency", "notes": [NOTE]})
    simulated, real = file_of(run, "a", "sim-1", "sim-2@0123abcd"), file_of(run, "b", "sim-1", "real-1")
    origin = origin_of(mission, [simulated, real], [run.packets("0")])
    assert origin.notes == ((mission.notes[0], ("sim-1", "sim-2@0123abcd")),)
    assert (origin.of(simulated.key["file"]), origin.of(real.key["file"]), origin.of("elsewhere")) == (
        "A simulator",
        "An agency",
        "An agency",
    )
    assert origin.all([simulated.key["file"], real.key["file"], "x"]) == ["A simulator", "An agency"]


def test_the_page_says_so_and_thanks_nobody_else(run: Any) -> None:
    run.mission = Mission(title="A landing", credit="An agency", notes=(PassNote(**NOTE),))
    file = file_of(run, "a", "sim-1")
    page = run.report(images=[run.image("1", file=file.key["file"])], files=[file]).files["index.html"].decode()
    assert "Never &lt;flown&gt;." in page
    assert "A simulator" in page
    assert "An agency" not in page
    other = run.report(images=[run.image("1")]).files["index.html"].decode()
    assert "Never" not in other
    assert "An agency" in other


def test_the_sample_is_known_for_what_it_is() -> None:
    profile = load_profile("mars2020")
    (note,) = profile.section(Mission).notes
    assert "never flown" in note.text
    assert "NASA" not in note.credit


@pytest.mark.parametrize(
    "note", [{"text": "x"}, {"passes": "(", "text": "x"}, {"passes": "x", "text": 3}, {"passes": "x", "text": "x", "why": 1}]
)
def test_a_note_that_is_none_is_refused(note: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match=r"mission\.notes"):
        Mission.from_mapping({"notes": [note]})
