"""What a process and all that it started take of this machine: processor time, memory, threads, descriptors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mrsr.errors import UserError

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process takes.

    Attributes:
      pid: of the process.
      name: what was started, in short: its module or program.
      cpu_s: processor time since it began, s.
      memory_mib: resident, MiB.
      threads: count.
      descriptors: open files and sockets.
    """

    pid: int
    name: str
    cpu_s: float
    memory_mib: float
    threads: int
    descriptors: int


def tree(pid: int) -> list[int]:
    """A process and all that it and they started, those alive.

    Raises:
      UserError: there is no such process.
    """
    if not (_PROC / str(pid)).exists():
        raise UserError(f"process {pid}: not there; expected the id of one that runs on this machine")
    parents = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += [child for child, parent in parents.items() if parent == found[-1]]
    return found


def usage(pid: int) -> Usage | None:
    """What a process takes now; None where it is gone or is not ours to look at."""
    fields = _stat(pid)
    folder = _PROC / str(pid)
    try:
        words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        descriptors = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return None
    if not fields or fields[0] == "Z":
        return None
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Usage(pid, _name(words), cpu, int(fields[21]) * _PAGE / 2**20, int(fields[17]), descriptors)


def usages(pid: int) -> list[Usage]:
    """What a process and all that it started take now.

    Raises:
      UserError: there is no such process.
    """
    return [found for process in tree(pid) if (found := usage(process))]


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) behind the name, which may hold anything: state, parent and so on."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _name(words: list[str]) -> str:
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    programs = [word for word in words[:2] if word and not Path(word).name.startswith("python")]
    return Path(programs[0]).name if programs else Path(words[0]).name
