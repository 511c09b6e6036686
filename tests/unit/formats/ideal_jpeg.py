"""An ideal decoder of baseline JPEG (ITU-T T.81): read bit by bit, cosines in doubles, and no sample ever rounded."""

from __future__ import annotations

import numpy as np

DIAGONALS = sorted(((y, x) for y in range(8) for x in range(8)), key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
COSINES = np.array([[np.cos((2 * x + 1) * u * np.pi / 16) * (0.5 if u else 0.125**0.5) for u in range(8)] for x in range(8)])


def segments(data):
    at = 2
    while True:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at + 4 : at + 2 + length]
        at += 2 + length
        if data[at - length - 1] == 0xDA:
            yield 0, data[at : data.rindex(b"\xff\xd9")].replace(b"\xff\0", b"\xff")
            return


def symbols(body):
    """Class and number of a Huffman table, and its codes, as text, with their symbols."""
    while body:
        code, codes, at = 0, {}, 17
        for length in range(1, 17):
            for _ in range(body[length]):
                codes[f"{code:0{length}b}"] = body[at]
                code, at = code + 1, at + 1
            code *= 2
        yield body[0], codes
        body = body[at:]


def read(data):
    """The planes of a file, less 128, in doubles; how much finer the first is; and (height, width)."""
    steps, tables = {}, {}
    for marker, body in segments(data):
        if marker == 0xDB:
            steps |= {body[at]: body[at + 1 : at + 65] for at in range(0, len(body), 65)}
        elif marker == 0xC4:
            tables |= dict(symbols(body))
        elif marker == 0xC0:
            shape = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            parts = [(body[at + 1] & 15, body[at + 1] >> 4, steps[body[at + 2]]) for at in range(6, len(body), 3)]
            parts = parts if len(parts) > 1 else [(1, 1, parts[0][2])]
        elif marker == 0xDA:
            chosen = [(tables[body[at] >> 4], tables[16 | body[at] & 15]) for at in range(2, 2 + 2 * len(parts), 2)]
        elif marker == 0:
            planes = scan("".join(f"{octet:08b}" for octet in body) + "1" * 64, shape, parts, chosen)
    finest = parts[0][:2]
    ends = [[-(-shape[i] * part[i] // finest[i]) for i in (0, 1)] for part in parts]
    return [plane[:height, :width] for plane, (height, width) in zip(planes, ends, strict=True)], finest, shape


def scan(bits, shape, parts, tables):
    units = tuple(-(-shape[i] // (8 * parts[0][i])) for i in (0, 1))
    planes = [np.zeros((units[0] * down * 8, units[1] * across * 8)) for down, across, _ in parts]
    at, before = 0, [0] * len(parts)
    for unit in np.ndindex(units):
        for part, (down, across, steps) in enumerate(parts):
            for y, x in np.ndindex(down, across):
                values, at = block(bits, at, *tables[part])
                values[0] = before[part] = before[part] + values[0]
                square = np.zeros((8, 8))
                for value, step, place in zip(values, steps, DIAGONALS, strict=True):
                    square[place] = value * step
                top, left = 8 * (unit[0] * down + y), 8 * (unit[1] * across + x)
                planes[part][top : top + 8, left : left + 8] = COSINES @ square @ COSINES.T
    return planes


def block(bits, at, first, others):
    values, place = [0] * 64, 0
    while place < 64:
        codes = others if place else first
        end = next(end for end in range(at + 1, at + 17) if bits[at:end] in codes)
        run, size = divmod(codes[bits[at:end]], 16)
        digits, at = bits[end : end + size], end + size
        if place and not size and run < 15:
            break
        place += run
        if size:
            values[place] = int(digits, 2) - (0 if digits[0] == "1" else (1 << size) - 1)
        place += 1
    return values, at


def widened(plane, times):
    """Twice the rows: three parts the nearest, one part the next."""
    if times == 1:
        return plane
    out = np.repeat(plane, 2, axis=0)
    out[0::2] += (np.concatenate([plane[:1], plane[:-1]]) - plane) / 4
    out[1::2] += (np.concatenate([plane[1:], plane[-1:]]) - plane) / 4
    return out


def ideal(data):
    planes, (down, across), (height, width) = read(data)
    luma, *colours = planes
    if not colours:
        return luma[..., None] + 128
    blue, red = (widened(widened(plane, down).T, across).T[:height, :width] for plane in colours)
    return np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2) + 128
