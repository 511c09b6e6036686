"""A contact sheet of picture files: python -m stages.contact_sheet FILE... --out SHEET.png or SHEET.jpg."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import SkycraneError
from pipeline.memory import keep_freed_memory

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the sheet; print where it is."""
    options = _parser().parse_args(arguments)
    keep_freed_memory()
    try:
        for path in _make(options):
            sys.stdout.write(f"{path}\n")
    except SkycraneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stages.contact_sheet", description="Make a contact sheet of picture files, by name.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="pictures: PNG, JPEG, TIFF, archive formats")
    parser.add_argument("--out", type=Path, required=True, help="the sheet: SHEET.png, or SHEET.jpg of quality 90")
    parser.add_argument("--columns", type=int, default=6, help="cells in a row (6)")
    parser.add_argument("--rows", type=int, default=100, help="most on a leaf (100); further leaves are SHEET.2.png and so on")
    parser.add_argument("--width", type=int, default=256, help="pixels of a cell's longer side (256)")
    parser.add_argument("--title", default="Contact sheet", help="what stands above the cells")
    parser.add_argument("--cfa", default="", choices=["", "RGGB", "GRBG", "GBRG", "BGGR"], help="colours of mosaics")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1, help="that read, draw and write (as many as there are processors)"
    )
    return parser


def _make(options: argparse.Namespace) -> Iterator[Path]:
    from stages.contact_sheet.draft import write_sheets

    return write_sheets(
        options.files,
        options.out,
        title=options.title,
        width=options.width,
        columns=options.columns,
        rows=options.rows,
        cfa=options.cfa,
        threads=max(1, options.threads),
    )


if __name__ == "__main__":
    sys.exit(main())
