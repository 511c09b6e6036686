"""Files of packets from outside become chunks that begin and end with packets, so that none stands in memory whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pipeline import recognition
from pipeline.arrivals import Admitter
from pipeline.ledger import Ledger
from pipeline.mission import load_profile
from pipeline.product import FileRef, Key, Source
from pipeline.registry import discover
from pipeline.store import Store
from stages.formats.packets import cut_between_packets
from stages.packets.space_packets import index_packets
from stages.products import Packets
from stages.recognise import space_packets

STEP = 30_000


@pytest.fixture
def octets(real: Path) -> bytes:
    return (real / "packets" / "europa_clipper_ecm_raw2.bin").read_bytes()


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_cuts_lie_between_packets_as_far_apart_as_may_be(octets, tmp_path):
    cuts = cut_between_packets(put(tmp_path, "ecm.bin", octets), STEP)
    index = index_packets(np.frombuffer(octets, np.uint8))
    ends = (index["offset"] + index["length"]).tolist()
    begin, expected = 0, [0]
    while len(octets) - begin > STEP:
        begin = max(end for end in ends if end <= begin + STEP)
        expected.append(begin)
    assert cuts == expected
    assert len(cuts) > 5


def test_a_small_file_is_one_piece(octets, tmp_path):
    assert cut_between_packets(put(tmp_path, "ecm.bin", octets), len(octets)) == [0]


def test_behind_what_is_no_packet_nothing_is_cut(octets, tmp_path):
    index = index_packets(np.frombuffer(octets, np.uint8))
    broken = bytearray(octets)
    broken[int(index["offset"][500])] |= 0xE0
    cuts = cut_between_packets(put(tmp_path, "ecm.bin", bytes(broken)), STEP)
    whole = cut_between_packets(put(tmp_path, "whole.bin", octets), STEP)
    assert cuts == whole[: len(cuts)]
    assert cuts[-1] <= index["offset"][500] < cuts[-1] + STEP


def loaded(ledger: Ledger) -> list[tuple[str, Packets]]:
    found = []
    for output in sorted(ledger.catalog.outputs("Packets"), key=lambda output: output.key):
        files = {ref.suffix: FileRef(path=ref.path, offset=ref.offset, length=ref.size) for ref in output.files}
        (ref,) = output.files
        data = Path(ref.path).read_bytes()[ref.offset : ref.offset + ref.size]
        assert ref.sha256 == hashlib.sha256(data).hexdigest()
        key = Key.parse(Packets.KEY, output.key)
        found.append((output.key, Packets.load(Source(key=key, files=files, facts=dict(output.facts)))))
    return found


@pytest.mark.parametrize("broken", [False, True])
def test_the_chunks_together_are_the_file(octets, tmp_path, monkeypatch, broken):
    monkeypatch.setattr(recognition, "CHUNK_BYTES", STEP)
    monkeypatch.setattr(space_packets, "CHUNK_BYTES", STEP)
    index = index_packets(np.frombuffer(octets, np.uint8))
    kept = len(octets)
    if broken:
        kept = int(index["offset"][500])
        octets = octets[:kept] + b"\xe0" + octets[kept + 1 :]
    path = put(tmp_path, "ecm.part003.bin", octets)
    with_ledger = Ledger(Store(tmp_path / "out").create(), discover())
    try:
        admission = Admitter(with_ledger.catalog, load_profile("generic"), level="packets").admit(path, named=True)
        with_ledger.record(admission.records)
        with_ledger.commit()
        chunks = loaded(with_ledger)
    finally:
        with_ledger.close()
    assert b"".join(product.data.tobytes() for _, product in chunks) == octets[:kept]
    assert sum(product.left_over for _, product in chunks) == len(octets) - kept
    assert all(product.data.size <= STEP for _, product in chunks)
    assert sum(len(product.table) for _, product in chunks) == (index["offset"] < kept).sum()
    assert chunks[0][0] == "ecm/p000003"
    assert chunks[1][0].startswith("ecm/p000003+0000000")


def test_where_a_packet_stood_in_the_pass_is_told(octets, tmp_path):
    path = put(tmp_path, "ecm.at1000.bin", octets)
    key = Key.parse(Packets.KEY, "ecm/000000000001000")
    source = Source(key=key, files={"": FileRef(path=str(path), length=len(octets))}, facts={"position": 1000})
    product = Packets.load(source)
    assert (product.table["position"] == 8 * (1000 + product.table["offset"])).all()
