"""A recording that lands piece by piece."""

from __future__ import annotations

from pipeline.mission import Profile
from pipeline.replay import cut, replay


def test_pieces_carry_pass_and_offset_and_make_the_recording(tmp_path):
    recording = tmp_path / "edl-2021.cadu"
    recording.write_bytes(bytes(range(250)))
    landed = list(replay([recording], tmp_path / "landing", rate=0, piece_bytes=100, seed=3))
    assert len(landed) == 3
    names = Profile(name="x", tables={}).arrivals
    found = sorted((names.read(path.stem), path.read_bytes()) for path in (tmp_path / "landing").iterdir())
    assert [(name, part, offset) for (name, part, offset), _ in found] == [("edl-2021", None, o) for o in (0, 100, 200)]
    assert b"".join(data for _, data in found) == recording.read_bytes()


def test_the_rate_is_kept_by_pausing(tmp_path):
    recording = tmp_path / "a.bin"
    recording.write_bytes(bytes(1000))
    pauses: list[float] = []
    now = [0.0]

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    list(replay([recording], tmp_path / "landing", rate=8000, piece_bytes=250, pause=pause, clock=lambda: now[0]))
    assert pauses == [0.25] * 4


def test_a_shuffle_is_a_matter_of_the_seed(tmp_path):
    recording = tmp_path / "a.bin"
    recording.write_bytes(bytes(1000))
    orders = [
        [piece.offset for piece in replay([recording], tmp_path / str(run), rate=0, piece_bytes=100, seed=seed)]
        for run, seed in enumerate([1, 1, 2])
    ]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == [piece.offset for piece in cut([recording], 100)]
