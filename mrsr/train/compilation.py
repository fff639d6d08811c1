"""Compiled programs kept on disk, so that a run that starts again need not compile again: JAX's persistent cache."""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from pathlib import Path

import jax

MOST_BYTES = 1 << 30
"""Size above which the programs written longest ago are removed at the next start. Own choice."""


def keep_programs() -> Path | None:
    """Has JAX keep compiled programs and look for them; to be called before JAX compiles anything.

    They are kept in `mrsr/compiled/` in `$XDG_CACHE_HOME` or `~/.cache`. JAX's own settings rule: with
    `JAX_COMPILATION_CACHE_DIR` they are kept there, with `JAX_ENABLE_COMPILATION_CACHE=false` nowhere.

    Returns:
      The folder; None where they are not kept, or only where the user said.
    """
    settings = jax.config.values
    if not settings["jax_enable_compilation_cache"] or settings["jax_compilation_cache_dir"]:
        return None
    above = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # A home folder is shared by machines; a program compiled for one CPU may not run on another.
    folder = above / "mrsr" / "compiled" / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        bound(folder, MOST_BYTES)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder


def bound(folder: Path, most: int) -> None:
    """Removes the files of a folder that were written longest ago until it holds `most` bytes or less."""
    files = [(path.stat(), path) for path in folder.iterdir() if path.is_file()]
    held = sum(stat.st_size for stat, _ in files)
    for stat, path in sorted(files, key=lambda file: file[0].st_mtime):
        if held <= most:
            return
        path.unlink(missing_ok=True)
        held -= stat.st_size


def _processor() -> str:
    """A name for the kind of CPU: its architecture, and where Linux tells them a digest of its model and features."""
    told: list[str] = []
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told = sorted({line for line in lines if line.partition(":")[0].strip() in ("model name", "flags", "Features")})
    digest = hashlib.sha256("\n".join([platform.processor(), *told]).encode()).hexdigest()[:8]
    return f"{platform.machine()}-{digest}"
