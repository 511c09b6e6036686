"""Makes a cell of an image."""

from __future__ import annotations

import numpy as np

from pipeline.errors import DataError, ProfileError
from stages.contact_sheet.area import fit, reduce_area
from stages.contact_sheet.histogram import histogram
from stages.contact_sheet.pages import page_of
from stages.products import Cell, Image
from stages.profile import LATEST, Camera

__all__ = ["make_cell"]


def make_cell(image: Image, camera: Camera, *, width: int, per_page: int) -> Cell:
    """Reduce an image; `camera` gives the name under which the settings' errors speak of it."""
    for name, value, low, high in (("width", width, 16, 2048), ("per_page", per_page, 1, 1000)):
        if not low <= value <= high:
            raise ProfileError(f"{value} is not from {low} to {high}", where=f"contact_sheet.cells.{name} ({camera.name})")
    if not image.mask.size:
        raise DataError("has no pixels", where=image.key.text, remedy="Look at the file it was made from")
    # Pixels that were never meant to be image are masked and not missing: the image knows.
    whole = image.completeness().fraction
    samples, lost = reduce_area(image.samples, image.mask, fit(image.mask.shape[0], image.mask.shape[1], width), white=image.white)
    return Cell(
        camera=image.camera,
        frame=image.frame,
        page=page_of(image.frame, per_page),
        samples=np.repeat(samples, 3, axis=2) if samples.shape[2] == 1 else samples,
        mask=lost,
        fraction=1.0 if whole is None else whole,
        edition=image.edition,
        source=image.source,
        clock=image.clock if image.clock is not None and abs(image.clock) < LATEST else None,
        utc=image.utc,
        histogram=histogram(image.samples, image.mask, white=image.white),
    )
