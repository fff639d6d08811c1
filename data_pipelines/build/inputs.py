"""What `mrsr data build` is given: folders, files and lists, as video files by name, and what is no video file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mrsr.errors import UserError
from mrsr.video import VIDEO_SUFFIXES

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
LIST_SUFFIX = ".txt"


@dataclass(frozen=True, slots=True)
class Source:
    """A file: where it is, and its name in the data set, its path below the input it was found in."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file or source that is left out: its name, a reason few words long, and what there is to say besides."""

    name: str
    reason: str
    detail: str


def find_sources(inputs: Iterable[Path], leave_out: Iterable[Path] = ()) -> tuple[list[Source], list[Rejected]]:
    """The video files of folders (searched recursively), files and lists (`.txt`, one path a line), and all else there.

    Args:
      inputs: folders, video files, or lists, whose paths are relative to the list's folder.
      leave_out: folders that are not searched, such as the data set being made.

    Returns:
      Video files by name, and the other files with the reason why they are none, by name.

    Raises:
      UserError: an input is missing, or two files would have the same name.
    """
    skipped = {folder.absolute() for folder in leave_out}
    found: list[tuple[Path, Path | None, str]] = []
    rejected: list[Rejected] = []
    for path, root in _entries(inputs, skipped, rejected):
        name = path.relative_to(root).as_posix() if root else path.name
        kind = path.suffix.lower()
        if kind in VIDEO_SUFFIXES:
            found.append((path, root, name))
        elif kind in PHOTO_SUFFIXES:
            rejected.append(Rejected(name, "photograph", "train on it with the source photos:FOLDER"))
        else:
            expected = " ".join(VIDEO_SUFFIXES)
            rejected.append(Rejected(name, "not a video file", f"its name ends in {kind!r}; expected {expected}"))
    return sorted(_named(found), key=lambda source: source.name), sorted(rejected, key=lambda one: one.name)


def _entries(
    inputs: Iterable[Path], skipped: set[Path], rejected: list[Rejected]
) -> Iterator[tuple[Path, Path | None]]:
    """Each file once, with the folder it was searched in, None for one that was named."""
    seen: set[Path] = set()
    for path, root in _all_entries(inputs, skipped, rejected):
        identity = path.resolve()
        if identity not in seen:
            seen.add(identity)
            yield path, root


def _all_entries(
    inputs: Iterable[Path], skipped: set[Path], rejected: list[Rejected]
) -> Iterator[tuple[Path, Path | None]]:
    for path in inputs:
        if path.is_dir():
            yield from ((file, path) for file in _files_below(path, skipped, rejected))
        elif not path.exists():
            raise UserError(f"{path}: not found; expected a folder, a video file or a list of them ({LIST_SUFFIX})")
        elif path.suffix.lower() == LIST_SUFFIX:
            lines = path.read_text(errors="replace").splitlines()
            listed = [path.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]
            lists = [entry for entry in listed if entry.suffix.lower() == LIST_SUFFIX]
            if lists:
                raise UserError(f"{path}: lists {lists[0].name}; expected folders and video files, no further lists")
            yield from _all_entries(listed, skipped, rejected)
        else:
            yield path, None


def _files_below(folder: Path, skipped: set[Path], rejected: list[Rejected]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        where = Path(error.filename)
        name = where.relative_to(folder).as_posix() if where != folder else folder.name
        rejected.append(Rejected(f"{name}/", "unreadable", f"folder: {error.strerror}"))

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if (Path(parent) / name).absolute() not in skipped)
        yield from (Path(parent) / name for name in sorted(files))


def _named(found: list[tuple[Path, Path | None, str]]) -> Iterator[Source]:
    """Names that several inputs share get the name of their input's folder before them."""
    shared = {name for name, count in Counter(name for _, _, name in found).items() if count > 1}
    taken: dict[str, Path] = {}
    for path, root, name in found:
        folder = (root or path.parent).absolute().name
        unique = f"{folder}/{name}" if name in shared else name
        if unique in taken:
            raise UserError(f"{path}: would have the same name, {unique}, as {taken[unique]}; give their common folder")
        taken[unique] = path
        yield Source(path, unique)
