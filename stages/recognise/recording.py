"""A recorded stretch of a pass: markers at the stride of a link, or its frames one after the other."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, UsageError
from pipeline.product import Arrival, Recognition
from stages.profile import Link
from stages.recognise.media import is_media
from stages.recognise.naming import plain
from stages.recognise.sections import Sections

__all__ = ["marker_positions", "recognise_stream"]

Bytes: TypeAlias = NDArray[np.uint8]

FRAMES_TRIED = 64
PHASES_TRIED = 4
MARGIN_FRAMES = 4
"""Frames before a chunk that its stage reads as well (DESIGN 4)."""


class Evidence(NamedTuple):
    """What speaks for a link."""

    confidence: float
    agreeing: int
    """Frames or pairs of markers that agree: of several links, the one with the most holds."""
    level: str
    name: str


def recognise_stream(arrival: Arrival, sections: Sections) -> Recognition | None:
    """Look for the markers of each link at its stride, at any bit phase and in either polarity; else for its frames' headers.

    The link with the most evidence holds, the first in the profile among equals. A level or link that the operator names is taken
    at its word. Raises UsageError for a link that the profile has not.
    """
    # Nothing found here could outweigh a media file's first octets, and the search takes longer than developing a picture.
    if arrival.level not in {None, "bits", "frames"} or (arrival.level is None and is_media(arrival.head)):
        return None
    links = dict(sections(Link))
    if arrival.section is not None:
        if arrival.section not in links:
            raise UsageError(f"the profile has no link {arrival.section!r}", remedy=f"Known ones are {', '.join(links) or 'none'}")
        links = {arrival.section: links[arrival.section]}
    head = np.frombuffer(arrival.head, np.uint8)
    found: list[Evidence] = []
    if arrival.level in {None, "bits"}:
        found += markers_of(head, links)
    if arrival.level in {None, "frames"}:
        found += frames_of(head, links)
    # Bare frames speak for a link without parity, if its frames are otherwise those of another.
    best = max(
        found,
        key=lambda one: (one.confidence, one.agreeing, one.level == "frames" and not links[one.name].reed_solomon),
        default=None,
    )
    if best is None and arrival.level is not None:
        best = Evidence(1.0, 0, arrival.level, _only_link(arrival, links))
    if best is None:
        return None
    link = links[best.name]
    length = link.cadu_length if best.level == "bits" else link.frame_length
    return Recognition(
        confidence=best.confidence if arrival.level is None else 1.0,
        level=best.level,
        key={},
        chunked=True,
        sections={"link": best.name},
        margin=MARGIN_FRAMES * length,
    )


def _only_link(arrival: Arrival, links: Mapping[str, Link]) -> str:
    """Give the link of a recording that shows no frames, or too little of one: there must be no other."""
    where = plain(str(arrival.path))
    if not links:
        raise DataError("no link is known by which it may have come", where=where, remedy="Name a mission whose profile has one: --mission")
    if len(links) > 1:
        raise DataError("shows no frames of any link", where=where, remedy=f"Name the link it came by: --link {' or '.join(links)}")
    return next(iter(links))


def markers_of(head: Bytes, links: Mapping[str, Link]) -> Iterable[Evidence]:
    """Count pairs of markers that stand one frame apart."""
    positions = {marker: marker_positions(head, marker) for marker in {link.marker for link in links.values()}}
    for name, link in links.items():
        places = positions[link.marker]
        pairs = int(np.isin(places + 8 * link.cadu_length, places, assume_unique=True).sum())
        # Short markers stand in any data by chance; their pairs tell less.
        needed = 1 if len(link.marker) >= 4 else 4
        if pairs >= needed:
            yield Evidence(0.95 if pairs > needed else 0.8, pairs, "bits", name)
        elif len(places) and len(link.marker) >= 4 and head.size < 2 * link.cadu_length:
            yield Evidence(0.6, 0, "bits", name)


def marker_positions(head: Bytes, marker: bytes) -> NDArray[np.int64]:
    """Find a marker without bit errors, as it is and inverted; return bit offsets, ascending."""
    found = []
    pattern = np.frombuffer(marker, np.uint8)
    for phase in range(8):
        octets = head if phase == 0 else (head[:-1] << phase) | (head[1:] >> (8 - phase))
        for wanted in (pattern, ~pattern):
            places = np.flatnonzero(octets[: max(0, octets.size - pattern.size + 1)] == wanted[0])
            for place in range(1, pattern.size):
                places = places[octets[places + place] == wanted[place]]
            found.append(places * 8 + phase)
    return np.unique(np.concatenate(found))


def frames_of(head: Bytes, links: Mapping[str, Link]) -> Iterable[Evidence]:
    """Look at each link's frames, from the octet on at which most headers have its version and spacecraft.

    A recording may begin within a frame, so every octet of a frame's length is tried.
    """
    for name, link in links.items():
        length = link.frame_length
        number = min(head.size // length, FRAMES_TRIED)
        by_phase = headers_fit(head, link)[: number * length].reshape(number, length).sum(axis=0)
        for phase in np.argsort(-by_phase, kind="stable")[:PHASES_TRIED].tolist():
            whole = min((head.size - phase) // length, FRAMES_TRIED)
            frames = head[phase : phase + whole * length].reshape(whole, length)
            if evidence := judge_frames(frames, link, name):
                yield evidence
                break


def headers_fit(head: Bytes, link: Link) -> NDArray[np.bool_]:
    """Say for each octet whether a header of this link may begin there (732.0-B section 4.1.2.2, 132.0-B section 4.1.2.2)."""
    words = head.astype(np.uint16) << 8
    words[:-1] |= head[1:]
    version, shift, mask = (0x4000, 6, 0xFFC0) if link.frame == "aos" else (0, 4, 0xFFF0)
    wanted = version | (link.spacecraft or 0) << shift
    fits: NDArray[np.bool_] = (words & (mask if link.spacecraft is not None else 0xC000)) == wanted
    return fits


def judge_frames(frames: Bytes, link: Link, name: str) -> Evidence | None:
    """Count the frames whose error control agrees; where there is none, look whether headers fit and counters go up by one."""
    if link.fecf:
        good = sum(binascii.crc_hqx(frame.tobytes(), 0xFFFF) == 0 for frame in frames)
        return Evidence(0.95 if good > 1 else 0.8, good, "frames", name) if good else None
    fits = headers_fit(frames.reshape(-1), link)[:: link.frame_length]
    octets = frames.astype(np.int64)
    if link.frame == "aos":
        channel, counter, modulus = octets[:, 1] & 63, octets[:, 2] << 16 | octets[:, 3] << 8 | octets[:, 4], 1 << 24
    else:
        channel, counter, modulus = octets[:, 1] >> 1 & 7, octets[:, 3], 1 << 8
    order = np.argsort(channel, kind="stable")
    same = np.diff(channel[order]) == 0
    steps = np.diff(counter[order])[same] % modulus
    if len(frames) < 4 or fits.mean() < 0.9 or not len(steps) or (steps == 1).mean() < 0.5:
        return None
    return Evidence(0.7, int(fits.sum()), "frames", name)
