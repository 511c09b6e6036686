"""A status document laid out in tables for people; a terminal of 80 columns shows them whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from rich import box
from rich.console import Group
from rich.table import Table

from pipeline.space import size_in_words

__all__ = ["COLUMNS", "page"]

COLUMNS = ("done", "partial", "stale", "waiting", "quarantined", "failed")

Row: TypeAlias = Mapping[str, Any]


def page(document: Mapping[str, Any]) -> Group:
    """Lay out the whole document: stages, what each kind of product adds, disk."""
    stages = _empty("Stages")
    stages.add_column("stage")
    for column in COLUMNS:
        stages.add_column(column, justify="right")
    for name, counts in document["stages"].items():
        stages.add_row(name, *(_number(counts[column], alarm=column in {"quarantined", "failed"}) for column in COLUMNS))
    sections = ((title, rows) for title, rows in document.items() if title not in {"stages", "disk"} and rows)
    return Group(stages, *(table for title, rows in sections for table in _section(title.capitalize(), rows)), _disk(document["disk"]))


def _disk(disk: Row) -> str:
    rooms = ", ".join(f"{'top' if name == '.' else name} {size_in_words(size)}" for name, size in disk["rooms"].items() if size)
    left = f"; at this rate there is room for {size_in_words(disk['room_for'])} more of it" if disk["room_for"] is not None else ""
    made = f"{size_in_words(disk['bytes'])} from {size_in_words(disk['downlink'])} of downlink ({rooms or 'nothing'})"
    count, gone = disk["pruned"]["products"], disk["pruned"]["bytes"]
    pruned = f"; {count:,} products pruned ({size_in_words(gone)})" if count else ""
    return f" Disk: {made}{pruned}; {size_in_words(disk['free'])} free{left}"


def _empty(title: str) -> Table:
    return Table(box=box.SIMPLE, title=title, title_justify="left", title_style="bold", padding=0, pad_edge=False)


def _section(title: str, rows: Any) -> list[Table]:
    """Lay out one section: rows by name, one row, or a list of rows, where what many rows have in common stands above them."""
    if isinstance(rows, dict):
        named = all(isinstance(row, dict) for row in rows.values())
        return [_table(title, [{"": name, **row} for name, row in rows.items()] if named else [rows])]
    names = _names(rows)
    common = names[:-1]
    told = [column for column in rows[0] if column in names[-1:] or (column not in names and any(row[column] for row in rows))]
    parts = groupby(rows, key=lambda row: tuple(row[column] for column in common))
    return [_table(_heading(title, common, values), [{column: row[column] for column in told} for row in part]) for values, part in parts]


def _names(rows: Sequence[Row]) -> list[str]:
    """Return the first columns, as many as tell the rows apart; behind them, what is nought in every row says nothing and is left out."""
    columns = list(rows[0])
    for count in range(1, len(columns)):
        if len({tuple(row[column] for column in columns[:count]) for row in rows}) == len(rows):
            return columns[:count]
    return columns[:1]


def _heading(title: str, columns: Sequence[str], values: Sequence[Any]) -> str:
    pairs = zip(columns, values, strict=True)
    told = (value if isinstance(value, str) else f"{column.replace('_', ' ')} {value}" for column, value in pairs)
    return " ".join([title, ", ".join(told)]).rstrip()


def _table(title: str, rows: Sequence[Row]) -> Table:
    table = _empty(title)
    rows = [_counted(row) for row in rows]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for column in columns:
        words = isinstance(rows[0].get(column), str)
        table.add_column(column.replace("_", " "), justify="left" if words else "right", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _counted(row: Row) -> Row:
    """Replace counts by their sum where their names are numbers (packets by APID): --json has each of them."""
    return {column: _summed(value) if isinstance(value, dict) else value for column, value in row.items()}


def _summed(counts: Mapping[str, int]) -> int | str:
    if all(str(name).isdigit() for name in counts):
        return sum(counts.values())
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _number(count: int, *, alarm: bool = False) -> str:
    if not count:
        return "[dim]-[/dim]"
    return f"[red]{count:,}[/red]" if alarm else f"{count:,}"
