"""Real pictures, read with the figures that others found in them."""

from __future__ import annotations

import numpy as np
import pytest

from stages.formats.images import read_image

DDC = "m2020/ESF_0004_0667289069_518ECM_N0010052EDLC00004_0010LUJ01.png"
COLOUR = "m2020/ESF_0001_0667022261_840FDR_N0010052EDLC00001_0010LUJ01.png"
MASTCAM = "m2020/ZL0_0038_0670307360_057ECM_N0031392ZCAM08007_1100LUJ.png"
INSIGHT = "archive_images/D001L0040_600081076EDR_F0002_0010M2.VIC"
HAZCAM = "archive_images/1F483288473EFFCMUFP1214L0M1.IMG"


def phases(samples):
    return [float(samples[row::2, column::2].mean()) for row in (0, 1) for column in (0, 1)]


def test_the_four_places_of_the_descent_stage_camera(real):
    raster = read_image(real / DDC)
    assert raster.samples.shape == (1536, 2048, 3)
    assert np.round(phases(raster.samples[:, :, 0]), 2).tolist() == [105.18, 114.04, 114.04, 37.71]


def test_the_bands_of_its_official_colour(real):
    assert np.round(read_image(real / COLOUR).samples.mean((0, 1)), 1).tolist() == [117.5, 114.4, 28.7]


def test_the_four_places_of_mastcam_z(real):
    samples = read_image(real / MASTCAM).samples
    samples = samples[:, :, 0] if samples.ndim == 3 else samples
    assert samples.shape == (1200, 1648)
    # The interior: without the dark columns at the left and the margin around.
    assert phases(samples[100:-100, 100:-100]) == pytest.approx([225.8, 191.4, 191.8, 144.4], abs=1.5)


def test_insight_and_the_hazard_camera_of_mer(real):
    insight = read_image(real / INSIGHT).samples
    assert np.round(insight.mean((0, 1)), 2).tolist() == [93.01, 79.29, 68.92]
    hazcam = read_image(real / HAZCAM)
    # Big-endian 16 bit, of which 12 are used: as the bytes behind its labels say.
    octets = (real / HAZCAM).read_bytes()
    truth = np.frombuffer(octets, ">i2", 1024 * 1024, len(octets) - 2 * 1024 * 1024).reshape(1024, 1024)
    assert (hazcam.samples == truth).all()
    assert (hazcam.samples.dtype, hazcam.meta["bits"], int(hazcam.samples.max()) < 4096) == (np.uint16, 12, True)
