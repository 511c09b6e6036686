"""The journal of receipts: what is appended is read, what a crash cut off is not, what is damaged is named."""

from __future__ import annotations

import errno
import io
import json
import os

import pytest

from pipeline import receipt
from pipeline.errors import StorageError
from pipeline.product import Completeness
from pipeline.receipt import FileRecord, InputRecord, Journal, Output, Receipt, output_digest, task_digest


def lines(*numbers):
    return [{"type": "path", "number": number} for number in numbers]


def numbers(journal, after=(0, 0)):
    return [record["number"] for record, _ in journal.read(after)]


@pytest.fixture
def journal(tmp_path):
    one = Journal(tmp_path / "receipts")
    yield one
    one.close()


@pytest.fixture
def segment(tmp_path):
    return tmp_path / "receipts" / "000001.jsonl"


def test_a_journal_that_is_not_there_is_empty(journal):
    assert journal.position() == (0, 0)
    assert numbers(journal) == []


def test_what_is_appended_is_read_from_any_position(journal):
    ends = [journal.append(lines(1, 2)), journal.append(lines(3)), journal.append([])]
    assert numbers(journal) == [1, 2, 3]
    assert numbers(journal, ends[0]) == [3]
    assert numbers(journal, ends[1]) == []
    assert journal.position() == ends[1] == ends[2]
    assert [end for _, end in journal.read()][-1] == ends[1]


def test_a_new_process_goes_on_at_the_end(journal, tmp_path):
    journal.append(lines(1))
    other = Journal(tmp_path / "receipts")
    end = other.append(lines(2))
    other.close()
    assert numbers(journal) == [1, 2]
    assert journal.position() == end


def test_a_long_file_is_followed_by_another(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(receipt, "SEGMENT_BYTES", 60)
    ends = [journal.append(lines(number)) for number in range(9)]
    assert len(journal.segments()) == 3
    assert numbers(journal) == list(range(9))
    assert ends == sorted(set(ends))
    for count, end in enumerate(ends, 1):
        assert numbers(journal, end) == list(range(count, 9))
    other = Journal(tmp_path / "receipts")
    other.append(lines(9))
    other.close()
    assert numbers(journal) == list(range(10))


@pytest.mark.parametrize("cut", [1, 5, 26])
def test_a_line_that_was_cut_off_speaks_of_nothing_and_is_overwritten(journal, segment, cut):
    journal.append(lines(1))
    end = journal.append(lines(2))
    journal.close()
    os.truncate(segment, end[1] - cut)
    assert numbers(journal) == [1]
    assert journal.position() == (1, end[1] // 2)
    assert journal.append(lines(3)) == end
    assert numbers(journal) == [1, 3]


def test_a_first_line_that_was_cut_off_leaves_an_empty_journal(journal, segment):
    journal.append(lines(1))
    journal.close()
    os.truncate(segment, 4)
    assert journal.position() == (1, 0)
    journal.append(lines(2))
    assert numbers(journal) == [2]


def test_zeros_that_a_power_cut_left_are_no_line(journal, segment):
    end = journal.append(lines(1))
    journal.close()
    with segment.open("ab") as stream:
        stream.write(b"\0" * 200_000)
    assert numbers(journal) == [1]
    assert journal.position() == end
    journal.append(lines(2))
    assert numbers(journal) == [1, 2]
    assert segment.stat().st_size == 2 * end[1]


def test_a_torn_end_of_an_earlier_file_is_passed_over(journal, segment, monkeypatch):
    monkeypatch.setattr(receipt, "SEGMENT_BYTES", 30)
    journal.append(lines(1))
    journal.append(lines(2))
    journal.append(lines(3))
    with segment.open("ab") as stream:
        stream.write(b'{"type": "pa')
    assert numbers(journal) == [1, 2, 3]


@pytest.mark.parametrize("line", [b"rubbish\n", b'{"type": "path"\n', b"[1]\n", b"5\n", b"{}\n", b'{"type": 5}\n', b"\xff\xfe\n", b"\n"])
def test_a_damaged_line_is_named_with_its_place_and_the_remedy(journal, segment, line):
    end = journal.append(lines(1))
    with segment.open("ab") as stream:
        stream.write(line + json.dumps(lines(2)[0]).encode() + b"\n")
    with pytest.raises(
        StorageError, match=rf"000001\.jsonl at byte {end[1]}: a line of the receipts is damaged\. Restore the file"
    ) as caught:
        numbers(journal)
    assert caught.value.exit_code == 74


class FullDisk(io.FileIO):
    """Takes 20 bytes, then has no room."""

    def write(self, data):
        if self.tell() >= 60:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:20])


