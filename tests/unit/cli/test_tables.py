"""Tables of a status document: whole in 80 columns, what rows have in common said once."""

from __future__ import annotations

import pytest
from rich.console import Console

from pipeline.cli.tables import COLUMNS, page
from pipeline.space import size_in_words

LINK = {"spacecraft": 168, "virtual_channel": 0, "packets": {"9": 1000, "2047": 123}, "bad": 0, "corrected_symbols": 21_702}
COUNTS = {
    "duplicates": 0,
    "frames": 7_872,
    "gaps": 27,
    "lost": 83,
    "missing_packets": 41,
    "poisoned_connections": 0,
    "truncated_packets": 26,
}


def drawn(**sections):
    stages = {"telemetry.channel_table": dict.fromkeys(COLUMNS, 12_345)}
    disk = {"rooms": {".": 10, "frames": 12_345_678}, "bytes": 12_345_688, "downlink": 1, "free": 5_000_000_000, "room_for": None}
    disk["pruned"] = {"products": 3, "bytes": 4_000}
    console = Console(width=80, record=True, highlight=False)
    console.print(page({"stages": stages, **sections, "disk": disk}))
    return console.export_text()


def test_a_wide_table_is_whole_in_80_columns_and_says_once_what_its_rows_share():
    rows = [{"pass": name, **LINK, "virtual_channel": channel, **COUNTS} for name in ("edl-a", "edl-b") for channel in (0, 63)]
    text = drawn(link=rows)
    assert "…" not in text
    assert text.count("Link edl-a, spacecraft 168") == text.count("Link edl-b, spacecraft 168") == 1
    assert text.count("1,123") == 4, "packets by APID stand as their sum"
    assert "duplicates" not in text, "nought in every row"
    assert "bad" not in text


def test_a_list_of_one_row_names_it_by_its_first_column():
    text = drawn(link=[{"pass": "edl-a", **LINK, **COUNTS}])
    assert "edl-a" in text
    assert "virtual" not in text


def test_rows_by_name_and_a_single_row_keep_their_noughts():
    text = drawn(cameras={"DDC": {"frames": 12, "missing": 0, "editions": {"jpeg": 12}}}, files={"complete": 3, "partial": 0})
    assert "jpeg 12" in text
    assert "missing" in text
    assert "partial" in text


@pytest.mark.parametrize("size, words", [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (2e15, "2,000.0 TB")])
def test_sizes_have_three_digits_and_a_unit(size, words):
    assert size_in_words(size) == words
