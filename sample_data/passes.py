"""The passes: what each sends, on which virtual channel, in which order, and what happens to it on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sample_data.coding import encode
from sample_data.faults import LOST, Recording, Wear, hurt, record
from sample_data.files import JPEG, LOSSLESS, SOUND, THUMBNAIL, File
from sample_data.frames import FRAME, Channel, Framer
from sample_data.multiplex import Order, frames_of, harsh, middle_of, mild, multiplex, rows_of
from sample_data.packets import EVENTS, IDLE, TELEMETRY, Draft, Packet, Sender, product
from sample_data.sensor import generator
from sample_data.telemetry import Report, channel_blocks, event_body, reports
from sample_data.timeline import BRIDLE_CUT, ENTRY, ticks

__all__ = ["DIRECT", "FIRST", "SECOND", "Downlink", "Pass", "Plan", "downlink"]

DIRECT, FIRST, SECOND = "edl-2021-049x", "edl-2021-049a", "edl-2021-050b"
"""X-band while it lasted (bare transfer frames); the first relay pass; the second, half a day later."""
CREATED = 666953400
"""Clock seconds at which the first file was handed to downlink."""
BLACKOUT = (ENTRY + 36.0, ENTRY + 92.0)
"""No X-band through the plasma."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to go wrong for good."""

    torn: str = "ESF_0000_0666952933_583FDR_N"
    """Beginning of the name of the file whose middle never comes."""
    silent: int = 20
    """Block of sound, from 0, of which nothing comes."""
    unsent: tuple[str, ...] = ("EDF_0000_0666952896_500FDR_N",)
    """Beginnings of the names of files that stay on board: of these frames there is a thumbnail only."""
    second: tuple[str, ...] = ("ES", "EU")
    """Instruments whose lossless files go down in the second pass, the others in the first."""
    again: tuple[str, ...] = ("EDF_0000_0666952784_267FDR_N", "EAF_0000_0666952761_467FDR_N")
    """Files that the second pass repeats though nothing is missing."""


