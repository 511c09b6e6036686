"""Channels, Events and their tables: what the spacecraft said of itself."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.product import Completeness, Facts, Key, Product, Sink, Source
from stages.products.tables import from_npy, to_npy

__all__ = ["CHANNEL_DTYPE", "EVENT_DTYPE", "ChannelTable", "Channels", "EventTable", "Events"]

CHANNEL_DTYPE = np.dtype(
    [
        ("clock", "<i8"),  # of the packet's secondary header, in ticks
        ("apid", "<u2"),
        ("sequence", "<u2"),
        ("channel", "<u2"),
        ("value", "<f8"),
    ]
)
"""A row a value."""

EVENT_DTYPE = np.dtype(
    [
        ("clock", "<i8"),
        ("apid", "<u2"),
        ("sequence", "<u2"),
        ("event", "<u4"),  # identifier in the dictionary
        ("counter", "<u4"),
        ("task", "S8"),  # that reported it
        ("arguments", "S256"),  # JSON list
    ]
)
"""A row an event report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded(Product):
    """What the telemetry packets of a chunk say, a row each."""

    KEY: ClassVar[tuple[str, ...]] = ("pass", "chunk")
    PACKED: ClassVar[bool] = True
    DTYPE: ClassVar[np.dtype[np.void]]
    UNIT: ClassVar[str]
    REFUSAL: ClassVar[str]

    pass_: str
    chunk: str
    table: NDArray[Any]
    """(n,) DTYPE, in the order received."""
    refused: int = 0
    """Packets that could not be decoded."""

    def save(self, sink: Sink) -> None:
        """Write the table as .npy."""
        sink.write(to_npy(self.table))

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        table = from_npy(source.read(), cls.DTYPE)
        return cls(pass_=source.key["pass"], chunk=source.key["chunk"], table=table, refused=source.facts["refused"])

    def completeness(self) -> Completeness:
        """Count rows."""
        caveats = (f"{self.refused} {self.REFUSAL}",) if self.refused else ()
        return Completeness(received=len(self.table), unit=self.UNIT, caveats=caveats)

    def facts(self) -> Facts:
        """Count of the packets refused."""
        return {"refused": self.refused}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels(_Decoded):
    """The channel values in the packets of a chunk."""

    DTYPE: ClassVar[np.dtype[np.void]] = CHANNEL_DTYPE
    UNIT: ClassVar[str] = "values"
    REFUSAL: ClassVar[str] = "channel packets do not fit the dictionary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Events(_Decoded):
    """The event reports in the packets of a chunk."""

    DTYPE: ClassVar[np.dtype[np.void]] = EVENT_DTYPE
    UNIT: ClassVar[str] = "events"
    REFUSAL: ClassVar[str] = "event packets could not be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table(Product):
    """A table of the whole downlink, as Parquet."""

    KEY: ClassVar[tuple[str, ...]] = ()
    NAME: ClassVar[str]

    table: Any
    """pyarrow.Table."""

    @classmethod
    def stem(cls, key: Key) -> str:
        """telemetry/NAME."""
        del key
        return f"telemetry/{cls.NAME}"

    def save(self, sink: Sink) -> None:
        """Write Parquet."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        stream = io.BytesIO()
        # Dictionary columns of equal values were seen to give unequal bytes; plain ones do not.
        plain = [(field.name, field.type.value_type if hasattr(field.type, "value_type") else field.type) for field in self.table.schema]
        pq.write_table(self.table.cast(pa.schema(plain)).combine_chunks(), stream, compression="gzip")
        sink.path(".parquet").write_bytes(stream.getvalue())

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read what `save` wrote."""
        import pyarrow.parquet as pq

        return cls(table=pq.read_table(io.BytesIO(source.read(".parquet"))))

    def completeness(self) -> Completeness:
        """Count rows."""
        return Completeness(received=self.table.num_rows, unit="rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTable(_Table):
    """Columns clock (ticks), utc, channel, name, value, unit, apid, sequence; by clock, channel."""

    NAME: ClassVar[str] = "channels"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable(_Table):
    """Columns clock (ticks), utc, event, name, message, level, task, counter, apid, sequence; by clock, counter."""

    NAME: ClassVar[str] = "events"
