"""What must come of the passes: counted from what was sent and what was hurt, never from a decoder."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sample_data.faults import describe
from sample_data.files import JPEG, LOSSLESS, SOUND, THUMBNAIL
from sample_data.microphone import BLOCK, RATE
from sample_data.passes import Downlink, Pass
from sample_data.schedule import Shot
from sample_data.timeline import ticks

__all__ = ["FRAME_DTYPE", "PACKET_DTYPE", "file_rows", "frame_rows", "frame_table", "packet_table", "pass_row", "sound_row"]

FRAME_DTYPE = np.dtype(
    [
        ("pass", "u1"),
        ("virtual_channel", "u1"),
        ("counter", "<u4"),
        ("corrected", "<i2"),  # wrong symbols; -1 more than can be corrected, or not whole; -2 not recorded
        ("bit", "<i8"),  # of the recording at which its marker begins; -1 not recorded
    ]
)
"""A row a frame, in the order sent."""

PACKET_DTYPE = np.dtype(
    [
        ("pass", "u1"),
        ("virtual_channel", "u1"),
        ("apid", "<u2"),
        ("sequence", "<u2"),
        ("length", "<u4"),  # octets, headers included
        ("digest", "<u8"),  # first eight octets of the SHA-256, little-endian
        ("file", "<i2"),  # number of the file, -1 none
        ("whole", "?"),  # every frame that it lies in comes right
    ]
)
"""A row a packet, by pass, channel and order sent."""

EDITIONS = {THUMBNAIL: "thumbnail", JPEG: "jpeg", LOSSLESS: "lossless"}


def packet_table(passes: Sequence[Pass]) -> NDArray[Any]:
    """List all packets sent: (n,) PACKET_DTYPE."""
    rows = [
        (
            number,
            channel,
            packet.draft.apid,
            packet.sequence,
            len(packet.data),
            int.from_bytes(hashlib.sha256(packet.data).digest()[:8], "little"),
            packet.draft.file,
            whole,
        )
        for number, one in enumerate(passes)
        for channel in sorted(one.channels)
        for packet, whole in zip(one.channels[channel].packets, one.received[channel].tolist(), strict=True)
    ]
    return np.array(rows, PACKET_DTYPE)


def frame_table(passes: Sequence[Pass]) -> NDArray[Any]:
    """List all frames sent: (n,) FRAME_DTYPE."""
    parts = []
    for number, one in enumerate(passes):
        part = np.zeros(len(one.order), FRAME_DTYPE)
        part["pass"], part["virtual_channel"] = number, one.order[:, 0]
        for channel, content in one.channels.items():
            part["counter"][one.order[:, 0] == channel] = content.counters
        part["corrected"], part["bit"] = one.recording.corrected, one.recording.bits
        parts.append(part)
    return np.concatenate(parts)


def pass_row(one: Pass) -> dict[str, Any]:
    """Count a pass as `skycrane status` does: good frames and what lies between them, per virtual channel."""
    link = []
    for number, channel in sorted(one.channels.items()):
        good = one.good(number)
        steps = np.diff(channel.counters[good]) & 0xFFFFFF
        whole = one.received[number]
        begun = good[channel.spans[:, 0]] if len(channel.spans) else np.zeros(0, bool)
        counts = Counter(packet.draft.apid for packet, fine in zip(channel.packets, whole.tolist(), strict=True) if fine)
        symbols = one.recording.corrected[one.order[:, 0] == number]
        link.append(
            {
                "virtual_channel": number,
                "sent": len(channel.frames),
                "frames": int(good.sum()),
                "gaps": int((steps > 1).sum()),
                "lost": int((steps - 1).sum()),
                "corrected_symbols": int(symbols[symbols > 0].sum()),
                "packets": {str(apid): count for apid, count in sorted(counts.items())},
                "truncated_packets": int((begun & ~whole).sum()),
            }
        )
    certain = int((one.recording.corrected == -1).sum())
    return {
        "name": one.name,
        "level": one.level,
        "octets": len(one.recording.data),
        "sha256": hashlib.sha256(one.recording.data).hexdigest(),
        "frames_sent": len(one.order),
        "bad": {"least": certain - len(one.wear.cut), "most": certain + len(one.wear.noise)},
        "link": link,
        "faults": describe(one.wear),
    }


def _received(sent: Downlink) -> list[tuple[list[tuple[int, int]], set[str]]]:
    """Give for each file which pieces came, joined, and which kinds of packet."""
    pieces: list[list[tuple[int, int]]] = [[] for _ in sent.files]
    kinds: list[set[str]] = [set() for _ in sent.files]
    for one in sent.passes:
        for number, channel in one.channels.items():
            for packet, whole in zip(channel.packets, one.received[number].tolist(), strict=True):
                draft = packet.draft
                if whole and draft.file >= 0:
                    kinds[draft.file].add(draft.kind)
                    if draft.kind == "piece":
                        pieces[draft.file].append(draft.piece)
    joined = []
    for mine in pieces:
        ranges: list[tuple[int, int]] = []
        for start, stop in sorted(mine):
            if ranges and start <= ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], max(stop, ranges[-1][1]))
            else:
                ranges.append((start, stop))
        joined.append(ranges)
    return list(zip(joined, kinds, strict=True))


def file_rows(sent: Downlink) -> list[dict[str, Any]]:
    """Say of each file on board what it is and how much of it comes."""
    tried = {packet.draft.file for one in sent.passes for channel in one.channels.values() for packet in channel.packets}
    rows = []
    for number, (file, created, (ranges, kinds)) in enumerate(zip(sent.files, sent.created, _received(sent), strict=True)):
        size = len(file.data)
        edges = [0, *(edge for stretch in ranges for edge in stretch), size]
        gaps = [[start, stop] for start, stop in zip(edges[::2], edges[1::2], strict=True) if start < stop]
        rows.append(
            {
                "name": file.name,
                "identity": f"{file.apid:04d}-{created >> 16:010d}-{created & 0xFFFF:05d}",
                "apid": file.apid,
                "facts": file.facts,
                "size": size,
                "sha256": hashlib.sha256(file.data).hexdigest(),
                "sent": number in tried,
                "received": size - sum(stop - start for start, stop in gaps),
                "gaps": gaps,
                "metadata": "meta" in kinds,
                "end": "end" in kinds,
                "complete": not gaps and "end" in kinds,
            }
        )
    return rows


def frame_rows(shots: Sequence[Shot], mosaics: dict[tuple[str, int], str], files: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say of each frame when it was taken, which editions come, and the SHA-256 of its mosaic where that goes lossless."""
    by_clock: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in files:
        if row["apid"] in EDITIONS and row["received"]:
            by_clock.setdefault((row["name"][:2], row["facts"]["ticks"]), []).append(row)
    from sample_data.schedule import INSTRUMENTS

    return [
        {
            "camera": shot.camera,
            "frame": f"{shot.frame:07d}",
            "milliseconds": shot.milliseconds,
            "view": shot.view,
            "ticks": ticks(shot.clock),
            "editions": {
                EDITIONS[row["apid"]]: {"file": row["name"], "complete": row["complete"], "cfa": row["facts"].get("cfa", "colour")}
                for row in by_clock.get((INSTRUMENTS[shot.camera], ticks(shot.clock)), [])
            },
            "mosaic": mosaics.get((shot.camera, shot.frame)),
        }
        for shot in shots
    ]


def sound_row(samples: NDArray[np.int32], start: float, files: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say what the recording is and which of it comes; digests are those of little-endian int32, gaps zero in the second."""
    blocks = [row for row in files if row["apid"] == SOUND]
    gaps: list[list[int]] = []
    for row in blocks:
        if not row["complete"]:
            first = row["facts"]["sample"]
            gaps.append([first, min(first + BLOCK, len(samples))])
    heard = samples.copy()
    for first, stop in gaps:
        heard[first:stop] = 0
    return {
        "microphone": "EDL",
        "rate": RATE,
        "bits": 24,
        "samples": len(samples),
        "clock": start,
        "gaps": gaps,
        "sha256": hashlib.sha256(samples.astype("<i4").tobytes()).hexdigest(),
        "received_sha256": hashlib.sha256(heard.astype("<i4").tobytes()).hexdigest(),
    }
