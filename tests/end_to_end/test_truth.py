"""The sample downlinks against what the simulator sent: nothing wrong is marked good, nothing that came is lost, what is lost shows."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tifffile
from PIL import Image

from pipeline.testing.comparators import tree_digests
from sample_data import downlinks
from sample_data.truth import Truth, load


@pytest.fixture(scope="module")
def truth() -> Truth:
    return load()


@pytest.fixture(scope="module")
def status(sample_tree: Path) -> dict:
    return json.loads(skycrane("status", str(sample_tree), "--json"))


def skycrane(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "pipeline.cli", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def packets_of(out: Path, name: str) -> Counter[int]:
    found: Counter[int] = Counter()
    for path in sorted((out / "packets" / name).glob("*.bin")):
        data, table = path.read_bytes(), np.load(path.with_suffix(".npy"))
        for offset, length in zip(table["offset"].tolist(), table["length"].tolist(), strict=True):
            found[int.from_bytes(hashlib.sha256(data[offset : offset + length]).digest()[:8], "little")] += 1
    return found


def test_every_packet_marked_good_was_sent_and_every_whole_one_is_there(sample_tree, truth):
    for number, one in enumerate(truth.passes):
        sent = truth.packets[truth.packets["pass"] == number]
        got = packets_of(sample_tree, one["name"])
        assert not got - Counter(sent["digest"].tolist()), f"{one['name']}: a packet that was never sent"
        assert not Counter(sent["digest"][sent["whole"]].tolist()) - got, f"{one['name']}: a whole packet is missing"


def test_the_link_is_accounted_for(status, truth):
    rows = {(row["pass"], row["virtual_channel"]): row for row in status["link"]}
    for one in truth.passes:
        for channel in one["link"]:
            row = rows[one["name"], channel["virtual_channel"]]
            for name in ("frames", "gaps", "lost", "corrected_symbols", "truncated_packets"):
                assert row[name] == channel[name], (one["name"], channel["virtual_channel"], name)
            assert row["packets"] == channel["packets"]


def test_every_complete_file_equals_the_one_sent_and_the_others_know_their_gaps(sample_tree, truth, status):
    complete = 0
    for row in truth.files:
        path = sample_tree / "files" / row["identity"]
        if not row["received"] and not row["metadata"] and not row["end"]:
            assert not path.exists()
            continue
        record = json.loads(path.with_name(f"{path.name}.json").read_text())
        if row["complete"]:
            complete += 1
            assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"], row["name"]
            assert record["gaps"] == []
        elif row["end"]:
            assert record["gaps"] == row["gaps"], row["name"]
        if row["metadata"]:
            assert record["name"] == row["name"]
    assert status["files"]["complete"] == complete
    assert status["files"]["partial"] > 0


def mosaic_of(out: Path, camera: str, frame: str, edition: str) -> tuple[np.ndarray, np.ndarray | None]:
    (path,) = (out / "mosaics" / camera).glob(f"{frame}-{edition}-*.tif")
    with tifffile.TiffFile(path) as tiff:
        return tiff.pages[0].asarray(), tiff.pages[1].asarray() if len(tiff.pages) > 1 else None


def test_lossless_mosaics_equal_the_truth_bit_for_bit(sample_tree, truth):
    seen = 0
    for row in truth.frames:
        edition = row["editions"].get("lossless")
        if edition and edition["complete"]:
            samples, mask = mosaic_of(sample_tree, row["camera"], row["frame"], "lossless")
            assert hashlib.sha256(samples.tobytes()).hexdigest() == row["mosaic"]
            assert mask is None or not mask.any()
            seen += 1
    assert seen >= 3


def test_what_is_lost_is_masked_and_drawn_as_lost(sample_tree, truth, status):
    torn = [row for row in truth.frames if any(not edition["complete"] for edition in row["editions"].values())]
    masked = 0
    for row in torn:
        for edition, what in row["editions"].items():
            if what["complete"]:
                continue
            _, mask = mosaic_of(sample_tree, row["camera"], row["frame"], edition)
            assert mask is not None
            assert mask.any()
            picture = np.asarray(Image.open(sample_tree / "images" / row["camera"] / f"{row['frame']}.png"))
            if picture.shape[2] == 4:
                assert not picture[picture[..., 3] == 0][:, :3].any(), "nothing lost is invented"
                masked += 1
    assert masked >= 1
    assert sum(camera["partial"] for camera in status["cameras"].values()) >= 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # colour-demosaicing imports scipy by an old name
def test_images_are_those_of_the_reference_demosaic(sample_tree, truth):
    for row in lossless(truth):
        mosaic, _ = mosaic_of(sample_tree, row["camera"], row["frame"], "lossless")
        ours, theirs = developed(mosaic)
        # Rounding to whole data numbers alone costs 58.9 dB.
        assert cpsnr(ours, theirs) > 57, row["camera"]


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as above
def test_images_are_as_near_the_truth_as_the_reference_demosaic(sample_tree, truth):
    for row in lossless(truth):
        mosaic, _ = mosaic_of(sample_tree, row["camera"], row["frame"], "lossless")
        want = truth.colour(row["camera"], row["frame"], balanced=False)[4:-4, 4:-4]
        ours, theirs = developed(mosaic)
        assert cpsnr(ours, want) == pytest.approx(cpsnr(theirs, want), abs=0.1), row["camera"]


def lossless(truth: Truth) -> list[dict]:
    return [row for row in truth.frames if row["mosaic"] and row["editions"]["lossless"]["complete"]]


def developed(mosaic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Develop a mosaic with our kernel and with the reference's, without the border; both in whole data numbers, as pictures have them."""
    from colour_demosaicing import demosaicing_CFA_Bayer_Malvar2004

    from stages.debayer import demosaic

    inside = (slice(4, -4), slice(4, -4))
    theirs = np.clip(np.round(demosaicing_CFA_Bayer_Malvar2004(mosaic.astype(np.float64), "RGGB")), 0, 255)
    return demosaic(mosaic, pattern="RGGB", method="malvar")[inside], theirs[inside]


