"""`skycrane status`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pipeline.catalog import Catalog
from pipeline.cli.common import json_option, out_argument, reading

__all__ = ["status", "summarise"]


@click.command()
@out_argument
@json_option
def status(out: Path, *, as_json: bool) -> None:
    """Show what OUT holds: stages, link, files, cameras and microphones; never waits for a run."""
    with reading(out) as (_, catalog):
        document = summarise(catalog)
    if as_json:
        click.echo(json.dumps(document, indent=1))
        return
    _print(document, out)


def summarise(catalog: Catalog) -> dict[str, Any]:
    """Make the document that `--json` prints (DESIGN 6): the engine's part, and what each kind of product adds."""
    document: dict[str, Any] = {"stages": catalog.tally()}
    for kind in catalog.registry.kinds.values():
        for name, value in kind.tally(catalog.entries(kind.__name__)).items():
            if isinstance(value, dict) and isinstance(document.get(name), dict):
                document[name] |= value
            else:
                document[name] = value
    return document


def _print(document: dict[str, Any], out: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    stages = Table("stage", box=box.SIMPLE, title="Stages", title_justify="left", title_style="bold")
    columns = ("done", "partial", "stale", "waiting", "quarantined", "failed")
    for column in columns:
        stages.add_column(column, justify="right")
    for name, counts in document["stages"].items():
        stages.add_row(name, *(_number(counts[column], alarm=column in {"quarantined", "failed"}) for column in columns))
    console.print(stages)
    for title, rows in document.items():
        if title != "stages" and rows:
            console.print(_table(title, rows, Table, box.SIMPLE))
    for hint in _hints(document, out):
        click.echo(hint)


def _number(count: int, *, alarm: bool = False) -> str:
    if not count:
        return "[dim]-[/dim]"
    return f"[red]{count:,}[/red]" if alarm else f"{count:,}"


def _table(title: str, rows: Any, table_class: Any, style: Any) -> Any:
    """Lay out one section: a list of rows, rows by name, or one row."""
    if isinstance(rows, dict):
        named = all(isinstance(row, dict) for row in rows.values())
        rows = [{"": name, **row} for name, row in rows.items()] if named else [rows]
    table = table_class(box=style, title=title.capitalize(), title_justify="left", title_style="bold")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for column in columns:
        table.add_column(column.replace("_", " "), justify="left" if isinstance(rows[0].get(column), str) else "right")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count:,}" for name, count in value.items())
    if isinstance(value, float):
        return f"{value:,.2f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _hints(document: dict[str, Any], out: Path) -> list[str]:
    """Name the command that each alarming number leads to."""
    counts = document["stages"].values()
    hints = []
    if any(count["quarantined"] or count["failed"] for count in counts):
        hints.append(f"quarantined: skycrane quarantine list {out}")
    if any(count["stale"] or count["waiting"] for count in counts):
        hints.append(f"stale or waiting: skycrane process INPUT... --out {out} --dry-run tells why")
    if any(count["partial"] for count in counts):
        hints.append(f"partial: skycrane explain {out} PRODUCT tells what is missing")
    hints.append(f"Report: {out / 'index.html'}")
    return hints
