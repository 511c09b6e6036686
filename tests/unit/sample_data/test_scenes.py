from __future__ import annotations

import numpy as np
import pytest

from sample_data.files import develop
from sample_data.scenes import SIZES, dust, noise, terrain
from sample_data.scenes.descent_stage import PALETTE as STAGE_PALETTE
from sample_data.scenes.descent_stage import descent_stage
from sample_data.scenes.light import Lamps, Material, draw
from sample_data.scenes.mesh import box, cylinder, join, lathe, panel, prism, rotation, tube
from sample_data.scenes.paint import PALETTE
from sample_data.scenes.raster import View, interpolate, rasterise
from sample_data.scenes.rover import rover
from sample_data.sensor import BALANCE, EMBEDDED, READ_NOISE, colour_numbers, expose, mosaic_of

DOWN = View(eye=np.array([0.0, 0, 10]), axes=np.diag([1.0, -1, -1]), focal=100.0, width=64, height=48)


def test_noise_belongs_to_the_place_not_to_the_picture() -> None:
    y, x = np.mgrid[-5:5:40j, 3:9:50j]
    whole = noise.fractal(x, y, 7, octaves=4)
    assert np.array_equal(noise.fractal(x[10:20, 5:30], y[10:20, 5:30], 7, octaves=4), whole[10:20, 5:30])
    assert not np.array_equal(noise.fractal(x, y, 8, octaves=4), whole)
    assert 0.1 < whole.std() < 0.6


def test_noise_is_smooth_and_nothing_at_lattice_points() -> None:
    x = np.linspace(-3, 3, 6001)
    value = noise.gradient(x, np.full_like(x, 0.37), 1)
    assert np.abs(np.diff(value)).max() < 0.005
    assert np.allclose(noise.gradient(np.arange(-3.0, 4), np.zeros(7), 1), 0, atol=1e-6)


def test_things_keep_off_the_edges_of_their_cells() -> None:
    y, x = np.mgrid[0:20:200j, 0:20:200j]
    dx, dy, there, own = noise.cells(x, y, 3, reach=0.3)
    centre_x, centre_y = (x - dx) % 1, (y - dy) % 1
    assert centre_x.min() > 0.299
    assert centre_y.max() < 0.701
    assert 0 <= there.min() <= there.max() < 1
    assert own.std() > 0.2


@pytest.mark.parametrize(
    "mesh",
    [
        box((1, 2, 3), 0, (4, 5, 6)),
        cylinder(0.5, 2, 0, axis="x"),
        prism([(0, 0), (2, 0), (2, 1), (0, 1)], 0.5, 0),
        lathe([(0, 0), (1, 0), (1, 2), (0, 2)], 0),
        tube(np.c_[np.linspace(0, 4, 9), np.zeros(9), np.zeros(9)], 0.2, 0),
        rover(),
        descent_stage(),
    ],
    ids=["box", "cylinder", "prism", "lathe", "tube", "rover", "stage"],
)
def test_meshes_are_sound(mesh: object) -> None:
    points, normals, faces = mesh.points, mesh.normals, mesh.faces  # type: ignore[attr-defined]
    assert np.isfinite(points).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    assert 0 <= faces.min() <= faces.max() < len(points)
    assert len(faces) == len(mesh.material) == len(mesh.part)  # type: ignore[attr-defined]


@pytest.mark.parametrize("mesh", [box((1, 2, 3), 0), cylinder(0.5, 2, 0), prism([(0, 0), (2, 0), (2, 1), (0, 1)], 0.5, 0)])
def test_solids_point_outwards(mesh: object) -> None:
    corners = mesh.points[mesh.faces]  # type: ignore[attr-defined]
    middle = mesh.points.mean(0)  # type: ignore[attr-defined]
    outwards = ((corners.mean(1) - middle) * mesh.normals[mesh.faces].mean(1)).sum(1)  # type: ignore[attr-defined]
    assert (outwards > 0).all()


def test_materials_are_in_the_palettes() -> None:
    assert rover().material.max() < len(PALETTE)
    assert descent_stage().material.max() < len(STAGE_PALETTE)


def test_rotation_turns_counterclockwise() -> None:
    assert np.allclose(rotation("z", 90) @ (1, 0, 0), (0, 1, 0))
    assert np.allclose(rotation("x", 90) @ (0, 1, 0), (0, 0, 1))
    assert np.allclose(rotation("y", 90) @ (0, 0, 1), (1, 0, 0))


def test_the_nearest_triangle_is_seen_where_the_pinhole_puts_it() -> None:
    sheet = panel([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], 0)
    near = panel([(0, 0, 5), (1, 0, 5), (1, 1, 5), (0, 1, 5)], 1)
    buffer = rasterise(join([sheet, near]), DOWN)
    # Two metres at ten are twenty pixels, one metre at five too.
    kinds = np.where(buffer.face < 0, -1, (buffer.face >= 2).astype(int))
    assert (kinds == 1).sum() == 400
    assert (kinds == 0).sum() == 400 - 100
    assert kinds[23, 32] == 1  # up and right of the middle
    assert kinds[24, 31] == 0
    assert np.allclose(buffer.depth[kinds == 1], 5)
    assert np.allclose(buffer.depth[kinds == 0], 10)


