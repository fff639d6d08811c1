"""What `mrsr data build` is given: folders, files and lists, as video files by name, and what is no video file."""

from __future__ import annotations

import os
import stat
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
    """A video file.

    Attributes:
      path: where it is.
      name: in the data set, no other source's.
      below: its path below the input it was found in: `name`, unless another source's is the same. What else there is
        does not change it.
    """

    path: Path
    name: str
    below: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file or source that is left out: its name, a reason few words long, and what there is to say besides."""

    name: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file: where it is, the folder it was searched in (None if it was named), and that of the list that named it."""

    path: Path
    root: Path | None
    list_folder: Path | None

    def below(self) -> str:
        return self.path.relative_to(self.root).as_posix() if self.root else self.path.name

    def longer(self) -> str:
        """The name where `below` is another file's too: from the list's folder, or with the input's folder before."""
        if self.list_folder and self.path.is_relative_to(self.list_folder) and ".." not in self.path.parts:
            return self.path.relative_to(self.list_folder).as_posix()
        return f"{(self.root or self.path.parent).absolute().name}/{self.below()}"


def find_sources(inputs: Iterable[Path], leave_out: Iterable[Path] = ()) -> tuple[list[Source], list[Rejected]]:
    """The video files of folders (searched recursively), files and lists (`.txt`, one path a line), and all else there.

    Links are followed; a file that several names lead to is taken once.

    Args:
      inputs: folders, video files, or lists, whose paths are relative to the list's folder.
      leave_out: folders that are not searched, such as the data set being made.

    Returns:
      Video files by name, and the other files with the reason why they are none, by name.

    Raises:
      UserError: an input is missing, or two files would have the same name.
    """
    seen = {os.path.realpath(folder) for folder in leave_out}
    found: list[_Entry] = []
    rejected: list[Rejected] = []
    for entry in _entries(inputs, None, seen, rejected):
        if refused := _refused(entry):
            rejected.append(refused)
        else:
            found.append(entry)
    return sorted(_named(found), key=lambda source: source.name), sorted(rejected, key=lambda one: one.name)


def _refused(entry: _Entry) -> Rejected | None:
    """Why the file is no source; None where it may be one."""
    name, kind = _printable(entry.below()), entry.path.suffix.lower()
    try:
        is_file = stat.S_ISREG(entry.path.stat().st_mode)
    except OSError as error:
        return Rejected(name, "unreadable", error.strerror or str(error))
    if kind in PHOTO_SUFFIXES:
        return Rejected(name, "photograph", "train on it with the source photos:FOLDER")
    if kind not in VIDEO_SUFFIXES:
        expected = " ".join(VIDEO_SUFFIXES)
        return Rejected(name, "not a video file", f"its name ends in {_printable(kind)!r}; expected {expected}")
    if not is_file:
        return Rejected(name, "not a video file", "it is a device or a pipe; expected a file")
    try:
        os.fsencode(entry.below()).decode()
    except UnicodeDecodeError:
        return Rejected(name, "name not UTF-8", "a data set holds names as text; expected another name")
    return None


def _printable(name: str) -> str:
    r"""The name as UTF-8, whatever the locale, with bytes that are none as `\xNN`."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _entries(
    inputs: Iterable[Path], list_folder: Path | None, seen: set[str], rejected: list[Rejected]
) -> Iterator[_Entry]:
    """Each file once; folders and files met are added to `seen`."""
    for path in inputs:
        if path.is_dir():
            yield from (_Entry(file, path, list_folder) for file in _files_below(path, seen, rejected))
        elif not path.exists():
            raise UserError(f"{path}: not found; expected a folder, a video file or a list of them ({LIST_SUFFIX})")
        elif path.suffix.lower() == LIST_SUFFIX:
            if list_folder:
                raise UserError(f"{path}: is named in a list; expected folders and video files, no further lists")
            lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            listed = [path.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]
            yield from _entries(listed, path.parent, seen, rejected)
        elif _is_new(path, seen):
            yield _Entry(path, None, list_folder)


def _files_below(folder: Path, seen: set[str], rejected: list[Rejected]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        where = Path(error.filename)
        name = where.relative_to(folder).as_posix() if where != folder else folder.name
        rejected.append(Rejected(f"{_printable(name)}/", "unreadable", f"folder: {error.strerror}"))

    # Not of the folder itself: an input may be named twice, once by a folder above it, and its files are new or not.
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        here = Path(parent)
        folders[:] = [name for name in _links_last(here, folders) if _is_new(here / name, seen)]
        yield from (here / name for name in _links_last(here, files) if _is_new(here / name, seen))


def _links_last(folder: Path, names: Iterable[str]) -> list[str]:
    """In the order of names, links behind what they may lead to: a file goes by its own name."""
    return sorted(names, key=lambda name: ((folder / name).is_symlink(), name))


def _is_new(path: Path, seen: set[str]) -> bool:
    identity = os.path.realpath(path)
    new = identity not in seen
    seen.add(identity)
    return new


def _named(found: list[_Entry]) -> Iterator[Source]:
    """Names that several files share get longer."""
    shared = {name for name, count in Counter(entry.below() for entry in found).items() if count > 1}
    taken: dict[str, Path] = {}
    for entry in found:
        below = entry.below()
        name = _printable(entry.longer() if below in shared else below)
        if name in taken:
            raise UserError(
                f"{entry.path}: would have the same name, {name}, as {taken[name]}; give their common folder"
            )
        taken[name] = entry.path
        yield Source(entry.path, name, _printable(below))
