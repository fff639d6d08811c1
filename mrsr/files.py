"""Files that are there whole or not at all, and logs that lines are added to; on a disk or in a bucket."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrsr.remote import is_remote, upload

_LOG = logging.getLogger(__name__)


def part_of(path: Path) -> Path:
    """Where `replaced` writes a file until it is whole: beside it, hidden, of the same ending."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """The path that the `with` block is to write a file to: `part_of` the path, or of this machine for a bucket.

    It takes the place of `path` when the block ends well; otherwise it is removed, and what was there before stays.

    Raises:
      OSError: nothing was written, or the file cannot take that name.
    """
    if is_remote(path):
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder) / path.name
            yield here
            upload(here, path)
        return
    beside = part_of(path)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


class Log:
    """A text file that lines are added to, those of an earlier run before them.

    In a bucket, where nothing can be added to a file, it is written again as a whole: once in `EVERY` seconds, and at
    the end. Where that fails, a warning says so and the next time has all the lines: a log is not worth a run.
    """

    EVERY = 60.0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = None if is_remote(path) else path.open("a", encoding="utf-8")
        self._lines = [path.read_text(encoding="utf-8")] if is_remote(path) and path.is_file() else []
        self._written = time.monotonic()

    def write(self, line: str) -> None:
        """Adds a line, given without its end."""
        if self._file:
            self._file.write(line + "\n")
            self._file.flush()
            return
        self._lines.append(line + "\n")
        if time.monotonic() - self._written > self.EVERY:
            self._upload()

    def close(self) -> None:
        """Writes what is not written yet."""
        if self._file:
            self._file.close()
        else:
            self._upload()

    def _upload(self) -> None:
        try:
            with replaced(self._path) as here:
                here.write_text("".join(self._lines), encoding="utf-8")
        except OSError as error:
            _LOG.warning("%s", error)
        self._written = time.monotonic()
