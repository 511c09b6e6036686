"""A picture, a sound, a video, or the label of one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pipeline.product import Arrival, Recognition, safe_value
from stages.formats.archive import archive_format, is_label_alone, label_beside
from stages.formats.video import video_format
from stages.profile import Sidecars
from stages.recognise.naming import plain
from stages.recognise.sections import Sections

__all__ = ["is_media", "recognise_label", "recognise_media"]

MEDIA = (
    rb"\x89PNG\r\n\x1a\n",
    rb"\xff\xd8\xff",  # JPEG and JPEG-LS
    rb"II[*+]\x00|MM\x00[*+]",  # TIFF and BigTIFF
    rb"(?:RIFF|RF64|RIFX)....WAVE",
    rb"fLaC",
)
"""First octets of the files that decode reads; videos and the pictures of the planetary archives are known by more than that."""


PLAIN_SAMPLES = {".img"}
"""Endings of files of plain samples, which say nothing of themselves."""
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
JSON_KEY = re.compile(rb'"([A-Za-z_][\w-]{0,63})"\s*:')


def recognise_media(arrival: Arrival, sections: Sections) -> Recognition | None:
    """Know a picture or sound by its first octets, or by the label beside it; the file's name is its key, and stays with it.

    Plain samples are known by the ending that archives give them: their label may come later.
    """
    del sections
    if arrival.level not in {None, "media"} or is_label(arrival):
        return None
    name = plain(arrival.path.name)
    facts: dict[str, Any] = {"name": name}
    confidence = 0.99
    if not is_media(arrival.head):
        described = label_beside(arrival.path)
        if described is not None:
            facts |= {"layout": described.layout.to_mapping(), "described": dict(described.meta)}
        elif arrival.path.suffix.casefold() in PLAIN_SAMPLES:
            confidence = 0.1
        elif arrival.level is None:
            return None
    return Recognition(
        confidence=confidence if arrival.level is None else 1.0,
        level="media",
        key={"file": safe_value(name)},
        facts=facts,
    )


def recognise_label(arrival: Arrival, sections: Sections) -> Recognition | None:
    """Know a label of the archives by how it begins, and JSON by the keys that the profile names."""
    if arrival.level not in {None, "media", "label"} or not (is_label(arrival) or _is_sidecar(arrival, sections)):
        return None
    name = plain(arrival.path.name)
    return Recognition(
        confidence=0.99 if arrival.level is None else 1.0,
        level="label",
        key={"label": safe_value(name)},
        facts={"name": name},
    )


def is_label(arrival: Arrival) -> bool:
    """Say whether a file is a label of the planetary archives, without a picture in it."""
    return is_label_alone(arrival.head)


def _is_sidecar(arrival: Arrival, sections: Sections) -> bool:
    """Say whether a file is JSON that has a key for the time, the product or the instrument of a picture."""
    if not JSON.match(arrival.head):
        return False
    told: Iterable[Sidecars] = sections(Sidecars).values()
    paths = {path for part in told or [Sidecars()] for path in (*part.clock, *part.utc, *part.product)}
    keys = {path.rpartition(".")[2].casefold().encode() for path in paths}
    return any(match[1].lower() in keys for match in JSON_KEY.finditer(arrival.head))


def is_media(head: bytes) -> bool:
    """Know a picture, sound or video by its first octets."""
    known = any(re.match(pattern, head, re.DOTALL) for pattern in MEDIA)
    return known or archive_format(head) is not None or video_format(head) is not None
