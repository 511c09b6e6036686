"""Moments of labels, against those of real products and of the mission's own clock kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.decode.sidecars import moments_of
from stages.formats.images import read_image
from stages.formats.moments import clock_seconds, utc_text
from stages.profile import Clock


@pytest.mark.parametrize(
    "told, truth",
    [
        ("2021-02-18T20:41:04.447849Z", "2021-02-18T20:41:04.447849Z"),
        ("2015-04-26T02:37:16.685", "2015-04-26T02:37:16.685000Z"),
        ("2006-321T03:27:53.118", "2006-11-17T03:27:53.118000Z"),
        ("2020-366T00:00:00", "2020-12-31T00:00:00.000000Z"),
        ("2021-02-18 20:41:04+00:00", "2021-02-18T20:41:04.000000Z"),
        ("2021-02-30T00:00:00", ""),
        ("2021-400T00:00:00", ""),
        ("2021-02-18T25:00:00", ""),
        ("UNK", ""),
        ("20" * 400, ""),
        (None, ""),
    ],
)
def test_utc(told: object, truth: str) -> None:
    assert utc_text(told) == truth


@pytest.mark.parametrize(
    "told, truth",
    [
        ("848201291:62546", 848201291 + 62546 / 65536),
        ("0666952774-00345", 666952774 + 345 / 65536),
        ("1/666952774.00345", 666952774 + 345 / 65536),
        ("666952774.005264", 666952774.005264),
        (483288473.496, 483288473.496),
        (600081076, 600081076.0),
        ("UNK", None),
        (True, None),
        (float("nan"), None),
        ("1" * 400, None),
    ],
)
def test_readings(told: object, truth: float | None) -> None:
    assert clock_seconds(told) == truth


def test_a_span_tells_ticks_from_decimals() -> None:
    # InSight IDC on sol 40: 46.509 s to 46.565 s by UTC.
    assert clock_seconds("600081076.41282", "600081076.44944", span=0.056) == 600081076 + 41282 / 65536
    # Decimals of five digits, with a span of a tenth of a second.
    assert clock_seconds("600081076.41282", "600081076.51282", span=0.1) == 600081076.41282


@pytest.mark.parametrize(
    "name, utc, seconds",
    [
        ("archive_images/1F483288473EFFCMUFP1214L0M1.IMG", "2015-04-26T02:37:16.685000Z", 483288473.496),
        ("archive_images/D001L0040_600081076EDR_F0002_0010M2.VIC", "2019-01-06T21:11:46.509000Z", 600081076 + 41282 / 65536),
        ("hirise/PSP_001446_1790_BG12_0.IMG", "2006-11-17T03:27:53.118000Z", 848201291 + 62546 / 65536),
    ],
)
def test_labels_of_real_products(real: Path, name: str, utc: str, seconds: float) -> None:
    assert moments_of(read_image(real / name).meta["label"], Clock()) == (seconds, utc)


def test_the_clock_gives_the_reading_of_a_utc_that_it_would_give() -> None:
    from importlib.resources import files

    clock = Clock.from_mapping({"correlation": (files("stages.missions") / "mars2020_clock.toml").read_bytes()})
    # LCAM's first image (m2020_168_sclkscet_refit, its label).
    assert clock.utc_text(666952774.005264) == "2021-02-18T20:41:04.447849Z"
    assert clock.seconds("2021-02-18T20:41:04.447849Z") == pytest.approx(666952774.005264, abs=2e-6)
    assert clock.seconds("1990-01-01T00:00:00Z") is None
    assert Clock().seconds("2021-02-18T20:41:04Z") is None