def test_a_full_disk_adds_nothing_and_the_journal_goes_on_later(journal, segment):
    end = journal.append(lines(1))
    journal._stream.close()
    journal._stream = FullDisk(segment, "ab")
    with pytest.raises(StorageError, match="No space left"):
        journal.append(lines(2, 3, 4))
    assert segment.stat().st_size == end[1]
    journal.append(lines(5))
    assert numbers(journal) == [1, 5]


def test_a_disk_that_takes_little_at_a_time_gets_all(journal, segment):
    journal.append(lines(1))
    journal._stream.close()

    class Slow(io.FileIO):
        def write(self, data):
            return super().write(data[:3])

    journal._stream = Slow(segment, "ab")
    journal.append(lines(2, 3))
    assert numbers(journal) == [1, 2, 3]


FILE = FileRecord(suffix=".png", path="images/a.png", size=3, sha256="aa", mtime_ns=1, inode=2)
OUTPUT = Output(
    kind="Image",
    key="DDC/1",
    digest="d",
    completeness=Completeness(received=1, expected=2, unit="pixels", gaps=((1, 2),), caveats=("a tile is lost",)),
    facts={"camera": "DDC", "nested": {"list": [1, None, 2.5]}},
    files=(FILE, FileRecord(suffix="", path=".skycrane/packs/x", size=9, sha256="bb", offset=4, whole=False)),
)


def test_a_receipt_survives_the_journal(journal):
    one = Receipt(
        stage="debayer",
        version=3,
        key="DDC/1",
        digest="t",
        settings={"method": "malvar"},
        sections={"camera": "c"},
        inputs=(InputRecord(name="mosaics", kind="Mosaic", key="f/DDC/1/lossless", digest="m"),),
        input_count=1,
        outputs=(OUTPUT,),
        how={"host": "h"},
    )
    journal.append([{"type": "receipt", **one.to_json()}])
    ((record, _),) = journal.read()
    assert Receipt.from_json(record) == one


def test_a_products_digest_covers_files_completeness_and_facts_and_not_their_place():
    def digest(**changes):
        values = {"files": OUTPUT.files, "completeness": OUTPUT.completeness, "facts": OUTPUT.facts} | changes
        return output_digest(values["files"], values["completeness"], values["facts"])

    same = FileRecord(suffix=".png", path="elsewhere", size=3, sha256="aa", mtime_ns=7, inode=7)
    assert digest() == digest(files=OUTPUT.files[::-1]) == digest(files=(same, OUTPUT.files[1]))
    assert len({digest(), digest(files=OUTPUT.files[:1]), digest(completeness=Completeness(received=2)), digest(facts={})}) == 4


def test_a_tasks_digest_covers_all_that_its_result_depends_on():
    base = {"stage": "s", "version": 1, "key": "k", "settings": {"a": 1}, "sections": {"b": "c"}}
    one = InputRecord(name="n", kind="K", key="k", digest="d")
    changes = [
        {},
        {"stage": "t"},
        {"version": 2},
        {"key": "l"},
        {"settings": {"a": 2}},
        {"settings": {"a": True}},
        {"sections": {"b": "d"}},
    ]
    digests = [task_digest(**(base | change), inputs=[one]) for change in changes]
    digests += [task_digest(**base, inputs=[InputRecord(**(one.to_json() | {name: "x"}))]) for name in ("name", "kind", "key", "digest")]
    digests += [task_digest(**base, inputs=[]), task_digest(**base, inputs=[one, one])]
    assert len(set(digests)) == len(digests)
