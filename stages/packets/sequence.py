"""The counters of virtual channels: which frames came again, and where one is missing.

CCSDS 732.0-B section 4.1.2.4 (24 bits, or 28 with the cycle), 132.0-B section 4.1.2.5 (8 bits).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["DUPLICATE", "FOREIGN", "JUMPED", "RECENT", "USED", "digest_frame", "follow_counters"]

Bytes: TypeAlias = NDArray[np.uint8]
Integers: TypeAlias = NDArray[np.int64]

RECENT = 16
"""Frames of a channel among which one that comes again is looked for: a stretch recorded twice repeats frames in order."""
USED, FOREIGN, DUPLICATE, JUMPED = range(4)
"""What becomes of a frame: read; of no channel of the link; come before; read, though its counter does not follow the last one's."""
IGNORE = 2
"""Index of the gap policy that does not look at counters."""


@njit(cache=True, nogil=True)
def digest_frame(frame: Bytes) -> np.uint64:
    """FNV-1a over the octets: tells a repeated frame from another one with the same counter, and guards against nothing else."""
    value = np.uint64(0xCBF29CE484222325)
    for octet in frame:
        value = (value ^ np.uint64(octet)) * np.uint64(0x100000001B3)
    return value


@njit(cache=True, nogil=True)
def came_before(frames: Bytes, i: int, count: int, counters: Integers, rows: Integers, digests: Any) -> bool:
    """Say whether this frame is one of the channel's recent ones: same counter, same octets."""
    for slot in range(counters.size):
        if counters[slot] == count:
            if rows[slot] >= 0:
                if np.array_equal(frames[rows[slot]], frames[i]):
                    return True
            elif digests[slot] == digest_frame(frames[i]):
                return True
    return False


@njit(cache=True, nogil=True)
def follow_counters(
    frames: Bytes,
    channel: Integers,
    counter: Integers,
    largest: Integers,
    policy: Integers,
    last: Integers,
    recent_counters: Integers,
    recent_rows: Integers,
    recent_digests: Any,
    status: Bytes,
    lost: Integers,
    before: Integers,
) -> None:
    """Go through the frames in the order received and judge each by its channel's counter.

    frames      (n, length) uint8
    channel     (n,) index of the channel, -1 for a frame that is not of this link
    policy      (c,) of each channel; counters of those with IGNORE are only remembered
    last        (c,) counter of the channel's last frame, -1 for none; brought up to date
    recent_...  (c, RECENT) counter (-1 for none), row here (-1 for a frame of an earlier chunk) and digest of the recent frames,
                oldest first; brought up to date, digests excepted
    status      (n,) gets USED, FOREIGN, DUPLICATE or JUMPED
    lost        (n,) gets the counter values missing right before the frame
    before      (n,) gets the counter of the frame before a jump
    """
    for i in range(channel.size):
        c = channel[i]
        if c < 0:
            status[i] = FOREIGN
            continue
        if last[c] >= 0 and policy[c] != IGNORE:
            step = (counter[i] - last[c]) & largest[i]
            if step != 1:
                if came_before(frames, i, counter[i], recent_counters[c], recent_rows[c], recent_digests[c]):
                    status[i] = DUPLICATE
                    continue
                status[i] = JUMPED
                before[i] = last[c]
                # A long counter that steps back was reset, or the frame is late: that names no loss. A short one may have lost
                # as many.
                if step > 1 and (largest[i] <= 0xFF or step <= largest[i] >> 1):
                    lost[i] = step - 1
        last[c] = counter[i]
        for slot in range(RECENT - 1):
            recent_counters[c, slot] = recent_counters[c, slot + 1]
            recent_rows[c, slot] = recent_rows[c, slot + 1]
            recent_digests[c, slot] = recent_digests[c, slot + 1]
        recent_counters[c, RECENT - 1] = counter[i]
        recent_rows[c, RECENT - 1] = i
