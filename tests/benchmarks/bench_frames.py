"""Speed of the frames room beside the usual libraries, side by side in one run: `python tests/benchmarks/bench_frames.py`.

One thread, processor time, best of several; the ratios travel better than the rates. The libraries get few codewords: they are slow.
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Callable
from unittest import mock

import galois
import numpy as np
import reedsolo
from numpy.typing import NDArray

from stages.frames import codeword_check, crc, reed_solomon
from stages.frames.crc import crc16
from stages.frames.levels import receive_cadus
from stages.frames.randomizer import derandomize
from stages.frames.sync import extract_frames, find_frames
from stages.profile import Link

FRAMES = 16_000
MARKER = bytes.fromhex("1ACFFC1D")
Bytes = NDArray[np.uint8]


def rate(work: Callable[[], object], octets: int, repeats: int = 5) -> float:
    """Give MB/s, the best of several runs after one that does not count."""
    work()
    best = min(_seconds(work) for _ in range(repeats))
    return octets / best / 1e6


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def portable(work: Callable[[], object], octets: int) -> float:
    """Give the rate that a processor without vector instructions would have."""
    with mock.patch.object(codeword_check, "has_vectors", return_value=False), mock.patch.object(crc, "has_vectors", return_value=False):
        return rate(work, octets)


def show(title: str, rows: list[tuple[str, float]]) -> None:
    """Print rates, and each as a multiple of the last one."""
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:<56}{value:>10,.2f} MB/s {value / rows[-1][1]:>10,.2f} x")


def spoiled(blocks: Bytes, errors: int) -> Bytes:
    """Spoil so many symbols of every codeword, at other places in each."""
    result = blocks.copy()
    rng = np.random.default_rng(1)
    for row in result:
        for codeword in range(5):
            places = rng.choice(255, errors, replace=False) * 5 + codeword
            row[places] ^= rng.integers(1, 256, errors, dtype=np.uint8)
    return result


def correction(data: Bytes, blocks: Bytes) -> None:
    """Reed-Solomon: ours decodes interleaved codeblocks in the dual basis, the libraries single codewords in the conventional one."""
    codec = reedsolo.RSCodec(32, nsize=255, fcr=112, prim=0x187, generator=0xAD)
    field = galois.GF(2**8, irreducible_poly="x^8 + x^7 + x^2 + x + 1")
    code = galois.ReedSolomon(255, 223, field=field, alpha=field.primitive_element**11, c=112)
    single = reed_solomon.encode(data[:40, :223], interleave=1, dual_basis=False)
    for errors in (0, 1, 8, 16):
        ours = spoiled(blocks[:2000], errors) if errors else blocks
        theirs = single.copy()
        theirs[:, 3 : 3 + errors] ^= 0x5A
        few = theirs[:5]
        show(
            f"Reed-Solomon (255, 223), {errors} wrong symbols in every codeword",
            [
                ("skycrane, interleave 5, dual basis", rate(lambda b=ours: reed_solomon.decode(b, interleave=5), ours.size)),
                ("skycrane, portable", portable(lambda b=ours: reed_solomon.decode(b, interleave=5), ours.size)),
                ("galois", rate(lambda b=theirs: code.decode(b, errors=True), theirs.size, 2)),
                ("reedsolo", rate(lambda b=few: [codec.decode(row.tobytes()) for row in b], few.size, 2)),
            ],
        )
    show(
        "Reed-Solomon encoder",
        [
            ("skycrane, interleave 5, dual basis", rate(lambda: reed_solomon.encode(data, interleave=5), blocks.size)),
            ("galois", rate(lambda: code.encode(single[:, :223]), single.size, 3)),
            ("reedsolo", rate(lambda: [codec.encode(row.tobytes()) for row in single[:, :223]], single.size, 2)),
        ],
    )


def check_fields(data: Bytes) -> None:
    """CRC-16 of each frame."""
    lines = [row.tobytes() for row in data]
    show(
        "CRC-16 of frames of 1115 octets",
        [
            ("skycrane", rate(lambda: crc16(data), data.size)),
            ("skycrane, portable", portable(lambda: crc16(data), data.size)),
            ("binascii.crc_hqx", rate(lambda: [binascii.crc_hqx(line, 0xFFFF) for line in lines], data.size)),
        ],
    )


def markers(blocks: Bytes) -> None:
    """Search in CADUs and in noise; bytes.find knows octet boundaries and faultless markers only."""
    lead = np.tile(np.frombuffer(MARKER, np.uint8), (len(blocks), 1))
    cadus = np.hstack([lead, blocks]).ravel()
    shifted = np.packbits(np.concatenate([np.zeros(3, np.uint8), np.unpackbits(cadus)]))
    noise = np.random.default_rng(2).integers(0, 256, cadus.size, dtype=np.uint8)
    raw, missing = cadus.tobytes(), noise.tobytes()

    def find(stream: bytes) -> list[int]:
        places = []
        place = stream.find(MARKER)
        while place >= 0:
            places.append(place)
            place = stream.find(MARKER, place + 1)
        return places

    def ours(stream: Bytes) -> NDArray[np.void]:
        return find_frames(stream, marker=MARKER, frame_length=1275)

    show(
        "Markers",
        [
            ("skycrane, in step, any bit phase, 2 wrong bits", rate(lambda: ours(shifted), shifted.size)),
            ("skycrane, noise, any bit phase and polarity, 2 wrong bits", rate(lambda: ours(noise), noise.size, 3)),
            ("bytes.find, CADUs at octets, faultless, upright", rate(lambda: find(raw), len(raw), 3)),
            ("bytes.find, noise", rate(lambda: find(missing), len(missing), 3)),
        ],
    )
    found = ours(shifted)
    copy = np.empty_like(cadus)
    frames = extract_frames(shifted, found, marker=MARKER, frame_length=1275)
    link = Link.from_mapping({"frame_length": 1115, "reed_solomon": 32, "interleave": 5, "fecf": True})
    show(
        "From bits to checked frames, at a bit phase of 3",
        [
            ("cut out and realign", rate(lambda: extract_frames(shifted, found, marker=MARKER, frame_length=1275), cadus.size)),
            ("derandomise in place", rate(lambda: derandomize(frames), frames.size)),
            ("the stage: all of it, Reed-Solomon and CRC", rate(lambda: receive_cadus(shifted, link, margin=0), cadus.size)),
            ("copy of the same octets", rate(lambda: np.copyto(copy, cadus), cadus.size)),
        ],
    )


def main() -> None:
    """Print the tables."""
    data = np.random.default_rng(3).integers(0, 256, (FRAMES, 1115), dtype=np.uint8)
    data[:, 0] = 0x40
    sums = crc16(data[:, :-2])
    data[:, -2], data[:, -1] = sums >> 8, sums & 255
    blocks = reed_solomon.encode(data, interleave=5)
    correction(data, blocks)
    check_fields(data)
    markers(derandomize(blocks.copy()))


if __name__ == "__main__":
    main()
