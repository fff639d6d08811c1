"""The index of licences: which licence a source file stands under, out of a CSV file or a Markdown table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mrsr.errors import UserError

NOT_STATED = "licence not stated"


def read_index(file: Path) -> dict[str, str]:
    """Licences by file, as an index of the columns `file` and `licence` (or `license ...`) gives them.

    Raises:
      UserError: it cannot be read, or has no such columns.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--index {file}: cannot be read ({error})") from None
    rows = list(csv.reader(text.splitlines())) if file.suffix.lower() == ".csv" else list(_table(text))
    heading = [cell.strip().lower() for cell in rows[0]] if rows else []
    named = [index for index, cell in enumerate(heading) if cell == "file"]
    licensed = [index for index, cell in enumerate(heading) if cell.startswith(("licence", "license"))]
    if not named or not licensed:
        raise UserError(f"--index {file}: columns {heading}; expected CSV or a Markdown table with file and licence")
    entries = (row for row in rows[1:] if len(row) > max(named[0], licensed[0]) and row[named[0]].strip())
    return {entry[named[0]].strip(): entry[licensed[0]].strip() for entry in entries}


def _table(text: str) -> Iterator[list[str]]:
    """The rows of the first Markdown table with a column `file`."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            if inside:
                return
        elif inside or "file" in (cell.lower() for cell in cells):
            inside = True
            if set("".join(cells)) - set("-: "):
                yield cells


def licence_of(path: Path, index: dict[str, str]) -> str:
    """What the index says of a file; "" where it says nothing. The entry that names most of its path counts."""
    parts = path.absolute().parts
    for length in range(len(parts), 0, -1):
        licence = index.get(str(PurePosixPath(*parts[-length:])))
        if licence:
            return licence
    return ""