def cpsnr(got: np.ndarray, want: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((got.astype(np.float64) - want) ** 2)))


def test_the_recording_has_its_true_length_and_its_gap(sample_tree, truth, status):
    samples, rate = soundfile.read(sample_tree / "audio" / "EDL.flac", dtype="int32")
    assert rate == truth.sound["rate"]
    assert len(samples) == truth.sound["samples"]
    assert hashlib.sha256((samples >> 8).astype("<i4").tobytes()).hexdigest() == truth.sound["received_sha256"]
    record = json.loads((sample_tree / "audio" / "EDL.json").read_text())
    assert record["gaps"] == truth.sound["gaps"]
    microphone = status["microphones"]["EDL"]
    assert microphone["seconds"] == truth.sound["samples"] / rate
    assert microphone["gaps"] == len(truth.sound["gaps"])


def test_times_editions_and_the_index_are_true(sample_tree, truth, status):
    with (sample_tree / "index.csv").open(newline="") as stream:
        rows = {(row["camera"], row["frame"]): row for row in csv.DictReader(stream)}
    for row in truth.frames:
        found = rows.get((row["camera"], row["frame"]))
        if not row["editions"]:
            assert found is None
            continue
        assert found is not None, (row["camera"], row["frame"])
        assert float(found["clock"]) == pytest.approx(row["ticks"] / 65536, abs=0.001)
    for camera in ("PUC1", "DDC", "RUC", "RDC"):
        expected = Counter(edition for row in truth.frames if row["camera"] == camera for edition in row["editions"])
        assert status["cameras"][camera]["editions"] == dict(expected)


def test_the_tree_is_that_of_the_design_and_its_manifest_is_true(sample_tree):
    for pattern in (
        "contact_sheets/*-*.png", "contact_sheets/*.pdf", "images/*/*.png", "mosaics/*/*.tif", "audio/EDL.flac", "audio/EDL.json",
        "audio/EDL-spectrogram.png", "telemetry/channels.parquet", "telemetry/events.parquet", "files/*.json", "index.html", "index.csv",
    ):  # fmt: skip
        assert list(sample_tree.glob(pattern)), pattern
    assert len(list(sample_tree.glob("contact_sheets/*.pdf"))) == 4
    done = subprocess.run(["sha256sum", "-c", "--quiet", "MANIFEST.sha256"], cwd=sample_tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = {line.split("  ", 1)[1] for line in (sample_tree / "MANIFEST.sha256").read_text().splitlines()}
    assert listed | {"MANIFEST.sha256"} == set(tree_digests(sample_tree))


def test_a_second_process_finds_nothing_due(sample_copy):
    assert "nothing due" in skycrane("process", str(downlinks()[0].parent), "--out", str(sample_copy))


def test_a_picture_tells_its_story_down_to_the_bytes_of_the_downlink(sample_tree, truth):
    row = next(row for row in truth.frames if row["editions"].get("lossless", {}).get("complete"))
    story = skycrane("explain", str(sample_tree), f"images/{row['camera']}/{row['frame']}.png")
    name = row["editions"]["lossless"]["file"]
    assert Path(name).stem in story
    assert ".cadu" in story
    assert "byte" in story
    assert "debayer version" in story


def test_the_order_of_the_inputs_does_not_show(sample_tree, tmp_path):
    reversed_order = [str(path) for path in reversed(downlinks())]
    skycrane("process", *reversed_order, "--mission", "mars2020", "--out", str(tmp_path / "out"), "--executor", "sync")
    assert tree_digests(tmp_path / "out") == tree_digests(sample_tree)