@dataclass(slots=True, kw_only=True)
class Pass:
    """One pass, as sent and as recorded."""

    name: str
    level: str
    """bits or frames."""
    channels: dict[int, Channel]
    order: Order
    wear: Wear
    recording: Recording
    received: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    """Per channel, whether each packet comes whole."""

    def good(self, number: int) -> NDArray[np.bool_]:
        """Say of each frame of a channel whether it comes, and right."""
        rows = self.order[:, 0] == number
        fine: NDArray[np.bool_] = self.recording.corrected[rows] >= 0
        return fine

    def missed(self, number: int) -> list[Packet]:
        """Give what a channel sent, idle packets apart, and did not come."""
        pairs = zip(self.channels[number].packets, self.received[number].tolist(), strict=True)
        return [packet for packet, whole in pairs if not whole and packet.draft.apid != IDLE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """All passes, and the files on board."""

    files: tuple[File, ...]
    created: tuple[int, ...]
    """Clock in ticks of each file's packets: its identity, with the APID."""
    passes: tuple[Pass, ...]


@dataclass(slots=True, kw_only=True)
class _Station:
    """What both ends of the link remember from pass to pass."""

    files: Sequence[File]
    created: Sequence[int]
    plan: Plan
    sender: Sender = field(default_factory=Sender)
    framer: Framer = field(default_factory=Framer)

    def product(self, number: int) -> list[Draft]:
        return product(self.files[number], number, self.created[number])

    def of(self, apid: int) -> list[int]:
        return [number for number, file in enumerate(self.files) if file.apid == apid]

    def named(self, beginnings: tuple[str, ...]) -> list[int]:
        return [number for number, file in enumerate(self.files) if file.name.startswith(beginnings)]

    def never(self) -> set[int]:
        """Files of which something never comes."""
        sound = self.of(SOUND)
        return {*self.named((self.plan.torn,)), *sound[self.plan.silent : self.plan.silent + 1]}

    def lay(self, number: int, drafts: Iterable[Draft], clock_ticks: int) -> Channel:
        return self.framer.lay(number, [self.sender.send(draft) for draft in drafts], self.sender, clock_ticks)


def downlink(files: Sequence[File], plan: Plan) -> Downlink:
    """Send the files home."""
    created = tuple(CREATED * 65536 + 24_611 * number for number in range(len(files)))
    station = _Station(files=files, created=created, plan=plan)
    station.sender.counts.update({TELEMETRY: 16_000, EVENTS: 118, IDLE: 9_000})
    station.framer.counters.update({0: 1_203_441, 1: 0xFFFFFF - 150, 2: 48_000, 63: 777})
    telemetry = _telemetry(station.sender)
    direct = _direct_pass(telemetry, station.sender)
    first = _first_pass(station, telemetry)
    for number in (0, 1, 2, 63):
        # Half a day of other passes lies between.
        station.framer.counters[number] += 61_803
    second = _second_pass(station, first)
    return Downlink(files=tuple(files), created=created, passes=(direct, first, second))


# --- What is sent -----------------------------------------------------------------------------------------------------------------


def _telemetry(sender: Sender) -> list[tuple[float, Packet]]:
    """Give the packets of the landing by time."""
    rows = [(clock, TELEMETRY, block) for clock, block in channel_blocks(ENTRY - 10, BRIDLE_CUT + 45)]
    rows += [(report.clock, EVENTS, event_body(report, 40 + number)) for number, report in enumerate(reports())]
    rows.sort(key=lambda row: row[:2])
    return [(clock, sender.send(Draft(apid=apid, ticks=ticks(clock), body=body))) for clock, apid, body in rows]


def _with_idle(packets: Iterable[tuple[float, Packet]], sender: Sender, rng: np.random.Generator) -> list[Packet]:
    """Put idle packets between, as a link does that must not stop."""
    mixed = []
    for clock, packet in packets:
        mixed.append(packet)
        if rng.random() < 0.16:
            mixed.append(sender.idle(int(rng.integers(40, 420)), ticks(clock)))
    return mixed


def _interleave(products: Iterable[list[Draft]], rng: np.random.Generator) -> list[Draft]:
    """Send two products at a time, a packet or two of each in turn."""
    waiting = list(products)[::-1]
    running: list[list[Draft]] = []
    mixed: list[Draft] = []
    while waiting or running:
        while waiting and len(running) < 2:
            running.append(waiting.pop())
        turn = running[int(rng.integers(len(running)))]
        few = int(rng.integers(1, 3))
        mixed += turn[:few]
        del turn[:few]
        running = [rest for rest in running if rest]
    return mixed


def _shuffled(drafts: list[Draft], rng: np.random.Generator) -> list[Draft]:
    return [drafts[place] for place in rng.permutation(len(drafts)).tolist()]


# --- The passes -------------------------------------------------------------------------------------------------------------------


def _direct_pass(telemetry: list[tuple[float, Packet]], sender: Sender) -> Pass:
    """X-band, straight to Earth, from before entry until the lines are stretched: bare frames, a gap where the plasma was."""
    rng = generator("direct")
    framer = Framer()
    framer.counters[0] = 3_377_001
    early = [(clock, packet) for clock, packet in telemetry if clock < ENTRY + 241.5]
    channel = framer.lay(0, _with_idle(early, sender, rng), sender, ticks(ENTRY + 242))
    lost: set[int] = set()
    for packet, (begin, end) in zip(channel.packets, channel.spans.tolist(), strict=True):
        if ticks(BLACKOUT[0]) < packet.draft.ticks < ticks(BLACKOUT[1]):
            lost |= set(range(begin, end + 1))
    count = len(channel.frames)
    order = np.stack([np.zeros(count, np.int64), np.arange(count)], -1)
    wear = Wear(lost=lost, hopeless={4, count - 5})
    frames = channel.frames.copy()
    frames[sorted(wear.hopeless), 200:260] ^= 0x5A
    kept = ~np.isin(np.arange(count), sorted(lost))
    corrected = np.where(kept, 0, LOST)
    corrected[sorted(wear.hopeless)] = -1
    bits = np.where(kept, (np.cumsum(kept) - 1) * FRAME * 8, -1)
    recording = Recording(data=frames[kept].tobytes(), corrected=corrected, bits=bits)
    return _finish(Pass(name=DIRECT, level="frames", channels={0: channel}, order=order, wear=wear, recording=recording))


def _first_pass(station: _Station, telemetry: list[tuple[float, Packet]]) -> Pass:
    """Telemetry, thumbnails, then sound, JPEG and the first lossless files; everything that can go wrong does."""
    rng, plan, now = generator("first"), station.plan, station.created[0]
    sound = station.of(SOUND)
    later = {*station.named(plan.unsent), *(set(station.named(plan.second)) & set(station.of(LOSSLESS)))}
    large = [number for kind in (JPEG, LOSSLESS) for number in station.of(kind) if number not in later]
    thumbnails = [draft for number in station.of(THUMBNAIL) for draft in station.product(number)]
    blocks = [draft for number in sound for draft in station.product(number)]
    pictures = _interleave((station.product(number) for number in large), rng)
    channels = {
        0: station.framer.lay(0, _with_idle(telemetry, station.sender, rng), station.sender, now),
        1: station.lay(1, thumbnails + blocks, now),
        2: station.lay(2, pictures, now),
    }
    channels[63] = station.framer.idle(max(len(channels[2].frames) // 80, 8))
    share = sum(len(draft.body) for draft in thumbnails) / sum(len(draft.body) for draft in thumbnails + blocks)
    order = multiplex(channels, starts={2: 0.05}, split={1: (share, 0.06)})
    wear = harsh(channels, order, rng)
    wear.hopeless |= rows_of(order, 0, {len(channels[0].frames) * 4 // 5})
    wear.lost |= rows_of(order, 1, frames_of(channels[1], sound[plan.silent : plan.silent + 1]))
    wear.lost |= rows_of(order, 2, middle_of(channels[2], station.named((plan.torn,))))
    wear.hopeless -= wear.lost
    return _send(FIRST, channels, order, wear, rng, share=0.30)


def _second_pass(station: _Station, first: Pass) -> Pass:
    """The other lossless files, what the first pass lost, and a few files again; each file's packets in any order."""
    rng, plan = generator("second"), station.plan
    now = station.created[-1] + 43_000 * 65536
    late = [number for number in station.named(plan.second) if number in station.of(LOSSLESS)]
    whole = station.named(plan.again)
    missed: dict[int, list[Draft]] = {}
    for packet in (*first.missed(1), *first.missed(2)):
        if packet.draft.file not in station.never():
            missed.setdefault(packet.draft.file, []).append(packet.draft)
    # Who asks for a missing piece gets the file's metadata and end again as well.
    again = {
        number: [draft for draft in station.product(number) if draft.kind != "piece" or draft in drafts]
        for number, drafts in missed.items()
    }
    few = {number: station.product(number) for number in station.of(THUMBNAIL)[::5]}
    upper = [*(again[number] for number in again if station.files[number].apid in {THUMBNAIL, SOUND}), *few.values()]
    lower = [again[number] for number in again if station.files[number].apid in {JPEG, LOSSLESS}]
    large = [*map(station.product, late[:1]), *lower, *map(station.product, whole), *map(station.product, late[1:])]
    surface = [
        (clock, station.sender.send(Draft(apid=TELEMETRY, ticks=ticks(clock), body=block)))
        for clock, block in channel_blocks(now / 65536, now / 65536 + 90)
    ]
    told = [Report(0.0, "FILE_SENT", "dp", (station.files[number].name[:54],)) for number in late]
    news = [
        (now / 65536 + 95, Draft(apid=EVENTS, ticks=now + 95 * 65536, body=event_body(report, 90 + number)))
        for number, report in enumerate(told)
    ]
    # Telemetry is played back as it was, numbers and all; a file's packets are made anew.
    sent = [(clock, station.sender.send(draft)) for clock, draft in news]
    channels = {
        0: station.framer.lay(0, first.missed(0) + _with_idle(surface + sent, station.sender, rng), station.sender, now),
        1: station.lay(1, [draft for drafts in upper for draft in _shuffled(drafts, rng)], now),
        2: station.lay(2, _interleave([_shuffled(drafts, rng) for drafts in large], rng), now),
    }
    channels[63] = station.framer.idle(max(len(channels[2].frames) // 60, 8))
    order = multiplex(channels)
    wear = mild(channels, order, frames_of(channels[2], whole, only=True), rng)
    return _send(SECOND, channels, order, wear, rng, share=0.22)


def _send(name: str, channels: dict[int, Channel], order: Order, wear: Wear, rng: np.random.Generator, *, share: float) -> Pass:
    """Encode, hurt and record."""
    frames = np.empty((len(order), FRAME), np.uint8)
    for number, channel in channels.items():
        frames[order[:, 0] == number] = channel.frames
    units = encode(frames)
    wrong = hurt(units, rng, wear, share=share)
    recording = record(units, wrong, wear, rng)
    return _finish(Pass(name=name, level="bits", channels=channels, order=order, wear=wear, recording=recording))


def _finish(sent: Pass) -> Pass:
    """Find out which packets come whole: those of which every frame comes right."""
    for number, channel in sent.channels.items():
        bad = np.concatenate([[0], np.cumsum(~sent.good(number))])
        sent.received[number] = bad[channel.spans[:, 1] + 1] == bad[channel.spans[:, 0]]
    return sent
