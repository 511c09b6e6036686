"""What a file's facts tell of its losses: between which bits of which pass they lie."""

from __future__ import annotations

from stages.products import ReceivedFile


def test_holes_lie_between_the_packets_around_them():
    sources = ((0, 10, "a", "", 100), (20, 30, "a", "", 300), (30, 40, "b", "", 50))
    file = ReceivedFile(file="f", data=bytes(40), size=60, gaps=((10, 20), (40, 60)), sources=sources)
    assert file.facts()["passes"] == [["a", ["", 100], ["", 300]], ["b", ["", 50], ["", 50]]]
    assert file.facts()["holes"] == [
        [10, 20, "a", ["", 100], ["", 300]],
        [10, 20, "b", None, ["", 50]],
        [40, 60, "a", ["", 300], None],
        [40, 60, "b", ["", 50], None],
    ]


def test_a_whole_file_has_none():
    file = ReceivedFile(file="f", data=b"x", size=1, sources=((0, 1, "a", "", 5),))
    assert file.facts()["holes"] == []
    assert ReceivedFile(file="f", data=b"x", size=1).facts()["passes"] == []


def test_the_story_follows_the_file_and_says_where_the_lost_would_have_come():
    sources = ((0, 5, "a", "", 80), (5, 10, "a", "", 160), (20, 30, "a", "", 800), (30, 40, "b", "", 8))
    file = ReceivedFile(file="f", data=bytes(40), size=40, gaps=((10, 20),), sources=sources)
    assert file.story() == [
        "bytes 0-10 from pass a, bytes 10 to 20",
        "bytes 10-20 are lost; pass a would have brought them between bytes 20 and 100",
        "bytes 10-20 are lost; pass b would have brought them before byte 1",
        "bytes 20-30 from pass a, byte 100",
        "bytes 30-40 from pass b, byte 1",
    ]


def test_what_came_in_numbered_parts_says_which():
    sources = ((0, 5, "a", "p000001", 800), (5, 10, "a", "p000002", 80), (20, 30, "a", "p000002", 160), (30, 40, "a", "p000003", 80))
    file = ReceivedFile(file="f", data=bytes(50), size=50, gaps=((10, 20), (40, 50)), sources=sources)
    assert file.facts()["passes"] == [["a", ["p000001", 800], ["p000003", 80]]]
    assert file.story() == [
        "bytes 0-5 from pass a, byte 100 of part p000001",
        "bytes 5-10 from pass a, byte 10 of part p000002",
        "bytes 10-20 are lost; pass a would have brought them between bytes 10 and 20 of part p000002",
        "bytes 20-30 from pass a, byte 20 of part p000002",
        "bytes 30-40 from pass a, byte 10 of part p000003",
        "bytes 40-50 are lost; pass a would have brought them behind byte 10 of part p000003",
    ]
    torn = ReceivedFile(file="f", data=bytes(40), size=40, gaps=((5, 20),), sources=(sources[0], *sources[2:]))
    assert "between byte 100 of part p000001 and byte 20 of part p000002" in "".join(torn.story())
