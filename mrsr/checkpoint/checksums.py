"""The SHA-256 of every file of a saved step, beside those files, in the form that `sha256sum -c SHA256SUMS` reads.

The arrays' own format has no checksum: a flipped bit in it would load as another value. The list is written last, so
that it also says that the save came to its end, on file systems without a rename too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mrsr.errors import UserError
from mrsr.files import replaced

SUMS = "SHA256SUMS"


class DamagedError(UserError):
    """What was saved is not whole any more, or never was."""


def seal(folder: Path) -> None:
    """Writes the checksums of all files in a folder and below it: beside first, then renamed.

    Raises:
      OSError: a file cannot be read, or the list not be written; there is none then.
    """
    text = _list(folder)
    with replaced(folder / SUMS) as beside:
        beside.write_bytes(text)


def is_sealed(folder: Path) -> bool:
    """Whether a folder has its checksums, so that what was to be saved there was saved.

    Raises:
      UserError: that cannot be found out.
    """
    try:
        return (folder / SUMS).is_file()
    except OSError as error:
        raise unreadable(folder, error) from error


def check(folder: Path) -> None:
    """Reads all files of a folder and compares them with its checksums: none changed, missing or added.

    Raises:
      DamagedError: a file is, named in the message; or the folder has no checksums.
      UserError: a file cannot be read, which says nothing of what is in it.
    """
    if not is_sealed(folder):
        raise DamagedError(f"{folder}: damaged ({SUMS} is missing: it was lost, or the save was not finished)")
    try:
        saved, found = (folder / SUMS).read_bytes(), _list(folder)
    except FileNotFoundError as error:
        raise DamagedError(f"{folder}: damaged ({error})") from error
    except OSError as error:
        raise unreadable(folder, error) from error
    if saved != found:
        raise DamagedError(f"{folder}: damaged ({_difference(_parsed(saved), _parsed(found))})")


def unreadable(folder: Path, error: OSError) -> UserError:
    """What is told of a step that may be whole, but that the file system does not give."""
    return UserError(f"{folder}: cannot be read ({error}); nothing is known of what it holds, and it stays")


def _difference(saved: dict[str, str], found: dict[str, str]) -> str:
    """The first difference of two lists, each digest by name."""
    for name in sorted(saved.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in saved:
            return f"{name} is not in {SUMS}"
        if saved[name] != found[name]:
            return f"{name} is not what was saved: its SHA-256 is another than in {SUMS}"
    return f"{SUMS} is not what was saved"


def _list(folder: Path) -> bytes:
    return "".join(f"{_digest(path)}  {name}\n" for name, path in sorted(_files(folder))).encode()


def _parsed(text: bytes) -> dict[str, str]:
    """Digest by name; what is no line of a list gives a name that no file has."""
    parts = (line.partition("  ") for line in text.decode(errors="replace").split("\n") if line)
    return {name: digest for digest, _, name in parts}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path, above: str = "") -> Iterator[tuple[str, Path]]:
    """Every file but the list itself, with its name as seen from the folder."""
    for path in folder.iterdir():
        name = above + path.name
        if path.is_dir():
            yield from _files(path, name + "/")
        elif name != SUMS:
            yield name, path
