"""What each loss of the link cost: the pictures and the sound that miss something for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stages.formats.ticks import clock_face
from stages.report.heard import SoundView
from stages.report.losses import LinkLoss, Losses
from stages.report.pictures import CameraView
from stages.report.shots import Shot

__all__ = ["Cost", "costs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A loss of the link, and what misses something for it."""

    loss: LinkLoss
    frames: tuple[tuple[str, str], ...]
    """(section of the page, camera and frame, or microphone and time)."""


def costs(views: Sequence[CameraView], sounds: Sequence[SoundView], losses: Losses) -> dict[str, list[Cost]]:
    """Tell for each pass what its losses cost, in the order of the pass."""
    found: dict[LinkLoss, dict[tuple[str, str], None]] = {}
    for view in views:
        for item in view.line:
            for loss in item.losses:
                name = f"{view.name} {item.name}" + ("" if isinstance(item, Shot) else " (missing)")
                found.setdefault(loss, {})[f"#{view.anchor}", name] = None
    for sound in sounds:
        for gap in sound.gaps:
            for loss in gap.losses:
                found.setdefault(loss, {})["#sound", f"{sound.name} {clock_face(gap.start, 0.01)}"] = None
    out: dict[str, list[Cost]] = {}
    for name, channels in sorted(losses.gaps.items()):
        rows = [loss for _, row in channels.values() for loss in row]
        rows.sort(key=lambda loss: (loss.part, loss.position, loss.channel))
        out[name] = [Cost(loss=loss, frames=tuple(found.get(loss, ()))) for loss in rows]
    return out
