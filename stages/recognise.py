"""What a file from outside holds: a recorded stretch of a pass, space packets, or a picture or sound.

Only the first MiB is looked at, with numpy alone: this runs once for every file that arrives. Confidence, for kinds to be compared:

===== =========================================================================================================================
0.99  a media file or label by its first bytes
0.95  frames whose error control agrees at least twice, or markers at the stride of a link at least twice
0.9   packets of which the profile knows nine in ten by APID
0.8   one pair of markers at the stride, one frame whose error control agrees, or packets whose sequence counts go up by one
0.7   frames without error control whose headers are plausible and whose counters go up by one
0.6   a single marker, in a file too short for two
0.1   an ending that archives give to plain samples
1.0   what the operator says that it is
===== =========================================================================================================================
"""

from __future__ import annotations

import binascii
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, UsageError
from pipeline.product import CHUNK_BYTES, Arrival, Recognition, Source, safe_value
from stages.formats.archive import archive_format, is_label_alone, label_beside
from stages.formats.video import video_format
from stages.profile import Dictionary, FileProtocol, Link, Sidecars

__all__ = ["packets_from_outside", "recognise_label", "recognise_media", "recognise_packets", "recognise_stream"]

Bytes: TypeAlias = NDArray[np.uint8]
Sections: TypeAlias = Callable[[type[Any]], Mapping[str, Any]]

FRAMES_TRIED = 64
PHASES_TRIED = 4
PACKETS_TRIED = 4096
MARGIN_FRAMES = 4
"""Frames before a chunk that its stage reads as well (DESIGN 4)."""

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


def recognise_packets(arrival: Arrival, sections: Sections) -> Recognition | None:
    """Walk packet headers from the first octet on, each where the one before says.

    The chain must hold through the head (16 packets are enough if it breaks later), and its APIDs must be known to the profile, or
    the sequence count of each must go up by one.
    """
    if arrival.level not in {None, "packets"}:
        return None
    apids, counts, unbroken = walk_head(arrival.head)
    if not len(apids):
        return None
    known = {apid for link in sections(Link).values() for apid in (link.idle_apid,)}
    known.update(apid for part in sections(Dictionary).values() for apid in (*part.channel_apids, *part.event_apids))
    known.update(apid for part in sections(FileProtocol).values() for apid in part.apids)
    order = np.argsort(apids, kind="stable")
    steps = np.diff(counts[order])[np.diff(apids[order]) == 0] % (1 << 14)
    confidence = 0.0
    if unbroken or len(apids) >= 16:
        if len(steps) >= 3 and (steps == 1).mean() >= 0.8:
            confidence = 0.8
        if len(apids) > 1 and np.isin(apids, sorted(known)).mean() >= 0.9:
            confidence = 0.9
    if arrival.level is not None:
        confidence = 1.0
    if not confidence:
        return None
    return Recognition(confidence=confidence, level="packets", key={}, chunked=True)


def walk_head(head: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """Return APID and sequence count of the packets, and whether their chain holds to the end of the head."""
    rows: list[tuple[int, int]] = []
    at = 0
    while at + 6 <= len(head) and len(rows) < PACKETS_TRIED:
        if head[at] >> 5:
            break
        rows.append(((head[at] & 7) << 8 | head[at + 1], (head[at + 2] & 63) << 8 | head[at + 3]))
        at += 7 + (head[at + 4] << 8 | head[at + 5])
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1], len(rows) == PACKETS_TRIED or at + 6 > len(head)


def packets_from_outside(source: Source) -> tuple[Bytes, NDArray[Any], int]:
    """Read a file of packets; give the packets, their table (PACKET_DTYPE) and the octets at its end that are none.

    Raises DataError if no packet stands at its beginning.
    """
    from stages.formats.packets import walk_packets
    from stages.products import PACKET_DTYPE

    # A chunk that is larger ends in what are no packets.
    whole = source.files[""]
    part = dataclasses.replace(whole, length=min(whole.length, CHUNK_BYTES))
    data = np.frombuffer(part.read(), np.uint8)
    walk = walk_packets(data)
    if not len(walk.table) and part.offset == 0:
        raise DataError(
            f"no space packet stands at its beginning: {walk.reason}",
            where=str(source.path()),
            remedy="Name what the file holds with --level bits or --level frames",
        )
    table = np.zeros(len(walk.table), PACKET_DTYPE)
    for field in ("apid", "flags", "sequence", "offset", "length"):
        table[field] = walk.table[field]
    table["position"] = 8 * ((source.facts.get("position") or 0) + walk.table["offset"])
    return data[: walk.end], table, whole.length - walk.end


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


def plain(name: str) -> str:
    """Give a file's name as text that can be written anywhere; octets that are not UTF-8 show as replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
