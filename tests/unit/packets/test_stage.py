"""The stage: good frames in, packets, carry and the link's account out; and both products on disk."""

from __future__ import annotations

import binascii
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.product import Entry, FileRef, Source
from pipeline.stage import read_stage
from pipeline.testing.saving import reloaded
from stages.packets import packets
from stages.products import FRAME_DTYPE, Carry, Frames, Packets
from stages.profile import Link


def frames_of(real: Path, start: int, stop: int, chunk: str | None = None) -> Frames:
    data = np.fromfile(real / "m2020" / "aos_frames_xband_2020-07-31.u8", np.uint8).reshape(-1, 1115)[start:stop]
    table = np.zeros(len(data), FRAME_DTYPE)
    table["bit_offset"] = np.arange(len(data)) * 1115 * 8
    table["good"] = [binascii.crc_hqx(frame.tobytes(), 0xFFFF) == 0 for frame in data]
    return Frames(
        pass_="xband",  # noqa: S106 - a pass over a ground station
        chunk=f"{start:06}" if chunk is None else chunk,
        data=data,
        table=table,
        position=start * 1115 * 8 if chunk is None else 0,
    )


LINK = Link.from_mapping({"spacecraft": 168})


def test_the_stage_obeys_the_key_law() -> None:
    spec = read_stage(packets, "packets")
    assert (spec.name, spec.dimensions, spec.outputs) == ("packets", ("pass", "chunk"), (Packets, Carry))


def test_perseverance_gives_the_account_that_status_prints(real: Path) -> None:
    product, _ = packets(frames_of(real, 0, 950), LINK, None)
    entry = Entry(key=product.key, digest="", completeness=product.completeness(), facts=product.facts())
    (row,) = Packets.tally([entry])["link"]
    assert {name: row[name] for name in ("spacecraft", "virtual_channel", "frames", "bad", "gaps", "lost")} == {
        "spacecraft": 168,
        "virtual_channel": 0,
        "frames": 946,
        "bad": 4,
        "gaps": 6,
        "lost": 17,
    }
    assert row["packets"] == {"2047": 741, "9": 58, "247": 14}
    assert (entry.completeness.received, entry.completeness.expected) == (946, 963)


@pytest.mark.parametrize("cuts", [(36,), (57, 58, 59, 400), (300, 600, 927, 930)])
def test_chunks_with_carries_through_their_files_give_what_one_chunk_gives(real: Path, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    whole, end = packets(frames_of(real, 0, 950), LINK, None)
    entries, octets, table, carry = [], b"", [], None
    for number, (start, stop) in enumerate(zip((0, *cuts), (*cuts, 950), strict=True)):
        product, carry = packets(frames_of(real, start, stop), LINK, carry)
        product, carry = reloaded(product, tmp_path / f"p{number}"), reloaded(carry, tmp_path / f"c{number}")
        table.append(product.table[["apid", "sequence", "position", "frames"]])
        octets += product.data.tobytes()
        entries.append(Entry(key=product.key, digest="", completeness=product.completeness(), facts=product.facts()))
    assert octets == whole.data.tobytes()
    assert np.concatenate(table).tolist() == whole.table[["apid", "sequence", "position", "frames"]].tolist()
    whole_entry = Entry(key=whole.key, digest="", completeness=whole.completeness(), facts=whole.facts())
    assert Packets.tally(entries) == Packets.tally([whole_entry])
    assert carry is not None
    assert (carry.channels, carry.sequences) == (end.channels, end.sequences)


def test_what_a_numbered_part_left_open_counts_from_the_beginning_of_the_next(real: Path) -> None:
    _, carry = packets(frames_of(real, 0, 74, "p000001"), LINK, None)
    assert any(state.open and state.position for state in carry.channels.values())
    product, _ = packets(frames_of(real, 74, 100, "p000002"), LINK, carry)
    assert product.table["position"][0] == 0
    product, _ = packets(frames_of(real, 74, 100, "p000001+000000082510"), LINK, carry)
    assert product.table["position"][0] == 72 * 1115 * 8


def test_a_chunk_of_bad_frames_only_is_an_account_and_no_packets(real: Path) -> None:
    product, carry = packets(frames_of(real, 927, 930), LINK, None)
    assert len(product.table) == 0
    assert [(row["spacecraft"], row["frames"]) for row in product.link] == [(168, 0)]
    entry = Entry(key=product.key, digest="", completeness=product.completeness(), facts=product.facts())
    assert [(row["frames"], row["bad"]) for row in Packets.tally([entry])["link"]] == [(0, 3)]
    assert not carry.channels


def test_packets_that_came_as_a_file_are_indexed_and_the_rest_is_told(real: Path, tmp_path: Path) -> None:
    octets = (real / "packets" / "europa_clipper_ecm_raw2.bin").read_bytes()
    file = tmp_path / "recorded.bin"
    file.write_bytes(octets[:-5])
    key = packets(frames_of(real, 0, 1), LINK, None)[0].key
    product = Packets.load(Source(key=key, files={"": FileRef(path=str(file), length=len(octets) - 5)}))
    assert len(product.table) == 1029
    assert product.left_over > 0
    assert product.completeness().caveats
    assert product.table["position"][1] == product.table["offset"][1] * 8
    file.write_bytes(b"\xff" * 100)
    with pytest.raises(DataError, match="no space packet"):
        Packets.load(Source(key=key, files={"": FileRef(path=str(file), length=100)}))
