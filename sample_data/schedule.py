"""Which frames go down, when they were taken, and in which editions."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["INSTRUMENTS", "Shot", "shots"]

INSTRUMENTS = MappingProxyType({"PUC1": "EA", "DDC": "ES", "RUC": "EU", "RDC": "ED", "EDL": "EM"})
"""Camera or microphone to the two letters that its file names begin with."""

# Milliseconds of the clock after 666952000 s. "mosaic" is JPEG of the sensor's own samples, "colour" JPEG of colours made on board.
_PLAN = {
    "PUC1": (
        (760_434, "colour"), (760_867, "colour"), (761_467, "colour"), (761_734, "colour"), (762_067, "colour lossless"),
        (763_634, "colour"), (775_033, "colour"), (798_233, "colour"), (838_500, "colour"), (872_967, "colour"),
    ),
    "DDC": (
        (923_333, "colour"), (924_250, "colour"), (925_167, "colour"), (926_083, "colour"), (927_250, "colour"), (929_000, "colour"),
        (931_417, "colour lossless"), (933_583, "colour"), (935_500, "colour"), (937_167, "colour"), (938_333, "colour"),
        (939_083, "colour"),
    ),
    "RUC": (
        (923_200, "colour"), (924_600, "colour"), (926_400, "colour lossless"), (929_300, "colour"), (933_000, "colour"),
        (936_800, "colour"), (939_300, "colour"), (939_967, "colour"), (940_900, "colour"), (942_400, "mosaic"),
    ),
    "RDC": (
        (784_267, "colour"), (785_600, "colour"), (803_067, "colour"), (840_000, "colour lossless"), (866_033, "colour"),
        (884_000, "colour"), (896_500, "colour"), (906_033, "colour"), (918_500, "colour"), (931_033, "mosaic"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One frame of a camera."""

    camera: str
    frame: int
    """Counted from 1 among the frames that were chosen for downlink."""
    milliseconds: int
    """Clock reading at which it was taken."""
    view: int
    """Milliseconds of the clock of the view that it shows: its own, unless the downlink was made larger (`scale`)."""
    jpeg: str
    """mosaic or colour."""
    lossless: bool

    @property
    def clock(self) -> float:
        """Clock seconds at which it was taken."""
        return self.milliseconds / 1000


def shots(*, scale: int = 1) -> list[Shot]:
    """Give the frames by camera and time; `scale` of each, thirty a second, if there are to be more: they see the same, noise apart."""
    return [
        Shot(
            camera=camera,
            frame=number * scale + repeat + 1,
            milliseconds=666_952_000_000 + after + (repeat * 1000) // 30,
            view=666_952_000_000 + after,
            jpeg=editions.split()[0],
            lossless="lossless" in editions,
        )
        for camera, plan in _PLAN.items()
        for number, (after, editions) in enumerate(plan)
        for repeat in range(scale)
    ]
