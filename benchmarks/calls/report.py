"""What every measurement of calls writes: its figures with the machine, the versions and how it was asked for."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mrsr.evaluation.evaluate import write_report
from mrsr.inference.bench import device_name

FOLDER = Path(__file__).parents[2] / "docs" / "results" / "streaming"


def written(name: str, arguments: Sequence[str], figures: dict[str, Any], path: Path | None) -> Path:
    """Writes the figures of `benchmarks.calls.NAME` as JSON, by default among the results of the documents."""
    path = path or FOLDER / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Where it was written to is no part of what was measured.
    places = {index for index, word in enumerate(arguments) if word in ("--json", "--pictures")}
    kept = [word for index, word in enumerate(arguments) if not {index, index - 1} & places]
    command = " ".join(["python -m", f"benchmarks.calls.{name}", *kept])
    write_report({"command": command, "machine": machine()} | figures, path)
    return path


def machine() -> dict[str, Any]:
    """What it was measured on, and when."""
    versions = {name: importlib.metadata.version(name) for name in ("aiortc", "av", "aiohttp", "playwright")}
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "device": device_name(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "chromium": _chromium(),
    } | versions


def rounded(value: Any, digits: int = 2) -> Any:
    """The same with every float in it rounded."""
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, dict):
        return {key: rounded(each, digits) for key, each in value.items()}
    return [rounded(each, digits) for each in value] if isinstance(value, (list, tuple)) else value


def _chromium() -> str | None:
    program = shutil.which("chromium")
    if program is None:
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
        return " ".join(done.stdout.split()[:2]) or None
    return None


def lines(rows: dict[str, Any], indent: str = "") -> Iterator[str]:
    """The figures as lines for a terminal."""
    for key, value in rows.items():
        if isinstance(value, dict) and any(isinstance(each, dict) for each in value.values()):
            yield f"{indent}{key}:"
            yield from lines(value, indent + "  ")
        elif not isinstance(value, list) or len(value) < 12:
            yield f"{indent}{key}: {value}"
