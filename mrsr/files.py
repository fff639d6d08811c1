"""Files that are there whole or not at all: written beside their name, renamed when they are complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def part_of(path: Path) -> Path:
    """Where `replaced` writes a file until it is whole: beside it, hidden, of the same ending."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """The path (`part_of`) that the `with` block is to write a file to.

    It takes the place of `path` when the block ends well; otherwise it is removed, and what was there before stays.

    Raises:
      OSError: nothing was written, or the file cannot take that name.
    """
    beside = part_of(path)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
