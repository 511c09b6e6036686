"""Sheets straight from picture files, and all cameras side by side."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.errors import DataError, ProfileError
from pipeline.stage import Group
from stages import contact_sheet as room
from stages.contact_sheet.__main__ import main
from stages.contact_sheet.draft import draft_cell
from stages.contact_sheet.moments import moments
from stages.formats.images import read_image, read_image_bytes
from stages.formats.jpeg_bands import jpeg_file
from stages.formats.png import pack_png, png_file, write_png
from stages.formats.tiff import write_tiff
from stages.products import Cell, Image
from stages.profile import Camera, Clock, Timeline

PALETTE = np.array([[20, 30, 40], [200, 190, 180], [90, 10, 10]], np.uint8)
PICTURE = np.random.default_rng(3).integers(40, 200, (16, 20, 3), np.uint8).repeat(5, axis=0).repeat(5, axis=1)


def test_png_mosaic_and_jpeg_give_the_same_cell(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", PICTURE)
    Picture.fromarray(PICTURE).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    large = PICTURE.repeat(2, axis=0).repeat(2, axis=1)
    mosaic = large[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = large[::2, ::2, 0], large[1::2, 1::2, 2]
    write_tiff(tmp_path / "m.tif", mosaic)
    exact = PICTURE[::5, ::5]
    assert (draft_cell(tmp_path / "a.png", "c", 20).samples == exact).all()
    assert (draft_cell(tmp_path / "m.tif", "c", 20, "RGGB").samples == exact).all()
    assert np.abs(draft_cell(tmp_path / "a.jpg", "c", 20).samples.astype(int) - exact).mean() < 1.5
    assert (draft_cell(tmp_path / "m.tif", "c", 20).samples[..., 0] == draft_cell(tmp_path / "m.tif", "c", 20).samples[..., 2]).all()


def test_a_file_that_is_cut_is_marked_where_it_is_lost(tmp_path: Path) -> None:
    Picture.fromarray(PICTURE).save(tmp_path / "a.jpg", quality=95)
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: 2 * len(data) // 3])
    cell = draft_cell(tmp_path / "cut.jpg", "c", 20)
    assert cell.mask.any()
    assert 0.2 < cell.fraction < 0.9


def test_a_sheet_from_files(tmp_path: Path, capsys: Any) -> None:
    names = []
    for number in range(7):
        names.append(str(tmp_path / f"{number:03d}.png"))
        write_png(names[-1], PICTURE)
    assert main([*names[::-1], "--out", str(tmp_path / "sheet.png"), "--columns", "2", "--rows", "2", "--width", "50"]) == 0
    written = capsys.readouterr().out.split()
    assert [Path(name).name for name in written] == ["sheet.png", "sheet.2.png"]
    first = read_image(written[0]).samples
    assert (main([*names, "--out", str(tmp_path / "again.png"), "--columns", "2", "--rows", "2", "--width", "50"])) == 0
    assert (read_image(tmp_path / "again.png").samples == first).all()
    assert main([str(tmp_path / "none.png"), "--out", str(tmp_path / "x.png")]) == 20
    assert "none.png: cannot be read" in capsys.readouterr().err


def sheets_of(folder: Path, names: list[str], *options: str) -> dict[str, bytes]:
    """Make sheets and give their files."""
    folder.mkdir(parents=True)
    assert main([*names, "--out", str(folder / options[0]), "--columns", "2", "--rows", "2", "--width", "50", *options[1:]]) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def seven(tmp_path: Path) -> list[str]:
    """Files of several kinds and shapes, one of them cut."""
    names = [str(tmp_path / f"{number:03d}.{suffix}") for number, suffix in enumerate(["png", "tif", "jpg", "bmp", "jpg", "png", "tif"])]
    write_png(names[0], PICTURE)
    write_tiff(names[1], PICTURE[..., 0])
    for name in names[2:5]:
        Picture.fromarray(PICTURE).save(name, quality=95)
    write_png(names[5], PICTURE[:, :40])
    write_tiff(names[6], PICTURE)
    data = Path(names[4]).read_bytes()
    Path(names[4]).write_bytes(data[: 2 * len(data) // 3])
    return names


def test_a_jpeg_sheet_is_the_png_sheet_coded_at_ninety(tmp_path: Path, seven: list[str]) -> None:
    plain, coded = sheets_of(tmp_path / "png", seven, "s.png"), sheets_of(tmp_path / "jpg", seven, "s.jpg")
    assert (sorted(plain), sorted(coded)) == (["s.2.png", "s.png"], ["s.2.jpg", "s.jpg"])
    for name, data in plain.items():
        picture = Picture.open(io.BytesIO(data)).convert("RGB")
        once = io.BytesIO()
        picture.save(once, "JPEG", quality=90)
        ours = Picture.open(io.BytesIO(coded[name.replace("png", "jpg")]))
        assert ours.info.get("exif") is None
        # Not the same bytes, because of the restart markers; but the same pixels.
        assert (np.asarray(ours) == np.asarray(Picture.open(once))).all()


def test_sheets_do_not_depend_on_threads_or_the_order_of_names(tmp_path: Path, seven: list[str]) -> None:
    for name in ("s.png", "s.jpg"):
        one = sheets_of(tmp_path / name / "one", seven, name, "--threads", "1")
        assert one == sheets_of(tmp_path / name / "three", seven[::-1], name, "--threads", "3")


def test_what_is_lost_is_in_the_title_though_it_is_known_last(tmp_path: Path, seven: list[str]) -> None:
    sheets = sheets_of(tmp_path / "a", seven, "s.png")
    write_png(seven[4].replace("jpg", "png"), PICTURE)
    whole = sheets_of(tmp_path / "b", [*seven[:4], seven[4].replace("jpg", "png"), *seven[5:]], "s.png")
    apart = (read_image_bytes(sheets["s.png"], "a").samples != read_image_bytes(whole["s.png"], "b").samples).any(axis=(1, 2))
    # The first leaf has no lost part itself: title and nothing else.
    assert apart[:90].any()
    assert not apart[112:].any()


@pytest.mark.parametrize("name", ["sheet.tif", "sheet", "sheet.webp"])
def test_other_extensions_are_refused_before_anything_is_read(tmp_path: Path, capsys: Any, name: str) -> None:
    assert main([str(tmp_path / "none.png"), "--out", str(tmp_path / name)]) == 2
    assert "Call it .png, .jpg or .jpeg" in capsys.readouterr().err


def test_a_header_that_says_another_size_is_found_out(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    write_png(tmp_path / "a.png", PICTURE)
    monkeypatch.setattr("stages.contact_sheet.draft.read_extent", lambda _path: (50, 100))
    assert main([str(tmp_path / "a.png"), "--out", str(tmp_path / "s.png")]) == 20
    assert "not as large as its header says" in capsys.readouterr().err
    assert not (tmp_path / "s.png").exists()


@pytest.mark.parametrize("cuts", [[80], [7, 8, 80], [1, 2, 80], [16, 48, 80]])
def test_bands_make_the_picture_that_they_are_of(cuts: list[int]) -> None:
    # A band that begins with black must not be filtered as if black were above it.
    picture = PICTURE.copy()
    picture[7:9] = 0
    bands = [picture[top:bottom] for top, bottom in itertools.pairwise([0, *cuts])]
    data = b"".join(png_file(100, 80, map(pack_png, bands)))
    assert (np.asarray(Picture.open(io.BytesIO(data))) == picture).all()
    assert (read_image_bytes(data, "a").samples == picture).all()


def test_noise_and_captions_of_a_band_are_each_written_in_their_way() -> None:
    rng = np.random.default_rng(4)
    drawn = np.tile(np.repeat(PALETTE[rng.integers(0, 3, (8, 50))], 8, axis=0), (1, 10, 1))
    noise = rng.normal(99, 9, (128, 500, 3)).astype(np.uint8)
    sizes = {name: len(pack_png(rows)) for name, rows in {"noise": noise, "drawn": drawn}.items()}
    both = pack_png(np.concatenate([noise, drawn, noise]))
    assert sizes["drawn"] < drawn.size / 20
    assert abs(len(both) - 2 * sizes["noise"] - sizes["drawn"]) < noise.size / 100
    assert (read_image_bytes(b"".join(png_file(500, 320, [both])), "a").samples == np.concatenate([noise, drawn, noise])).all()


def test_a_picture_that_is_too_large_for_jpeg_says_so() -> None:
    with pytest.raises(DataError, match="too large for JPEG"):
        next(jpeg_file(10, 65_501, [], 90))


def cell(camera: str, frame: str, clock: float | None) -> Cell:
    image = Image(camera=camera, frame=frame, samples=PICTURE, mask=np.zeros(PICTURE.shape[:2], bool), edition="jpeg", clock=clock)
    return next(room.cells(image, Camera(name=camera), width=64))


def side_by_side(cells: list[Cell], timeline: Timeline = Timeline(), **settings: Any) -> Any:  # noqa: B008  frozen
    sheets = Group.of([room.contact_sheet(Group.of([item]), Camera(name=item.camera), timeline, Clock()) for item in cells[:1]])
    return room.side_by_side(Group.of(cells), sheets, timeline, Clock(), **settings)


def test_rows_are_moments_and_columns_cameras() -> None:
    cells = [
        cell("A", "1", 10.1),
        cell("A", "2", 10.4),
        cell("A", "3", 12.0),
        cell("B", "1", 10.9),
        cell("B", "2", 99.0),
        cell("B", "3", None),
    ]
    timeline = Timeline(zero=10.0, events=({"clock": 11.5, "name": "chute"}, {"clock": 5.0, "name": "before"}))
    line = moments(Group.of(cells).entries, timeline, 1.0)
    assert [(row.number, sorted(row.cells), row.more, row.events) for row in line] == [
        (0, ["A", "B"], {"A": 1, "B": 0}, ()),
        (2, ["A"], {"A": 0}, (1,)),
        (89, ["B"], {"B": 0}, ()),
    ]
    made = side_by_side(cells, timeline, rows=2)
    assert (made.frames, made.total, len(made.sizes)) == (4, 6, 2)
    assert [(leaf.shape[1], leaf.shape[0]) for leaf in made.leaves()] == list(made.sizes)


@pytest.mark.parametrize("cells", [[cell("A", "1", 1.0), cell("A", "2", 2.0)], [cell("A", "1", None), cell("B", "1", None)]])
def test_one_camera_or_no_time_needs_no_such_sheet(cells: list[Cell]) -> None:
    assert side_by_side(cells).sizes == ()


@pytest.mark.parametrize("settings", [{"step": 0.0}, {"step": float("nan")}, {"rows": 0}, {"rows": 101}])
def test_settings_have_bounds(settings: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match="side_by_side"):
        side_by_side([cell("A", "1", 1.0), cell("B", "1", 1.0)], **settings)
