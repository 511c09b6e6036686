"""What one chunk hands on to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from pipeline.product import Completeness, Key, Product, Sink, Source

__all__ = ["Carry", "ChannelState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What one virtual channel hands on from chunk to chunk."""

    counter: int | None = None
    """Of its last good frame."""
    open: bytes = b""
    """Start of the packet that is not complete yet; empty if there is none or its start was lost."""
    synchronised: bool = False
    """Whether the open packet (or the next octet) continues in the next frame; False: wait for a first header pointer."""
    position: int = 0
    """Bit at which the open packet's first frame begins, of the pass or of the numbered part."""
    frames: int = 0
    """That the open packet lies in so far."""
    recent: tuple[tuple[int, int], ...] = ()
    """Counter and digest of its last good frames, oldest first: a frame that comes again is known by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry(Product):
    """What the next chunk of a pass needs to know; nothing cumulative, so that an unchanged carry stops a rerun."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")

    pass_: str
    chunk: str
    channels: Mapping[int, ChannelState] = field(default_factory=dict)
    """By global virtual channel: spacecraft * 64 + virtual channel."""
    sequences: Mapping[int, int] = field(default_factory=dict)
    """By APID: the last sequence count."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """packets/PASS/CHUNK, beside the packets."""
        return f"packets/{key['pass']}/{key['chunk']}"

    def save(self, sink: Sink) -> None:
        """Write JSON."""
        channels = {
            str(number): {
                "counter": state.counter,
                "open": state.open.hex(),
                "synchronised": state.synchronised,
                "position": state.position,
                "frames": state.frames,
                "recent": state.recent,
            }
            for number, state in sorted(self.channels.items())
        }
        sequences = {str(apid): count for apid, count in sorted(self.sequences.items())}
        sink.path(".carry.json").write_text(json.dumps({"channels": channels, "sequences": sequences}) + "\n")

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        value = json.loads(source.read(".carry.json"))
        return cls(
            pass_=source.key["pass"],
            chunk=source.key["chunk"],
            channels={
                int(number): ChannelState(
                    **(
                        state
                        | {
                            "open": bytes.fromhex(state["open"]),
                            "recent": tuple((counter, digest) for counter, digest in state["recent"]),
                        }
                    )
                )
                for number, state in value["channels"].items()
            },
            sequences={int(apid): count for apid, count in value["sequences"].items()},
        )

    def completeness(self) -> Completeness:
        """Count the octets that wait."""
        waiting = sum(len(state.open) for state in self.channels.values())
        return Completeness(received=waiting, expected=waiting)