def test_values_are_interpolated_in_perspective() -> None:
    slope = panel([(-1, -1, 0), (1, -1, 4), (1, 1, 4), (-1, 1, 0)], 0)
    buffer = rasterise(slope, DOWN)
    there = buffer.face >= 0
    place = interpolate(slope.points, slope, buffer.face[there], buffer.weights[there])
    pixels, depth = DOWN.project(place)
    row, column = np.nonzero(there)
    assert np.allclose(pixels, np.c_[column + 0.5, row + 0.5], atol=2e-3)
    assert np.allclose(depth, buffer.depth[there], atol=2e-3)


def test_a_box_throws_a_shadow() -> None:
    floor = panel([(-2, -2, 0), (2, -2, 0), (2, 2, 0), (-2, 2, 0)], 0)
    scene = join([floor, box((0.5, 0.5, 0.5), 1, (0, 0, 0.6))])
    lamps = Lamps(sun=np.array([0.6, 0, 0.8]), direct=np.ones(3), above=np.zeros(3), below=np.zeros(3), shadow_pixels=512)
    grey = Material(colour=(0.5, 0.5, 0.5), vary=0.0)
    picture, cover = draw(scene, DOWN, (grey, grey), lamps, np.zeros((48, 64, 3), np.float32))
    assert picture[24, 40, 0] == pytest.approx(0.4, abs=0.02)
    # The shadow of the middle, 0.6 m up, lies 0.45 m away from the sun: four and a half pixels.
    assert picture[24, 32 - 6, 0] < 0.05
    assert cover[24, 32] == 1
    assert cover[0, 0] == 0


def test_ground_is_the_same_seen_from_anywhere() -> None:
    y, x = np.mgrid[0:20:64j, -30:10:128j]
    whole = terrain.ground(x, y, 0.35)
    part = terrain.ground(x[:, 40:80], y[:, 40:80], 0.35)
    assert np.abs(part.height - whole.height[:, 40:80]).max() < 1e-3
    assert np.abs(part.colour - whole.colour[:, 40:80]).max() < 1e-2


def test_a_slope_to_the_sun_is_brighter() -> None:
    column = np.arange(64, dtype=np.float32)
    grey = np.full((64, 64, 3), 0.5, np.float32)
    east, north = np.array([1.0, 0.0]), np.array([0.0, -1.0])
    towards, away = (
        terrain.lit(terrain.Ground(height=np.tile(sign * 0.2 * column, (64, 1)), colour=grey), 1.0, east, north)[32, 32].mean()
        for sign in (1, -1)
    )
    # The sun stands in the west: ground that rises to the east faces it.
    assert towards > 1.2 * away


def test_dust_rises_as_the_ground_comes_near() -> None:
    amounts = [dust.thickness(666952000 + clock) for clock in (905.0, 912.0, 920.0, 937.0)]
    assert amounts == sorted(amounts)
    assert amounts[0] == 0
    assert dust.thickness(666952960.0) < 0.5 * amounts[-1]


def test_the_sensor_samples_rggb_and_adds_noise_of_the_right_size() -> None:
    scene = np.broadcast_to(np.array([0.5, 0.4, 0.3], np.float32), (512, 512, 3))
    colour = colour_numbers(scene)
    means = np.array([0.5, 0.4, 0.3]) * 255 / np.array(BALANCE)
    assert np.allclose(colour[0, 0], means, rtol=1e-5)
    mosaic = expose(colour, "RUC", 3, 0.0)
    for (row, column), mean in zip(((0, 0), (0, 1), (1, 0), (1, 1)), means[[0, 1, 1, 2]], strict=True):
        plane = mosaic[row::2, column::2].astype(float)
        assert plane.mean() == pytest.approx(mean, abs=0.02)
        assert plane.std() == pytest.approx(np.sqrt(mean * 255 / 36000 + READ_NOISE**2 + 1 / 12), rel=0.03)
    assert np.array_equal(mosaic, expose(colour, "RUC", 3, 0.0))
    assert not np.array_equal(mosaic, expose(colour, "RUC", 4, 0.0))


def test_a_highlight_stays_white() -> None:
    numbers = colour_numbers(np.full((2, 2, 3), 1.4, np.float32)) * np.array(BALANCE)
    assert numbers.min() >= 255
    assert numbers[0, 0, 2] == pytest.approx(1.4 * 255, rel=1e-5)


def test_only_the_descent_camera_overwrites_its_first_samples() -> None:
    colour = np.full((4, 64, 3), 90, np.float32)
    assert dict(EMBEDDED) == {"DDC": 48}
    ddc, ruc = (expose(colour, camera, 5, 1.0) for camera in ("DDC", "RUC"))
    assert ddc[0, :48].reshape(12, 4)[1].tolist() == [0xCE, 0, 0, 0]
    assert ruc[0, :48].min() > 80


def test_on_board_development_keeps_flat_colours_to_the_border() -> None:
    colour = np.broadcast_to(np.array([80.0, 60.0, 20.0], np.float32), (16, 24, 3))
    assert (develop(mosaic_of(colour).astype(np.uint8)) == np.rint(np.array([80, 60, 20]) * BALANCE).astype(int)).all()


def test_cameras_have_their_real_sizes() -> None:
    assert dict(SIZES) == {"PUC1": (1024, 1280), "DDC": (1536, 2048), "RUC": (1024, 1280), "RDC": (1024, 1280)}
